"""Modules that are not there, and cells that install them."""

from __future__ import annotations

import ast
import difflib
import importlib.util
import re
import sys
from collections.abc import Iterator
from importlib.machinery import PathFinder
from pathlib import Path

from ..context import Context
from ..rule import Found, rule
from ..shell import SHELL

_DISTRIBUTIONS = {
    "PIL": "Pillow",
    "attr": "attrs",
    "bs4": "beautifulsoup4",
    "cv2": "opencv-python",
    "dateutil": "python-dateutil",
    "docx": "python-docx",
    "dotenv": "python-dotenv",
    "fitz": "PyMuPDF",
    "github": "PyGithub",
    "googleapiclient": "google-api-python-client",
    "igraph": "python-igraph",
    "imblearn": "imbalanced-learn",
    "jose": "python-jose",
    "jwt": "PyJWT",
    "magic": "python-magic",
    "mpl_toolkits": "matplotlib",
    "psycopg2": "psycopg2-binary",
    "serial": "pyserial",
    "skimage": "scikit-image",
    "sklearn": "scikit-learn",
    "skopt": "scikit-optimize",
    "umap": "umap-learn",
    "win32com": "pywin32",
    "yaml": "PyYAML",
}
"""Modules whose distribution is called otherwise."""
_INSTALL = re.compile(
    r"^(?:sudo\s+)?(?:python3?\s+-m\s+|\{sys\.executable\}\s+-m\s+)?"
    r"(?:pip3?|conda|mamba|uv(?:\s+pip)?|poetry|apt|apt-get)\s+(?:-\S+\s+)*(?:install|add)\b"
)


@rule(
    "missing-module",
    "error",
    what="an import of a module that is neither installed nor beside the notebook",
    why="The cell fails with a ModuleNotFoundError.",
    fix="install it in the environment of the notebook, or put its file beside the notebook.",
    example="`import helprs` beside `helpers.py`",
)
def missing_module(context: Context) -> Iterator[Found]:
    path = _search_path(context)
    if path is None:
        return
    known = dict.fromkeys(_written(context), True)
    for code in context.codes:
        guarded = set(_guarded(code.tree))
        for node in ast.walk(code.tree):
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                names = [node.module]
            else:
                continue
            for name in names:
                top = name.partition(".")[0]
                if top not in known:
                    known[top] = _is_there(top, path)
                if not known[top] and id(node) not in guarded:
                    known[top] = True  # told once
                    fix = _fix(top, context.folder)
                    yield Found(f"there is no module `{top}`", code.cell, node.lineno, fix)


@rule(
    "pip-install",
    "warning",
    what="a cell that installs packages",
    why="What it installs changes from day to day; an image has exact versions installed.",
    fix="install it once in the environment, and remove the line; promotion locks the versions.",
    example="`%pip install pandas`",
)
def pip_install(context: Context) -> Iterator[Found]:
    for command in context.commands:
        text = command.text if command.name == SHELL else f"{command.name} {command.text}"
        if _INSTALL.match(text):
            yield Found(f"the cell installs packages: `{text[:60]}`", command.cell, command.line)
    for code, call, name in context.calls():
        if name.startswith("subprocess.") or name == "os.system":
            words = [
                node.value
                for node in ast.walk(call)
                if isinstance(node, ast.Constant) and isinstance(node.value, str)
            ]
            text = " ".join(words)
            if _INSTALL.match(text) or (
                words[:1] == ["-m"] and _INSTALL.match(" ".join(words[1:]))
            ):
                yield Found(f"the cell installs packages: `{text[:60]}`", code.cell, call.lineno)


def _guarded(tree: ast.Module) -> Iterator[int]:
    """Yield the imports that may fail: in a ``try`` with handlers, or for type checkers only."""
    for node in ast.walk(tree):
        is_optional = isinstance(node, ast.Try) and node.handlers
        is_branch = isinstance(node, ast.If)
        if is_optional or is_branch:
            for inner in ast.walk(node):
                if isinstance(inner, ast.Import | ast.ImportFrom):
                    yield id(inner)


def _search_path(context: Context) -> list[str] | None:
    """Return where modules are looked for, None where the notebook adds unknown places."""
    here = {"", str(Path.cwd())}
    path = [str(context.folder), *(p for p in sys.path if p not in here)]
    for _, node in context.nodes(ast.Attribute):
        if node.attr == "path" and context.full_name(node) == "sys.path":
            return None
    changed = ("os.chdir", "site.addsitedir")
    if any(name in changed for _, _, name in context.calls()):
        return None
    return None if any(command.name == "cd" for command in context.commands) else path


def _written(context: Context) -> set[str]:
    """Return the modules that cells write or fetch: ``%%writefile helpers.py``."""
    found = {
        Path(command.text.split()[-1]).stem
        for command in context.commands
        if command.name in ("writefile", "file") and command.text
    }
    for command in context.commands:
        if command.name == SHELL:
            found.update(re.findall(r"(\w+)\.py\b", command.text))
            found.update(f"{name}_pb2" for name in re.findall(r"(\w+)\.proto\b", command.text))
    return found


def _is_there(module: str, path: list[str]) -> bool:
    if module in sys.stdlib_module_names or module in sys.builtin_module_names:
        return True
    if module in sys.modules and not module.startswith("_"):
        return True
    try:
        if PathFinder.find_spec(module, path) is not None:
            return True
        # Editable installations find theirs by a finder of their own.
        found = importlib.util.find_spec(module)
    except (ImportError, ValueError, AttributeError):
        return False
    return found is not None and not _is_here(found.origin, path[0])


def _is_here(origin: str | None, folder: str) -> bool:
    """Tell whether a module was found only because the check was started in its folder."""
    return (
        origin is not None
        and Path(origin).is_relative_to(Path.cwd())
        and (Path(origin).parent in (Path.cwd(), Path.cwd() / Path(origin).parent.name))
        and str(Path.cwd()) != folder
    )


def _fix(module: str, folder: Path) -> str:
    if distribution := _DISTRIBUTIONS.get(module):
        return f"install {distribution}, which provides it: `pip install {distribution}`."
    beside = [each.stem for each in folder.glob("*.py")] if folder.is_dir() else []
    close = difflib.get_close_matches(module, beside, n=1) or difflib.get_close_matches(
        module, [*sys.stdlib_module_names, "numpy", "pandas", "sklearn", "matplotlib"], 1, 0.8
    )
    if close:
        return f"did you mean `{close[0]}`?"
    return missing_module.fix
