from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_mlops.capture import redaction
from jupyter_mlops.capture.redaction import (
    MARK,
    learn,
    learn_values,
    redact,
    redact_all,
    redact_value,
)

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
        f"api_keys = ['{SECRET}', \"{SECRET}\"]",
        f'os.getenv("API_TOKEN", "{SECRET}")',
        f'requests.get(url, auth=("ann", "{SECRET}"))',
        f'wandb.login(key="{SECRET}")',
        f'secret = """\n{SECRET}\n"""',
        f"https://x.blob.core.windows.net/c?sv=1&sig={SECRET}",
        f"AccountName=x;AccountKey={SECRET};EndpointSuffix=y",
        f"postgresql://ann:p/a@{SECRET}@db.example.org/x",
        f"https://{SECRET}@git.example.org/x.git",
        f"https://hooks.slack.com/services/T00/B00/{SECRET}",
        f"Authorization: Basic {SECRET}",
        f"!tool run --api-token {SECRET}",
        f"glpat-{SECRET}",
        f"xoxb-{SECRET}",
        f"sk_live_{SECRET}",
        f"dckr_pat_{SECRET}",
        f"abc8Q~{SECRET}abcdefghijk1",
        f"-----BEGIN PGP PRIVATE KEY BLOCK-----\n{SECRET}\n-----END PGP PRIVATE KEY BLOCK-----",
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
        "columns = ['token', 'password', 'rows']",
        "passed = 'all of them'",
        "http://localhost:8080/path?x=a@b",
        "frame.to_csv(path, sep=';')",
        "keys = ['origin', 'carrier']",
        "git clone https://github.com/somebody/something.git",
        "basic = 'something simple'",
        "x = options.get('rows', 'many')",
    ],
)
def test_ordinary_code_stays(text: str) -> None:
    assert redact(text) == text


def test_a_secret_name_hides_its_value() -> None:
    assert redact_value("api_key", "abc") == MARK
    assert redact_value("db_password", "abc") == MARK
    assert redact_value("max_depth", "6") == "6"
    assert redact_value("tokens", "6") == "6"


def test_a_secret_is_known_by_its_value_from_then_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(redaction, "_known", set())
    assert redact(f"refused: {SECRET}") == f"refused: {SECRET}"
    learn(f"password = '{SECRET}'")
    assert redact(f"refused: {SECRET}") == f"refused: {MARK}"
    learn_values({"api_key": "another9secret", "rows": "ordinary12345", "token": "test"})
    assert redact("another9secret ordinary12345 test") == f"{MARK} ordinary12345 test"


def test_all_texts_of_a_structure() -> None:
    given = {"password": "x", "rows": [1, f"sk-{SECRET}"], "options": {"token": ["y"]}}
    assert redact_all(given) == {
        "password": MARK,
        "rows": [1, MARK],
        "options": {"token": [MARK]},
    }


@given(st.text())
def test_any_text_is_survived(text: str) -> None:
    assert redact(redact(text)) == redact(text)
