"""What a cell's tree says of names: bound, changed, fitted, read from where.

Far less than the dataflow of `notebook.dataflow`, and far cheaper: it restricts what capture looks
up in the namespace after a cell.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass, field

from .calls import PREDICTS, base_name, predicted_from

_FITS = frozenset({"fit", "fit_transform", "fit_predict", "partial_fit"})
_READERS = ("read_", "load_", "fetch_")
_OPENERS = frozenset({"open", "load", "read_text", "read_bytes"})
_WRITES = frozenset({"insert", "update", "pop", "set_params", *_FITS})
_LEAVES_ALONE = frozenset(
    {
        "predict",
        "predict_proba",
        "predict_log_proba",
        "decision_function",
        "transform",
        "inverse_transform",
        "score",
        "score_samples",
        "get_params",
        "get_feature_names_out",
        "staged_predict",
        "staged_predict_proba",
        "apply",
        "decision_path",
    }
)


@dataclass(slots=True)
class Fit:
    """A call of a fit method: on which names, with which names as inputs and targets."""

    owners: tuple[str, ...]
    inputs: str | None
    targets: str | None


@dataclass(slots=True)
class CellNames:
    """Names at the top level of one cell.

    ``bound`` keeps the order of binding. ``changed`` are names into whose value a statement writes;
    ``lent`` are names that are passed on, or of whose methods one is called that may write;
    ``sources`` tells which call or import a bound name came from, ``predictions`` which data the
    predictions under a name were made from; ``reads`` are calls that open a file to read it.
    """

    bound: dict[str, None] = field(default_factory=dict)
    changed: set[str] = field(default_factory=set)
    lent: set[str] = field(default_factory=set)
    fits: list[Fit] = field(default_factory=list)
    sources: dict[str, Source] = field(default_factory=dict)
    predictions: dict[str, str] = field(default_factory=dict)
    reads: list[Source] = field(default_factory=list)


@dataclass(slots=True)
class Source:
    """Where a value came from: a reader's name, with its first argument, or an import."""

    words: str
    argument: str | None = None
    literal: bool = False


