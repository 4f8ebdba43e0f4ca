"""An existing Dask cluster: whether it is there, and whether its workers can run points."""

from __future__ import annotations

import contextlib
import gc
import importlib.util
import logging
import platform
import socket
import time
import warnings
from collections.abc import Iterator
from importlib import import_module
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from ..errors import MlopsError
from . import dask_worker

if TYPE_CHECKING:
    from distributed import Client

SCHEMES = {"dask": "tcp", "tcp": "tcp", "tls": "tls"}
_CONNECT_SECONDS = 10.0
END_SECONDS = 15.0
_IMPORT_SECONDS = 120.0
_LOUD = ("distributed", "distributed.client", "distributed.comm", "distributed.core")
# Strings, as a worker without this package cannot be sent a function of it.
_VERSIONS = (
    "(__import__('jupyter_mlops').__version__, '.'.join(__import__('platform')"
    ".python_version_tuple()[:2]))"
)
# Imported on a worker's event loop, this package would hold up all that the worker has to say.
_THREAD = "mlops-import"
_IMPORT = (
    f"__import__('threading').Thread(target=__import__, name='{_THREAD}', daemon=True, "
    f"args=('{dask_worker.__name__}',)).start()"
)
_IMPORTED = (
    f"(hasattr(__import__('sys').modules.get('{dask_worker.__name__}'), 'READY'), "
    f"'{_THREAD}' in [each.name for each in __import__('threading').enumerate()])"
)
"""Whether it is imported, and whether it is about to be."""


def is_dask(on: str) -> bool:
    """Tell whether words name a Dask scheduler."""
    return on.partition("://")[0] in SCHEMES


def connect(on: str) -> Client:
    """Return a client of a cluster whose workers can run points.

    Raises
    ------
    MlopsError
        ``sweep.no-dask`` where Dask is not installed here, ``sweep.on`` for an address that is
        none or where no scheduler answers, ``sweep.no-workers``, and ``sweep.workers`` where
        workers have not this package, or another version of it or of Python.
    """
    if importlib.util.find_spec("distributed") is None:
        raise MlopsError(
            "sweep.no-dask",
            "Dask is not installed here.",
            hint="`pip install 'jupyter-mlops[dask]'`.",
        )
    address = _address(on)
    with contextlib.ExitStack() as stack:
        stack.enter_context(quiet())
        client = _client(address, on)
        stack.callback(close, client)
        _check(client, on)
        stack.pop_all()
    return client


def capacity(on: str) -> int:
    """Return how many points a cluster runs at once; raises as `connect` does."""
    client = connect(on)
    try:
        return sum(client.nthreads().values())
    finally:
        with quiet():
            close(client)


def _client(address: str, on: str) -> Client:
    from distributed import Client
    from distributed.security import Security

    if address.startswith("tls:") and not Security().get_connection_args("client")["ssl_context"]:
        raise _unreachable(on, "no certificates are configured here")
    try:
        return Client(address, timeout=_CONNECT_SECONDS, set_as_default=False)
    except (OSError, TypeError, ValueError, RuntimeError) as error:
        words = reason(error)
        error.__traceback__ = None
    # A client that could not start closes itself when it is collected. It must not be while
    # another one starts: the two then wait for each other.
    gc.collect()
    raise _unreachable(on, words)


def close(client: Client) -> None:
    """Close a client, whatever it says."""
    with contextlib.suppress(Exception):
        client.close(timeout=END_SECONDS)


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Let Dask tell nothing: what the user should know is told as an error or a notice."""
    loggers = [logging.getLogger(name) for name in _LOUD]
    before = [each.level for each in loggers]
    for each in loggers:
        each.setLevel(logging.CRITICAL + 1)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for each, level in zip(loggers, before, strict=True):
            each.setLevel(level)


def reason(error: BaseException) -> str:
    """Return why, in one line, without a full stop."""
    words = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return " ".join(str(words).split()).rstrip(".")[:300]


def _address(on: str) -> str:
    """Return Dask's address of the words; raises ``sweep.on`` where nobody listens there."""
    scheme, _, place = on.partition("://")
    parts = urlsplit(f"//{place}")
    try:
        host, port = parts.hostname, parts.port or 8786
    except ValueError:
        host = None
    if scheme not in SCHEMES or not host:
        raise MlopsError(
            "sweep.on", f"`{on}` is no address of a scheduler.", hint="write `dask://host:8786`."
        )
    try:
        socket.create_connection((host, port), timeout=_CONNECT_SECONDS).close()
    except OSError as error:
        raise _unreachable(on, reason(error)) from None
    return f"{SCHEMES[scheme]}://{place if parts.port else f'{place}:{port}'}"


def _check(client: Client, on: str) -> None:
    """Raise where the workers cannot run points."""
    if not client.nthreads():
        raise MlopsError(
            "sweep.no-workers",
            f"The scheduler at {on} has no workers.",
            hint="start some: `dask worker HOST:PORT`.",
        )
    found: dict[str, Any] = client.run(eval, _VERSIONS, on_error="return")
    with contextlib.suppress(Exception):
        found["the scheduler"] = client.run_on_scheduler(eval, _VERSIONS)
    own = import_module("jupyter_mlops").__version__
    here = (own, ".".join(platform.python_version_tuple()[:2]))
    absent = [at for at, each in found.items() if isinstance(each, Exception)]
    if "the scheduler" not in found:
        absent.append("the scheduler")
    if absent:
        raise MlopsError(
            "sweep.workers",
            f"jupyter-mlops cannot be imported at {_some(absent)}.",
            hint="install there what is installed here: `pip install "
            f"'jupyter-mlops[dask]=={own}'`.",
        )
    others = {at: each for at, each in found.items() if tuple(each) != here}
    if others:
        version, python = next(iter(others.values()))
        raise MlopsError(
            "sweep.workers",
            f"Versions differ: jupyter-mlops {here[0]} on Python {here[1]} here, {version} on "
            f"Python {python} at {_some(list(others))}.",
            hint="install the same everywhere: values could not be compared, nor sent.",
        )
    _await_import(client)


def _await_import(client: Client) -> None:
    """Wait until all workers have imported what they run; raises ``sweep.workers``."""
    deadline = time.monotonic() + _IMPORT_SECONDS
    client.run(eval, _IMPORT)
    while True:
        found: dict[str, tuple[bool, bool]] = client.run(eval, _IMPORTED)
        late = time.monotonic() > deadline
        failed = [at for at, (is_there, comes) in found.items() if not is_there and not comes]
        waiting = [at for at, (is_there, _) in found.items() if not is_there]
        if not waiting:
            return
        if failed or late:
            raise MlopsError(
                "sweep.workers",
                f"jupyter-mlops cannot be imported at {_some(failed or waiting)}"
                + (f" within {_IMPORT_SECONDS:.0f} s." if not failed else "."),
                hint="the worker's log has the reason; a worker that has imported another version "
                "must be started anew.",
            )
        time.sleep(0.05)


def _some(names: list[str]) -> str:
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return f"{', '.join(names[:3])}{more}"


def _unreachable(on: str, words: str) -> MlopsError:
    return MlopsError(
        "sweep.on",
        f"No Dask scheduler answers at {on}: {words}.",
        hint="see what `dask scheduler` says it listens at; for `tls://` Dask's configuration "
        "names the certificates."
        if on.startswith("tls")
        else "see what `dask scheduler` says it listens at.",
    )
