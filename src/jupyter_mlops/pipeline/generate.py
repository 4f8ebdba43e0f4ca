"""The generated pipeline folder: readable, the same bytes for the same notebook.

Only files that this module wrote are ever replaced or removed; they are listed with their
digests in ``.generated``. Whatever a user adds beside them stays. What a user wrote into a
generated file is kept beside it, as ``<file>.edited``.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import os
import re
import uuid
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from ..errors import MlopsError, Place
from ..notebook import moments
from ..notebook.document import Notebook
from ..os_errors import explain_os_errors
from . import manifest, script
from .model import Pipeline, Step

RECORD = ".generated"
_LINTERS = "# flake8: noqa: F821  the pipeline provides what is not defined here"
"""Says to linters (ruff reads it too) that names without a definition are no mistake here."""
_STEP_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")


def generate(
    pipeline: Pipeline, notebook: Notebook, folder: Path, *, files: Mapping[str, str] | None = None
) -> None:
    """Write the pipeline folder, or bring it up to date.

    Parameters
    ----------
    files
        Further files, path within the folder to text, such as ``Dockerfile`` and
        ``requirements.txt``.

    Raises
    ------
    MlopsError
        ``pipeline.step-name`` for a step whose name cannot be a file's name,
        ``pipeline.occupied`` where a file of that name exists that was not generated.
    """
    for step in pipeline.steps:
        if not _STEP_NAME.fullmatch(step.name):
            raise MlopsError(
                "pipeline.step-name",
                f"A step cannot be called {step.name!r}.",
                hint="use letters, digits, `-`, `_` and `.` in the tag `step:<name>`.",
                place=notebook.place(step.cells[0]) if step.cells else notebook.place(),
            )
    write_files({**pipeline_files(pipeline), **(files or {})}, folder)


def pipeline_files(pipeline: Pipeline) -> dict[str, str]:
    """Return the files that follow from the pipeline alone, path to text."""
    origin = _comment(f"Generated from {pipeline.notebook}; edit the notebook, not this file.")
    texts = {
        manifest.FILE: manifest.to_text(pipeline, origin),
        "tests/test_pipeline.py": _TEST.format(header=origin),
        "README.md": _readme(pipeline),
    }
    for step in pipeline.steps:
        texts[manifest.script_path(step.name)] = script.write(
            (*step.prelude, *step.cells), f"{origin}\n{_describe(step)}\n{_LINTERS}"
        )
    if pipeline.serving is not None:
        source = pipeline.serving.source
        head = f"{_LINTERS}\n{_serve_docstring(pipeline)}"
        texts[manifest.SERVE] = f"{head}\n{manifest.SERVE_MARK}{source}"
    return texts


def write_files(files: Mapping[str, str], folder: Path) -> tuple[str, ...]:
    """Make ``files`` the generated files of ``folder``: all are written before any is replaced.

    Generated files that are no longer wanted are removed, unless they were edited. Returns the
    names under which files that were edited, and are replaced, are kept.
    """
    known = _record(folder)
    contents = {name: text.encode() for name, text in files.items()}
    for name, content in contents.items():
        _check_free(folder, name, content, known)
    record = {name: _digest(content) for name, content in sorted(contents.items())}
    contents[RECORD] = (json.dumps(record, indent=1) + "\n").encode()
    mark = f".{uuid.uuid4().hex[:8]}.tmp"
    with explain_os_errors(folder):
        staged: list[tuple[Path, Path]] = []
        try:
            for name, content in contents.items():
                path = folder / name
                path.parent.mkdir(parents=True, exist_ok=True)
                if path.is_file() and path.read_bytes() == content:
                    continue
                temporary = path.with_name(f"{path.name}{mark}")
                staged.append((temporary, path))
                temporary.write_bytes(content)
            kept = [_keep_edited(folder, path, known) for _, path in staged]
            for temporary, path in staged:
                os.replace(temporary, path)
        finally:
            for temporary, _ in staged:
                temporary.unlink(missing_ok=True)
        for name in sorted(set(known) - set(files)):
            _remove(folder, name, known[name])
    return tuple(name for name in kept if name)


def publish(source: Path, folder: Path) -> tuple[str, ...]:
    """Bring ``folder`` to the state of the generated folder ``source``; raises as `generate`.

    Returns the names under which files that were edited are kept.
    """
    names = _record(source)
    texts = {name: (source / name).read_bytes().decode() for name in names}
    return write_files(texts, folder)


def _record(folder: Path) -> dict[str, str]:
    try:
        content = json.loads((folder / RECORD).read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError, ValueError):
        return {}
    if not isinstance(content, dict):
        return {}
    return {name: digest for name, digest in content.items() if _is_inside(name)}


def _is_inside(name: str) -> bool:
    path = PurePosixPath(name)
    return not path.is_absolute() and ".." not in path.parts


def _check_free(folder: Path, name: str, content: bytes, known: dict[str, str]) -> None:
    path = folder / name
    if name in known or not path.exists():
        return
    if path.is_file() and path.read_bytes() == content:
        return
    raise MlopsError(
        "pipeline.occupied",
        f"`{name}` is in the way: it stands where a generated file belongs, and was not generated.",
        hint="move it elsewhere; nothing was changed.",
        place=Place(str(path)),
    )


def _keep_edited(folder: Path, path: Path, known: dict[str, str]) -> str | None:
    """Copy a generated file that was edited since, before it is replaced; return the copy's name.

    An earlier copy is never overwritten: the second one is called ``.edited-2``.
    """
    name = path.relative_to(folder).as_posix()
    if name not in known or not path.is_file():
        return None
    content = path.read_bytes()
    if _digest(content) == known[name]:
        return None
    for number in itertools.count(1):
        kept = path.with_name(f"{path.name}.edited{f'-{number}' if number > 1 else ''}")
        if not kept.exists():
            kept.write_bytes(content)
        if kept.is_file() and kept.read_bytes() == content:
            break
    return kept.relative_to(folder).as_posix()


def _remove(folder: Path, name: str, digest: str) -> None:
    path = folder / name
    if path.is_file() and _digest(path.read_bytes()) == digest:
        path.unlink()
        for parent in path.relative_to(folder).parents:
            if parent.parts and not any((folder / parent).iterdir()):
                (folder / parent).rmdir()


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _comment(text: str) -> str:
    return f"# {_one_line(text)}"


def _one_line(text: str) -> str:
    """Return text that can stand in a comment: no line ends, no control characters."""
    flat = " ".join(text.split())
    return "".join(
        char if char.isprintable() else char.encode("unicode_escape", "surrogatepass").decode()
        for char in flat
    )


def _describe(step: Step) -> str:
    inputs = ", ".join(f"{name} (from {provider})" for name, provider in step.inputs.items())
    lines = [
        _comment(f"Step {step.name}"),
        _comment(f"inputs: {inputs or 'none'}"),
        _comment(f"outputs: {', '.join(step.outputs) or 'none'}"),
    ]
    if step.parameters:
        lines.append(_comment(f"parameters: {', '.join(step.parameters)}"))
    return "\n".join(lines)


def _serve_docstring(pipeline: Pipeline) -> str:
    serving = pipeline.serving
    assert serving is not None
    state = ", ".join(serving.state) or "nothing"
    text = (
        f"Answers requests: `{serving.function}` takes a frame of rows and returns predictions.\n\n"
        f"Generated from {_one_line(pipeline.notebook)}, cell {serving.cell.position}; "
        f"edit the notebook, not this file.\nBesides what stands here it needs: {state}.\n"
    )
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"""{escaped}"""\n'


def _readme(pipeline: Pipeline) -> str:
    rows = [
        "| step | needs | makes | cells |",
        "|---|---|---|---|",
    ]
    for step in pipeline.steps:
        needs = [f"`{name}` from {provider}" for name, provider in step.inputs.items()]
        needs += [f"parameter `{name}`" for name in step.parameters]
        makes = [f"`{name}`" for name in step.outputs]
        makes += [f"metric `{name}`" for name in step.metrics]
        cells = ", ".join(str(cell.position) for cell in step.cells)
        rows.append(
            f"| {_md(step.name)} | {_md(', '.join(needs))} | {', '.join(makes)} | {cells} |"
        )
    parameters = [
        f"- `{each.name}` ({each.type}), default `{moments.plain(each.default)!r}`"
        + (f": {_md(each.help)}" if each.help else "")
        for each in pipeline.parameters
    ]
    first = pipeline.steps[0].name if pipeline.steps else "NAME"
    return _README.format(
        name=_md(pipeline.name),
        notebook=_md(pipeline.notebook),
        steps="\n".join(rows),
        parameters="\n".join(parameters) or "None.",
        first=first,
    )


def _md(text: str) -> str:
    return re.sub(r"([\\|<>*_\[\]])", r"\\\1", _one_line(text))


_README = """\
# {name}

