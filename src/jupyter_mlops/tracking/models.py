"""Fitted models in the store, as MLflow's scikit-learn flavor keeps them.

The kernel has pickled the estimator already, and a pickle is what the flavor's folder holds. So
the folder is made around that file: nothing is loaded, and no requirements are inferred by running
the model. They come from the environment that fitted it.
"""

from __future__ import annotations

import contextlib
import pickle
import re
import shutil
import tempfile
import warnings
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from ..capture.records import Environment, Model

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run
    from mlflow.models import Model as MlflowModel
    from mlflow.models import ModelSignature

DIGEST = "mlops.digest"
_PICKLE = "model.pkl"
# What the flavor imports to load a model, beside the model's own modules.
_ALWAYS = ("mlflow", "cloudpickle", "numpy", "scipy", "pandas")


def log_model(
    client: MlflowClient,
    run: Run,
    model: Model,
    folder: Path,
    environment: Environment | None,
    python: str,
    parameters: dict[str, str],
) -> str:
    """Log a journaled model to a run, unless it stands there already; return MLflow's model id.

    Parameters
    ----------
    folder
        The journal's folder, which holds the model's files.
    """
    experiment, run_id = run.info.experiment_id, run.info.run_id
    logged = _begun(client, experiment, run_id, model)
    if logged is not None and str(logged.status) == "READY":
        return str(logged.model_id)
    if logged is None:
        logged = client.create_logged_model(
            experiment,
            name=model.name,
            source_run_id=run_id,
            tags={DIGEST: model.digest, "mlops.type": model.type, "mlops.cell": str(model.order)},
            params={name[:250]: value[:500] for name, value in parameters.items()},
            model_type=model.type.rpartition(".")[2],
        )
    try:
        with tempfile.TemporaryDirectory(prefix="mlops-model-") as name:
            target = Path(name) / "model"
            target.mkdir()
            described = _describe(model, folder, python, run_id, logged)
            _write(target, model, folder, environment, python, described)
            client.log_model_artifacts(logged.model_id, str(target))
        _link(client, run_id, logged.model_id)
        client.finalize_logged_model(logged.model_id, "READY")
    except Exception:
        with contextlib.suppress(Exception):  # what failed first is what counts
            client.finalize_logged_model(logged.model_id, "FAILED")
        raise
    return str(logged.model_id)


def _begun(client: MlflowClient, experiment: str, run_id: str, model: Model) -> Any:
    """Return what an earlier attempt, perhaps one that was killed, has made of this model."""
    found = client.search_logged_models(
        [experiment], f"name = '{model.name}' AND source_run_id = '{run_id}'", max_results=50
    )
    same = [each for each in found if each.tags.get(DIGEST) == model.digest]
    same.sort(key=lambda each: (str(each.status) != "READY", each.model_id))
    return same[0] if same else None


def requirements(modules: tuple[str, ...], environment: Environment | None) -> list[str]:
    """Return exact requirements for loading a model whose parts come from these modules."""
    if environment is None:
        return []
    providers = _providers()
    wanted = {_normal(dist) for module in modules for dist in providers.get(module, ())}
    wanted.update(_ALWAYS)
    known = environment.distributions
    return [f"{name}=={known[name]}" for name in sorted(wanted) if name in known]


def _describe(model: Model, folder: Path, python: str, run_id: str, logged: Any) -> MlflowModel:
    from mlflow import pyfunc
    from mlflow.models import Model as MlflowModel

    described = MlflowModel(
        artifact_path=logged.artifact_location,
        run_id=run_id,
        model_uuid=logged.model_id,
        model_id=logged.model_id,
        signature=_signature(model, folder),
    )
    if model.predicts:
        pyfunc.add_to_model(
            described,
            loader_module="mlflow.sklearn",
            model_path=_PICKLE,
            conda_env="conda.yaml",
            python_env="python_env.yaml",
            predict_fn="predict",
        )
    described.add_flavor(
        "sklearn",
        pickled_model=_PICKLE,
        sklearn_version=_version("scikit-learn"),
        serialization_format="cloudpickle",
        code=None,
    )
    return described


def _write(
    target: Path,
    model: Model,
    folder: Path,
    environment: Environment | None,
    python: str,
    described: MlflowModel,
) -> None:
    lines = requirements(model.modules, environment)
    shutil.copyfile(folder / model.file, target / _PICKLE)
    (target / "requirements.txt").write_text("".join(f"{line}\n" for line in lines))
    conda = {
        "name": "mlflow-env",
        "channels": ["conda-forge"],
        "dependencies": [f"python={python}", "pip", {"pip": lines}],
    }
    (target / "conda.yaml").write_text(yaml.safe_dump(conda, sort_keys=False))
    environment_file = {"python": python, "dependencies": ["-r requirements.txt"]}
    (target / "python_env.yaml").write_text(yaml.safe_dump(environment_file, sort_keys=False))
    described.model_size_bytes = sum(file.stat().st_size for file in target.iterdir())
    described.save(str(target / "MLmodel"))


def _signature(model: Model, folder: Path) -> ModelSignature | None:
    """Return the inputs and outputs, from the rows that were kept; None where there are none."""
    if not model.sample:
        return None
    from mlflow.models import infer_signature

    try:
        rows = pickle.loads((folder / model.sample).read_bytes())
        outputs = rows.get("outputs")
        if outputs is not None and model.regressor:
            outputs = outputs.astype("float64")
        with warnings.catch_warnings():
            # It warns that integers have no missing value; the rows are what they are.
            warnings.simplefilter("ignore")
            return infer_signature(rows["inputs"], outputs)
    except Exception:
        return None  # a signature is a courtesy: the model counts without it


def _link(client: MlflowClient, run_id: str, model_id: str) -> None:
    from mlflow.entities import LoggedModelOutput

    outputs = client.get_run(run_id).outputs
    if model_id not in [each.model_id for each in (outputs.model_outputs if outputs else ())]:
        client.log_outputs(run_id, [LoggedModelOutput(model_id, step=0)])


@cache
def _providers() -> dict[str, list[str]]:
    return dict(metadata.packages_distributions())


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return ""
