"""Names that code reaches by their text: ``globals()["x"]``, ``exec``, ``eval``, ``query``."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from .calls import is_namespace
from .frame import Frame
from .operations import CONSTANT, EVERYTHING, Read, Value, Wild

_AT = re.compile(r"@([A-Za-z_]\w*)")
_TABLE = re.compile(r"\b(?:from|join)\s+([A-Za-z_]\w*)", re.IGNORECASE)
_WITH_NAMES = frozenset({"query", "eval"})
_WITH_TABLES = frozenset({"sql", "query", "execute", "sqldf", "query_df", "read_sql"})


class NamesInText(Frame):
    """Walks calls and subscripts whose names stand in a text."""

    def _everything(self, line: int) -> Value:
        """Read whatever names there are: which of them is not known before the code runs."""
        self.operations.append(Read(EVERYTHING, line, "soft"))
        return Value(frozenset({(EVERYTHING, True)}))

    def _entry(self, owner: ast.expr, index: ast.expr) -> str | None:
        """Return the name that ``globals()["x"]`` stands for, if it is one."""
        if is_namespace(owner) and isinstance(index, ast.Constant) and isinstance(index.value, str):
            return index.value if _is_globals(owner) else self._lookup(index.value)
        return None

    def _asked_for(self, node: ast.Compare) -> bool:
        """Walk ``"x" in globals()``; return whether it is that."""
        if len(node.ops) != 1 or not isinstance(node.ops[0], ast.In | ast.NotIn):
            return False
        owner = node.comparators[0]
        listed = isinstance(owner, ast.Call) and getattr(owner.func, "id", "") == "dir"
        if not is_namespace(owner) and not (listed and not owner.args):  # type: ignore[attr-defined]
            return False
        match node.left:
            case ast.Constant(value=str(name)):
                self._read_softly(name, node.lineno)
            case _:
                self.value(node.left)
                self._everything(node.lineno)
        return True

    def _read_softly(self, name: str, line: int) -> Value:
        self.operations.append(Read(name, line, "none" if name in self._paths.bound else "soft"))
        return Value(frozenset({(name, False)}), fresh=False)

    def _text_call(self, node: ast.Call) -> Value | None:
        """Walk a call that reaches names by text; None for any other call."""
        if is_namespace(node):
            return CONSTANT if self._deferred and not _is_globals(node) else self._all_names(node)
        function = node.func
        match function:
            case ast.Name(id="exec" | "eval"):
                return self._code(node, function.id)
            case ast.Name(id="dir") if not node.args and not self._deferred:
                self._everything(node.lineno)
            case ast.Attribute(value=owner, attr=method) if is_namespace(owner):
                return self._namespace_call(node, owner, method)
        return None

    def _all_names(self, node: ast.Call) -> Value:
        return self._everything(node.lineno)

    def _namespace_call(self, node: ast.Call, owner: ast.expr, method: str) -> Value | None:
        line = node.lineno
        given = [self.value(each) for each in node.args[1:]]
        name = self._entry(owner, node.args[0]) if node.args else None
        if method == "update" and not node.args and all(each.arg for each in node.keywords):
            for keyword in node.keywords:
                self._bind(keyword.arg or "", line, self.value(keyword.value))
            return CONSTANT
        if name is None or method not in ("get", "setdefault", "pop"):
            return None
        value = self._read_softly(name, line)
        for each in given:
            value |= each
        if method == "setdefault":
            self._branches([lambda: self._bind(name, line, value)], exhaustive=False)
        elif method == "pop":
            self._drop(name, line)
        return value

    def _drop(self, name: str, line: int) -> None:
        raise NotImplementedError

    def _code(self, node: ast.Call, called: str) -> Value | None:
        """Walk the code that ``exec`` and ``eval`` are given as a text, as if it stood here."""
        line = node.lineno
        if not node.args:
            return None
        source, *spaces = node.args
        spaces += [keyword.value for keyword in node.keywords]
        if any(not is_namespace(each) for each in spaces):
            # It has names of its own, and leaves them where it is told to.
            values = [self.value(each) for each in spaces]
            text = self.value(source)
            made = Value(frozenset((part, True) for value in values for part, _ in value.parts))
            for value in values:
                self._change(value, line, deep=True, added=text | made)
            return made
        tree = _parsed(source, called, line)
        if tree is None:
            self.value(source)
            found = self._everything(line)
            if called == "exec":
                self.operations.append(Wild(line))
            return found
        if isinstance(tree, ast.Expression):
            return self.value(tree.body)
        self._run_text(tree.body)
        return CONSTANT

    def _run_text(self, statements: list[ast.stmt]) -> None:
        raise NotImplementedError

    def _read_in_text(self, node: ast.Call, called: str) -> None:
        """Read the variables that the text of a query names."""
        texts = [
            each.value
            for argument in (*node.args, *(keyword.value for keyword in node.keywords))
            for each in ast.walk(argument)
            if isinstance(each, ast.Constant) and isinstance(each.value, str)
        ]
        for text in texts:
            for name in dict.fromkeys(_names(text, called, node)):
                self._read_softly(self._lookup(name), node.lineno)


def _names(text: str, called: str, node: ast.Call) -> Iterator[str]:
    if called in _WITH_NAMES:
        yield from _AT.findall(text)
        if called == "eval" and isinstance(node.func, ast.Attribute):
            try:
                tree = ast.parse(text.replace("@", ""), mode="eval")
            except SyntaxError:
                return
            # Of a column, or of a variable, as in `pd.eval("df.a + n")`.
            yield from (each.id for each in ast.walk(tree) if isinstance(each, ast.Name))
    if called in _WITH_TABLES:
        yield from _TABLE.findall(text)


def _is_globals(node: ast.expr) -> bool:
    return not isinstance(node, ast.Call) or getattr(node.func, "id", "") == "globals"


def _parsed(source: ast.expr, called: str, line: int) -> ast.Module | ast.Expression | None:
    if not isinstance(source, ast.Constant) or not isinstance(source.value, str):
        return None
    tree: ast.Module | ast.Expression
    try:
        if called == "eval":
            tree = ast.parse(source.value.strip(), mode="eval")
        else:
            tree = ast.parse(source.value)
    except SyntaxError:
        return None
    for each in ast.walk(tree):
        if isinstance(each, ast.expr | ast.stmt | ast.excepthandler):
            each.lineno = each.end_lineno = line
    return tree
