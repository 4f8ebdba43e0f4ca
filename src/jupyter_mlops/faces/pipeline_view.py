"""A notebook and its pipeline as the sidebar's message."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ..errors import Place
from ..models import (
    CellView,
    InputView,
    NeededView,
    NoticeView,
    ParameterView,
    PipelineView,
    PlaceMessage,
    ServingView,
    StepView,
)
from ..notebook.document import Cell, Notebook, parse, read
from ..pipeline.model import Pipeline, Step
from ..pipeline.slices import needed


def pipeline_view(path: Path, name: str, content: dict[str, Any] | None = None) -> PipelineView:
    """Compile a notebook file, or ``content`` in its place, and return what it means.

    Raises `MlopsError` as reading and compiling do. Nothing is run or written.
    """
    from ..pipeline.compile import compile_notebook

    if content is None:
        notebook = read(path, name=name)
    else:
        notebook = parse(json.dumps(content), path=path, name=name)
    return _view(notebook, compile_notebook(notebook))


def _view(notebook: Notebook, pipeline: Pipeline) -> PipelineView:
    steps_of = {cell.id: step.name for step in pipeline.steps for cell in step.cells}
    prelude = {cell.id for step in pipeline.steps for cell in step.prelude}
    return PipelineView(
        name=pipeline.name,
        notebook=pipeline.notebook,
        cells=[
            CellView(
                id=cell.id,
                position=cell.position,
                kind=cell.kind,
                tags=list(cell.tags),
                first_line=_first_line(cell),
                step=steps_of.get(cell.id),
                prelude=cell.id in prelude,
            )
            for cell in notebook.cells
        ],
        parameters=[
            ParameterView(name=p.name, default=repr(p.default), type=p.type, help=p.help)
            for p in pipeline.parameters
        ],
        steps=[_step(step) for step in pipeline.steps],
        serving=_serving(notebook, pipeline),
        notices=[
            NoticeView(message=notice.message, place=_place(notice.place))
            for notice in pipeline.notices
        ],
    )


def _step(step: Step) -> StepView:
    return StepView(
        name=step.name,
        cells=[cell.id for cell in step.cells],
        first=[
            NeededView(cell=each.cell.position, names=list(each.names)) for each in needed(step)
        ],
        inputs=[InputView(name=name, provider=source) for name, source in step.inputs.items()],
        outputs=list(step.outputs),
        parameters=list(step.parameters),
        metrics=list(step.metrics),
        upstream=list(step.upstream),
    )


def _serving(notebook: Notebook, pipeline: Pipeline) -> ServingView | None:
    serving = pipeline.serving
    if serving is None:
        return None
    return ServingView(
        function=serving.function,
        cell=_place(notebook.place(serving.cell)),
        step=serving.step,
        example=serving.example,
        state=list(serving.state),
    )


def _place(place: Place) -> PlaceMessage:
    return PlaceMessage.model_validate(place.to_dict())


def _first_line(cell: Cell) -> str:
    return next((line.strip() for line in cell.source.splitlines() if line.strip()), "")
