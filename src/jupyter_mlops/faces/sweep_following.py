"""Runs a sweep or tuning to its end and shows its events as the command line asks for."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import Any

import click

from ..progress import Event, Progress
from . import command
from .look.sweep_screen import Screen
from .sweep_standing import Standing
from .swept import from_here, resume_command


def follow_points(progress: Progress[Any]) -> Any:
    """Run a verb whose points are told to its end: a live table in a terminal, else lines.

    Raises `KeyboardInterrupt` with the words that say how to go on.
    """
    standing = Standing()
    try:
        if command.wants_json():
            return _drain(progress, standing, command.show_json)
        if _can_draw():
            with Screen(sys.stderr) as screen:
                return _drain(progress, standing, screen.take)
        return _drain(progress, standing, show_line)
    except KeyboardInterrupt:
        if not standing.name:
            raise
        words = resume_command(standing.kind, from_here(standing.path), standing.name)
        raise KeyboardInterrupt(
            f"{standing.done} of {standing.total} points are done, and kept; to go on:\n  {words}"
        ) from None


def show_line(event: Event) -> None:
    """Show what goes into a log: how each point has ended, and what concerns the whole."""
    if event.stage == "point" and event.status != "done":
        return
    message = event.message.partition("\n")[0]
    seconds = f"  ({event.seconds:.1f} s)" if event.seconds is not None else ""
    click.secho(f"{event.stage:<9} ", fg="cyan", nl=False, err=True)
    click.echo(f"{message}{seconds}", err=True)


def _drain(progress: Progress[Any], standing: Standing, show: Callable[[Event], None]) -> Any:
    try:
        while True:
            try:
                event = next(progress)
            except StopIteration as stop:
                return stop.value
            standing.take(event)
            show(event)
    finally:
        # Where showing was interrupted, the processes that run points are ended at once.
        progress.close()


def _can_draw() -> bool:
    return sys.stderr.isatty() and os.environ.get("TERM", "") not in ("", "dumb")
