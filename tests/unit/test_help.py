"""What people are told of the verbs."""

from __future__ import annotations

import subprocess
import sys

import click
import pytest
from click.testing import CliRunner

from jupyter_mlops.faces import help
from jupyter_mlops.faces.cli import main
from jupyter_mlops.faces.kernel_verbs import kernel_verbs


def test_the_file_holds_what_the_commands_say() -> None:
    assert help.FILE.read_text(encoding="utf-8") == help.described(main, kernel_verbs)


@pytest.mark.parametrize("name", ["runs", "promote", "restore"])
def test_help_in_a_notebook_is_that_of_the_command_line(name: str) -> None:
    shown = CliRunner().invoke(main, [name, "--help"], prog_name="jupyter mlops").output
    if name in kernel_verbs.commands:
        assert "--variables" in help.verbs()[name].help
        assert "--variables" not in shown
        return
    words = shown.replace(f"jupyter mlops {name}", f"%mlops {name}").split()
    assert help.verbs()[name].help.split() == words


def test_every_verb_is_in_the_help_once() -> None:
    text = help.general_help()
    for name in {*main.commands, *kernel_verbs.commands}:
        assert sum(line.split()[:1] == [name] for line in text.splitlines()) == 1


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["promot"], "There is no verb `promot`; did you mean `promote`?"),
        (["xyzzyq"], "There is no verb `xyzzyq`."),
        (["start"], "`start` works on a running kernel: write `%mlops start` in a cell."),
    ],
)
def test_a_misspelt_verb_is_one_line(words: list[str], said: str) -> None:
    result = CliRunner().invoke(main, words)
    assert result.exit_code == 2
    assert result.output == f"Error: {said}\n"


def test_the_help_takes_no_verb_into_the_process() -> None:
    code = (
        "import sys; from jupyter_mlops.faces.help import general_help; general_help();"
        "print([m for m in sys.modules if m.startswith(('mlflow', 'jupyter_mlops.pipeline'))])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_commands_and_kernel_verbs_are_commands() -> None:
    for group in (main, kernel_verbs):
        assert isinstance(group, click.Group)
        assert all(command.help for command in group.commands.values())
