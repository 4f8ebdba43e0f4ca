"""Write docs/commands.md and faces/verbs.json from the commands' own help.

``--check`` writes nothing, and fails where one of them differs.
"""

from __future__ import annotations

import sys
from pathlib import Path

import click

from jupyter_mlops.faces import help
from jupyter_mlops.faces.cli import main
from jupyter_mlops.faces.kernel_verbs import kernel_verbs

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
    names = ["-h", "--help"]
    root = click.Context(main, info_name="jupyter mlops", help_option_names=names)
    for name in main.list_commands(root):
        lines += _section(main.commands[name], name, root)
    lines += ["# Verbs of the kernel", "", "These work on the kernel that they are called in.", ""]
    kernel = click.Context(kernel_verbs, info_name="%mlops", help_option_names=names)
    for name, command in kernel_verbs.commands.items():
        lines += _section(command, name, kernel)
    return "\n".join(lines)


def _section(command: click.Command, name: str, parent: click.Context) -> list[str]:
    """Return the section of a command; that of a group has those of its commands behind it."""
    context = click.Context(command, info_name=name, parent=parent, max_content_width=100)
    title = context.command_path.removeprefix("jupyter mlops ")
    lines = [f"## {title}", "", "```", command.get_help(context), "```", ""]
    if isinstance(command, click.Group):
        for each in command.list_commands(context):
            lines += _section(command.commands[each], each, context)
    return lines


if __name__ == "__main__":
    files = {TARGET: text(), help.FILE: help.described(main, kernel_verbs)}
    if "--check" in sys.argv:
        for path, content in files.items():
            if not path.exists() or path.read_text(encoding="utf-8") != content:
                sys.exit(f"{path.name} is out of date: run `python scripts/generate_commands.py`")
    else:
        for path, content in files.items():
            path.write_text(content, encoding="utf-8")