Generated from `{notebook}`; edit the notebook and promote it again. Files that you add here stay;
what you write into a generated file is kept beside it as `<file>.edited`.

## Steps

Each step runs its cells of the notebook verbatim, in a process of its own.

{steps}

## Parameters

{parameters}

## Run it

With `jupyter-mlops` and `requirements.txt` installed, one step (its inputs must be in `WORK`):

```
python -m jupyter_mlops.pipeline.runtime --pipeline . --step {first} --work WORK
```

All steps, checked: `pytest tests`. Each step leaves `WORK/steps/<step>/`: `outputs/`,
`executed.ipynb` and `result.json`.
"""

_TEST = '''\
{header}
"""Runs the whole pipeline from clean state."""

from pathlib import Path

from jupyter_mlops.pipeline.manifest import read_folder
from jupyter_mlops.pipeline.targets.local import LocalTarget
from jupyter_mlops.progress import drain

FOLDER = Path(__file__).resolve().parent.parent


def test_every_step_runs(tmp_path: Path) -> None:
    pipeline = read_folder(FOLDER)
    beside = FOLDER.parent.parent / Path(pipeline.notebook).parent
    cwd = beside if beside.is_dir() else FOLDER
    run = drain(LocalTarget().run(pipeline, FOLDER, tmp_path, {{}}, cwd=cwd))
    assert {{name: step.status for name, step in run.steps.items()}} == {{
        step.name: "ok" for step in pipeline.steps
    }}
'''
