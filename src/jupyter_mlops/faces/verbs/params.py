"""The verb that shows what a notebook's parameters are."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ...project import Project
from ..command import notebook_argument, verb
from ..given import gather_for, given_options
from ..views import Table, View

if TYPE_CHECKING:
    from ...notebook.parameters import Parameter


@verb
@notebook_argument
@given_options
@click.option("--schema", "as_schema", is_flag=True, help="Print a JSON schema instead.")
def params(notebook: Path, assignments: tuple[str, ...], as_schema: bool) -> View:
    """Show a notebook's parameters; with values, check them as a run would.

    A secret (a parameter named as one, or whose comment begins with `secret`) is given by
    reference: `-p password=env:DB_PASSWORD` or `-p password=file:/run/secrets/db`.
    """
    from ...notebook.document import read
    from ...notebook.moments import plain
    from ...notebook.parameter_schema import schema
    from ...notebook.parameters import check_parameters, parameters_cell, read_parameters

    project = Project.find(notebook)
    source = read(notebook, name=project.relative(notebook))
    found = read_parameters(source, computed=True)
    if as_schema:
        content = schema(source.name, found)
        return View([json.dumps(content, indent=2, ensure_ascii=False)], data=content)
    if parameters_cell(source) is None:
        words = f"{source.name} has no parameters: tag a cell of plain assignments `parameters`."
        return View([words], data={"notebook": source.name, "parameters": []})
    given = gather_for(source, assignments)
    checked = check_parameters(source, found, given.values)
    columns = ["name", "type", "default", "allowed", "help"]
    rows: list[list[Any]] = []
    data = []
    for each in found:
        allowed = "env:NAME or file:PATH" if each.secret else str(each.limits)
        default = _default(each)
        row = [
            each.name,
            each.words,
            default if each.secret else each.computed or _shown(each.default),
            allowed,
            each.help,
        ]
        content = {
            "name": each.name,
            "type": each.type,
            "words": each.words,
            "optional": each.optional,
            "default": default if each.secret else plain(each.default),
            "computed": "" if each.secret else each.computed,
            "allowed": allowed,
            "help": each.help,
            "secret": each.secret,
        }
        if each.name in checked:
            content |= {"given": plain(checked[each.name]), "from": given.origins[each.name]}
        if checked:
            is_given = each.name in checked
            value = _shown(checked[each.name]) if is_given else ""
            row += [value, given.origins.get(each.name, "")]
        rows.append(row)
        data.append(content)
    if checked:
        columns += ["given", "from"]
    unused = [f"{name} is not used: the notebook has no such parameter" for name in given.unused]
    table = Table("", tuple(columns), rows)
    return View(unused, [table], {"notebook": source.name, "parameters": data})


def _default(parameter: Parameter) -> str:
    """Return what stands for a secret's default: not what the notebook says."""
    return "" if not parameter.default else "[secret]"


def _shown(value: Any) -> str:
    from ...notebook.moments import kind_of, plain

    return str(plain(value)) if kind_of(value) else repr(value)
