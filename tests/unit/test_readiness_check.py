"""Reports: what is in them, what is left out of them, and how they are written for programs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from jupyter_mlops.errors import MlopsError
from jupyter_mlops.notebook.document import read
from jupyter_mlops.notebook.ghosts import Executed, KernelState
from jupyter_mlops.readiness import rule as rules_module
from jupyter_mlops.readiness.check import Report, check, check_file
from jupyter_mlops.readiness.context import Context
from jupyter_mlops.readiness.formats import as_github, as_json, as_sarif
from jupyter_mlops.readiness.rule import Found, all_rules, rule
from tests.support import Cells, calls, write_notebook

BAD: list[tuple[str, str]] = [
    ("imports", "import numpy as np"),
    ("step:a", "x = 1\n%pip install pandas"),
    ("step:b", "y = (np.random\n     .rand(3))\nprint(x, totl)"),
]


def checked(folder: Path, cells: Cells, **options: Any) -> Report:
    return check_file(write_notebook(folder / "nb.ipynb", cells), name="nb.ipynb", **options)


def rules(report: Report) -> list[str]:
    return [finding.rule for finding in report.findings]


def with_outputs(path: Path, outputs: dict[int, list[dict[str, Any]]], counts: list[int]) -> Path:
    content = json.loads(path.read_text())
    for number, cell in enumerate(content["cells"]):
        cell["outputs"] = outputs.get(number, [])
        cell["execution_count"] = counts[number]
    path.write_text(json.dumps(content, indent=1))
    return path


def test_findings_are_in_the_order_of_the_notebook(tmp_path: Path) -> None:
    report = checked(tmp_path, BAD)
    places = [(f.place.cell, f.place.line) for f in report.findings]
    assert rules(report) == ["pip-install", "unseeded-randomness", "undefined-name"]
    assert places == [(2, 2), (3, 1), (3, 3)]
    assert not report.ok
    assert all(f.message and f.why and f.fix for f in report.findings)
    assert report.to_dict()["counts"] == {"error": 1, "warning": 2, "note": 0}


def test_warnings_fail_where_that_is_asked_for(tmp_path: Path) -> None:
    report = checked(tmp_path, BAD[:2])
    assert report.passes()
    assert not report.passes(strict=True)


def test_rules_are_left_out_or_asked_for_by_name(tmp_path: Path) -> None:
    left = checked(tmp_path, BAD, ignore=["pip-install"])
    assert "pip-install" not in rules(left)
    assert left.suppressed == 1
    assert rules(checked(tmp_path, BAD, only=["pip-install"])) == ["pip-install"]
    with pytest.raises(MlopsError, match="pip-instal`") as caught:
        checked(tmp_path, BAD, only=["pip-instal"])
    assert caught.value.code == "check.unknown-rule"
    assert "pip-install" in caught.value.hint


@pytest.mark.parametrize(
    ("source", "left"),
    [
        ("a = input()  # mlops: ignore[interactive]\nb = input()", [2]),
        ("a = input()  # MLOps:ignore\nb = input()", [2]),
        ("a = input()  # mlops: ignore[secret]\nb = input()", [1, 2]),
        ("a = input()  # mlops: ignore[secret, interactive]", []),
        ("a = [\n  1,\n  input(),\n]  # mlops: ignore[interactive]\nb = input()", [5]),
        ("a = 1\n# mlops: ignore[interactive]\nb = [\n  input()]\nc = input()", [5]),
        ("# why not\n# mlops: ignore[interactive]\na = input()\nb = input()", []),
        ("if 1:  # mlops: ignore[interactive]\n    a = input()", [2]),
        ("%debug  # mlops: ignore[interactive]\n1", []),
    ],
)
def test_a_comment_accepts_a_finding(tmp_path: Path, source: str, left: list[int]) -> None:
    report = checked(tmp_path, [("", source)])
    assert [f.place.line for f in report.findings if f.rule == "interactive"] == left


def test_a_comment_that_names_no_rule_is_told(tmp_path: Path) -> None:
    report = checked(tmp_path, [("step:a", "print(1)  # mlops: ignore[interactiv]")])
    [finding] = report.findings
    assert (finding.rule, finding.place.line) == ("unknown-rule", 1)
    assert "`interactive`" in finding.fix


@pytest.mark.parametrize(
    ("text", "severity"),
    [("{", "error"), ("", "note"), ("[]", "error"), ('{"nbformat": 3}', "error"),
     ('{"nbformat": 4, "cells": []}', "note")],
)  # fmt: skip
def test_a_file_that_is_no_notebook_is_a_finding(tmp_path: Path, text: str, severity: str) -> None:
    path = tmp_path / "nb.ipynb"
    path.write_text(text)
    report = check_file(path)
    assert [(f.rule, f.severity) for f in report.findings] == [("unreadable", severity)]


def test_a_missing_file_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(MlopsError) as caught:
        check_file(tmp_path / "nb.ipynb")
    assert caught.value.code == "notebook.missing"


def test_all_of_several_broken_cells_are_told_and_what_compilation_refuses_too(
    tmp_path: Path,
) -> None:
    cells = [
        ("step:a", "def f(:"), ("step:a", "x = totl"), ("step:b", "y = x = othr"),
        ("step:c", "x = ("), ("step:D", "z = y"),
    ]  # fmt: skip
    report = checked(tmp_path, cells)
    assert [(f.rule, f.place.cell) for f in report.findings if f.severity == "error"] == [
        ("syntax-error", 1),
        ("undefined-name", 2),
        ("undefined-name", 3),
        ("syntax-error", 4),
        ("promotion-refused", 5),
    ]


def test_saved_outputs_are_looked_at(tmp_path: Path) -> None:
    error = {"output_type": "error", "ename": "KeyError", "evalue": "'a'", "traceback": ["…"]}
    shown = {"output_type": "stream", "name": "stdout",
             "text": ["key: ", "sk-abcdefghij1234567890abcd\n"]}  # fmt: skip
    large = {"output_type": "display_data", "data": {"image/png": "A" * 1_200_000}, "metadata": {}}
    path = write_notebook(
        tmp_path / "nb.ipynb",
        [("step:a", "x = 1"), ("step:a", "print(x)"), ("step:a", "print(x)"),
         ("step:a raises-exception", "1 / x")],
    )  # fmt: skip
    with_outputs(path, {0: [error], 1: [shown], 2: [large], 3: [error]}, [1, 2, 3, 4])
    report = check_file(path)
    found = [(f.rule, f.place.cell) for f in report.findings]
    assert found == [("saved-error", 1), ("secret-in-output", 2), ("large-output", 3)]
    assert "abcdefghij" not in str(report.to_dict())


def test_hidden_state_of_saved_counts_is_told(tmp_path: Path) -> None:
    cells = [("step:a", "x = 1"), ("step:a", "y = x + 1\nprint(y)"), ("step:a", "x = 5\nprint(x)")]
    path = write_notebook(tmp_path / "nb.ipynb", cells)
    assert check_file(with_outputs(path, {}, [1, 2, 3])).findings == ()
    [finding] = check_file(with_outputs(path, {}, [1, 3, 2])).findings
    assert (finding.rule, finding.place.cell) == ("hidden-state", 2)


def test_hidden_state_of_the_live_kernel_is_told(tmp_path: Path) -> None:
    cells = [("step:a", "x = 1"), ("step:a", "y = x + 1\nprint(y)")]
    notebook = read(write_notebook(tmp_path / "nb.ipynb", cells))
    in_order = KernelState(
        ("x", "y"), (Executed("x = 1", 1, "c1"), Executed("y = x + 1\nprint(y)", 2, "c2"))
    )
    assert check(notebook, kernel=in_order).findings == ()
    between = Executed("x = 99", 2, "gone")
    changed = KernelState(
        ("x", "y"),
        (in_order.executed[0], between, Executed("y = x + 1\nprint(y)", 3, "c2")),
    )
    [finding] = check(notebook, kernel=changed).findings
    assert (finding.rule, finding.place.cell, finding.place.line) == ("hidden-state", 2, 1)


# --- rules of other packages ----------------------------------------------------------------


@rule("no-print", "warning", what="a print", why="It is loud.", fix="remove it.", example="`p`")
def no_print(context: Context) -> Iterator[Found]:
    for code, call, name in context.calls():
        if name == "print":
            yield Found("the cell prints", code.cell, call.lineno)


@rule("bad-rule", "warning", what="-", why="-", fix="-", example="-")
def bad_rule(context: Context) -> Iterator[Found]:
    raise KeyError(context.notebook.stem)


def _install(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    point = EntryPoint("other", value, rules_module.GROUP)
    monkeypatch.setattr(
        rules_module, "entry_points", lambda group: [point] * (group == point.group)
    )


def test_another_package_adds_a_rule(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _install(monkeypatch, f"{__name__}:no_print")
    report = checked(tmp_path, [("step:a", "x = 1\nprint(x)")])
    assert [(f.rule, f.place.line, f.why) for f in report.findings] == [
        ("no-print", 2, "It is loud.")
    ]
    assert rules(checked(tmp_path, [("step:a", "print(1)  # mlops: ignore[no-print]")])) == []


def test_a_rule_that_fails_hides_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _install(monkeypatch, f"{__name__}:bad_rule")
    report = checked(tmp_path, BAD)
    assert {"bad-rule", "pip-install"} <= set(rules(report))
    assert not report.ok


@pytest.mark.parametrize(
    ("value", "code"),
    [("no_such_module:x", "check.rule-broken"), ("json:dumps", "check.rule-broken"),
     ("jupyter_mlops.readiness.rules.names:undefined_name", "check.two-rules")],
)  # fmt: skip
def test_a_rule_that_cannot_be_used_is_named(
    monkeypatch: pytest.MonkeyPatch, value: str, code: str
) -> None:
    _install(monkeypatch, value)
    with pytest.raises(MlopsError) as caught:
        all_rules()
    assert caught.value.code == code


# --- formats --------------------------------------------------------------------------------

_TEXT = {
    "type": "object",
    "required": ["text"],
    "properties": {"text": {"type": "string", "minLength": 1}},
}
SARIF = {
    "type": "object",
    "required": ["version", "runs"],
    "additionalProperties": False,
    "properties": {
        "$schema": {"type": "string"},
        "version": {"const": "2.1.0"},
        "runs": {"type": "array", "items": {
            "type": "object",
            "required": ["tool"],
            "properties": {
                "columnKind": {"enum": ["utf16CodeUnits", "unicodeCodePoints"]},
                "tool": {"required": ["driver"], "properties": {"driver": {
                    "required": ["name"],
                    "properties": {"version": {"type": "string"}, "rules": {
                        "type": "array", "uniqueItems": True, "items": {
                            "type": "object",
                            "required": ["id"],
                            "additionalProperties": False,
                            "properties": {
                                "id": {"type": "string"}, "name": {"type": "string"},
                                "shortDescription": _TEXT, "fullDescription": _TEXT, "help": _TEXT,
                                "defaultConfiguration": {"properties": {"level": {
                                    "enum": ["none", "note", "warning", "error"]}}},
                            },
                        }}},
                }}},
                "results": {"type": "array", "items": {
                    "required": ["message", "ruleId"],
                    "properties": {
                        "ruleIndex": {"type": "integer", "minimum": 0},
                        "level": {"enum": ["none", "note", "warning", "error"]},
                        "message": _TEXT,
                        "locations": {"type": "array", "minItems": 1, "items": {"properties": {
                            "physicalLocation": {
                                "required": ["artifactLocation"],
                                "properties": {
                                    "artifactLocation": {"properties": {"uri": {
                                        "type": "string", "pattern": r"^[^\s\\]+$"}}},
                                    "region": {"properties": {"startLine": {
                                        "type": "integer", "minimum": 1}}},
                                },
                            },
                            "logicalLocations": {"type": "array", "uniqueItems": True, "items": {
                                "additionalProperties": False,
                                "properties": {name: {"type": "string"} for name in (
                                    "name", "fullyQualifiedName", "kind")},
                            }},
                        }}},
                        "partialFingerprints": {"additionalProperties": {"type": "string"}},
                    },
                }},
            },
        }},
    },
}  # fmt: skip
"""What GitHub's code scanning reads of the SARIF 2.1.0 schema."""


