"""What ``%mlops log`` reads of its line."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_mlops.errors import MlopsError
from jupyter_mlops.faces.logged import evaluate, read_line

NAMES = st.from_regex(r"[a-z_][a-z0-9_]{0,8}(?:[/.-][a-z0-9]{1,4})?", fullmatch=True)
VALUES = st.recursive(
    st.one_of(st.integers(), st.booleans(), st.floats(allow_nan=False), st.text(max_size=6)),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=6,
)


@given(st.dictionaries(NAMES, VALUES, min_size=1, max_size=4), st.sampled_from([" ", ", ", "  "]))
def test_values_of_any_form_come_back_under_their_names(
    values: dict[str, object], gap: str
) -> None:
    line = gap.join(f"{name}={value!r}" for name, value in values.items())
    assert evaluate(read_line(line), {"inf": float("inf")}, {}) == values


@pytest.mark.parametrize(
    ("line", "expressions"),
    [
        ("loss=history[-1]", {"loss": "history[-1]"}),
        ("acc=score(y, p, k=3) step=i + 1", {"acc": "score(y, p, k=3)", "step": "i + 1"}),
        ("a=x == y b=x <= y", {"a": "x == y", "b": "x <= y"}),
        ("val/loss=0.1,train-loss=0.2", {"val/loss": "0.1", "train-loss": "0.2"}),
        ('a=len(\'b=1 c=2\') b="""x=1 \'"""', {"a": "len('b=1 c=2')", "b": '"""x=1 \'"""'}),
    ],
)
def test_a_name_begins_where_nothing_is_open(line: str, expressions: dict[str, str]) -> None:
    assert read_line(line) == expressions


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("", "no value"),
        ("loss", "`loss` is not of the form"),
        ("loss 3", "not of the form"),
        ("3=loss", "not of the form"),
        ("loss=", "`loss` has no value"),
        ("loss=1 loss=2", "given twice"),
    ],
)
def test_another_form_is_refused_with_what_to_write(line: str, words: str) -> None:
    with pytest.raises(MlopsError, match=words) as caught:
        read_line(line)
    assert caught.value.code == "log.form"
    assert "%mlops log loss=" in caught.value.hint


def test_names_are_looked_up_where_the_line_stands() -> None:
    assert evaluate({"a": "x + y"}, {"x": 1, "y": 1}, {"y": 5}) == {"a": 6}


@pytest.mark.parametrize(
    ("expression", "code", "words"),
    [("nope", "log.value", "NameError: name 'nope'"), ("1 +", "log.form", "no Python expression")],
)
def test_what_cannot_be_evaluated_is_told_in_one_line(
    expression: str, code: str, words: str
) -> None:
    with pytest.raises(MlopsError, match=words) as caught:
        evaluate({"loss": expression}, {}, {})
    assert caught.value.code == code
    assert "\n" not in caught.value.message
