"""Numbers that are reckoned from numbers, such as ``10**3``, in what must be plain."""

from __future__ import annotations

import ast
import copy
import math
import operator
from collections.abc import Callable
from typing import Any, cast

_RECKON: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Pow: operator.pow,
}
_LARGEST_BASE, _LARGEST_POWER = 10**9, 300


def reckoned(node: ast.expr) -> ast.expr:
    """Return ``1000`` for ``10**3``: numbers that are reckoned from numbers, anywhere inside."""
    return cast(ast.expr, _Reckoner().visit(copy.deepcopy(node)))


class _Reckoner(ast.NodeTransformer):
    def visit_BinOp(self, node: ast.BinOp) -> ast.expr:
        self.generic_visit(node)
        reckon = _RECKON.get(type(node.op))
        try:
            left, right = ast.literal_eval(node.left), ast.literal_eval(node.right)
        except ValueError:
            return node
        if reckon is None or not {type(left), type(right)} <= {int, float}:
            return node
        is_power = isinstance(node.op, ast.Pow)
        if is_power and (abs(left) > _LARGEST_BASE or abs(right) > _LARGEST_POWER):
            return node
        value = reckon(left, right)
        is_plain = isinstance(value, int | float) and math.isfinite(value)
        return ast.copy_location(ast.Constant(value), node) if is_plain else node
