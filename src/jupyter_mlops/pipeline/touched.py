"""What a step touches outside its process: files it reads, and what keeps it from the cache.

An audit hook sees every file that Python opens, every connection and every program that is
started. What is opened by a library in C, unseen, is told by the code: see `step_key`.
"""

from __future__ import annotations

import os
import re
import site
import sys
import sysconfig
import tempfile
import threading
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import xxhash

_STARTS = frozenset({"subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.spawn"})
_CONNECTS = frozenset({"socket.connect", "socket.sendto", "socket.bind"})
_MACHINE = frozenset({"lscpu", "nproc", "uname", "ldconfig", "sysctl"})
_IMPORTERS = re.compile(r"importlib|pkg_resources|setuptools|_distutils_hack")
_CHUNK = 1 << 20
_OURS = "mlops-capture"
"""The thread of capture, which reads again what cells read."""


class Touched:
    """Records from `start` on; few should be made in a process, as audit hooks cannot be removed.

    ``but`` are files of ours that do not count; nor does what our own threads do.
    """

    def __init__(self, work: Path, but: Iterable[Path] = ()) -> None:
        self._but = {os.path.realpath(path) for path in but}
        self.passed_over: set[str] = set()
        """Files of modules that were there before, and are of no use to the step."""
        self._own = tuple(f"{path}{os.sep}" for path in _own_places(work))
        self._read: set[str] = set()
        self._written: set[str] = set()
        self._reason = ""
        self._on = False

    def start(self) -> None:
        self._on = True
        sys.addaudithook(self._hear)

    def end(self) -> dict[str, Any]:
        """Stop, and return ``{"read": {path: digest}, "reason": why it cannot be kept, or ""}``."""
        self._on = False
        self._read |= self.modules() - self.passed_over
        written = sorted(path for path in self._written if os.path.exists(path))
        if written and not self._reason:
            self._reason = f"it writes {written[0]}"
        read = {path: digest(path) for path in sorted(self._read - self._written)}
        return {"read": read, "reason": self._reason}

    def modules(self) -> set[str]:
        """Return the files of the user's own modules that are loaded."""
        files = (getattr(module, "__file__", None) for module in list(sys.modules.values()))
        return {file for file in files if file and self._counts(file)}

    def _hear(self, event: str, arguments: tuple[Any, ...]) -> None:
        if not self._on or threading.current_thread().name == _OURS:
            return
        if event == "open":
            self._open(*arguments[:3])
        elif event in ("os.rename", "os.remove", "os.mkdir", "os.rmdir", "shutil.move"):
            self._note_written(arguments[-1] if event == "os.rename" else arguments[0])
        elif event in ("os.listdir", "os.scandir", "glob.glob"):
            # Python's import looks through the folder, too: the modules it finds count as read.
            if not _IMPORTERS.search(sys._getframe(1).f_code.co_filename):
                self._list(arguments[0] if arguments else ".")
        elif event in _STARTS and not _asks_of_machine(arguments):
            self._reason = self._reason or "it starts a program"
        elif event in _CONNECTS and isinstance(arguments[-1], tuple):
            self._reason = self._reason or "it uses the network"
        elif event == "sqlite3.connect" and arguments[0] != ":memory:":
            self._reason = self._reason or "it uses a database"

    def _open(self, path: Any, mode: Any, flags: Any) -> None:
        if isinstance(path, int) or path is None:
            return
        is_write = isinstance(flags, int) and bool(flags & (os.O_WRONLY | os.O_RDWR))
        if is_write or (isinstance(mode, str) and set(mode) & set("wax+")):
            self._note_written(path)
        elif self._counts(name := _absolute(path)):
            self._read.add(name)

    def _note_written(self, path: Any) -> None:
        if not isinstance(path, int) and path is not None and self._counts(name := _absolute(path)):
            self._written.add(name)

    def _list(self, path: Any) -> None:
        # Which files there are is read, too, and no digest tells of a new one.
        if isinstance(path, str | bytes | os.PathLike) and self._counts(f"{_absolute(path)}/x"):
            self._reason = self._reason or f"it lists the folder {os.fsdecode(path)}"

    def _counts(self, path: str) -> bool:
        name = path if path.startswith(os.sep) else _absolute(path)
        if name.startswith(self._own) or "__pycache__" in name:
            return False
        return name not in self._but


def digest(path: str) -> str:
    """Return the digest of a file's content; empty where there is no such file."""
    found = xxhash.xxh3_128()
    try:
        with open(path, "rb") as file:
            while chunk := file.read(_CHUNK):
                found.update(chunk)
    except OSError:
        return ""
    return found.hexdigest()


def unchanged(read: Mapping[str, str]) -> bool:
    """Tell whether files have the content that they had when a step read them."""
    return all(digest(path) == known for path, known in read.items())


def _asks_of_machine(arguments: tuple[Any, ...]) -> bool:
    """Tell whether a program is started that only says what the machine is, as joblib does."""
    words = arguments[1] if len(arguments) > 1 else ()
    first = words[0] if isinstance(words, list | tuple) and words else words
    return isinstance(first, str) and os.path.basename(first) in _MACHINE


def _absolute(path: Any) -> str:
    return os.path.realpath(os.fsdecode(path))


def _own_places(work: Path) -> set[str]:
    """Return the folders that belong to Python, the system, and the tools, not to the user."""
    home = Path.home()
    hidden = [home / name for name in (".cache", ".config", ".ipython", ".matplotlib", ".local")]
    paths = [
        *(sys.prefix, sys.base_prefix, sys.exec_prefix, *site.getsitepackages()),
        *(sysconfig.get_path("stdlib"), site.getusersitepackages(), Path(__file__).parents[2]),
        *("/proc", "/sys", "/dev", "/etc", "/usr", "/lib", "/lib64", "/bin", "/run", "/var/cache"),
        *(os.environ.get("MPLCONFIGDIR", work), work, *hidden),
    ]
    return {os.path.realpath(path) for path in paths} - {os.path.realpath(tempfile.gettempdir())}
