"""References to outputs in the parameters of a chain."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_mlops.chains.references import Reference, filled, parse, references, written

NODES = st.from_regex(r"\w[\w-]{0,8}", fullmatch=True)
OUTPUTS = st.from_regex(r"[\w./-]{1,9}", fullmatch=True)
REFERENCES = st.builds(Reference, NODES, OUTPUTS)
TEXTS = st.text(alphabet="ab ${}.\\\n€", min_size=1, max_size=8)


@given(st.lists(st.one_of(TEXTS, REFERENCES), max_size=6))
def test_what_is_written_is_read_again(parts: list[str | Reference]) -> None:
    joined: list[str | Reference] = []
    for part in parts:
        if isinstance(part, str) and joined and isinstance(joined[-1], str):
            joined[-1] += part
        else:
            joined.append(part)
    text = written(tuple(joined))
    assert parse(text) == tuple(joined)
    assert list(references(text)) == [part for part in joined if isinstance(part, Reference)]


@given(st.text())
def test_any_text_can_be_escaped(text: str) -> None:
    assert parse(text.replace("$", "$$")) == ((text,) if text else ())


@given(st.text(alphabet="ab.${} -", max_size=12))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        parts = parse(text)
    except ValueError as error:
        words = str(error)
    else:
        assert parse(written(parts)) == parts
        return
    assert "${" in text
    assert "$${" in words


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("${prepare.rows}", (Reference("prepare", "rows"),)),
        ("${ train-deep.val/auc }", (Reference("train-deep", "val/auc"),)),
        ("${a.b.c}", (Reference("a", "b.c"),)),
        ("data/${a.month}.csv", ("data/", Reference("a", "month"), ".csv")),
        ("$${a.b} costs $5", ("${a.b} costs $5",)),
        ("$$${a.b}", ("$", Reference("a", "b"))),
        ("{a.b}", ("{a.b}",)),
        ("", ()),
    ],
)
def test_forms(text: str, parts: tuple[Any, ...]) -> None:
    assert parse(text) == parts


@pytest.mark.parametrize("text", ["${rows}", "${}", "${.x}", "${a.}", "${a b.c}", "x ${a.b", "${"])
def test_what_looks_like_a_reference_and_is_none_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"\$\$\{"):
        parse(text)


def test_a_whole_reference_keeps_its_type() -> None:
    values = {Reference("a", "n"): 3, Reference("a", "l"): [1, None]}
    given_ = {"n": "${a.n}", "l": ["${a.l}", "${a.n} x", 7], "d": {"k": "${a.n}"}, "e": "$$"}
    found = filled(given_, values.__getitem__, str)
    assert found == {"n": 3, "l": [[1, None], "3 x", 7], "d": {"k": 3}, "e": "$"}
