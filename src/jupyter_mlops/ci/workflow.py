"""The steps as a workflow for GitHub or GitLab."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from ..project import Project
from .plan import RESULTS, Step

Server = Literal["github", "gitlab"]
PATHS: dict[Server, str] = {"github": ".github/workflows/mlops.yml", "gitlab": ".gitlab-ci.yml"}
BEGIN, END = "# >>> your own steps", "# <<< your own steps"
_PLAIN = re.compile(r"[A-Za-z0-9_./][A-Za-z0-9_./ =,\[\]-]*")
_SPECIAL = re.compile(r"(?:true|false|yes|no|on|off|null|~|[\d.]+)", re.IGNORECASE)


def workflow(server: Server, project: Project, steps: Sequence[Step]) -> str:
    """Return the text of the workflow file, without the line that begins it."""
    return _github(project, steps) if server == "github" else _gitlab(project, steps)


def _github(project: Project, steps: Sequence[Step]) -> str:
    settings = project.settings.ci
    branch = _scalar(settings.branch)
    lines = [
        "name: mlops",
        "on:",
        "  push:",
        f"    branches: [{branch}]",
        "  pull_request:",
        "  workflow_dispatch:",
        "permissions:",
        "  contents: read",
        "concurrency:",
        "  group: mlops-${{ github.ref }}",
        "jobs:",
        "  mlops:",
        "    runs-on: ubuntu-latest",
        "    steps:",
        "      - uses: actions/checkout@v4",
        "      - uses: actions/setup-python@v5",
        "        with:",
        f"          python-version: {json.dumps(settings.python)}",
        "          cache: pip",
        # pip's cache is keyed by the first of these that is there.
        "          cache-dependency-path: |",
        "            **/requirements*.txt",
        "            **/pyproject.toml",
        "            mlops.toml",
        "      # Runs, releases and the step cache: what the last run of the main branch left.",
        "      - uses: actions/cache@v4",
        "        with:",
        "          path: .mlops",
        "          key: mlops-${{ github.ref_name }}-${{ github.run_id }}",
        "          restore-keys: |",
        "            mlops-${{ github.ref_name }}-",
        f"            mlops-{settings.branch}-",
        "      - name: Install",
        *_block(8, "run", install(project)),
        f"      {BEGIN}",
        f"      {END}",
    ]
    for step in steps:
        if step.on_main:
            continue
        lines += _github_step(step, None)
    lines += [
        "      - name: Upload executed notebooks and reports",
        "        if: ${{ !cancelled() }}",
        "        uses: actions/upload-artifact@v4",
        "        with:",
        f"          name: {RESULTS}",
        f"          path: {RESULTS}/",
        "          if-no-files-found: ignore",
    ]
    for step in steps:
        if step.on_main:
            lines += _github_step(step, f"github.ref == 'refs/heads/{settings.branch}'")
    return "\n".join(lines) + "\n"


def _github_step(step: Step, condition: str | None) -> list[str]:
    condition = "${{ !cancelled() }}" if step.always else condition
    head = [f"      - name: {step.name}"]
    if condition:
        head.append(f"        if: {condition}")
    return [*head, *_block(8, "run", step.commands)]


def _gitlab(project: Project, steps: Sequence[Step]) -> str:
    settings = project.settings.ci
    # A GitLab job ends with its first failure: what always runs stands after the script.
    always = [command for step in steps if step.always for command in step.commands]
    scripts = [step for step in steps if not step.always and not step.on_main]
    lines = [
        "stages: [check, promote]",
        "default:",
        f"  image: {_scalar(f'python:{settings.python}')}",
        "  # Runs, releases and the step cache: what the last run left.",
        "  cache:",
        "    key: mlops",
        "    paths: [.mlops]",
        "    when: always",
        "  before_script:",
        *(f"    - {_scalar(command)}" for command in install(project)),
        "mlops:",
        "  stage: check",
        "  script:",
    ]
    for step in scripts:
        lines.append(f"    # {step.name}")
        lines += [f"    - {_scalar(command)}" for command in step.commands]
    lines += [f"    {BEGIN}", f"    {END}"]
    lines += (
        ["  after_script:", *(f"    - {_scalar(command)}" for command in always)] if always else []
    )
    lines += [
        "  artifacts:",
        "    when: always",
        f"    paths: [{RESULTS}/]",
        "  rules:",
        '    - if: $CI_PIPELINE_SOURCE == "merge_request_event"',
        "    - if: $CI_COMMIT_BRANCH == $CI_DEFAULT_BRANCH"
        if settings.branch == "main"
        else f"    - if: $CI_COMMIT_BRANCH == {json.dumps(settings.branch)}",
    ]
    if promoting := [command for step in steps if step.on_main for command in step.commands]:
        lines += [
            "promote:",
            "  stage: promote",
            "  script:",
            *(f"    - {_scalar(command)}" for command in promoting),
            "  rules:",
            f"    - if: $CI_COMMIT_BRANCH == {json.dumps(settings.branch)}",
        ]
    return "\n".join(lines) + "\n"


def install(project: Project) -> tuple[str, ...]:
    """Return the commands that install what the notebooks need: `[ci] install`, or a guess."""
    if project.settings.ci.install:
        return project.settings.ci.install
    commands = ["python -m pip install jupyter-mlops"]
    if (project.root / "requirements.txt").is_file():
        commands.append("python -m pip install -r requirements.txt")
    elif _is_package(project.root / "pyproject.toml"):
        commands.append("python -m pip install .")
    return tuple(commands)


def _is_package(path: Path) -> bool:
    import tomllib

    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return "project" in content and "build-system" in content


def _block(indent: int, key: str, commands: Sequence[str]) -> list[str]:
    space = " " * indent
    return [f"{space}{key}: |", *(f"{space}  {command}" for command in commands)]


def _scalar(text: str) -> str:
    """Return text as one YAML scalar; JSON's strings are YAML's."""
    if _PLAIN.fullmatch(text) and not _SPECIAL.fullmatch(text) and not text.endswith(" "):
        return text if "[" not in text and "," not in text else json.dumps(text)
    return json.dumps(text, ensure_ascii=False)