def test_sarif_has_rules_places_and_the_lines_of_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("GITHUB_WORKSPACE", raising=False)
    path = write_notebook(tmp_path / "a b" / "nb.ipynb", BAD)
    _one_line_each(path)
    broken = tmp_path / "broken.ipynb"
    broken.write_text("{")
    log = json.loads(as_sarif([check_file(path), check_file(broken)], all_rules().values()))
    Draft202012Validator(SARIF).validate(log)
    [run] = log["runs"]
    described = run["tool"]["driver"]["rules"]
    lines = path.read_text().split("\n")
    for result, words in zip(run["results"][:3], ["%pip", "np.random", "totl"], strict=True):
        assert described[result["ruleIndex"]]["id"] == result["ruleId"]
        [location] = result["locations"]
        assert location["physicalLocation"]["artifactLocation"]["uri"] == "a%20b/nb.ipynb"
        assert words in lines[location["physicalLocation"]["region"]["startLine"] - 1]
        [logical] = location["logicalLocations"]
        assert logical["fullyQualifiedName"].startswith("a b/nb.ipynb#c")
    assert run["results"][3]["ruleId"] == "unreadable"
    prints = [result["partialFingerprints"]["mlopsFinding/v1"] for result in run["results"]]
    assert len(set(prints)) == len(prints)


