"""What a study keeps, and how it goes on after its process was killed."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from jupyter_mlops.errors import MlopsError
from jupyter_mlops.sweeps.points import Point
from jupyter_mlops.sweeps.record import Row
from jupyter_mlops.sweeps.space import Choices, Range, Space
from jupyter_mlops.sweeps.study import FILE, Search, Study

optuna = pytest.importorskip("optuna")

SPACE: Space = {"lr": Range(1e-4, 0.1, log=True), "depth": Range(2, 12, whole=True)}
DEFAULTS: dict[str, Any] = {"lr": 0.01, "depth": 4, "other": 1}
SEARCH = Search({"lr": "", "depth": ""}, trials=50, watched="auc")


@contextmanager
def opened(
    folder: Path, rows: dict[int, Row] | None = None, space: Space = SPACE, search: Search = SEARCH
) -> Iterator[Study]:
    with Study(
        folder, space, search, metric="auc", highest=True, defaults=DEFAULTS, rows=rows
    ) as study:
        yield study


def asked(study: Study) -> Point:
    point = study.ask()
    assert point is not None
    return point


def row(point: Point, auc: float = 0.5, status: Any = "ok") -> Row:
    return Row(point.number, dict(point.parameters), status, f"run-{point.number}", {"auc": auc})


def goodness(point: Point) -> float:
    return 1 - abs(point.parameters["lr"] - 0.01) - abs(point.parameters["depth"] - 7) / 10


def states(folder: Path) -> list[str]:
    from optuna.storages import JournalStorage
    from optuna.storages.journal import JournalFileBackend

    storage = JournalStorage(JournalFileBackend(str(folder / FILE)))
    study = optuna.load_study(storage=storage, study_name="tune")
    return [trial.state.name for trial in study.trials]


def test_the_notebooks_own_values_come_first_and_the_same_seed_draws_the_same(
    tmp_path: Path,
) -> None:
    found: list[list[Any]] = []
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        with opened(tmp_path / name) as study:
            points = []
            for _ in range(15):
                points.append(asked(study))
                study.ended(row(points[-1], goodness(points[-1])))
        found.append(points)
    assert found[0] == found[1]
    assert found[0][0].parameters == {"lr": 0.01, "depth": 4}
    assert [point.number for point in found[0]] == list(range(1, 16))


def test_own_values_outside_of_the_space_are_not_tried(tmp_path: Path) -> None:
    space: Space = {"depth": Range(5, 900, whole=True)}
    with opened(tmp_path, space=space) as study:
        assert 5 <= asked(study).parameters["depth"] <= 900
        assert asked(study).number == 2


def test_what_ended_when_the_process_died_is_told_and_what_ran_is_asked_again(
    tmp_path: Path,
) -> None:
    with opened(tmp_path) as study:
        first, second, third = (asked(study) for _ in range(3))
        study.ended(row(first))
    # `second` had ended, but the study was not told; `third` was cut off
    rows = {each.number: row(each, 0.7) for each in (first, second)}
    with opened(tmp_path, rows) as study:
        assert study.take_up() == 1
        again = asked(study)
        assert again.parameters == third.parameters
        assert again.number == third.number == 3
        assert asked(study).parameters != third.parameters
        study.ended(row(again))
    assert states(tmp_path) == ["COMPLETE", "COMPLETE", "FAIL", "COMPLETE", "RUNNING"]


def test_many_deaths_lose_and_repeat_nothing(tmp_path: Path) -> None:
    generator = random.Random(3)
    rows: dict[int, Row] = {}
    for _ in range(12):
        with opened(tmp_path, rows) as study:
            study.take_up()
            running: list[Point] = []
            for _ in range(generator.randint(1, 6)):
                running.append(asked(study))
                if len(running) == 2:
                    point = running.pop(generator.randrange(2))
                    rows[point.number] = row(point, goodness(point))
                    if generator.random() < 0.8:  # else it dies before the study is told
                        study.ended(rows[point.number])
    with opened(tmp_path, rows) as study:
        study.take_up()
        assert states(tmp_path).count("COMPLETE") == len(rows)
        for _ in range(max(rows) - len(rows)):  # what was cut off keeps its number
            point = asked(study)
            rows[point.number] = row(point)
            study.ended(rows[point.number])
    assert sorted(rows) == list(range(1, len(rows) + 1))
    assert len({str(each.parameters) for each in rows.values()}) == len(rows)


def test_a_line_that_was_cut_off_is_no_damage(tmp_path: Path) -> None:
    with opened(tmp_path) as study:
        first = asked(study)
        study.ended(row(first))
    with (tmp_path / FILE).open("ab") as file:
        file.write(b'{"op_code":6,"worker')
    with opened(tmp_path, {1: row(first)}) as study:
        assert study.take_up() == 0
        assert asked(study).number == 2
    assert states(tmp_path) == ["COMPLETE", "RUNNING"]


def test_a_damaged_study_is_told(tmp_path: Path) -> None:
    (tmp_path / FILE).write_bytes(b"no journal\nat all\n")
    with pytest.raises(MlopsError, match="cannot be read") as caught, opened(tmp_path):
        pass
    assert caught.value.code == "sweep.damaged"


def test_what_is_lost_of_a_small_space_is_not_tried_twice(tmp_path: Path) -> None:
    space: Space = {"depth": Range(2, 9, whole=True), "kind": Choices(("a", None))}
    rows: dict[int, Row] = {}
    with opened(tmp_path, rows, space) as study:
        for _ in range(12):
            point = asked(study)
            rows[point.number] = row(point)
            study.ended(rows[point.number])
    assert len({str(each.parameters) for each in rows.values()}) == 12


def test_a_grid_has_each_point_once_also_after_a_death(tmp_path: Path) -> None:
    space: Space = {"depth": Range(2, 5, whole=True), "kind": Choices(("a", [1, 2]))}
    search = Search({}, trials=8, sampler="grid")
    rows: dict[int, Row] = {}
    while True:
        with opened(tmp_path, rows, space, search) as study:
            study.take_up()
            point, cut_off = study.ask(), study.ask()
            if point is None:
                break
            rows[point.number] = row(point)
            study.ended(rows[point.number])
            assert cut_off is None or cut_off.parameters != point.parameters
    assert len(rows) == len({str(each.parameters) for each in rows.values()}) == 8


def test_a_point_that_falls_behind_is_not_worth_going_on_with(tmp_path: Path) -> None:
    with opened(tmp_path) as study:
        for _ in range(6):
            point = asked(study)
            assert all(study.report(point.number, 0.1 * step, step) for step in range(10))
            study.ended(row(point, 0.9))
        point = asked(study)
        said = [study.report(point.number, 0.01 * step, step) for step in range(10)]
        assert said[:3] == [True] * 3
        assert not said[-1]
        study.ended(row(point, 0.09, "pruned"))
        good = asked(study)
        assert all(study.report(good.number, 0.2 * step, step) for step in range(10))
        # the same step again, no number, a step below nought: nothing to learn
        assert study.report(good.number, 0.0, 9)
        assert study.report(good.number, float("nan"), 10)
        assert study.report(good.number, 0.0, -1)
    assert states(tmp_path)[6:] == ["PRUNED", "RUNNING"]


def test_a_metric_that_goes_the_other_way_prunes_its_own_way(tmp_path: Path) -> None:
    search = Search({}, trials=50, watched="loss", upward=False)
    with opened(tmp_path, search=search) as study:
        for _ in range(6):
            point = asked(study)
            assert all(study.report(point.number, 1 / (step + 1), step) for step in range(10))
            study.ended(row(point, 0.9))
        point = asked(study)
        assert not all(study.report(point.number, 5.0, step) for step in range(10))


def test_what_failed_is_told_and_importances_need_points(tmp_path: Path) -> None:
    with opened(tmp_path) as study:
        study.ended(row(asked(study), float("nan")))
        study.ended(row(asked(study), status="failed"))
        assert study.importances() == {}
        for _ in range(25):
            point = asked(study)
            study.ended(row(point, point.parameters["depth"]))
        found = study.importances()
    assert states(tmp_path)[:2] == ["FAIL", "FAIL"]
    assert max(found, key=lambda name: found[name]) == "depth"
    assert sum(found.values()) == pytest.approx(1, abs=0.01)


def test_how_points_are_chosen_is_kept(tmp_path: Path) -> None:
    SEARCH.write(tmp_path)
    assert Search.read(tmp_path) == SEARCH
    (tmp_path / "search.json").write_text("{")
    with pytest.raises(MlopsError, match="cannot be read"):
        Search.read(tmp_path)
