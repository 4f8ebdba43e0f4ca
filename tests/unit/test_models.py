"""The messages, and the TypeScript that is generated from them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from pydantic import ValidationError

from jupyter_mlops.errors import MlopsError, Place
from jupyter_mlops.models import MESSAGES, ErrorMessage, PipelineRequest, PromotionRequest
from jupyter_mlops.notebook import tags

ROOT = Path(__file__).resolve().parents[2]
SIDEBAR = ROOT / "labextension"


def test_every_error_is_a_message() -> None:
    place = Place("a.ipynb", 3, "c3", 7)
    for error in (MlopsError("a.b", "Wrong."), MlopsError("a.b", "Wrong.", hint="x", place=place)):
        message = ErrorMessage.model_validate(error.to_dict())
        assert message.model_dump() == error.to_dict()


@pytest.mark.parametrize("body", ["{}", '{"path": 3}', '{"path": "a", "force": true}', "[]", ""])
def test_requests_are_refused_unless_they_are_exact(body: str) -> None:
    with pytest.raises(ValidationError):
        PromotionRequest.model_validate_json(body)


def test_content_is_passed_as_it_is() -> None:
    content = {"cells": [{"source": "a = 1", "metadata": {"tags": ["step:a"]}}], "nbformat": 4}
    request = PipelineRequest.model_validate({"path": "a.ipynb", "content": content})
    assert request.content == content


def test_every_message_is_explained() -> None:
    for message in MESSAGES:
        assert message.__doc__, message


def test_the_sidebar_knows_every_tag() -> None:
    text = (SIDEBAR / "src" / "tags.ts").read_text()
    words = (
        tags.IMPORTS
        | tags.FUNCTIONS
        | tags.PARAMETERS
        | tags.METRICS
        | tags.SERVE
        | tags.SKIP
        | tags.TEST
        | {tags.STEP_PREFIX, *tags.AFTER_PREFIXES}
    )
    assert {word for word in words if f"'{word}'" not in text and f"  {word}:" not in text} == set()


@pytest.mark.browser
def test_typescript_is_what_the_models_say() -> None:
    assert (SIDEBAR / "node_modules").is_dir(), "run `npm ci` in labextension/ first"
    script = ROOT / "scripts" / "generate_types.py"
    done = subprocess.run(
        [sys.executable, script, "--check"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
