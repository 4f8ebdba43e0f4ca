"""The environment of a run, made anew: a venv with the recorded distributions, through uv."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

from ..capture.redaction import redact
from ..errors import MlopsError
from ..images.lock import Pin, lock
from ..project import Project
from .code import state_of
from .recorded import Recorded

OWN = "jupyter-mlops"
_SECONDS = 1200
_TITLE = "# The environment of the run {run}, as it was installed to reproduce it.\n"


@dataclass(slots=True)
class Environment:
    """Where cells run again.

    ``python`` is the interpreter, ``version`` its version and ``wanted`` the run's. ``taken`` are
    distributions that no index gives and that were taken from this environment, with where they
    come from; ``missing`` those that are not to be had. ``lock`` is what was installed.
    """

    python: Path
    version: str
    wanted: str
    fresh: bool
    installed: int = 0
    taken: dict[str, dict[str, object]] = field(default_factory=dict)
    missing: list[str] = field(default_factory=list)
    lock: str = ""

    @property
    def lock_sha256(self) -> str:
        return hashlib.sha256(self.lock.encode()).hexdigest() if self.lock else ""

    @property
    def words(self) -> str:
        if not self.fresh:
            return f"this environment, Python {self.version}"
        parts = [f"Python {self.version}", f"{self.installed} distributions installed"]
        if self.version != self.wanted:
            parts[0] += f" (the run's {self.wanted} is not on this machine)"
        if self.taken:
            parts.append(f"{_list(list(self.taken))} taken from here")
        if self.missing:
            parts.append(f"{_list(self.missing)} not to be had")
        return ", ".join(parts)


def this_environment(run: Recorded) -> Environment:
    """Return the environment that runs this, without a change."""
    return Environment(Path(sys.executable), platform.python_version(), run.python, fresh=False)


def make_environment(project: Project, run: Recorded, folder: Path, root: Path) -> Environment:
    """Make a venv in ``folder`` with the recorded distributions in their exact versions.

    What was installed from a folder or a repository, and what no index has any more, is taken from
    this environment where it is here in the same version.

    Parameters
    ----------
    root
        The restored project: what is installed in editable form from the project is this there.

    Raises
    ------
    MlopsError
        ``reproduce.environment`` where uv cannot make a venv or install.
    """
    if not run.distributions:
        raise MlopsError(
            "reproduce.environment",
            f"The run {run.run} has not recorded what was installed.",
            hint="`--same-environment` runs it again in this environment.",
        )
    found = _interpreter(run.python)
    made = _uv("venv", "--quiet", "--no-python-downloads", "--python", found, str(folder))
    if made.returncode:
        raise _failed("make a venv", made)
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    result = Environment(python, _version(python), run.python, fresh=True)
    pins = [Pin(n, v) for n, v in run.distributions.items() if n not in run.local]
    absent = _install(python, pins, result, folder, run.run)
    site = _site_packages(python)
    wanted = {name: run.distributions[name] for name in run.local}
    wanted |= {pin.name: pin.version for pin in absent}
    for name, version in sorted(wanted.items()):
        origin = _take(name, version, site, project.root, root)
        if origin is None:
            result.missing.append(f"{name} {version}")
        else:
            result.taken[f"{name} {version}"] = origin
    has_own = any(path.name.startswith("jupyter_mlops-") for path in site.iterdir())
    if not has_own:  # without it nothing would be recorded
        version = metadata.version(OWN)
        result.taken[f"{OWN} {version}"] = _take(OWN, version, site, project.root, root) or {}
    return result


def _interpreter(wanted: str) -> str:
    """Return the interpreter of a version; else of its minor version, else the one of this."""
    if platform.python_version() == wanted:
        return sys.executable
    for version in (wanted, ".".join(wanted.split(".")[:2])):
        asked = _uv("python", "find", "--no-python-downloads", version)
        if asked.returncode == 0 and asked.stdout.strip():
            return asked.stdout.strip()
    return sys.executable


def _install(
    python: Path, pins: Sequence[Pin], result: Environment, folder: Path, run: str
) -> list[Pin]:
    """Install through a lock file, and return what could not be had."""
    absent: list[Pin] = []
    for _ in range(2):
        rest = [pin for pin in pins if pin not in absent]
        text = _TITLE.format(run=run) + lock(rest).partition("\n")[2]
        path = folder / "requirements.txt"
        path.write_text(text, encoding="utf-8")
        words = ("pip", "install", "--quiet", "--no-deps", "--python", str(python))
        done = _uv(*words, "--requirements", str(path))
        if done.returncode == 0:
            result.installed, result.lock = len(rest), text
            return absent
        if absent:
            break
        absent = _absent(python, rest)
        if not absent:
            break
    raise _failed("install what the run had", done)


def _absent(python: Path, pins: Sequence[Pin]) -> list[Pin]:
    """Return the distributions that no index gives, by halving those that fail together."""
    if not pins or _resolves(python, pins):
        return []
    if len(pins) == 1:
        return list(pins)
    half = len(pins) // 2
    return _absent(python, pins[:half]) + _absent(python, pins[half:])


def _resolves(python: Path, pins: Sequence[Pin]) -> bool:
    text = "".join(f"{pin}\n" for pin in pins)
    words = ("pip", "install", "--quiet", "--dry-run", "--no-deps", "--python", str(python))
    return _uv(*words, "--requirements", "-", given=text).returncode == 0


def _take(
    name: str, version: str, site: Path, project: Path, root: Path
) -> dict[str, object] | None:
    """Copy an installed distribution of this environment; None where it is not here so.

    An editable one is links to its source, which are copied as they are.
    """
    try:
        dist = metadata.distribution(name)
    except metadata.PackageNotFoundError:
        return None
    if dist.version != version or dist.files is None:
        return None
    for file in dist.files:
        source = Path(str(dist.locate_file(file)))
        inside = not file.is_absolute() and ".." not in file.parts
        if not inside or "__pycache__" in file.parts or not source.is_file():
            continue
        target = site / str(file)
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.suffix == ".pth":
            # What the project itself is installed from stands in the clean place too.
            target.write_text(source.read_text().replace(str(project), str(root)))
        else:
            shutil.copy2(source, target)
    return _origin(dist)


def _origin(dist: metadata.Distribution) -> dict[str, object]:
    text = dist.read_text("direct_url.json")
    if text is None:
        return {"from": "this environment"}
    url = json.loads(text).get("url", "")
    parts = urlsplit(url)
    if parts.scheme != "file":
        return {"from": f"{parts.scheme}://{parts.hostname}{parts.path}"}
    folder = Path(url2pathname(parts.path))
    return {"from": str(folder), **(state_of(folder) if folder.is_dir() else {})}


def _site_packages(python: Path) -> Path:
    code = "import sysconfig; print(sysconfig.get_path('purelib'))"
    return Path(_python(python, code))


def _version(python: Path) -> str:
    return _python(python, "import platform; print(platform.python_version())")


def _python(python: Path, code: str) -> str:
    done = subprocess.run(
        [str(python), "-I", "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    return done.stdout.strip()


def _uv(*words: str, given: str = "") -> subprocess.CompletedProcess[str]:
    import uv

    try:
        return subprocess.run(
            [uv.find_uv_bin(), *words],
            input=given,
            capture_output=True,
            text=True,
            env=_settings(os.environ),
            check=False,
            timeout=_SECONDS,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise MlopsError(
            "reproduce.environment",
            f"uv, which makes the environment, cannot be run: {error}.",
            hint="`--same-environment` runs the notebook again in this environment.",
        ) from None


def _settings(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the environment with pip's settings of the index as uv's, where uv has none."""
    found = dict(environment)
    for theirs, ours in (
        ("PIP_INDEX_URL", "UV_DEFAULT_INDEX"),
        ("PIP_EXTRA_INDEX_URL", "UV_INDEX"),
        ("PIP_FIND_LINKS", "UV_FIND_LINKS"),
    ):
        if theirs in found:
            found.setdefault(ours, found[theirs])
    for name in ("VIRTUAL_ENV", "PYTHONPATH", "PYTHONHOME"):
        found.pop(name, None)
    return found


def _failed(what: str, done: subprocess.CompletedProcess[str]) -> MlopsError:
    # The address of an index may hold a password.
    lines = [line.strip() for line in redact(done.stderr).splitlines() if line.strip()]
    return MlopsError(
        "reproduce.environment",
        f"uv could not {what}: {' '.join(lines)[:600]}",
        hint="look whether the package index answers; `--same-environment` runs the notebook "
        "again in this environment.",
    )


def _list(words: Sequence[str], most: int = 5) -> str:
    more = len(words) - most
    return ", ".join(words[:most]) + (f" and {more} more" if more > 0 else "")
