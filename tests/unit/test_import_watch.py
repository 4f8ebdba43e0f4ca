from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from jupyter_mlops.capture.imports import ImportWatch


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    name = "watched_package"
    (tmp_path / name).mkdir()
    (tmp_path / name / "__init__.py").write_text("from .inner import value\n")
    (tmp_path / name / "inner.py").write_text("value = 1\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    yield name
    for each in [each for each in sys.modules if each.partition(".")[0] == name]:
        del sys.modules[each]


def test_modules_are_told_of_when_they_are_imported(package: str) -> None:
    told: list[str] = []
    watch = ImportWatch({f"{package}.": lambda module: told.append(module.__name__)}, print)
    watch.start()
    try:
        assert told == []
        module = importlib.import_module(package)
    finally:
        watch.stop()
    assert told == [f"{package}.inner", package]
    assert type(module.__loader__).__name__ == "SourceFileLoader"
    assert watch not in sys.meta_path


def test_what_is_there_already_is_told_of_at_once(package: str) -> None:
    importlib.import_module(package)
    told: list[str] = []
    watch = ImportWatch({f"{package}.inner": lambda module: told.append(module.__name__)}, print)
    watch.start()
    watch.stop()
    assert told == [f"{package}.inner"]


def test_an_error_of_ours_never_reaches_the_import(package: str) -> None:
    def fail(module: ModuleType) -> None:
        raise RuntimeError(module.__name__)

    failed: list[Exception] = []
    watch = ImportWatch({package: fail}, failed.append)
    watch.start()
    try:
        assert importlib.import_module(package).value == 1
        with pytest.raises(ModuleNotFoundError):
            importlib.import_module(f"{package}.missing")
    finally:
        watch.stop()
    assert [str(error) for error in failed] == [package]
