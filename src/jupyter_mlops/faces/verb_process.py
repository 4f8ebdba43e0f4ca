"""A verb in a process of its own: the kernel stays free of MLflow and of the verb's memory."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from typing import Any

from ..errors import MlopsError, Place
from ..progress import Event
from .views import View

_PATIENCE = (2.0, 15.0)
"""Seconds that a verb has to end after an interrupt that it may have got too, and after its own."""


def run_verb(
    words: list[str],
    tell: Callable[[str], None] = print,
    stop: threading.Event | None = None,
    take: Callable[[Event], None] | None = None,
) -> View | None:
    """Run ``jupyter mlops`` with these words, tell its progress, and return its view.

    Parameters
    ----------
    tell
        Called with each line of progress.
    stop
        Ends the verb once it is set, as an interrupt does; then None is returned.
    take
        Called with each event, which is then not told as a line.

    Raises
    ------
    MlopsError
        What the verb raised, or ``mlops.usage``.
    """
    command = [sys.executable, "-m", "jupyter_mlops.faces.cli", *words]
    env = {key: value for key, value in os.environ.items() if key != "JUPYTER_MLOPS_RUN"}
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=env
    ) as process:
        if stop is not None:
            threading.Thread(target=_end, args=(process, stop), daemon=True).start()
        assert process.stdout is not None
        assert process.stderr is not None
        try:
            view = _follow(process.stdout, tell, take)
        except KeyboardInterrupt:
            _interrupt(process)
            raise
        complaint = process.stderr.read().strip()
    if stop is not None and stop.is_set():
        return None
    if view is None and process.returncode:
        said = complaint.splitlines()[-1].removeprefix("Error: ") if complaint else ""
        raise MlopsError(
            "mlops.usage",
            said or "The verb ended without a word.",
            hint=f"`%mlops {words[0]} --help` tells how it is used.",
        )
    return view


def _end(process: subprocess.Popen[str], stop: threading.Event) -> None:
    while process.poll() is None:
        if stop.wait(0.2):
            process.terminate()
            return


def _interrupt(process: subprocess.Popen[str]) -> None:
    """End a verb so that it keeps what it has done; the kernel's interrupt may reach it too."""
    for patience in _PATIENCE:
        try:
            process.communicate(timeout=patience)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGINT)
        else:
            return
    process.terminate()


def _follow(
    lines: Any, tell: Callable[[str], None], take: Callable[[Event], None] | None
) -> View | None:
    view: View | None = None
    for line in lines:
        try:
            event = json.loads(line)
            stage = event["stage"]
        except (ValueError, KeyError, TypeError):
            tell(line.rstrip("\n"))
            continue
        if stage == "result":
            view = View.from_dict(event["view"])
        elif stage == "error":
            error = event["data"]
            place = Place(**error["place"]) if error["place"] else None
            raise MlopsError(error["code"], error["message"], hint=error["hint"], place=place)
        elif take is not None:
            take(Event(**event))
        else:
            seconds = f"  ({event['seconds']:.1f} s)" if event["seconds"] else ""
            tell(f"{stage:<9} {event['message']}{seconds}")
    return view
