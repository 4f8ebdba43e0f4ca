"""Write docs/commands.md from the commands' own help; ``--check`` fails where it differs."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from jupyter_mlops.faces.cli import main

TARGET = Path(__file__).resolve().parent.parent / "docs" / "commands.md"


def text() -> str:
    """Return the page: one section for each command, in the order of the help."""
    lines = [
        "# Commands",
        "",
        "Each is also a magic: `%mlops runs`, `%mlops promote` … A verb about a notebook means "
        "the notebook it is written in where no path is given.",
        "",
    ]
    root = click.Context(main, info_name="jupyter mlops")
    for name in main.list_commands(root):
        command = main.commands[name]
        context = click.Context(command, info_name=name, parent=root, max_content_width=100)
        lines += [f"## {name}", "", "```", command.get_help(context), "```", ""]
    return "\n".join(lines)


if __name__ == "__main__":
    if "--check" in sys.argv:
        if TARGET.read_text(encoding="utf-8") != text():
            sys.exit(f"{TARGET.name} is out of date: run `python scripts/generate_commands.py`")
    else:
        TARGET.write_text(text(), encoding="utf-8")
