"""Secrets planted everywhere: none of them enters the store or the journal."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from jupyter_mlops.capture import redaction, session
from jupyter_mlops.errors import MlopsError
from jupyter_mlops.pipeline.run import run
from jupyter_mlops.progress import drain
from jupyter_mlops.project import Project
from jupyter_mlops.rerun import rerun
from jupyter_mlops.tracking.store import Store
from tests.support import write_notebook

_LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
_DIGITS = "0123456789"


def _random(size: int, alphabet: str = _LETTERS + _DIGITS) -> st.SearchStrategy[str]:
    # A letter and a digit are in every real one; words are no secrets.
    body = st.text(alphabet, min_size=size - 2, max_size=size - 2)
    return body.map(lambda text: f"{text}q7")


_HEX = "abcdef" + _DIGITS
TOKENS: dict[str, st.SearchStrategy[str]] = {
    "aws": _random(16, "ABCDEFGHIJ" + _DIGITS).map(lambda t: "AKIA" + t.upper()),
    "github": _random(36).map(lambda t: f"ghp_{t}"),
    "gitlab": _random(20).map(lambda t: f"glpat-{t}"),
    "slack": _random(24).map(lambda t: f"xoxb-{t}"),
    "openai": _random(40).map(lambda t: f"sk-proj-{t}"),
    "anthropic": _random(40).map(lambda t: f"sk-ant-api03-{t}"),
    "stripe": _random(24).map(lambda t: f"sk_live_{t}"),
    "hugging face": _random(34).map(lambda t: f"hf_{t}"),
    "google": _random(35).map(lambda t: f"AIza{t}"),
    "databricks": _random(32, _HEX).map(lambda t: f"dapi{t[:-2]}a7"),
    "jwt": _random(30).map(lambda t: f"eyJhbGciOiJIUzI1NiJ9.eyJz{t}.{t}"),
    "azure": _random(31).map(lambda t: f"abc8Q~{t}"),
}
PLAIN = _random(20)
"""A secret that only its name or its place gives away."""

FORMS = {
    "password": 'db_password = "{plain}"',
    "annotated": 'api_key: str = "{plain}"',
    "word": 'client = dict(token="{plain}", other=1)',
    "mapping": 'options = {{"client_secret": "{plain}", "rows": 3}}',
    "list": 'tokens = dict(api_keys=["{plain}", "{plain}"])',
    "default": 'import os\nfound = os.environ.get("MY_API_TOKEN", "{plain}")',
    "address": 'url = "postgresql://ann:{plain}@db.example.org/base"',
    "signed": 'url = "https://x.blob.core.windows.net/c?sv=1&sig={plain}"',
    "storage": 'text = "DefaultEndpointsProtocol=https;AccountKey={plain};x=1"',
    "server": 'text = "Server=db;Uid=ann;Pwd={plain};"',
    "basic": 'headers = {{"Authorization": "Basic {plain}"}}',
    "bearer": 'headers = {{"Authorization": "Bearer {plain}"}}',
    "auth": 'auth=("ann", "{plain}")',
    "magic": "%env DEPLOY_TOKEN={plain}",
    "key": 'k = """-----BEGIN PRIVATE KEY-----\n{plain}\n-----END PRIVATE KEY-----"""',
    "token": 'x = "{token}"',
    "comment": "# {token}",
    "remote": 'remote = "https://{token}@git.example.org/x.git"',
}
# What a cell does with a secret whose value is known by then, in all the ways that leave a trace.
TRACES = [
    "import pandas as pd\npd.DataFrame({{'value': ['{plain}'], 'n': [1]}})",
    "raise ValueError('refused: {plain}')",
    "note = 'about {plain}'",
    "frame = pd.DataFrame({{'a': [1]}}).rename(columns={{'a': 'c_{plain}'}})",
    "import jupyter_mlops\nfrom IPython.display import display\n"
    "display({{'image/svg+xml': '<svg>{plain}</svg>'}}, raw=True)",
    "from sklearn.linear_model import Ridge\nfitted = Ridge().fit([[0], [1]], [0, 1])\n"
    "from sklearn.metrics import accuracy_score\n"
    "accuracy_score(['{plain}'], ['{plain}'])",
    "from pathlib import Path\nPath('{plain}.txt').write_text('x')\n"
    "Path('{plain}.txt').read_text()",
]


@pytest.fixture(scope="module")
def shell(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """An IPython shell in a project with a store, where nothing else runs."""
    from IPython.core.interactiveshell import InteractiveShell

    root = tmp_path_factory.mktemp("secrets")
    (root / "mlops.toml").write_text("")
    subprocess.run(["git", "init", "-q"], cwd=root, check=True)
    (root / "tracked.py").write_text("x = 1\n")
    words = ["-c", "user.name=t", "-c", "user.email=t@example.org", "commit", "-qm", "x"]
    subprocess.run(["git", "add", "tracked.py"], cwd=root, check=True)
    subprocess.run(["git", *words], cwd=root, check=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(root)
        patch.setenv("JUPYTER_MLOPS_WRITER", "off")
        for name in ("JUPYTER_MLOPS_PROJECT", "MLFLOW_TRACKING_URI", "JUPYTER_MLOPS_RUN"):
            patch.delenv(name, raising=False)
        # A shell puts its own namespace there for good.
        patch.setitem(sys.modules, "__main__", sys.modules["__main__"])
        made: Any = InteractiveShell()  # type: ignore[no-untyped-call]
        made.history_manager.enabled = False
        made.showtraceback = lambda *_, **__: None
        yield made
        made.history_manager.end_session()


@settings(
    max_examples=12,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    data=st.data(),
    forms=st.lists(st.sampled_from(sorted(FORMS)), min_size=3, max_size=8, unique=True),
    kind=st.sampled_from(sorted(TOKENS)),
)
def test_planted_secrets_are_nowhere(
    shell: Any, data: st.DataObject, forms: list[str], kind: str
) -> None:
    root = Path.cwd()
    plain, token = data.draw(PLAIN), data.draw(TOKENS[kind])
    os.environ["JUPYTER_MLOPS_TEST_SECRET"] = f"environment{plain}"
    redaction._known.clear()
    for trace in root.glob("*.txt"):  # named after a secret of an earlier example
        trace.unlink()
    (root / "tracked.py").write_text(f"x = 1\npassword = '{plain}'\ny = '{token}'\n")
    shell.reset(new_session=False)
    current = session.start(shell)
    assert current is not None
    cells = [FORMS["password"], *(FORMS[form] for form in forms), *TRACES]
    for source in cells:
        shell.run_cell(source.format(plain=plain, token=token), store_history=True)
    current.note(f"the word is {plain}")
    shell.run_cell(f"print('environment{plain}')\n1 / 0", store_history=True)
    current.close()
    Store(Project(root)).sync(current.run)
    for path in sorted((root / ".mlops").rglob("*")):
        assert plain not in path.name
        assert token not in path.name
        if path.is_file():
            content = path.read_bytes()
            assert plain.encode() not in content, path
            assert token.encode() not in content, path


def test_a_secret_given_by_reference_is_kept_nowhere(
    project_root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = 'hunt&2"er'
    monkeypatch.setenv("THE_PASSWORD", secret)
    (project_root.parent / "dsn").write_text("plainword\n")
    notebook = write_notebook(
        project_root / "nb.ipynb",
        [
            ("parameters", "password = ''\ndsn: str | None = None  # secret: the database"),
            ("step:a", "print(password, [dsn], repr(password))"),
            ("step:a", "print(password[:4], end='', flush=True)"),
            ("step:a", "import time\nfor part in (password[:4], password[4:]):\n"
                       "    print(part, end='', flush=True)\n    time.sleep(0.3)"),
            ("step:a metrics", "size = len(password) + len(dsn)"),
            ("step:a", "{password: [password, dsn]}"),
        ],
    )  # fmt: skip
    references = {"password": "env:THE_PASSWORD", "dsn": f"file:{project_root.parent / 'dsn'}"}
    output = project_root / "out.ipynb"
    done = drain(rerun(notebook, references, output=output))
    assert done.metrics == {"size": 18.0}
    assert Store(Project(project_root)).run(done.run).parameters == references
    ran = drain(run(notebook, references))
    assert ran.metrics == {"size": 18.0}
    assert "[secret]" in output.read_text()
    for path in project_root.rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            for form in (secret, json.dumps(secret)[1:-1], "hunt&amp;2", "plainword"):
                assert form.encode() not in content, path

    failing = write_notebook(
        project_root / "failing.ipynb",
        [("parameters", "password = ''"), ("", "raise ValueError(f'no entry with {password}')")],
    )
    with pytest.raises(MlopsError) as caught:
        drain(rerun(failing, {"password": "env:THE_PASSWORD"}))
    assert caught.value.message == "ValueError: no entry with [secret]"
