"""Tags say one thing each, in our words and in Kale's."""

from __future__ import annotations

import pytest

from jupyter_mlops.notebook import tags
from jupyter_mlops.pipeline.grouping import group, read_edges
from tests.programs import notebook

WORDS = (
    tags.IMPORTS,
    tags.FUNCTIONS,
    tags.PARAMETERS,
    tags.METRICS,
    tags.SERVE,
    tags.SKIP,
    tags.TEST,
)


def test_no_word_means_two_things() -> None:
    assert len(frozenset().union(*WORDS)) == sum(len(each) for each in WORDS)


@pytest.mark.parametrize(
    ("tag", "kind"),
    [
        ("imports", "prelude"),
        ("functions", "prelude"),
        ("parameters", "parameters"),
        ("pipeline-parameters", "parameters"),
        ("skip", "excluded"),
        ("test", "excluded"),
        ("step:b", "step"),
        ("block:b", "step"),
        ("metrics", "step"),
        ("pipeline-metrics", "step"),
        ("serve", "step"),
        ("something-else", "step"),
    ],
)
def test_what_a_tag_makes_of_a_cell(tag: str, kind: str) -> None:
    roles = group(notebook(("step:a", "x = 1"), (tag, "y = 1"))).roles
    assert roles[1].kind == kind
    assert roles[1].metrics == (tag in tags.METRICS)
    assert roles[1].serve == (tag in tags.SERVE)


@pytest.mark.parametrize("prefix", tags.AFTER_PREFIXES)
def test_edges_are_read_from_both_prefixes(prefix: str) -> None:
    book = notebook(("step:a", "x = 1"), (f"step:b {prefix}a", "y = 1"))
    grouping = group(book)
    read_edges(book, grouping)
    assert {step: list(names) for step, names in grouping.after.items()} == {"b": ["a"]}