def test_github_gets_one_command_for_each_finding(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITHUB_WORKSPACE", str(tmp_path))
    path = _one_line_each(write_notebook(tmp_path / "x,y" / "nb.ipynb", BAD))
    commands = as_github([check_file(path)]).split("\n")
    lines = path.read_text().split("\n")
    assert [command.split(" ")[0] for command in commands] == ["::warning", "::warning", "::error"]
    for command, words in zip(commands, ["%pip", "np.random", "totl"], strict=True):
        properties, _, message = command.split(" ", 1)[1].partition("::")
        values = dict(each.split("=") for each in properties.split(","))
        assert values["file"] == "x%2Cy/nb.ipynb"
        assert words in lines[int(values["line"]) - 1]
        assert message.startswith("cell ")
    percent = checked(tmp_path, [("step:a", "print(1)\n%pip install x%20y")])
    assert "`pip install x%2520y`" in as_github([percent])


def test_json_has_every_notebook(tmp_path: Path) -> None:
    good = write_notebook(tmp_path / "good.ipynb", [("step:a", "print(1)")])
    bad = write_notebook(tmp_path / "bad.ipynb", BAD)
    content = json.loads(as_json([check_file(good), check_file(bad)]))
    assert not content["ok"]
    assert [len(each["findings"]) for each in content["notebooks"]] == [0, 3]
    assert content["notebooks"][1]["findings"][0]["place"]["cell_id"] == "c2"


def _one_line_each(path: Path) -> Path:
    """Write sources as editors do: a list of lines."""
    content = json.loads(path.read_text())
    for cell in content["cells"]:
        cell["source"] = cell["source"].splitlines(keepends=True)
    path.write_text(json.dumps(content, indent=1))
    return path


def test_twice_the_cells_are_about_twice_the_work(tmp_path: Path) -> None:
    few, many = (_with_cells(tmp_path / f"{count}.ipynb", count) for count in (25, 50))
    check_file(few)
    assert calls(lambda: check_file(many)) < 3 * calls(lambda: check_file(few))
    assert check_file(many).findings == ()


def _with_cells(path: Path, count: int) -> Path:
    cells = [("imports", "import pandas as pd\nimport numpy as np\nrng = np.random.default_rng(0)")]
    for n in range(count - 1):
        cells.append(
            (
                f"step:s{n // 10}",
                f"frame{n} = pd.DataFrame({{'a': rng.normal(size=9), 'b': {n}}})\n"
                f"frame{n}['c'] = frame{n}['a'] * frame{max(n - 1, 0)}['b'].mean()\n"
                f"def f{n}(x):\n    return x + {n}\n"
                f"total{n} = f{n}(frame{n}['c'].sum())\nprint(total{n})",
            )
        )
    return write_notebook(path, cells)
