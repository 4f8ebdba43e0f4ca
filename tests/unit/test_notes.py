"""The text that a run's notes make."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from jupyter_mlops.tracking.notes import added

NOTES = st.lists(st.tuples(st.floats(1e9, 2e9), st.text(min_size=1, max_size=40)), max_size=5)


@given(NOTES)
def test_notes_follow_each_other_and_stand_there_once(notes: list[tuple[float, str]]) -> None:
    text = added("written by hand", notes)
    assert text.startswith("written by hand")
    assert all(words in text for _, words in notes)
    assert added(text, notes) == text


@given(NOTES, st.integers(0, 5))
def test_notes_may_come_in_parts(notes: list[tuple[float, str]], cut: int) -> None:
    assert added(added("", notes[:cut]), notes[cut:]) == added("", notes)


def test_the_oldest_go_where_it_grows_too_long() -> None:
    text = added("", [(1e9 + n, f"{n} " + "x" * 100) for n in range(200)])
    assert len(text) == 8000
    assert "199 xxx" in text
