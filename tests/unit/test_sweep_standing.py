"""How a running sweep stands, and its live table in a terminal."""

from __future__ import annotations

import io
import re
from typing import Any, Literal

from hypothesis import given
from hypothesis import strategies as st

from jupyter_mlops.faces.look import sweep_table
from jupyter_mlops.faces.look.sweep_screen import Pen, picture, text_width
from jupyter_mlops.faces.sweep_following import show_line
from jupyter_mlops.faces.sweep_standing import Standing, span
from jupyter_mlops.progress import Event

Rows = list[dict[str, Any]]


def row(number: int, status: str = "waiting", **more: Any) -> dict[str, Any]:
    parameters = {"depth": number, "kind": "gini"}
    base = {"number": number, "parameters": parameters, "status": status, "run": "r"}
    return {**base, "metrics": {}, "seconds": 0.0, "error": "", **more}


def opened(count: int, notebook: str = "churn.ipynb") -> Event:
    content = {
        "name": f"{notebook}-1",
        "kind": "sweep",
        "notebook": notebook,
        "path": f"/work/{notebook}",
        "swept": ["depth", "kind"],
        "metric": "",
        "cells": 6,
        "shared": 0,
        "points": [{}] * count,
        "rows": [row(number) for number in range(1, count + 1)],
        "best": None,
    }
    return Event("sweep", "begins", "started", data={"sweep": content})


def told(content: dict[str, Any], done: int, total: int, best: int | None = None) -> Event:
    status: Literal["started", "done"] = "started" if content["status"] == "running" else "done"
    data = {"sweep": "s", "point": content, "best": best, "metric": "auc" if best else ""}
    return Event("point", "words", status, data={**data, "done": done, "total": total})


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def half_done() -> tuple[Standing, Clock]:
    clock = Clock()
    standing = Standing(clock)
    standing.take(opened(4))
    standing.take(Event("shared", "", "done", 2.0, {"shared": 4}))
    standing.take(told(row(1, "running"), 0, 4))
    clock.now = 10
    standing.take(told(row(1, "ok", seconds=10.0, metrics={"auc": 0.75}), 1, 4, best=1))
    failed = row(2, "failed", seconds=10.0, error="ValueError: no\n  at churn.ipynb, cell 4")
    standing.take(told(failed, 2, 4, best=1))
    standing.take(told(row(3, "running", metrics={"loss": 0.5}), 2, 4, best=1))
    return standing, clock


def test_what_events_tell() -> None:
    standing, clock = half_done()
    assert (standing.done, standing.total, standing.shared) == (2, 4, 4)
    assert [each.number for each in standing.running()] == [3]
    assert [each.number for each in standing.ended()] == [2, 1]
    assert standing.best is not None
    assert standing.best.metrics == {"auc": 0.75}
    assert standing.left == 20
    clock.now = 14
    assert standing.left == 16
    standing.take(told(row(3, "ok", seconds=4.0), 3, 4, best=1))
    standing.take(told(row(4, "ok", seconds=4.0), 4, 4, best=1))
    assert standing.left is None


def test_an_earlier_try_counts_as_done_but_not_for_the_time_that_is_left() -> None:
    event = opened(3)
    event.data["sweep"]["rows"][0] = row(1, "ok", seconds=99.0)
    standing = Standing(Clock())
    standing.take(event)
    assert (standing.done, standing.left) == (1, None)


def test_the_picture_of_a_terminal() -> None:
    standing, _ = half_done()
    lines = picture(standing, Pen(80, colour=False), 24)
    assert lines[0] == "sweep of churn.ipynb   churn.ipynb-1"
    assert lines[1] == "━" * 36 + "─" * 36
    assert lines[2].startswith("2 of 4 points   1 running   1 failed   0:10   about 0:20 left")
    assert "★ best  auc 0.75   depth=1 kind=gini   (point 1)" in lines
    assert any(re.match(r"▸ +3 +3 +gini +0.5 +running 0:00$", line) for line in lines)
    assert any(re.match(r"✗ +2 +2 +gini +failed: ValueError: no$", line) for line in lines)
    assert any(re.match(r"★ +1 +1 +gini +0.75 +10.0 s$", line) for line in lines)


def test_a_terminal_without_unicode_or_colour() -> None:
    standing, _ = half_done()
    text = "\n".join(picture(standing, Pen(40, ascii_only=True, colour=False), 24))
    assert text.isascii()
    assert "\x1b" not in text
    assert "###" in text


@given(st.integers(20, 200), st.integers(6, 60), st.text(min_size=1, max_size=300), st.booleans())
def test_a_picture_fits_any_terminal(width: int, height: int, words: str, colour: bool) -> None:
    words = re.sub(r"[\x00-\x1f\x7f-\x9f]", "x", words)
    standing = Standing(Clock())
    standing.take(opened(30, words))
    standing.take(Event("sweep", words))
    for number in range(1, 31):
        found = row(number, ["running", "failed", "ok"][number % 3], error=words)
        found["parameters"] = {"depth": 1e300, "kind": words}
        found["metrics"] = {words: 1e-9, "auc": float("nan")}
        standing.take(told(found, number, 30, best=number))
    pen = Pen(width, colour=colour)
    lines = picture(standing, pen, height)
    assert len(lines) < height
    assert max(map(pen.length, lines)) < width


def test_wide_signs_take_two_columns() -> None:
    assert text_width("深さ") == 4
    assert text_width("e\u0301") == 1
    assert Pen(20).cut("深さ深さ", 5) == "深さ…"


def test_the_table_of_a_notebook_says_the_same_and_escapes() -> None:
    standing, _ = half_done()
    standing.take(told(row(4, "failed", error="<script>alert(1)</script>"), 3, 4, best=1))
    html = sweep_table.html(standing, "Stopped.")
    assert "<script>" not in html
    assert 'aria-valuenow="3"' in html
    assert "best so far: auc 0.75 with depth=1 kind=gini (point 1)" in html
    assert "1 running" in sweep_table.text(standing)
    assert sweep_table.text(Standing()) == "starting"


def test_a_log_has_one_line_for_each_point_that_ended(capsys: Any) -> None:
    show_line(told(row(5, "running"), 0, 1))
    show_line(Event("point", "1 of 1: failed: no\n  at cell 4", "done", 1.0))
    assert capsys.readouterr().err == "point     1 of 1: failed: no  (1.0 s)\n"


def test_spans() -> None:
    assert [span(each) for each in (0.4, 7, 61, 7390)] == ["0:00", "0:07", "1:01", "2:03:10"]


def test_a_screen_draws_in_place_and_shows_the_cursor_again() -> None:
    from jupyter_mlops.faces.look.sweep_screen import Screen

    stream = io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True)
    with Screen(stream) as screen:
        screen.take(opened(2))
        screen._draw()
        screen._draw()
    stream.seek(0)
    written = stream.read()
    assert written.startswith("\x1b[?25l")
    assert written.endswith("\x1b[?25h")
    assert "\x1b[3A" in written
