"""Cells that put their own code into somebody else's module."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from ..context import Context
from ..rule import Found, rule


@rule(
    "module-patch",
    "warning",
    what="a function or class of an imported module that is replaced",
    why="The change holds in one process only: other steps and the served model do not see it.",
    fix="define a function of your own, or make the change in a cell tagged `imports`.",
    example="`pd.DataFrame.rows = lambda self: len(self)`",
)
def module_patch(context: Context) -> Iterator[Found]:
    defined = {
        node.name for _, node in context.nodes(ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    }
    for code, node in context.nodes(ast.Assign):
        own = isinstance(node.value, ast.Lambda) or (
            isinstance(node.value, ast.Name) and node.value.id in defined
        )
        if not own or "imports" in code.cell.tags:
            continue
        for target in node.targets:
            root: ast.expr = target
            while isinstance(root, ast.Attribute):
                root = root.value
            if root is not target and isinstance(root, ast.Name) and root.id in context.modules:
                yield Found(f"`{ast.unparse(target)}` is replaced", code.cell, node.lineno)
