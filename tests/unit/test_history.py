from __future__ import annotations

from pathlib import Path

from jupyter_mlops.capture.journal import NAME, Journal
from jupyter_mlops.capture.records import CellEnd, CellStart, Model, Parameter, Start
from jupyter_mlops.tracking.history import History

START = Start(
    time=1.0,
    run="r",
    kind="rerun",
    notebook="nb.ipynb",
    path="/nb.ipynb",
    host="h",
    pid=1,
    pid_started=1.0,
    python="3.11.7",
    platform="",
    user="",
    parameters={"depth": "6"},
)


def _model(name: str, predicts: bool) -> Model:
    return Model(
        time=1.0,
        order=1,
        name=name,
        type="t",
        file="f",
        digest=name,
        bytes=1,
        predicts=predicts,
        regressor=False,
        modules=(),
    )


def test_what_a_rerun_was_given_overrides_the_default(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    journal.append(START)
    for name, value in (("depth", "3"), ("rate", "0.1"), ("depth", "6"), ("rate", "0.2")):
        journal.append(Parameter(time=1.0, order=1, name=name, value=value))
    history = History(tmp_path / NAME)
    assert history.read_on()
    assert not history.read_on()
    assert history.parameters == {"depth": "6", "rate": "0.1", "rate/2": "0.2"}


def test_the_main_model_is_the_last_one_that_predicts(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    history = History(tmp_path / NAME)
    assert history.main_model is None
    for model, main in ((("scaler", False), "scaler"), (("a", True), "a"), (("late", False), "a")):
        journal.append(_model(*model))
        history.read_on()
        assert history.main_model is not None
        assert history.main_model.name == main


def test_cells_are_joined(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    journal.append(CellStart(time=1.0, order=1, source="x", cell="a", position=2))
    history = History(tmp_path / NAME)
    history.read_on()
    assert history.cells[1]["outcome"] == "running"
    journal.append(CellEnd(time=2.0, order=1, seconds=1.0, outcome="failed", error="E: e", line=1))
    history.read_on()
    assert history.cells[1]["seconds"] == 1.0
    assert (history.cells[1]["outcome"], history.cells[1]["line"]) == ("failed", 1)
