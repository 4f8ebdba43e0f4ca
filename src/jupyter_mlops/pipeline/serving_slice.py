"""The part of a notebook that answers a request: imports, definitions, and the names they need.

The last expression of the cell tagged ``serve`` is a call on the notebook's own example rows. The
statements that define what it calls are taken verbatim, and so on for what these need. Whatever
else is needed is a variable and travels as a value, which is there before the statements run:
models, constants, parameters.
"""

from __future__ import annotations

import ast
from collections.abc import Sequence
from dataclasses import dataclass, field

from ..errors import MlopsError
from ..notebook.dataflow import CellCode
from ..notebook.document import Notebook
from ..notebook.effects import ALWAYS_THERE
from ..notebook.namespace import Namespace
from ..notebook.walker import operations
from .model import Serving
from .wiring import Entry, Origin, Wiring

_HOW = "end the cell with a call on example rows, such as `predict(examples)` or "
_HOW += "`model.predict(examples)`."
_DEFINES = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
_UNREPEATABLE = frozenset({"sample", "pop", "popitem", "popleft", "choice", "rand", "randn"})


@dataclass(slots=True)
class _Slice:
    """Statements by where they stand, and the variables that they need beside."""

    statements: dict[tuple[int, int], tuple[ast.stmt, str]] = field(default_factory=dict)
    state: set[str] = field(default_factory=set)


def read_serving(notebook: Notebook, wiring: Wiring, after: Namespace, entry: Entry) -> Serving:
    """Read how a request is answered from the serve cell.

    ``after`` is what is known of names once the cell has run. The step is made to provide the
    state. Raises `MlopsError` ``pipeline.serve``.
    """
    call, argument = _last_call(notebook, entry)
    found = _Slice()
    reader = _Reader(wiring, after, entry, found)
    callee = call.func.id if isinstance(call.func, ast.Name) else None
    for name in sorted(_names(call, argument)):
        reader.follow(name)
    reader.keep_classes_with_instances()
    function = callee
    wrapper = ""
    if callee is None or not _is_plain(call) or not reader.is_function(callee):
        function = _free_name("predict", found)
        wrapper = _wrapper(function, call, argument)
    wires = wiring.steps[entry.role.step]
    for name in found.state:
        wiring.need(wires, name, entry.index + 1)
    assert function is not None
    return Serving(
        cell=entry.cell,
        step=entry.role.step,
        source=_source(found, wrapper),
        function=function,
        example=_text(entry.code, argument),
        state=tuple(sorted(found.state)),
    )


def _last_call(notebook: Notebook, entry: Entry) -> tuple[ast.Call, ast.expr]:
    body = entry.code.tree.body
    last = body[-1] if body else None
    line = last.lineno if last is not None else None

    def refuse(words: str, hint: str = _HOW) -> MlopsError:
        place = notebook.place(entry.cell, line)
        return MlopsError("pipeline.serve", words, hint=hint, place=place)

    if not isinstance(last, ast.Expr):
        raise refuse("The cell tagged `serve` does not end with an expression.")
    call = last.value
    if not isinstance(call, ast.Call):
        raise refuse("The cell tagged `serve` does not end with a call.")
    if not isinstance(call.func, ast.Name | ast.Attribute):
        raise refuse("The call in the cell tagged `serve` is neither of a function nor a method.")
    if any(isinstance(node, ast.Starred) for node in call.args) or any(
        keyword.arg is None for keyword in call.keywords
    ):
        raise refuse("The call in the cell tagged `serve` spreads its arguments by a star.")
    if call.args:
        argument = call.args[0]
    elif len(call.keywords) == 1:
        argument = call.keywords[0].value
    else:
        raise refuse("The call in the cell tagged `serve` has no example rows.")
    if isinstance(argument, ast.Constant | ast.UnaryOp):
        raise refuse(
            f"`{_text(entry.code, argument)}` in the cell tagged `serve` is a single value, not "
            "rows."
        )
    for node in ast.walk(argument):
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr in _UNREPEATABLE
            and not any(k.arg in ("random_state", "seed") for k in node.keywords)
        ):
            raise refuse(
                f"The example rows are drawn anew each time: `{_text(entry.code, argument)}`.",
                f"keep them first: `examples = {_text(entry.code, argument)}`, then call with "
                "`examples`.",
            )
    return call, argument


