"""Where rows come from: which variables hold training rows, test rows, or all of them.

Every assignment makes a value, which knows the values that it is made of and the transformers
whose fit had a say in it. Only what stands at the top level of cells is followed, in their order;
what is not understood makes a value that nothing is known of, so that a rule stays silent.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from ..notebook.dataflow import CellCode
from ..notebook.document import Cell
from .rows import (
    COMPOSED,
    FITS_AND_GIVES,
    GATHERS,
    LEARNS_FROM_ROWS,
    MEASURES,
    Fit,
    Part,
    Split,
    Use,
    Value,
)

_TRAIN = re.compile(r"(?:\A|_)(?:train|training)(?:_|\Z)", re.IGNORECASE)
_TEST = re.compile(r"(?:\A|_)(?:test|testing|holdout)(?:_|\Z)", re.IGNORECASE)


@dataclass(slots=True)
class Lineage:
    """The rows of a notebook, followed through its cells."""

    splits: list[Split] = field(default_factory=list)
    fits: list[Use] = field(default_factory=list)
    transforms: list[Use] = field(default_factory=list)
    validations: list[Use] = field(default_factory=list)
    _values: dict[str, Value] = field(default_factory=dict)
    _makers: dict[str, str] = field(default_factory=dict)
    _fitted: dict[str, tuple[Fit, ...]] = field(default_factory=dict)
    _seen: set[int] = field(default_factory=set)
    _cell: Cell | None = None

    @classmethod
    def of(cls, codes: tuple[CellCode, ...]) -> Lineage:
        found = cls()
        for code in codes:
            found._cell = code.cell
            for node in _statements(code.tree.body):
                found._statement(node)
        return found

    # --- statements -------------------------------------------------------------------------

    def _statement(self, node: ast.stmt) -> None:
        match node:
            case ast.Assign(targets=targets, value=value):
                self._calls(value)
                for target in targets:
                    self._assign(target, value)
            case ast.AnnAssign(target=target, value=ast.expr() as value):
                self._calls(value)
                self._assign(target, value)
            case ast.AugAssign(target=ast.Name(id=name), value=value):
                self._calls(value)
                old = self._values.get(name)
                self._values[name] = self._made_of([*([old] if old else []), *self._rows(value)])
            case _:
                for each in ast.iter_child_nodes(node):
                    if isinstance(each, ast.expr):
                        self._calls(each)

    def _assign(self, target: ast.expr, value: ast.expr) -> None:
        if isinstance(target, ast.Tuple | ast.List):
            self._unpack(target.elts, value)
            return
        root = _root(target)
        if root is None:
            return
        made = self._made_of(self._rows(value))
        if isinstance(target, ast.Name):
            self._values[root] = self._divided(root, value, made)
            self._makers.pop(root, None)
            self._fitted.pop(root, None)
            if maker := self._maker(value):
                self._makers[root] = maker
            if isinstance(value, ast.Call) and isinstance(value.func, ast.Attribute):
                self._take_fit(root, value)
        elif root in self._values or made.fits:
            old = self._values.get(root, Value())
            self._values[root] = Value(
                old.part, frozenset({old, made}), _unique([*old.fits, *made.fits])
            )

    def _take_fit(self, name: str, call: ast.Call) -> None:
        """Follow ``scaler = StandardScaler().fit(X)``."""
        assert isinstance(call.func, ast.Attribute)
        maker = self._maker(call.func.value)
        if call.func.attr == "fit" and maker:
            self._makers[name] = maker
            if fit := self._fit(call, maker):
                self._fitted[name] = (fit,)

    def _unpack(self, targets: list[ast.expr], value: ast.expr) -> None:
        if isinstance(value, ast.Call) and _called(value) == "train_test_split":
            self._split(targets, value)
        elif isinstance(value, ast.Tuple | ast.List) and len(value.elts) == len(targets):
            made = [self._made_of(self._rows(each)) for each in value.elts]
            for target, each, new in zip(targets, value.elts, made, strict=True):
                if isinstance(target, ast.Name):
                    self._values[target.id] = self._divided(target.id, each, new)
                    if maker := self._maker(each):
                        self._makers[target.id] = maker
        else:
            whole = self._made_of(self._rows(value))
            parts: set[Part] = set()
            for target in targets:
                if isinstance(target, ast.Name):
                    self._values[target.id] = self._named(target.id, whole)
                    parts.add(self._values[target.id].part)
            if whole.part == "all" and {"train", "test"} <= parts:
                assert self._cell is not None
                self.splits.append(Split(self._cell, value.lineno, whole.fits))

    def _split(self, targets: list[ast.expr], call: ast.Call) -> None:
        assert self._cell is not None
        sources = [self._rows(each) for each in call.args]
        # The last of several is the target, whose labels may be encoded before.
        features = sources[:-1] or sources
        fits = _unique([fit for rows in features for value in rows for fit in value.fits])
        self.splits.append(Split(self._cell, call.lineno, fits))
        for index, target in enumerate(targets):
            if isinstance(target, ast.Name):
                rows = sources[index // 2] if index // 2 < len(sources) else []
                part: Part = "test" if index % 2 else "train"
                kept = _unique([fit for value in rows for fit in value.fits])
                self._values[target.id] = Value(part, frozenset(rows), kept)

    def _divided(self, name: str, value: ast.expr, made: Value) -> Value:
        """Take ``X_train = X[:800]`` for the split that its name says."""
        named = self._named(name, made)
        if named.part == "train" and made.part == "all" and isinstance(value, ast.Subscript):
            assert self._cell is not None
            if made.parents and isinstance(value.slice, ast.Slice):
                self.splits.append(Split(self._cell, value.lineno, made.fits))
        return named

    def _named(self, name: str, made: Value) -> Value:
        is_train, is_test = bool(_TRAIN.search(name)), bool(_TEST.search(name))
        if made.part != "all" or is_train == is_test:
            return made
        return Value("train" if is_train else "test", made.parents, made.fits)

    def _made_of(self, rows: list[Value]) -> Value:
        parts = {value.part for value in rows}
        part: Part = parts.pop() if len(parts) == 1 else "all"
        fits = _unique([fit for value in rows for fit in value.fits])
        return Value(part, frozenset(rows), fits)

    # --- expressions ------------------------------------------------------------------------

    def _rows(self, node: ast.expr) -> list[Value]:
        """Return the values whose rows an expression holds."""
        match node:
            case ast.Name(id=name):
                return [self._values[name]] if name in self._values else []
            case ast.Attribute(attr=name) | ast.Subscript(value=ast.Attribute(attr=name)) if (
                name in MEASURES
            ):
                return []
            case ast.Attribute(value=value) | ast.Subscript(value=value) | ast.Starred(value=value):
                return self._rows(value)
            case ast.BinOp(left=left, right=right):
                return [*self._rows(left), *self._rows(right)]
            case ast.Tuple(elts=elements) | ast.List(elts=elements):
                return [value for each in elements for value in self._rows(each)]
            case ast.Call():
                return self._rows_of_call(node)
        return []

    def _rows_of_call(self, call: ast.Call) -> list[Value]:
        name = _called(call)
        if name in MEASURES:
            return []
        given = [value for each in call.args for value in self._rows(each)]
        if isinstance(call.func, ast.Attribute):
            maker = self._maker(call.func.value)
            if name in FITS_AND_GIVES and maker:
                fit = self._fit(call, maker)
                rows = self._made_of(given)
                return [Value(rows.part, rows.parents, (*rows.fits, *([fit] if fit else [])))]
            if name == "transform" and maker:
                rows = self._made_of(given)
                fits = self._fitted_of(call.func.value)
                return [Value(rows.part, rows.parents, _unique([*rows.fits, *fits]))]
            own = self._rows(call.func.value)
            return own or (given if name in GATHERS else [])
        return given

    def _calls(self, node: ast.expr) -> None:
        """Note fits, transformations and validations inside an expression."""
        for call in (each for each in ast.walk(node) if isinstance(each, ast.Call)):
            if id(call) in self._seen:
                continue
            self._seen.add(id(call))
            self._note(call)

    def _note(self, call: ast.Call) -> None:
        assert self._cell is not None
        name = _called(call)
        if name in ("cross_val_score", "cross_validate", "cross_val_predict"):
            rows = call.args[1] if len(call.args) > 1 else _keyword(call, "X")
            values = tuple(self._rows(rows)) if rows is not None else ()
            maker = self._maker(call.args[0]) if call.args else None
            self.validations.append(Use(call, self._cell, values, maker or ""))
            return
        if not isinstance(call.func, ast.Attribute):
            return
        receiver = call.func.value
        maker = self._maker(receiver) or ""
        rows = call.args[0] if call.args else _keyword(call, "X")
        values = tuple(self._rows(rows)) if rows is not None else ()
        if name in ("fit", "fit_predict", *FITS_AND_GIVES):
            use = Use(call, self._cell, values, maker)
            self.fits.append(use)
            if maker.endswith("SearchCV"):
                self.validations.append(use)
            if (root := _root(receiver)) and maker and (fit := self._fit(call, maker)):
                self._fitted[root] = (fit,)
        elif name == "transform":
            fits = self._fitted_of(receiver)
            self.transforms.append(Use(call, self._cell, values, maker, fits))

    def _fit(self, call: ast.Call, maker: str) -> Fit | None:
        """Return what a transformer learned; None where it learns nothing of the rows."""
        assert self._cell is not None
        if maker.rpartition(":")[2] not in LEARNS_FROM_ROWS or not call.args:
            return None
        rows = frozenset(self._rows(call.args[0]))
        name = maker.rpartition(":")[2]
        return Fit(name, self._cell, call.lineno, rows)

    def _fitted_of(self, node: ast.expr) -> tuple[Fit, ...]:
        root = _root(node)
        return self._fitted.get(root, ()) if root else ()

    def _maker(self, node: ast.expr) -> str | None:
        """Return the class of an object; for a pipeline that ends in a transformer, also its."""
        if isinstance(node, ast.Name):
            return self._makers.get(node.id)
        if not isinstance(node, ast.Call):
            return None
        name = _called(node)
        if name in COMPOSED:
            inner = [
                self._makers.get(each.id, "") if isinstance(each, ast.Name) else _called(each)
                for each in ast.walk(node)
                if isinstance(each, ast.Name | ast.Call) and each is not node
            ]
            learns = next((each for each in inner if each in LEARNS_FROM_ROWS), None)
            return f"{name}:{learns}" if learns else name
        if name == "fit" and isinstance(node.func, ast.Attribute):
            return self._maker(node.func.value)
        return name if name[:1].isupper() else None


def _statements(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """Yield statements in order, those of blocks too, but not those of functions and classes."""
    for node in body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            continue
        yield node
        for name in ("body", "orelse", "finalbody"):
            yield from _statements(getattr(node, name, []))
        for handler in getattr(node, "handlers", []):
            yield from _statements(handler.body)


def _called(call: ast.Call) -> str:
    """Return the last part of the name of what is called."""
    if isinstance(call.func, ast.Attribute):
        return call.func.attr
    return call.func.id if isinstance(call.func, ast.Name) else ""


def _root(node: ast.expr) -> str | None:
    while isinstance(node, ast.Attribute | ast.Subscript):
        node = node.value
    return node.id if isinstance(node, ast.Name) else None


def _keyword(call: ast.Call, name: str) -> ast.expr | None:
    return next((each.value for each in call.keywords if each.arg == name), None)


def _unique(fits: list[Fit]) -> tuple[Fit, ...]:
    return tuple(dict.fromkeys(fits))
