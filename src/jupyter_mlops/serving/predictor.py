"""A release's served function: its files checked, its state loaded, its examples answered."""

from __future__ import annotations

import ast
import hashlib
import json
import sys
import types
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from .. import values
from ..errors import MlopsError, Place
from .contract import Contract
from .predictions import differs, to_list

if TYPE_CHECKING:
    import pandas as pd

SERVING = "serving"


class PredictFailed(MlopsError):
    """The served function raised an error (``serving.predict-failed``), kept as its cause."""


class Predictor:
    """The function that ``serve.py`` defines, with the state that it needs.

    ``examples`` are the notebook's own rows with the notebook's own predictions, as in
    ``examples.json``.
    """

    def __init__(
        self,
        ref: str,
        contract: Contract,
        function: Any,
        examples: dict[str, list[Any]],
        folder: Path,
    ) -> None:
        self.ref = ref
        self.contract = contract
        self.examples = examples
        self.folder = folder
        self._function = function

    @property
    def name(self) -> str:
        return self.ref.partition("/")[0]

    @property
    def version(self) -> str:
        return self.ref.partition("/")[2]

    @classmethod
    def load(cls, folder: Path, *, verify: bool = True) -> Predictor:
        """Load the served function of a release folder.

        Parameters
        ----------
        verify
            Compare the files with ``release.json`` before any of them is used. False is for a
            release that is being made and has no ``release.json`` yet.

        Raises
        ------
        MlopsError
            ``serving.missing`` where the folder holds no release, ``serving.altered`` naming a
            file that is not what was promoted, ``serving.function`` where ``serve.py`` does not
            define the function or fails, ``serving.self-test`` where an example row does not get
            its prediction, and whatever `values.load` raises.
        """
        folder = folder.resolve()
        ref = "draft/0"
        if verify:
            manifest = _read_json(folder / "release.json")
            _verify(folder, manifest)
            ref = f"{manifest['name']}/{manifest['version']}"
        serving = folder / SERVING
        contract = _read_contract(serving / "contract.json")
        examples = _read_json(serving / "examples.json")
        namespace = _namespace(ref)
        values.load(serving / "state", namespace)
        function = _define(serving / "serve.py", contract.function, namespace)
        predictor = cls(ref, contract, function, examples, folder)
        predictor.self_test()
        return predictor

    def predict(self, frame: pd.DataFrame) -> Any:
        """Return what the served function gives for a frame, as it is."""
        return self._function(frame)

    def answer(self, frame: pd.DataFrame) -> list[Any]:
        """Return one JSON-able prediction for each row.

        Raises
        ------
        PredictFailed
            Where the function raises, or gives something else than one prediction for each row.
        """
        try:
            predictions = to_list(self._function(frame))
        except (Exception, SystemExit) as error:
            reason = str(error).strip().splitlines()[:1]
            raise PredictFailed(
                "serving.predict-failed",
                f"The served function failed: {type(error).__name__}"
                + (f": {reason[0][:200]}" if reason else ""),
                hint="the server's log has the traceback.",
            ) from error
        if len(predictions) != len(frame):
            raise PredictFailed(
                "serving.predict-failed",
                f"The served function gave {len(predictions)} predictions for {len(frame)} rows.",
                hint="return one prediction for each row.",
            )
        return predictions

    def self_test(self) -> None:
        """Ask the examples; numbers may differ by 1e-9 relatively; raises ``serving.self-test``."""
        place = Place(str(self.folder / SERVING / "examples.json"))
        hint = "promote the notebook again in the environment that serves it."
        try:
            got = self.answer(self.contract.frame(self.examples["rows"]))
        except MlopsError as error:
            raise MlopsError(
                "serving.self-test",
                f"{self.ref} does not answer the notebook's own rows. {error.message}",
                hint=hint,
                place=place,
            ) from error
        wanted = self.examples["predictions"]
        for row, (expected, actual) in enumerate(zip(wanted, got, strict=True)):
            if differs(expected, actual):
                raise MlopsError(
                    "serving.self-test",
                    f"{self.ref} does not give the notebook's own predictions: row {row} gets "
                    f"{actual!r}, the notebook had {expected!r}.",
                    hint=hint,
                    place=place,
                )


def _verify(folder: Path, manifest: dict[str, Any]) -> None:
    served = {
        name: digest for name, digest in manifest["files"].items() if name.startswith(f"{SERVING}/")
    }
    for name, digest in served.items():
        path = folder / name
        if not path.is_file() or file_digest(path) != digest:
            raise MlopsError(
                "serving.altered",
                f"`{name}` is not the file that was promoted.",
                hint="serve another release, or promote the notebook again; "
                "a release must not be edited.",
                place=Place(str(path)),
            )
    needed = {f"{SERVING}/{name}" for name in ("serve.py", "contract.json", "examples.json")}
    needed |= {f"{SERVING}/state/{path.name}" for path in (folder / SERVING / "state").glob("*")}
    if unlisted := needed - served.keys():
        raise MlopsError(
            "serving.altered",
            f"`{min(unlisted)}` is not listed in release.json.",
            hint="promote the notebook again; a release must not be edited.",
            place=Place(str(folder)),
        )


def _read_contract(path: Path) -> Contract:
    try:
        return Contract.model_validate(_read_json(path))
    except ValidationError as error:
        raise MlopsError(
            "serving.altered",
            f"contract.json is none that this version reads: {error.errors()[0]['msg']}.",
            hint="serve it with the version of jupyter-mlops that promoted it.",
            place=Place(str(path)),
        ) from None


def _namespace(ref: str) -> dict[str, Any]:
    """Return the globals of a module that serves as the notebook's namespace.

    It is registered, because dataclasses and pickles look their module up by its name.
    """
    name = "mlops_release_" + "".join(c if c.isalnum() else "_" for c in ref)
    module = sys.modules[name] = types.ModuleType(name)
    return vars(module)


def _define(path: Path, name: str | None, namespace: dict[str, Any]) -> Any:
    place = Place(str(path))
    try:
        source = path.read_text(encoding="utf-8")
        exec(compile(source, str(path), "exec"), namespace)
    except Exception as error:
        raise MlopsError(
            "serving.function",
            f"serve.py fails: {type(error).__name__}: {error}.",
            hint="is a package of the release's environment missing here?",
            place=place,
        ) from error
    defined = [n.name for n in ast.parse(source).body if isinstance(n, ast.FunctionDef)]
    wanted = name or ("predict" if "predict" in defined or not defined else defined[-1])
    function = namespace.get(wanted)
    if not callable(function):
        raise MlopsError(
            "serving.function",
            f"serve.py does not define the function `{wanted}`.",
            hint="promote the notebook again.",
            place=place,
        )
    return function


def _read_json(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise MlopsError(
            "serving.missing",
            f"There is no {path.name} here.",
            hint="give the folder of a release that serves a function.",
            place=Place(str(path)),
        ) from None
    except ValueError as error:
        raise MlopsError(
            "serving.altered",
            f"`{path.name}` is not JSON: {error}.",
            hint="promote the notebook again.",
            place=Place(str(path)),
        ) from None


def file_digest(path: Path) -> str:
    """Return the SHA-256 of a file, in hex."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
