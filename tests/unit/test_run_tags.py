"""Tags that a user gives a run."""

from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from mlflow.exceptions import MlflowException
from mlflow.utils.validation import _validate_tag

from jupyter_mlops.capture.run_tags import read_tags
from jupyter_mlops.errors import MlopsError

KEYS = st.from_regex(r"[A-Za-z0-9_][A-Za-z0-9_./:-]{0,20}", fullmatch=True).filter(
    lambda key: not key.startswith(("mlflow.", "mlops.")) and "=" not in key
)


@given(st.dictionaries(KEYS, st.from_regex(r"[a-z =.]{0,20}", fullmatch=True), min_size=1))
def test_names_and_values_are_told_apart_at_the_first_sign(tags: dict[str, str]) -> None:
    if not all(_taken(key) for key in tags):
        return
    read = read_tags(f"{key}={value}" for key, value in tags.items())
    assert read.keys() == tags.keys()
    assert all(read[key] in (value, "[redacted]") for key, value in tags.items())


@given(st.text("ab/.: é-%\n", min_size=1, max_size=8))
def test_a_name_is_taken_where_mlflow_takes_it(key: str) -> None:
    assume(key == key.strip())
    assert _accepted(key) == _taken(key)


def _accepted(key: str) -> bool:
    try:
        read_tags([f"{key}=x"])
    except MlopsError:
        return False
    return True


def _taken(key: str) -> bool:
    try:
        _validate_tag(key, "x")
    except MlflowException:
        return False
    return True


def test_a_word_alone_is_true() -> None:
    assert read_tags(["baseline", "owner=ada", "empty="]) == {
        "baseline": "true",
        "owner": "ada",
        "empty": "",
    }


def test_a_secret_is_not_kept() -> None:
    assert read_tags(["api_key=q8Zr4vLw0xTb6nKd2mPs"]) == {"api_key": "[redacted]"}


@pytest.mark.parametrize(
    ("word", "code"),
    [
        ("=x", "tag.key"),
        ("a%b=x", "tag.key"),
        ("a//b=x", "tag.key"),
        ("../a=x", "tag.key"),
        ("/a=x", "tag.key"),
        ("k" * 251, "tag.key"),
        ("mlflow.runName=x", "tag.reserved"),
        ("mlops.run=x", "tag.reserved"),
        ("a=" + "x" * 5001, "tag.value"),
    ],
)
def test_what_mlflow_would_not_take_is_refused(word: str, code: str) -> None:
    with pytest.raises(MlopsError) as caught:
        read_tags([word])
    assert caught.value.code == code


def test_no_tag_is_refused() -> None:
    with pytest.raises(MlopsError) as caught:
        read_tags([])
    assert caught.value.code == "tag.missing"
