"""Release folders for tests: a real model, packed as a promotion packs it."""

from __future__ import annotations

import hashlib
import json
import sys
from pathlib import Path
from typing import Any

from jupyter_mlops import values
from jupyter_mlops.serving import contract as contracts
from jupyter_mlops.serving.predictions import to_list

SERVE = """\
import pandas as pd


def fill(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.assign(bmi=frame["bmi"].fillna(typical_bmi))


def predict(frame: pd.DataFrame):
    return model.predict(fill(frame))
"""


def patients() -> Any:
    """Return 442 patients as a frame with numbers, texts, integers and missing values."""
    from sklearn.datasets import load_diabetes

    frame = load_diabetes(as_frame=True, scaled=False).frame
    frame["sex"] = frame["sex"].map({1.0: "F", 2.0: "M"})
    frame["age"] = frame["age"].astype("int64")
    frame.loc[::40, "bmi"] = None
    return frame


def train(alpha: float) -> dict[str, Any]:
    """Fit a model and return what `SERVE` needs beside itself."""
    from sklearn.compose import make_column_transformer
    from sklearn.linear_model import Ridge
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder

    frame = patients()
    typical = float(frame["bmi"].median())
    inputs = frame.drop(columns="target").fillna({"bmi": typical})
    encode = make_column_transformer(
        (OneHotEncoder(handle_unknown="ignore"), ["sex"]), remainder="passthrough"
    )
    model = make_pipeline(encode, Ridge(alpha)).fit(inputs, frame["target"])
    return {"model": model, "typical_bmi": typical}


def make_release(
    root: Path,
    name: str = "diabetes",
    version: int = 1,
    *,
    serve: str = SERVE,
    images: dict[str, str] | None = None,
    alpha: float | None = None,
) -> Path:
    """Write ``.mlops/releases/<name>/<version>`` below ``root`` and return it."""
    folder = root / ".mlops" / "releases" / name / str(version)
    serving = folder / "serving"
    serving.mkdir(parents=True)
    state = train(float(version) if alpha is None else alpha)
    values.dump(state, list(state), serving / "state")
    (serving / "serve.py").write_text(serve)
    inputs = patients().drop(columns="target")
    namespace = dict(state)
    exec(serve, namespace)
    predictions = namespace["predict"](inputs)
    contract = contracts.learn(inputs, predictions, function="predict")
    (serving / "contract.json").write_text(contract.model_dump_json(indent=2))
    examples = {"rows": contract.rows(inputs.head(5)), "predictions": to_list(predictions)[:5]}
    (serving / "examples.json").write_text(json.dumps(examples))
    seal(folder, {"name": name, "version": version, "images": images})
    return folder


def seal(folder: Path, manifest: dict[str, Any]) -> None:
    """Write ``release.json`` with the digests of what is in the folder now."""
    files = {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != "release.json"
    }
    full = {
        "created": "2026-11-01T12:00:00+00:00",
        "notebook": "notebooks/diabetes.ipynb",
        "python": ".".join(map(str, sys.version_info[:3])),
        "metrics": {},
        **manifest,
        "files": files,
    }
    (folder / "release.json").write_text(json.dumps(full, indent=2))


def build_image(folder: Path, scratch: Path) -> str:
    """Build the serving image of a release folder, name it in ``release.json``, return its tag."""
    from types import SimpleNamespace

    from jupyter_mlops.images import context, dockerfile
    from jupyter_mlops.images.engine import Engine
    from jupyter_mlops.images.requirements import RUNTIME_SERVING, lock, pins
    from jupyter_mlops.progress import drain
    from jupyter_mlops.project import Project

    manifest = json.loads((folder / "release.json").read_text())
    source: Any = SimpleNamespace(
        name=manifest["name"], notebook=manifest["notebook"], notebook_digest="0" * 64
    )
    base = f"python:{sys.version_info.major}.{sys.version_info.minor}-slim"
    pipeline = folder / "pipeline"
    pipeline.mkdir()
    (pipeline / "Dockerfile.serving").write_text(dockerfile.serving(source, base))
    needed = lock(pins({*RUNTIME_SERVING, "sklearn"}))
    (pipeline / "requirements-serving.txt").write_text(needed)
    tag = f"mlops-test/{manifest['name']}-serving:{manifest['version']}"
    seal(folder, {**manifest, "images": {"serving": tag}})
    built = context.serving(scratch, release=folder)
    engine = Engine.connect(Project.find().settings.images)
    try:
        engine.require_base(base)
        drain(engine.build(built, "Dockerfile", tag))
    finally:
        engine.close()
    return tag
