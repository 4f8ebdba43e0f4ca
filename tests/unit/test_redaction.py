from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_mlops.capture.redaction import MARK, redact, redact_value

SECRET = "q8Zr4vLw0xTb6nKd2mPs"


@pytest.mark.parametrize(
    "text",
    [
        f'password = "{SECRET}"',
        f"db_password: str = '{SECRET}'",
        f'client = Client(api_key="{SECRET}")',
        f'os.environ["OPENAI_API_KEY"] = "{SECRET}"',
        f'"aws_secret_access_key": "{SECRET}"',
        f'+    "token = \\"{SECRET}\\"\\n",',
        f"postgresql://user:{SECRET}@db.example.org/x",
        f"Authorization: Bearer {SECRET}",
        f"export GITHUB_TOKEN={SECRET}",
        f"+API_TOKEN={SECRET}",
        f"AKIA{'A1' * 8} and {SECRET}"[:20],
        f"ghp_{SECRET * 2}",
        f"sk-{SECRET}",
        f"-----BEGIN RSA PRIVATE KEY-----\n{SECRET}\n{SECRET}\n-----END RSA PRIVATE KEY-----",
        f"eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.{SECRET}",
    ],
)
def test_secrets_are_taken_out(text: str) -> None:
    found = redact(f"before\n{text}\nafter")
    assert SECRET not in found
    assert MARK in found
    assert found.startswith("before\n")
    assert found.endswith("\nafter")


@pytest.mark.parametrize(
    "text",
    [
        "max_tokens = 512",
        "tokens = tokenizer(text)",
        "token = tokens[0]",
        "password = getpass()",
        "key = 'carrier'",
        "frame.sort_values(key='origin')",
        "author = 'Brontë'",
        "https://example.org/path?x=1@2",
        "secret_santa = draw(names)",
    ],
)
def test_ordinary_code_stays(text: str) -> None:
    assert redact(text) == text


def test_a_secret_name_hides_its_value() -> None:
    assert redact_value("api_key", "abc") == MARK
    assert redact_value("db_password", "abc") == MARK
    assert redact_value("max_depth", "6") == "6"
    assert redact_value("tokens", "6") == "6"


@given(st.text())
def test_any_text_is_survived(text: str) -> None:
    assert redact(redact(text)) == redact(text)
