"""The verbs as people are told of them: read from a file that is made of the commands' own help.

Making it anew would take importing every verb, which neither completion nor ``%mlops?`` waits for.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import click

FILE = Path(__file__).with_name("verbs.json")
_GREETING = """\
%mlops [VERB] [OPTIONS] [ARGUMENTS]

From a notebook cell to a monitored production endpoint.
Alone it tells what is captured; `%mlops VERB --help` tells more of a verb.
"""
_CELLS = """\
Tags of a cell, as its first line:
  %%mlops step NAME [metrics] [--after STEP]
  %%mlops parameters | imports | functions | metrics | test | serve | skip"""


@dataclass(frozen=True, slots=True)
class Verb:
    """``arguments`` are their names in the usage; ``here`` tells a verb of the kernel's own."""

    name: str
    summary: str
    help: str
    options: tuple[str, ...]
    arguments: tuple[str, ...]
    here: bool


@cache
def verbs() -> dict[str, Verb]:
    """Return the verbs of ``%mlops``, in the order of the help."""
    content = json.loads(FILE.read_text(encoding="utf-8"))
    return {
        each["name"]: Verb(
            **{**each, "options": tuple(each["options"]), "arguments": tuple(each["arguments"])}
        )
        for each in content
    }


def general_help() -> str:
    """Return what ``%mlops --help`` and ``%mlops?`` show."""
    found = verbs().values()
    width = max(len(verb.name) for verb in found)

    def listed(here: bool) -> str:
        return "\n".join(f"  {v.name:<{width}}  {v.summary}" for v in found if v.here is here)

    return (
        f"{_GREETING}\nOf this kernel:\n{listed(True)}\n\n"
        f"As on the command line, `jupyter mlops`:\n{listed(False)}\n\n{_CELLS}"
    )


def nearest(word: str, known: Iterable[str]) -> str:
    """Return the end of a sentence that offers the nearest of the known words."""
    found = difflib.get_close_matches(word, list(known), 1, 0.5)
    return f"; did you mean `{found[0]}`?" if found else "."


def described(root: click.Group, kernel: click.Group) -> str:
    """Return the content of the file: the kernel's verbs, then those of the command line."""
    found = [_described(kernel, name, here=True) for name in kernel.commands]
    found += [
        _described(root, name, here=False) for name in root.commands if name not in kernel.commands
    ]
    return json.dumps([asdict(verb) for verb in found], indent=1, ensure_ascii=False) + "\n"


def _described(group: click.Group, name: str, *, here: bool) -> Verb:
    import click

    command = group.commands[name]
    above = click.Context(group, info_name="%mlops", help_option_names=["-h", "--help"])
    context = click.Context(command, info_name=name, parent=above, max_content_width=100)
    shown = [each for each in command.get_params(context) if not getattr(each, "hidden", False)]
    options = [word for each in shown for word in each.opts if word.startswith("--")]
    arguments = [
        (each.metavar or str(each.name)).upper()
        for each in shown
        if isinstance(each, click.Argument)
    ]
    text = command.get_help(context)
    summary = command.get_short_help_str(100)
    return Verb(name, summary, text, tuple(options), tuple(arguments), here)
