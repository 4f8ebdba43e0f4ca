"""Names of steps from headings."""

from __future__ import annotations

import pytest

from jupyter_mlops.pipeline.step_names import heading_name, heading_word, headings, unique
from tests.unit.test_suggestion import book


@pytest.mark.parametrize(
    ("heading", "word"),
    [
        ("Load the data", "load"),
        ("Loading", "load"),
        ("Dataset", "load"),
        ("Read the files", "load"),
        ("Feature engineering", "features"),
        ("Preprocessing", "prepare"),
        ("Prepare training data", "prepare"),
        ("Train-test split", "split"),
        ("Training the model", "train"),
        ("Model", "train"),
        ("Evaluate the model", "evaluate"),
        ("Model evaluation", "evaluate"),
        ("How good is it?", "evaluate"),
        ("Exploratory data analysis", "explore"),
        ("Save the model", "save"),
        ("Import libraries", ""),
        ("Flights and weather", ""),
        ("", ""),
    ],
)
def test_the_work_that_a_heading_tells(heading: str, word: str) -> None:
    assert heading_word(heading) == word


@pytest.mark.parametrize(
    ("heading", "name"),
    [
        ("Random forest", "random-forest"),
        ("Flights and weather", "flights-weather"),
        ("Préparation des données", "preparation-des-donnees"),
        ("What do we see here?", ""),
        ("A very long heading that tells a whole story", ""),
        ("2013", ""),
        ("Serve", ""),
        ("数据", ""),
    ],
)
def test_headings_as_names(heading: str, name: str) -> None:
    assert heading_name(heading) == name


@pytest.mark.parametrize(
    ("source", "heading"),
    [
        ("# Load", "Load"),
        ("## 1. Load *the* `data`", "Load the data"),
        ("### Step 3: Train", "Train"),
        ("## Load ##\n\nsome words", "Load"),
        ("# Title\n\n## Section", "Section"),
        ("<h2>Load</h2>", "Load"),
        ("## [Load](https://example.org)", "Load"),
        ("```\n# a comment\n```", ""),
        ("no heading", ""),
    ],
)
def test_the_heading_above_a_cell(source: str, heading: str) -> None:
    found = book(("code", "a = 1"), ("md", source), ("code", "b = 1"), ("code", "c = 1"))
    assert headings(found) == {"c1": "", "c3": heading, "c4": heading}


def test_names_are_given_once() -> None:
    assert unique(["a", "b", "a", "serve", "a"], taken=["b"]) == [
        "a",
        "b-2",
        "a-2",
        "serve-2",
        "a-3",
    ]
