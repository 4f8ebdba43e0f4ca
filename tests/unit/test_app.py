"""The HTTP application on a real model: both protocols, errors, limits, the log."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
import threading
import time
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from prometheus_client.parser import text_string_to_metric_families

from jupyter_mlops.errors import MlopsError
from jupyter_mlops.serving.app import make_app
from jupyter_mlops.serving.limits import Limits
from jupyter_mlops.serving.prediction_log import PredictionLog, read
from jupyter_mlops.serving.predictor import Predictor
from jupyter_mlops.serving.service import Service
from tests.releases import make_release, seal

with warnings.catch_warnings():
    # Starlette prefers the successor of httpx, which nothing else here needs.
    warnings.simplefilter("ignore")
    from starlette.testclient import TestClient

Json = dict[str, Any]


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_release(tmp_path_factory.mktemp("project"), version=2)


@pytest.fixture(scope="module")
def predictor(release: Path) -> Predictor:
    return Predictor.load(release)


@pytest.fixture
def log(tmp_path: Path) -> PredictionLog:
    return PredictionLog(tmp_path / "log")


@pytest.fixture
def client(predictor: Predictor, log: PredictionLog) -> Iterator[TestClient]:
    limits = Limits(body_bytes=20_000, rows=50)
    with TestClient(make_app(Service(predictor, "prod", log, limits))) as client:
        yield client


def rows(predictor: Predictor) -> list[Json]:
    return [dict(row) for row in predictor.examples["rows"]]


def test_the_notebooks_rows_get_the_notebooks_predictions(
    client: TestClient, predictor: Predictor, log: PredictionLog
) -> None:
    asked = {"rows": rows(predictor)}
    response = client.post("/predict", json=asked, headers={"X-Request-ID": "my-1"})
    assert response.status_code == 200
    answer = response.json()
    assert answer["predictions"] == pytest.approx(predictor.examples["predictions"], rel=1e-9)
    assert answer["release"] == "diabetes/2"
    assert answer["request_id"] == response.headers["X-Request-ID"] == "my-1"
    assert answer["warnings"] == []

    logged = read(log.folder)
    assert logged["_prediction"].tolist() == answer["predictions"]
    assert set(logged["_request_id"]) == {"my-1"}
    kept = logged.drop(columns=[name for name in logged if name.startswith("_")])
    assert predictor.contract.rows(predictor.contract.frame(rows(predictor))) == json.loads(
        kept.to_json(orient="records")
    )


def test_three_ways_to_send_rows(client: TestClient, predictor: Predictor) -> None:
    row = rows(predictor)[0]
    answers = [
        client.post("/predict", json=form).json()["predictions"]
        for form in ({"rows": [row]}, [row], row)
    ]
    assert answers[0] == answers[1] == answers[2]
    assert len(answers[0]) == 1


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"{", 400, "request.not-json"),
        (b"", 400, "request.not-json"),
        (b'{"rows": [NaN]}', 400, "request.not-json"),
        (b"\xff\xfe", 400, "request.not-json"),
        (b"3", 400, "request.form"),
        (b"null", 400, "request.form"),
        (b"[]", 422, "contract.invalid"),
        (b'{"rows": []}', 422, "contract.invalid"),
        (b'{"rows": {}}', 422, "contract.invalid"),
        (b"[1, null]", 422, "contract.invalid"),
        (b"[" + b"{}," * 50 + b"{}]", 413, "request.too-large"),
        (b" " * 20_001, 413, "request.too-large"),
    ],
)
def test_bad_bodies(client: TestClient, body: bytes, status: int, code: str) -> None:
    response = client.post("/predict", content=body)
    error = response.json()["error"]
    assert (response.status_code, error["code"]) == (status, code)
    assert error["message"]
    assert error["request_id"] == response.headers["X-Request-ID"]


def test_a_body_without_a_length_is_limited_too(client: TestClient) -> None:
    def chunks() -> Iterator[bytes]:
        for _ in range(30):
            yield b" " * 1000

    assert client.post("/predict", content=chunks()).status_code == 413


def test_bad_values_are_named(client: TestClient, predictor: Predictor, log: PredictionLog) -> None:
    good, bad = rows(predictor)[:2]
    bad["age"] = "59"
    bad["bmx"] = bad.pop("bmi")
    response = client.post("/predict", json=[good, bad])
    assert response.status_code == 422
    assert response.json()["error"]["errors"] == [
        {
            "row": 1,
            "column": "bmx",
            "reason": "is unknown; did you mean `bmi`?",
            "value": bad["bmx"],
        },
        {"row": 1, "column": "bmi", "reason": "is missing", "value": None},
        {
            "row": 1,
            "column": "age",
            "reason": "is text, but an integer is wanted",
            "value": "59",
        },
    ]
    assert len(read(log.folder)) == 0, "what is refused is not logged"


def test_new_values_are_answered_with_a_warning(client: TestClient, predictor: Predictor) -> None:
    row = rows(predictor)[0] | {"age": 120, "sex": "X"}
    answer = client.post("/predict", json=row).json()
    assert [(w["column"], w["kind"]) for w in answer["warnings"]] == [
        ("age", "above"),
        ("sex", "unknown"),
    ]
    text = client.get("/metrics").text
    assert 'mlops_unseen_values_total{column="age",kind="above"} 1' in text


@pytest.mark.parametrize("path", ["/nothing", "/v2/models/other", "/v2/models/prod/versions/9"])
def test_unknown_paths(client: TestClient, path: str) -> None:
    response = client.get(path)
    assert response.status_code == 404
    assert response.headers["content-type"] == "application/json"
    assert path in json.dumps(response.json())


def test_a_wrong_method(client: TestClient) -> None:
    response = client.get("/predict")
    assert response.status_code == 405
    assert response.json()["error"]["code"] == "request.method"
    assert response.headers["allow"] == "POST"


@pytest.mark.parametrize("given", ["", "a b", "x" * 129, "né", "a\tb"])
def test_a_request_id_that_is_none_is_replaced(client: TestClient, given: str) -> None:
    response = client.get("/health", headers={"X-Request-ID": given.encode()})
    assert re.fullmatch("[0-9a-f]{32}", response.headers["X-Request-ID"])


def tensors(predictor: Predictor) -> list[Json]:
    datatypes = {"age": "INT64", "sex": "BYTES"}
    asked = rows(predictor)
    return [
        {
            "name": name,
            "shape": [len(asked)],
            "datatype": datatypes.get(name, "FP64"),
            "data": [row[name] for row in asked],
        }
        for name in reversed(predictor.contract.names)
    ]


def test_the_open_inference_protocol(
    client: TestClient, predictor: Predictor, log: PredictionLog
) -> None:
    for path in ("/v2/health/live", "/v2/health/ready", "/v2/models/prod/ready", "/v2"):
        assert client.get(path).status_code == 200
    metadata = client.get("/v2/models/diabetes/versions/2").json()
    assert metadata["versions"] == ["2"]
    assert {t["name"]: t["datatype"] for t in metadata["inputs"]}["sex"] == "BYTES"
    assert metadata["outputs"] == [{"name": "prediction", "datatype": "FP64", "shape": [-1]}]

    asked = {"id": "q7", "inputs": tensors(predictor), "outputs": [{"name": "prediction"}]}
    response = client.post("/v2/models/prod/infer", json=asked)
    assert response.status_code == 200
    answer = response.json()
    assert (answer["id"], answer["model_name"], answer["model_version"]) == ("q7", "prod", "2")
    (output,) = answer["outputs"]
    assert output["shape"] == [5]
    plain = client.post("/predict", json=rows(predictor)).json()
    assert output["data"] == plain["predictions"]
    logged = read(log.folder)
    assert len(logged) == 10
    assert logged["age"].tolist()[:5] == logged["age"].tolist()[5:]


@pytest.mark.parametrize(
    ("change", "status", "words"),
    [
        ({"shape": [4]}, 400, "not those of shape"),
        ({"shape": [5, 2]}, 400, "of shape [rows]"),
        ({"shape": "5"}, 400, "no shape"),
        ({"datatype": "TEXT"}, 400, "no datatype"),
        ({"data": 3}, 400, "no data"),
        ({"name": 3}, 400, "no name"),
        ({"name": "agx"}, 422, "did you mean `age`?"),
        ({"data": ["1"] * 5}, 422, "is text, but an integer is wanted"),
        ({"shape": [1], "data": [1]}, 400, "different numbers of rows"),
        ({"parameters": {"binary_data_size": 8}}, 400, "binary"),
    ],
)
def test_bad_tensors(
    client: TestClient, predictor: Predictor, change: Json, status: int, words: str
) -> None:
    inputs = tensors(predictor)
    next(tensor for tensor in inputs if tensor["name"] == "age").update(change)
    response = client.post("/v2/models/prod/infer", json={"inputs": inputs})
    assert response.status_code == status, response.text
    assert words in json.dumps(response.json())
    assert isinstance(response.json()["error"], str), "the protocol wants a text"


def test_the_description_fits_the_server(client: TestClient, predictor: Predictor) -> None:
    document = client.get("/openapi.json").json()
    asked = document["paths"]["/predict"]["post"]
    example = asked["requestBody"]["content"]["application/json"]["example"]
    response = client.post("/predict", json=example)
    assert response.status_code == 200

    def check(name: str, value: Any) -> None:
        schema = {"$ref": f"#/components/schemas/{name}", "components": document["components"]}
        jsonschema.validate(value, schema, jsonschema.Draft202012Validator)

    check("Request", example)
    check("Answer", response.json())
    bad = {"rows": [example["rows"][0] | {"age": "x"}]}
    with pytest.raises(jsonschema.ValidationError):
        check("Request", bad)
    check("Error", client.post("/predict", json=bad).json())


def test_the_page_shows_a_command_that_works(client: TestClient, predictor: Predictor) -> None:
    response = client.get("/")
    page = response.text
    assert "diabetes/2" in page
    assert "http" not in re.sub("http://testserver", "", page), "nothing is loaded from elsewhere"
    assert "default-src 'none'" in response.headers["content-security-policy"]
    from html import unescape

    (command,) = re.findall(r"<pre>(.*?)</pre>", page, re.DOTALL)
    words = shlex.split(unescape(command).replace("\\\n", " "))
    assert words[:2] == ["curl", "http://testserver/predict"]
    answer = client.post("/predict", content=words[words.index("-d") + 1].encode()).json()
    assert answer["predictions"] == pytest.approx(predictor.examples["predictions"][:1], rel=1e-9)


def test_metrics_are_prometheus_metrics(client: TestClient, predictor: Predictor) -> None:
    client.post("/predict", json=rows(predictor))
    client.post("/predict", content=b"{")
    client.get("/nothing")
    response = client.get("/metrics")
    samples = {
        (sample.name, *sorted(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(response.text)
        for sample in family.samples
    }
    assert samples["mlops_predictions_total",] == 5
    assert samples["mlops_requests_total", ("route", "predict"), ("status", "200")] == 1
    assert samples["mlops_requests_total", ("route", "predict"), ("status", "400")] == 1
    assert samples["mlops_requests_total", ("route", "?"), ("status", "404")] == 1
    assert samples["mlops_request_seconds_bucket", ("le", "+Inf"), ("route", "predict")] == 2
    assert samples["mlops_requests_in_flight",] == 1, "this one"
    assert samples["process_resident_memory_bytes",] > 1e7


def test_the_api_key(predictor: Predictor) -> None:
    service = Service(predictor, "prod", None)
    with TestClient(make_app(service, api_key="s3cret")) as client:
        assert client.get("/health").status_code == 200
        assert client.get("/v2/health/ready").status_code == 200
        for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": "Basic s3cret"}):
            refused = client.get("/metrics", headers=headers)
            assert refused.status_code == 401
            assert refused.headers["www-authenticate"] == "Bearer"
        key = {"Authorization": "Bearer s3cret"}
        assert client.post("/predict", json=rows(predictor), headers=key).status_code == 200
        assert "MLOPS_API_KEY" in client.get("/", headers=key).text


def test_pages_of_other_sites_cannot_post(client: TestClient, predictor: Predictor) -> None:
    headers = {"Sec-Fetch-Site": "cross-site", "Content-Type": "text/plain"}
    response = client.post("/predict", json=rows(predictor), headers=headers)
    assert response.status_code == 403


def test_an_answer_that_cannot_be_logged_is_not_given(predictor: Predictor, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    service = Service(predictor, "prod", PredictionLog(tmp_path / "file" / "log"))
    with TestClient(make_app(service)) as client:
        response = client.post("/predict", json=rows(predictor))
        assert response.status_code == 503
        assert response.json()["error"]["code"] == "log.failed"
        assert client.get("/health").status_code == 200


def test_a_function_that_fails(
    predictor: Predictor, log: PredictionLog, caplog: pytest.LogCaptureFixture
) -> None:
    def fails(frame: Any) -> Any:
        raise ValueError("no such airport\nsecond line")

    broken = Predictor("diabetes/2", predictor.contract, fails, predictor.examples, Path())
    with TestClient(make_app(Service(broken, "prod", log))) as client:
        response = client.post("/predict", json=rows(predictor), headers={"X-Request-ID": "r9"})
    assert response.status_code == 500
    error = response.json()["error"]
    assert error["message"] == "The served function failed: ValueError: no such airport"
    assert "Traceback" not in response.text
    assert "r9" in caplog.text
    assert "raise ValueError" in caplog.text
    assert len(read(log.folder)) == 0


def test_health_is_answered_while_the_function_works(predictor: Predictor) -> None:
    started, go_on = threading.Event(), threading.Event()

    def slow(frame: Any) -> list[float]:
        started.set()
        assert go_on.wait(30)
        return [0.0] * len(frame)

    slowly = Predictor("diabetes/2", predictor.contract, slow, predictor.examples, Path())
    with TestClient(make_app(Service(slowly, "prod", None))) as client:
        answers: list[int] = []
        thread = threading.Thread(
            target=lambda: answers.append(client.post("/predict", json=rows(predictor)).status_code)
        )
        thread.start()
        assert started.wait(30)
        before = time.perf_counter()
        assert client.get("/health").status_code == 200
        assert time.perf_counter() - before < 5
        assert answers == []
        go_on.set()
        thread.join(30)
        assert answers == [200]


@pytest.mark.parametrize(
    "name", ["serving/serve.py", "serving/state/values.pickle", "serving/contract.json"]
)
def test_an_altered_file_is_refused(release: Path, tmp_path: Path, name: str) -> None:
    copy = shutil.copytree(release, tmp_path / "copy")
    with (copy / name).open("ab") as stream:
        stream.write(b" ")
    with pytest.raises(MlopsError, match=re.escape(name)) as altered:
        Predictor.load(copy)
    assert altered.value.code == "serving.altered"


def test_an_unlisted_file_is_refused(release: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(release, tmp_path / "copy")
    manifest = json.loads((copy / "release.json").read_text())
    del manifest["files"]["serving/state/values.pickle"]
    (copy / "release.json").write_text(json.dumps(manifest))
    with pytest.raises(MlopsError) as altered:
        Predictor.load(copy)
    assert altered.value.code == "serving.altered"


@pytest.mark.parametrize(
    ("source", "code", "words"),
    [
        ("predict = 3\n", "serving.function", "does not define the function `predict`"),
        ("import no_such_package\n", "serving.function", "No module named 'no_such_package'"),
        ("def predict(frame):\n    return [0.0] * len(frame)\n", "serving.self-test", "row 0"),
        ("def predict(frame):\n    return 3\n", "serving.self-test", "one prediction for each row"),
        ("def predict(frame):\n    return [1.0]\n", "serving.self-test", "1 predictions for 5"),
        ("def predict(frame):\n    raise SystemExit(0)\n", "serving.self-test", "SystemExit"),
    ],
)
def test_a_release_that_does_not_answer_as_the_notebook(
    release: Path, tmp_path: Path, source: str, code: str, words: str
) -> None:
    copy = shutil.copytree(release, tmp_path / "copy")
    (copy / "serving" / "serve.py").write_text(source)
    seal(copy, {"name": "diabetes", "version": 2})
    with pytest.raises(MlopsError, match=re.escape(words)) as refused:
        Predictor.load(copy)
    assert refused.value.code == code


def test_a_release_that_is_being_made(release: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(release, tmp_path / "copy")
    (copy / "release.json").unlink()
    with pytest.raises(MlopsError) as missing:
        Predictor.load(copy)
    assert missing.value.code == "serving.missing"
    draft = Predictor.load(copy, verify=False)
    asked = draft.contract.frame(draft.examples["rows"])
    assert list(draft.predict(asked)) == pytest.approx(draft.examples["predictions"], rel=1e-9)


def test_the_server_needs_neither_mlflow_nor_jupyter(release: Path) -> None:
    import sys

    code = (
        "import sys\n"
        "from pathlib import Path\n"
        "from jupyter_mlops.serving import __main__, app, server\n"
        "from jupyter_mlops.serving.predictor import Predictor\n"
        f"Predictor.load(Path({str(release)!r}))\n"
        "heavy = {'mlflow', 'IPython', 'jupyter_server', 'papermill', 'docker', 'filelock'}\n"
        "print(sorted(heavy & set(sys.modules)))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