class Collector(ast.NodeVisitor):
    """Visits each cell's tree as one of IPython's ``ast_transformers``, and changes nothing."""

    def __init__(self) -> None:
        self.names = CellNames()
        self.tree: ast.Module | None = None
        self._targets: tuple[str, ...] = ()

    @property
    def seen(self) -> bool:
        return self.tree is not None

    def reset(self) -> None:
        self.names = CellNames()
        self.tree = None

    def visit(self, node: ast.AST) -> ast.AST:
        """Collect the names of a whole tree and return it; never raises for valid trees."""
        if isinstance(node, ast.Module):
            self.tree = node
        super().visit(node)
        return node

    def visit_Name(self, node: ast.Name) -> None:
        if isinstance(node.ctx, ast.Store):
            self.names.bound[node.id] = None
        elif isinstance(node.ctx, ast.Del):
            self.names.bound.pop(node.id, None)
        else:
            self.names.lent.add(node.id)

    def visit_Expr(self, node: ast.Expr) -> None:
        # A name alone on a line is shown, which changes nothing.
        if not isinstance(node.value, ast.Name):
            self.visit(node.value)

    def visit_Attribute(self, node: ast.Attribute) -> None:
        self._base(node, None if isinstance(node.ctx, ast.Load) else self.names.changed)

    def visit_Subscript(self, node: ast.Subscript) -> None:
        self._base(node, None if isinstance(node.ctx, ast.Load) else self.names.changed)
        self.visit(node.slice)

    def visit_Assign(self, node: ast.Assign) -> None:
        names = tuple(target.id for target in node.targets if isinstance(target, ast.Name))
        self._assigned(names, node.value)
        if not names:
            self._unpacked(node)
        for target in node.targets:
            self.visit(target)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        if node.value is not None:
            names = (node.target.id,) if isinstance(node.target, ast.Name) else ()
            self._assigned(names, node.value)
            self.visit(node.target)

    def visit_AugAssign(self, node: ast.AugAssign) -> None:
        self.visit(node.value)
        self.visit(node.target)

    def visit_Call(self, node: ast.Call) -> None:
        function = node.func
        if isinstance(function, ast.Attribute):
            self._base(function, self._changed_by(function.attr, node.keywords))
            if function.attr in _FITS:
                owner = function.value
                owners = (owner.id,) if isinstance(owner, ast.Name) else ()
                self.names.fits.append(
                    Fit((*owners, *self._targets), _argument(node, 0, "X"), _argument(node, 1, "y"))
                )
            elif function.attr in PREDICTS and self._targets:
                data = predicted_from(node)
                name = base_name(data) if data is not None else None
                if name is not None:
                    self.names.predictions.update(dict.fromkeys(self._targets, name))
        else:
            self.visit(function)
        if getattr(function, "attr", getattr(function, "id", "")) in _OPENERS:
            self._opened(node)
        for argument in node.args:
            self.visit(argument)
        for keyword in node.keywords:
            self.visit(keyword.value)

    def visit_FunctionDef(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        for part in (*node.decorator_list, *node.args.defaults):
            self.visit(part)
        self.names.bound[node.name] = None

    visit_AsyncFunctionDef = visit_FunctionDef

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        self.names.bound[node.name] = None

    def visit_Lambda(self, node: ast.Lambda) -> None:
        return

    def visit_comprehension(self, node: ast.comprehension) -> None:
        self.visit(node.iter)

    def visit_Import(self, node: ast.Import) -> None:
        for alias in node.names:
            self.names.bound[alias.asname or alias.name.partition(".")[0]] = None

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        for alias in node.names:
            name = alias.asname or alias.name
            self.names.bound[name] = None
            self.names.sources[name] = Source(f"{node.module or ''}.{alias.name}")

    def _assigned(self, names: tuple[str, ...], value: ast.expr) -> None:
        before, self._targets = self._targets, names
        for name in names:
            self.names.predictions.pop(name, None)
        self.visit(value)
        self._targets = before
        source = _source(value)
        for name in names:
            if source is not None:
                self.names.sources[name] = source
            else:
                self.names.sources.pop(name, None)

    def _unpacked(self, node: ast.Assign) -> None:
        """Keep the source of each name in ``X, y = load_iris(return_X_y=True)``."""
        names = [
            element.id
            for target in node.targets
            if isinstance(target, ast.Tuple | ast.List)
            for element in target.elts
            if isinstance(element, ast.Name)
        ]
        source = _source(node.value) if names and isinstance(node.value, ast.Call) else None
        for name in names:
            self.names.sources.pop(name, None)
            if source is not None:
                self.names.sources[name] = source

    def _opened(self, node: ast.Call) -> None:
        """Keep what ``open(path)``, ``joblib.load(path)`` and ``path.read_text()`` read."""
        function = node.func
        place: ast.expr | None = node.args[0] if node.args else None
        if isinstance(function, ast.Attribute) and function.attr.startswith("read_"):
            place = function.value
            if isinstance(place, ast.Call) and place.args:
                place = place.args[0]  # Path("data.txt").read_text()
        modes = [*node.args[1:2], *(word.value for word in node.keywords if word.arg == "mode")]
        if any(not isinstance(m, ast.Constant) or set(str(m.value)) & set("wax+") for m in modes):
            return
        if isinstance(place, ast.Constant) and isinstance(place.value, str):
            self.names.reads.append(Source("open", place.value, literal=True))
        elif isinstance(place, ast.Name):
            self.names.reads.append(Source("open", place.id))

    def _changed_by(self, method: str, keywords: list[ast.keyword]) -> set[str] | None:
        if method in _WRITES or any(word.arg == "inplace" for word in keywords):
            return self.names.changed
        return None if method in _LEAVES_ALONE else self.names.lent

    def _base(self, node: ast.Attribute | ast.Subscript, into: set[str] | None) -> None:
        """Put the name at the bottom of ``a.b[c].d`` into a set; calls on the way are visited."""
        base: ast.expr = node.value
        while isinstance(base, ast.Attribute | ast.Subscript):
            if isinstance(base, ast.Subscript):
                self.visit(base.slice)
            base = base.value
        if isinstance(base, ast.Name):
            if into is not None:
                into.add(base.id)
        else:
            self.visit(base)


def collect(source: str) -> CellNames:
    """Return the names of plain Python source; none where it cannot be parsed."""
    collector = Collector()
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError):
        return collector.names
    collector.visit(tree)
    return collector.names


def _argument(call: ast.Call, place: int, keyword: str) -> str | None:
    found: ast.expr | None = None
    if len(call.args) > place and not any(isinstance(a, ast.Starred) for a in call.args):
        found = call.args[place]
    for word in call.keywords:
        if word.arg == keyword:
            found = word.value
    return found.id if isinstance(found, ast.Name) else None


def _source(value: ast.expr) -> Source | None:
    """Return the reader that is called somewhere in ``value``, the innermost of a chain."""
    for node in ast.walk(value):
        if not isinstance(node, ast.Call):
            continue
        function = node.func
        name = getattr(function, "attr", getattr(function, "id", ""))
        if not name.startswith(_READERS):
            continue
        words = ast.unparse(function)
        if not node.args:
            return Source(words)
        first = node.args[0]
        if isinstance(first, ast.Constant) and isinstance(first.value, str):
            return Source(words, first.value, literal=True)
        return Source(words, first.id if isinstance(first, ast.Name) else None)
    return None
