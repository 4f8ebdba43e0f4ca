"""The words for each parameter of a sweep, from files, the environment and the command."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner

from jupyter_mlops.errors import MlopsError
from jupyter_mlops.faces.swept import given_space, parse_swept, rerun_command, space_options
from jupyter_mlops.notebook.document import read
from jupyter_mlops.sweeps.points import grid
from jupyter_mlops.sweeps.space import read_space
from tests.support import write_notebook

PARAMETERS = (
    "depth: int = 6  # 1..20\nlr: float = 0.1\nkind: str = 'gini'  # one of: gini, entropy\n"
    "sizes: list[int] = [1, 2]\ntitle: str = 'a'\nquick: bool = False"
)


@pytest.fixture
def notebook(tmp_path: Path) -> Path:
    (tmp_path / "mlops.toml").write_text("")
    return write_notebook(tmp_path / "nb.ipynb", [("parameters", PARAMETERS), ("", "x = depth")])


def test_names_with_and_without_values() -> None:
    assert parse_swept(("depth=4,6", " lr =a=b", "kind")) == {
        "depth": "4,6",
        "lr": "a=b",
        "kind": "",
    }


@pytest.mark.parametrize("wrong", [("=4",), ("a b=4",), ("depth=",), ("",), ("a=1", "a=2")])
def test_what_is_no_assignment(wrong: tuple[str, ...]) -> None:
    with pytest.raises(MlopsError) as caught:
        parse_swept(wrong)
    assert caught.value.code == "parameters.form"


def given(notebook: Path, *words: str, **environment: str) -> dict[str, str]:
    found: dict[str, str] = {}

    @click.command()
    @space_options
    def command(assignments: tuple[str, ...]) -> None:
        found.update(given_space(notebook, assignments))

    done = CliRunner().invoke(command, list(words), env=environment)
    assert done.exception is None, done.output
    return found


def test_the_command_wins_over_the_environment_over_files(notebook: Path) -> None:
    file = notebook.with_name("space.yaml")
    file.write_text("depth: [1, 2]\nlr: 0.01:0.1:log5\nkind: gini\n")
    found = given(notebook, "-f", str(file), "-p", "depth=4,6", MLOPS_PARAM_KIND="entropy")
    assert found == {"depth": "4,6", "lr": "0.01:0.1:log5", "kind": "entropy"}


@pytest.mark.parametrize(
    ("line", "fixed", "swept"),
    [
        ("depth: [4, 6]", {}, {"depth": [4, 6]}),
        ("depth: 4", {"depth": 4}, {}),
        ("depth: 4,6", {}, {"depth": [4, 6]}),
        ("lr: 0.1:0.3:lin3", {}, {"lr": [0.1, 0.2, 0.3]}),
        ("sizes: [4, 6]", {"sizes": [4, 6]}, {}),
        ("title: 'one, two'", {"title": "one, two"}, {}),
        ("title: ['one, two', 'it''s']", {}, {"title": ["one, two", "it's"]}),
        ("quick: [true, false]", {}, {"quick": [True, False]}),
    ],
)
def test_values_of_a_file(
    notebook: Path, line: str, fixed: dict[str, Any], swept: dict[str, list[Any]]
) -> None:
    file = notebook.with_name("space.yaml")
    file.write_text(line)
    found, space = read_space(read(notebook), given(notebook, "-f", str(file)))
    assert found == fixed
    values = {name: each.values() for name, each in space.items()}
    assert values == swept
    if swept:
        assert len(grid(space)) == len(next(iter(swept.values())))


def test_the_command_for_the_best_point_is_one_for_a_shell() -> None:
    command = rerun_command("my notebook.ipynb", {"depth": 4, "title": "it's $HOME"})
    assert command == (
        "jupyter mlops rerun 'my notebook.ipynb' -p depth=4 -p 'title=it'\"'\"'s $HOME'"
    )
