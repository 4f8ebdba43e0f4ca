"""Exact versions of what a notebook imports, from the running environment."""

from __future__ import annotations

import re
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from jupyter_mlops.errors import MlopsError
from jupyter_mlops.images import requirements
from jupyter_mlops.images.requirements import Pin, Skipped, needs, pins


def names(found: tuple[Pin, ...]) -> set[str]:
    return {pin.name for pin in found}


def test_a_module_is_pinned_with_all_it_requires() -> None:
    found = pins(["sklearn"])
    assert {"scikit-learn", "numpy", "scipy", "joblib", "threadpoolctl"} <= names(found)
    assert all(pin.version == metadata.version(pin.name) for pin in found)
    assert list(found) == sorted(found)


def test_what_is_required_of_what_is_pinned_is_pinned() -> None:
    found = pins([*requirements.RUNTIME_STEP, *requirements.RUNTIME_SERVING, "matplotlib"])
    for pin in found:
        for text in metadata.requires(pin.name) or ():
            required = Requirement(text)
            if required.marker is None or required.marker.evaluate({"extra": ""}):
                name = re.sub(r"[-_.]+", "-", required.name).lower()
                assert name in names(found), f"{pin} requires {name}"


def test_an_extra_is_followed_only_where_it_is_asked_for() -> None:
    # jupyter-events requires jsonschema[format-nongpl], whose extra brings isoduration
    assert "isoduration" in names(pins(["jupyter_events"]))
    assert "isoduration" not in names(pins(["jsonschema"]))


def test_the_standard_library_and_this_package_need_nothing() -> None:
    assert pins(["os", "sys", "json", "sqlite3", "builtins", "__main__", "jupyter_mlops"]) == ()


def test_what_another_package_requires_of_this_one_is_left_out() -> None:
    assert "jupyter-mlops" not in names(pins(["pandas", "mlflow"]))


def test_what_makes_pandas_compute_as_in_the_notebook_comes_along_for_steps() -> None:
    assert "pyarrow" not in names(pins(["pandas"]))
    assert "pyarrow" in names(needs(["pandas"], step=True).pins)


def test_a_module_beside_the_notebook_is_copied_and_searched(tmp_path: Path) -> None:
    (tmp_path / "features.py").write_text("from helpers.more import x\nimport os\n")
    (tmp_path / "helpers").mkdir()
    (tmp_path / "helpers" / "__init__.py").write_text("")
    (tmp_path / "helpers" / "more.py").write_text("def x():\n    import scipy.stats\n")
    found = needs(["features"], folder=tmp_path)
    assert found.local == (tmp_path / "features.py", tmp_path / "helpers")
    assert {"scipy", "numpy"} == names(found.pins)


def test_a_module_from_nowhere_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "stray_module.py").write_text("")
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(MlopsError, match="stray_module") as caught:
        pins(["stray_module"])
    assert caught.value.code == "images.unknown-module"
    assert caught.value.place is not None
    assert str(tmp_path) in str(caught.value.place)


def test_a_guarded_import_of_what_is_not_installed_is_told() -> None:
    found = needs(["numpy", "no_such_module_at_all"])
    assert names(found.pins) == {"numpy"}
    assert [skipped.name for skipped in found.skipped] == ["no_such_module_at_all"]


def test_an_editable_install_is_skipped_with_the_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = tmp_path / "mine-1.0.dist-info"
    record.mkdir()
    (record / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: mine\nVersion: 1.0\nRequires-Dist: numpy\n"
    )
    (record / "direct_url.json").write_text(
        '{"url": "file:///home/me/mine", "dir_info": {"editable": true}}'
    )
    (record / "top_level.txt").write_text("mine_module\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    found = needs(["mine_module"])
    assert names(found.pins) == {"numpy"}
    assert found.skipped == (
        Skipped("mine", "it is installed in editable form; put it beside the notebook "
                "or into an index"),
    )  # fmt: skip


def test_the_runtimes_needs_are_complete() -> None:
    from jupyter_mlops.images import runtime

    providers = metadata.packages_distributions()
    for entry, given_needs in (
        (runtime.STEP, requirements.RUNTIME_STEP),
        (runtime.SERVING, requirements.RUNTIME_SERVING),
    ):
        pinned = names(pins(given_needs))
        for module in runtime.runtime(entry).imports:
            dist = re.sub(r"[-_.]+", "-", providers[module][0]).lower()
            assert dist in pinned, f"{entry} imports {module}"
