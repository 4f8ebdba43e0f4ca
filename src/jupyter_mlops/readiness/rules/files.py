"""Files by paths that hold on one machine only, or that are not there."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from ...notebook.dataflow import CellCode
from ...project import Project
from ..context import Context
from ..rule import Found, rule
from ..shell import SHELL

_ABSOLUTE = re.compile(
    r"(?:/(?:home|Users|root|mnt|media|Volumes|content|kaggle|tmp|scratch|dbfs|workspace)/[\w.~@-]"
    r"|~[/\\]\w|[A-Za-z]:(?:\\{1,2}|/)\w|\\\\\w+\\)[^\n\"'<>|]*"
)
_IN_SHELL = re.compile(
    r"(?<![\w./:=~-])(?:/(?:home|Users|root|mnt|Volumes|content|kaggle)/|~/)[\w./-]+"
)
_READERS = re.compile(
    r"pandas\.(?:read_(?:csv|parquet|excel|json|feather|pickle|table|hdf|fwf|stata|sas|orc|xml))"
    r"|numpy\.(?:load|loadtxt|genfromtxt|fromfile)|joblib\.load|polars\.(?:read|scan)_\w+"
    r"|geopandas\.read_file|PIL\.Image\.open|matplotlib\.(?:pyplot|image)\.imread|open|io\.open"
)
_PATH_READERS = frozenset({"read_text", "read_bytes"})
_MAY_MAKE_FILES = re.compile(
    r"(?:urllib\.request\.urlretrieve|zipfile\.\w+|tarfile\.\w+|shutil\.\w+|wget\.download"
    r"|gdown\.\w+|subprocess\.\w+|os\.(?:system|chdir|makedirs|symlink)|huggingface_hub\.\w+"
    r"|kagglehub\.\w+|pooch\.\w+|sqlite3\.connect)"
)


@rule(
    "absolute-path",
    "warning",
    what="a path that holds on one machine only",
    why="The file is not there on another machine, in CI or in a container.",
    fix="write the path relative to the notebook, or make it a parameter.",
    example='`pd.read_csv("/home/ann/data.csv")`',
)
def absolute_path(context: Context) -> Iterator[Found]:
    for code, node in context.nodes(ast.Constant):
        text = node.value
        if isinstance(text, str) and len(text) < 400 and _ABSOLUTE.fullmatch(text.strip()):
            yield Found(f"`{text.strip()[:80]}` is a path of one machine", code.cell, node.lineno)
    for command in context.commands:
        if command.name in (SHELL, "cd", "run") and (match := _IN_SHELL.search(command.text)):
            yield Found(f"`{match.group()}` is a path of one machine", command.cell, command.line)


@rule(
    "missing-file",
    "warning",
    what="a file that is read, and is not there",
    why="The cell fails with a FileNotFoundError.",
    fix="put the file where the notebook looks for it, or mend the path.",
    example='`pd.read_csv("dta.csv")` beside `data.csv`',
)
def missing_file(context: Context) -> Iterator[Found]:
    if not context.folder.is_dir() or _moves_or_makes(context):
        return
    reads = list(_reads(context))
    read = {id(node) for _, node in reads}
    # Whatever else names the file may make it.
    others = [
        node.value
        for _, node in context.nodes(ast.Constant)
        if isinstance(node.value, str) and id(node) not in read
    ]
    others += [command.text for command in context.commands]
    for cell_code, node in reads:
        text = str(node.value)
        path = Path(text)
        if _is_there(path, context.folder) or any(path.name in other for other in others):
            continue
        yield Found(
            f"there is no file `{text}`", cell_code.cell, node.lineno, _fix(path, context.folder)
        )


@rule(
    "working-directory",
    "warning",
    what="a cell that changes the working directory",
    why="Relative paths mean something else in the cells below, but not in other steps.",
    fix="write the folder into the paths.",
    example='`os.chdir("data")`',
)
def working_directory(context: Context) -> Iterator[Found]:
    for code, call, name in context.calls():
        if name in ("os.chdir", "contextlib.chdir"):
            yield Found("the cell changes the working directory", code.cell, call.lineno)
    for command in context.commands:
        if command.name == "cd":
            yield Found("the cell changes the working directory", command.cell, command.line)


def _reads(context: Context) -> Iterator[tuple[CellCode, ast.Constant]]:
    """Yield the literal relative paths of files that are opened for reading."""
    for code, call, name in context.calls():
        node: ast.expr | None = None
        match call.func:
            case ast.Attribute(attr=method, value=ast.Call(args=[first, *_], func=function)):
                is_path = context.full_name(function) == "pathlib.Path"
                node = first if is_path and method in _PATH_READERS else None
            case _ if _READERS.fullmatch(name) and call.args and not _writes(call):
                node = call.args[0]
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and _is_plain(node.value):
            yield code, node


def _writes(call: ast.Call) -> bool:
    """Tell whether a call of ``open`` may make the file."""
    modes = [*call.args[1:2], *(each.value for each in call.keywords if each.arg == "mode")]
    return any(
        not isinstance(mode, ast.Constant) or bool(set(str(mode.value)) & set("wax+"))
        for mode in modes
    )


def _is_plain(text: str) -> bool:
    return bool(
        text.strip()
        and len(text) < 200
        and re.fullmatch(r"[\w .@()+,=-]+(?:/[\w .@()+,=-]+)*\.\w{1,8}", text)
    )


def _is_there(path: Path, folder: Path) -> bool:
    return any((base / path).exists() for base in (folder, Project.find(folder).root))


def _moves_or_makes(context: Context) -> bool:
    """Tell whether cells fetch files, or look for them elsewhere, in ways not followed here."""
    if any(command.name in (SHELL, "cd", "run") for command in context.commands):
        return True
    return any(_MAY_MAKE_FILES.fullmatch(name) for _, _, name in context.calls())


def _fix(path: Path, folder: Path) -> str:
    import difflib

    parent = folder / path.parent
    if not parent.is_dir():
        return f"there is no folder `{path.parent}` beside the notebook; put the file there."
    names = [each.name for each in parent.iterdir() if each.is_file()]
    close = difflib.get_close_matches(path.name, names, n=1)
    return f"did you mean `{path.with_name(close[0])}`?" if close else missing_file.fix
