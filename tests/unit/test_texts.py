"""Printed texts: equal but for what belongs to the run, numbers within tolerance."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_mlops.pipeline import texts


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("<A object at 0x7f00aa11bb22>", "<A object at 0x7f99ccdd0011>"),
        (
            '  File "/tmp/ipykernel_31799/4046088195.py", line 2, in <module>',
            '  File "notebooks/my book.ipynb, cell 4", line 2, in <module>',
        ),
        ("/tmp/ipykernel_3/44.py:2: UserWarning: no", "book.ipynb, cell 4:2: UserWarning: no"),
        ("2026-01-02 10:11:12,345 - job - INFO", "2026-03-04 01:02:03,456 - job - INFO"),
        ("<function tok...x7f6bdb680cc0>", "<function tok...x7f62c0934cc0>"),
        ("<A object at ...00aa11bb22>", "<A object at ...99ccdd0011>"),
        (
            "CPU times: user 2 ms, sys: 1 ms, total: 3 ms\nWall time: 3 ms\n7",
            "Wall time: 9 s\n7",
        ),
        ("12.3 ns ± 0.1 ns per loop (mean ± std. dev. of 7 runs, 1 loop each)", ""),
        ("100%|██████████| 3/3 [00:00<00:00, 99it/s]\nok", "ok"),
        ("  0%| | 0/3\r 33%|███ | 1/3\rdone", "done"),
        ("\x1b[31mred\x1b[0m", "red"),
        ("2026/01/02 10:11:12 INFO mlflow.tracking: run started\nx", "x"),
        ("🏃 View run loud-owl at: http://127.0.0.1:5000/#/1\nx", "x"),
        ("[Parallel(n_jobs=2)]: Done   4 out of   4 | elapsed:    0.1s finished\nx", "x"),
        ("a  \nb", "a\nb\n"),
        ("Writing helpers.py", "Overwriting helpers.py"),
    ],
)
def test_what_belongs_to_the_run_is_left_out(one: str, other: str) -> None:
    assert texts.compare(texts.settle(one), texts.settle(other)).verdict == "equal"


def test_the_notebooks_folder_has_one_name() -> None:
    here = texts.settle("read /home/me/work/data.csv", ["/home/me/work"])
    there = texts.settle("read /notebook/data.csv", ["/home/me/work", "/notebook"])
    assert here == there
    assert texts.settle("/notebooks/x", ["/notebook"]) == "/notebooks/x"


@pytest.mark.parametrize(
    ("one", "other", "words"),
    [
        ("mae 0.81", "mae 0.82", "line 1: `mae 0.81` in the notebook, `mae 0.82` in the pipeline"),
        ("rows 10", "rows 11", "`rows 10`"),
        ("a\nb", "a\nc", "line 2: `b` in the notebook"),
        ("a\nb", "a", "2 lines in the notebook, 1 line in the pipeline"),
        ("", "a", "0 lines in the notebook"),
        ("x" * 90 + "1", "x" * 90 + "2", "…"),
        ("model_1", "model_2", "line 1"),
        ("2026-01-02 10:11:12.345", "2026-01-03 10:11:12.345", "line 1"),
        ("sizes 3...1200", "sizes 3...1300", "line 1"),
        ("-1.5", "1.5", "line 1"),
    ],
)
def test_what_differs_is_quoted(one: str, other: str, words: str) -> None:
    found = texts.compare(one, other)
    assert found.verdict == "different"
    assert words in found.words


def test_numbers_may_differ_by_rounding() -> None:
    assert texts.compare("x=0.30000000000000004", "x=0.3").verdict == "equal within tolerance"
    assert texts.compare("1e-12", "2e-12").verdict == "different"
    assert texts.compare("10000000000", "10000000001").verdict == "different"


@given(st.text(st.characters(exclude_characters="\x1b"), max_size=200))
def test_settling_twice_is_settling_once(text: str) -> None:
    once = texts.settle(text)
    assert texts.settle(once) == once
    assert texts.compare(once, once).verdict == "equal"


@given(st.floats(-1e300, 1e300), st.floats(-1, 1))
def test_the_tolerance_is_the_same_for_printed_numbers(value: float, part: float) -> None:
    other = value * (1 + part)
    close = value == other or abs(value - other) <= 1e-9 * max(abs(value), abs(other))
    found = texts.compare(f"v {value!r}", f"v {other!r}").verdict
    assert (found != "different") == close


def test_only_what_varies_by_itself_is_forgiven() -> None:
    assert texts.only_varying("acc 0.9 in 1.2 s", "acc 0.9 in 1.3 s", "acc 0.9 in 1.4 s")
    assert not texts.only_varying("acc 0.9 in 1.2 s", "acc 0.9 in 1.3 s", "acc 0.8 in 1.4 s")
    assert not texts.only_varying("a 1", "a 2", "a 3 4")
    assert texts.same_words("took 1.2 s", "took 0.03 s")
    assert not texts.same_words("took 1.2 s", "needed 1.2 s")


def test_html_is_compared_as_it_is_read() -> None:
    one = '<style>.a{color:red}</style><div id="x1"><table><tr><td>1</td><td>b</td></tr></table>'
    other = '<style>.b{}</style><div id="x2"><table><tr>\n  <td>1</td>\n<td>b</td></tr></table>'
    assert texts.visible(one).split() == texts.visible(other).split() == ["1", "b"]
    assert texts.visible("<script>1</script>a") == "a"