class _Reader:
    """Follows names from the serve cell to the statements that define them."""

    def __init__(self, wiring: Wiring, after: Namespace, entry: Entry, found: _Slice) -> None:
        self._wiring = wiring
        self._after = after
        self._end = entry.index + 1
        self._found = found
        self._seen: set[str] = set()
        self._folder = str(wiring.notebook.path.parent)

    def follow(self, name: str) -> None:
        pending = [name]
        while pending:
            name = pending.pop()
            if name not in self._seen:
                self._seen.add(name)
                pending += sorted(self._follow(name))

    def keep_classes_with_instances(self) -> None:
        """Make a class a value where its instances are: it must be one and the same class."""
        kept = frozenset[str]().union(*(self._after.classes(n) for n in self._found.state))
        for where, (node, _) in list(self._found.statements.items()):
            if isinstance(node, ast.ClassDef) and node.name in kept:
                del self._found.statements[where]
                self._found.state.add(node.name)

    def is_function(self, name: str) -> bool:
        """Tell whether the slice defines ``name`` by ``def``."""
        return any(
            isinstance(node, ast.FunctionDef) and node.name == name
            for node, _ in self._found.statements.values()
        )

    def _follow(self, name: str) -> set[str]:
        origin = self._wiring.origin(name, self._end)
        if origin is None or origin.fate == "deleted":
            return set()
        entry = origin.entry
        if origin.fate in ("sure", "extended") and self._take_imports(name, entry):
            return set()
        if origin.fate == "sure" and entry.role.kind != "parameters":
            needed = self._take_definition(name, entry)
            if needed is not None:
                return needed
        self._found.state.add(name)
        return set(self._after.needs(name))

    def _take_imports(self, name: str, entry: Entry) -> bool:
        imports = entry.effects.imports.get(name, ())
        if not imports or any(each.statement is None for each in imports):
            return False
        wanted = {each.statement for each in imports}
        for number, node in enumerate(entry.code.tree.body):
            if isinstance(node, ast.Import | ast.ImportFrom):
                text = entry.code.text(node)
                if text is not None and text in wanted:
                    self._found.statements[entry.index, number] = (node, text)
        if imports[-1].extends:
            for earlier in self._wiring.history(name, entry.index):
                if earlier.effects.fates[name] not in ("sure", "extended"):
                    break
                self._take_imports(name, earlier)
        return True

    def _take_definition(self, name: str, entry: Entry) -> set[str] | None:
        """Take the ``def`` or ``class`` that made a name; None where it was something else."""
        number, node = _binding(entry.code.tree.body, name)
        if not isinstance(node, _DEFINES):
            return None
        text = entry.code.text(node)
        if text is None:
            return None
        code = operations(ast.Module([node], []), lambda _: None, self._folder)
        known = Namespace()
        effects = known.run(code)
        at_once = set(effects.reads) - {name}
        for each in at_once:
            # A default or decorator must mean the same when the server starts.
            before = self._wiring.origin(each, entry.index + 1)
            now = self._wiring.origin(each, self._end)
            if before != now and not _same_imports(each, before, now):
                return None
        self._found.statements[entry.index, number] = (node, text)
        return at_once | known.needs(name)


def _same_imports(name: str, before: Origin | None, now: Origin | None) -> bool:
    if before is None or now is None:
        return False
    first = before.entry.effects.imports.get(name, ())
    second = now.entry.effects.imports.get(name, ())
    return bool(first) and [(i.module, i.attribute) for i in first] == [
        (i.module, i.attribute) for i in second
    ]


def _binding(body: Sequence[ast.stmt], name: str) -> tuple[int, ast.stmt | None]:
    """Return the last top-level statement that binds a name, with its number."""
    for number in reversed(range(len(body))):
        node = body[number]
        if isinstance(node, _DEFINES):
            if node.name == name:
                return number, node
            continue
        for child in ast.walk(node):
            if isinstance(child, ast.Name) and child.id == name:
                if not isinstance(child.ctx, ast.Load):
                    return number, node
            elif isinstance(child, _DEFINES) and child.name == name:
                return number, node
    return -1, None


def _names(call: ast.Call, argument: ast.expr) -> set[str]:
    """Return the names of the call without those of its example rows."""
    parts = [call.func, *call.args, *(keyword.value for keyword in call.keywords)]
    return {
        node.id
        for part in parts
        if part is not argument
        for node in ast.walk(part)
        if isinstance(node, ast.Name)
    } - (ALWAYS_THERE - {"open"})


def _is_plain(call: ast.Call) -> bool:
    return isinstance(call.func, ast.Name) and len(call.args) == 1 and not call.keywords


def _free_name(name: str, found: _Slice) -> str:
    taken = set(found.state)
    for node, _ in found.statements.values():
        taken |= {each.id for each in ast.walk(node) if isinstance(each, ast.Name)}
        if isinstance(node, _DEFINES):
            taken.add(node.name)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            taken |= {alias.asname or alias.name for alias in node.names}
    while name in taken:
        name = f"{name}_rows"
    return name


def _wrapper(function: str, call: ast.Call, argument: ast.expr) -> str:
    names = {node.id for node in ast.walk(call) if isinstance(node, ast.Name)}
    rows = "rows"
    while rows in names or rows == function:
        rows = f"{rows}_"
    given = ast.Name(rows, ast.Load())
    answer = ast.Call(
        call.func,
        [given if each is argument else each for each in call.args],
        [
            ast.keyword(each.arg, given if each.value is argument else each.value)
            for each in call.keywords
        ],
    )
    return f"def {function}({rows}):\n    return {ast.unparse(ast.fix_missing_locations(answer))}"


def _source(found: _Slice, wrapper: str) -> str:
    parts: list[str] = []
    previous: ast.stmt | None = None
    for _, (node, text) in sorted(found.statements.items()):
        both_import = not isinstance(node, _DEFINES) and not isinstance(previous, _DEFINES)
        if previous is not None:
            parts.append("\n" if both_import else "\n\n\n")
        parts.append(text)
        previous = node
    if wrapper:
        parts += ["\n\n\n"] if parts else []
        parts.append(wrapper)
    return "".join([*parts, "\n"])


def _text(code: CellCode, node: ast.expr) -> str:
    text = ast.get_source_segment(code.cell.source, node)
    if text is not None and "\n" not in text:
        try:
            if ast.dump(ast.parse(text, mode="eval").body) == ast.dump(node):
                return text
        except SyntaxError:
            pass
    return ast.unparse(node)
