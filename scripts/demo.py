"""The whole way on real flights: capture, rerun, promote, serve, watch, retrain, roll back.

Runs in a fresh project under ``.demo/``, with the commands a user would type.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from jupyter_mlops.tracking import store

ROOT = Path(__file__).resolve().parent.parent
DEMO = ROOT / ".demo"
NOTEBOOK = "notebooks/flights.ipynb"
SUMMER = {"first_month": 6, "last_month": 8}
timings: list[tuple[str, float]] = []


@contextmanager
def part(title: str) -> Iterator[None]:
    click.secho(f"\n{len(timings) + 1}. {title}", bold=True)
    start = time.perf_counter()
    yield
    timings.append((title, time.perf_counter() - start))


def mlops(*words: str) -> int:
    """Run `jupyter mlops …` in this process, so that libraries are imported once."""
    from jupyter_mlops.faces.cli import main

    click.secho(f"$ jupyter mlops {' '.join(words)}", fg="green")
    sys.stderr.flush()
    try:
        main(list(words), prog_name="jupyter mlops", standalone_mode=True)
    except SystemExit as end:
        return int(end.code or 0)
    return 0


def expect(code: int, wanted: int = 0) -> None:
    if code != wanted:
        sys.exit(f"the demo stops: exit code {code} where {wanted} was expected")


def fresh_project() -> None:
    if DEMO.exists():
        shutil.rmtree(DEMO)
    (DEMO / "notebooks").mkdir(parents=True)
    shutil.copyfile(ROOT / NOTEBOOK, DEMO / NOTEBOOK)
    (DEMO / "mlops.toml").write_text('[retrain]\nmetric = "mae"\n')
    os.chdir(DEMO)
    os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"


def run_as_it_is() -> None:
    """Run every cell as JupyterLab would; Jupyter Server names the notebook in this variable."""
    click.secho(f"$ jupyter execute {NOTEBOOK}", fg="green")
    env = {**os.environ, "JPY_SESSION_NAME": str(DEMO / NOTEBOOK)}
    command = [sys.executable, "-m", "jupyter", "execute", NOTEBOOK]
    subprocess.run(command, check=True, env=env, stderr=subprocess.DEVNULL)


def summer_rows(folder: Path) -> list[dict[str, Any]]:
    """Make summer's requests with the notebook's own steps, up to its feature table."""
    from jupyter_mlops import compile_notebook, drain, read
    from jupyter_mlops.pipeline.targets.local import LocalTarget
    from jupyter_mlops.serving.predictor import Predictor
    from jupyter_mlops.values import load

    pipeline = compile_notebook(read(NOTEBOOK))
    maker = next(step for step in pipeline.steps if "X_test" in step.outputs)
    steps = tuple(s.name for s in pipeline.steps[: pipeline.steps.index(maker) + 1])
    target = LocalTarget(only=steps)
    drain(target.run(pipeline, Path("pipelines/flights"), folder, SUMMER, cwd=Path("notebooks")))
    namespace: dict[str, Any] = {}
    load(folder / "steps" / maker.name / "outputs", namespace, ["X_test"])
    contract = Predictor.load(Path(".mlops/releases/flights/1")).contract
    return contract.rows(namespace["X_test"].sample(2_000, random_state=0))


def ask(url: str, rows: Any) -> tuple[int, dict[str, Any]]:
    body = json.dumps({"rows": rows}).encode()
    request = urllib.request.Request(f"{url}/predict", body, {"content-type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


def endpoint_url() -> str:
    from jupyter_mlops.deploy import deployments
    from jupyter_mlops.project import Project

    return deployments.find("flights", Project(DEMO)).url


def ask_and_show(url: str) -> None:
    examples = json.loads(Path(".mlops/releases/flights/1/serving/examples.json").read_text())
    row = examples["rows"][0]
    status, answer = ask(url, [row])
    click.echo(f"POST {url}/predict  {json.dumps(row)}")
    click.echo(
        f"→ {status}: {answer['predictions'][0]:.2f} minutes; the notebook's own "
        f"prediction: {examples['predictions'][0]:.2f}; request {answer['request_id']}"
    )
    status, answer = ask(url, [{**row, "distance": "far"}])
    problem = answer["error"]["errors"][0]
    click.echo(f"→ {status} for a bad row: {problem['column']}: {problem['reason']}")


def main() -> None:
    began = time.perf_counter()
    fresh_project()
    store.preload()  # MLflow's import takes seconds that the first notebook needs anyway
    try:
        with part("Capture: run the notebook as it is"):
            run_as_it_is()
            expect(mlops("runs"))
        with part("Rerun with another parameter"):
            expect(mlops("rerun", NOTEBOOK, "-p", "max_depth=4"))
        with part("Promote winter's model"):
            expect(mlops("promote", NOTEBOOK))
        with part("Serve it and ask"):
            expect(mlops("serve", "flights", "--detach"))
            url = endpoint_url()
            ask_and_show(url)
        with part("Summer's traffic"):
            rows = summer_rows(DEMO / ".mlops" / "work" / "summer")
            for start in range(0, len(rows), 100):
                status, _ = ask(url, rows[start : start + 100])
                expect(status, 200)
            click.echo(f"{len(rows)} summer flights predicted")
            expect(mlops("monitor", "flights"))
        with part("Retrain on summer, against the champion"):
            summer = [word for k, v in SUMMER.items() for word in ("-p", f"{k}={v}")]
            expect(mlops("retrain", "flights", *summer))
            expect(mlops("deployments"))
        with part("Roll back"):
            expect(mlops("rollback", "flights"))
            expect(mlops("audit"))
    finally:
        if (DEMO / ".mlops" / "deployments").is_dir():
            mlops("stop", "flights")
    click.secho("\nTime of each part", bold=True)
    for title, seconds in timings:
        click.echo(f"{seconds:6.1f} s  {title}")
    click.echo(f"{time.perf_counter() - began:6.1f} s  altogether")


if __name__ == "__main__":
    main()
