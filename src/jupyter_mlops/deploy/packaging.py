"""What a release serves: state, contract, examples and baseline, from a proven pipeline run."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .. import values
from ..errors import MlopsError
from ..notebook.document import Notebook
from ..pipeline import work as work_files
from ..pipeline.model import Pipeline, Serving

if TYPE_CHECKING:
    import pandas as pd

EXAMPLE_ROWS = 20


@dataclass(frozen=True, slots=True)
class Baseline:
    """The rows that monitoring compares with, and the variable they were taken from."""

    variable: str
    rows: int


def package_serving(notebook: Notebook, pipeline: Pipeline, work: Path, release: Path) -> Baseline:
    """Write ``serving/`` and ``baseline.parquet`` of a release from a pipeline run.

    Parameters
    ----------
    work
        The work folder of the run; what the serve step left there is read.
    release
        The staged release folder.

    Raises
    ------
    MlopsError
        ``pipeline.serve`` where the example rows are no frame, or the number of predictions is
        not the number of rows; ``serving.self-test`` where the packaged model does not answer
        the notebook's own rows with the notebook's own predictions.
    """
    from ..serving import contract as contract_module
    from ..serving.predictions import to_list

    serving = pipeline.serving
    assert serving is not None
    namespace: dict[str, Any] = {}
    values.load(work_files.serving_folder(work, serving.step), namespace)
    example, predictions = namespace.get(work_files.EXAMPLE), namespace.get(work_files.PREDICTIONS)
    rows = _example_rows(notebook, serving, example, predictions)

    variable, frame = _baseline_frame(pipeline, work, serving, rows)
    folder = release / "serving"
    folder.mkdir()
    (folder / "serve.py").write_text(serving.source, encoding="utf-8")
    contract = contract_module.learn(frame, predictions, function=serving.function)
    (folder / "contract.json").write_text(contract.model_dump_json(indent=2), encoding="utf-8")
    examples = {"rows": contract.rows(rows), "predictions": to_list(predictions)[:EXAMPLE_ROWS]}
    (folder / "examples.json").write_text(json.dumps(examples, indent=2), encoding="utf-8")
    state: dict[str, Any] = {}
    values.load(work_files.serving_folder(work, serving.step), state, serving.state)
    values.dump(state, serving.state, folder / "state")
    return _write_baseline(release, variable, frame)


def _example_rows(
    notebook: Notebook, serving: Serving, example: Any, predictions: Any
) -> pd.DataFrame:
    import pandas as pd

    def refuse(message: str, hint: str) -> MlopsError:
        return MlopsError("pipeline.serve", message, hint=hint, place=notebook.place(serving.cell))

    if not isinstance(example, pd.DataFrame) or example.empty:
        raise refuse(
            f"The example rows `{serving.example}` are no data frame with rows, "
            f"but {type(example).__name__}.",
            "end the serve cell with a call on a frame, such as `predict(X_test.head())`.",
        )
    size = getattr(predictions, "__len__", lambda: None)()
    if size != len(example):
        raise refuse(
            f"`{serving.function}` gave {size} predictions for {len(example)} rows.",
            "return one prediction for each row.",
        )
    return example.head(EXAMPLE_ROWS)


def _baseline_frame(
    pipeline: Pipeline, work: Path, serving: Serving, example: pd.DataFrame
) -> tuple[str, pd.DataFrame]:
    """Find the rows the model learned from: a frame with the example's columns and dtypes.

    What the steps that made the served state read comes first, then any step's output; among
    equals the longest, then the first by name. The example rows themselves are the last resort.
    """
    makers = _makers(pipeline, serving)
    near = {name for step in pipeline.steps if step.name in makers for name in step.inputs}
    best: tuple[bool, int, str] | None = None
    found: pd.DataFrame = example
    for step in pipeline.steps:
        folder = work_files.outputs_folder(work, step.name)
        if not folder.is_dir() or not step.outputs:
            continue
        namespace: dict[str, Any] = {}
        values.load(folder, namespace)
        for name in sorted(step.outputs):
            frame = _matching(namespace.get(name), example)
            if frame is None:
                continue
            rank = (name in near, len(frame), name)
            if best is None or rank[:2] > best[:2]:
                best, found = rank, frame
    return (best[2], found) if best else (serving.example, example)


def _makers(pipeline: Pipeline, serving: Serving) -> set[str]:
    """Return the steps that made the served variables."""
    step = pipeline.step(serving.step)
    return {step.inputs.get(name, step.name) for name in serving.state}


def _matching(value: Any, example: pd.DataFrame) -> pd.DataFrame | None:
    import pandas as pd

    if not isinstance(value, pd.DataFrame) or len(value) < len(example):
        return None
    if not set(example.columns) <= set(value.columns):
        return None
    same = value[list(example.columns)]
    return same if list(same.dtypes) == list(example.dtypes) else None


def _write_baseline(release: Path, variable: str, frame: pd.DataFrame) -> Baseline:
    from ..serving.predictor import Predictor
    from . import baseline

    predictor = Predictor.load(release, verify=False)
    rows = baseline.sample(frame, None)
    rows = baseline.sample(rows, predictor.answer(rows))
    baseline.write(rows, release / "baseline.parquet")
    return Baseline(variable, len(rows))
