"""What kind of work a cell does, told by its code: imports, constants, functions, looks, work."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from ..notebook.dataflow import CellCode
from ..notebook.ipython_syntax import PEEK
from .session import module_changes

Kind = Literal["nothing", "imports", "constants", "functions", "work"]
Activity = Literal["load", "clean", "features", "split", "train", "predict", "evaluate", "save"]

_SET_UP_MAGIC = re.compile(
    r"%(?:autoreload|colors|config|env|load_ext|matplotlib|precision|reload_ext|set_env|xmode)\b"
)
_PREPARES = re.compile(
    r"Binarizer|Decomposition|Discretizer|Encoder|Imputer|PCA|Scaler|Selector|Tokenizer"
    r"|Transformer|Vectorizer|binarizer|encoder|imputer|pca|scaler|selector|tokenizer|vectorizer"
)
_BY_NAME: tuple[tuple[Activity, re.Pattern[str]], ...] = (
    ("train", re.compile(r"fit|partial_fit|fit_resample|train|GridSearchCV|RandomizedSearchCV")),
    (
        "load",
        re.compile(
            r"(?:read|fetch|load)_\w+|make_(?:classification|regression|blobs|moons|circles)"
            r"|loadtxt|genfromtxt|load|loads|open|connect|urlopen|glob"
        ),
    ),
    ("split", re.compile(r"train_test_split|random_split|\w*KFold|TimeSeriesSplit")),
    (
        "evaluate",
        re.compile(
            r"\w+_(?:score|error|loss|report|matrix|curve|deviance)|score|evaluate|auc"
            r"|cross_validate|confusion_matrix|from_(?:predictions|estimator)"
        ),
    ),
    (
        "clean",
        re.compile(r"dropna|fillna|drop_duplicates|interpolate|ffill|bfill|replace|rename|astype"),
    ),
    (
        "features",
        re.compile(
            r"get_dummies|fit_transform|transform|cut|qcut|map|apply|assign|merge|pivot"
            r"|pivot_table|melt|groupby|to_datetime|factorize|resample|shift|rolling|concat|drop"
        ),
    ),
    ("predict", re.compile(r"predict\w*|decision_function|forecast|transform_predict")),
    (
        "save",
        re.compile(r"to_(?:csv|parquet|pickle|excel|sql|json|feather|hdf)|dump|save\w*|write\w*"),
    ),
)
_MAKES_NUMBERS = re.compile(r"\w+_(?:score|error|loss|deviance)|score|auc")
_METRIC_NAME = re.compile(
    r"(?:\w+_)?(?:accuracy|acc|auc|f1|mae|mape|mse|precision|r2|recall|rmse|rmsle|score|loss)"
    r"(?:_\w+)?"
)
_DEFINES = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


@dataclass(frozen=True, slots=True)
class CellKind:
    """What a cell is by its code alone.

    ``constants`` are the plain literals that it assigns at its top level. ``sources`` are the
    files that it names where it reads. ``numbers`` are metrics that it assigns.
    """

    kind: Kind
    activities: tuple[Activity, ...] = ()
    constants: tuple[str, ...] = ()
    defines: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    numbers: tuple[str, ...] = ()

    @property
    def activity(self) -> Activity | None:
        """What the cell is foremost about."""
        return self.activities[0] if self.activities else None


def cell_kind(code: CellCode, modules: Mapping[str, str]) -> CellKind:
    """Tell what a cell is; ``modules`` maps the names that are imported to what they stand for."""
    body = [node for node in code.tree.body if not _is_text(node)]
    if not body:
        return CellKind("nothing")
    constants = tuple(name for node in body if (name := constant(node)) is not None)
    defines = tuple(node.name for node in body if isinstance(node, _DEFINES))
    kinds = {_statement_kind(node, code, modules) for node in body}
    if "work" in kinds:
        return CellKind(
            "work",
            _activities(code.tree),
            constants,
            defines,
            tuple(_sources(code.tree)),
            tuple(_numbers(code.tree)),
        )
    if "define" in kinds:
        return CellKind("functions", constants=constants, defines=defines)
    if kinds == {"constant"}:
        return CellKind("constants", constants=constants)
    return CellKind("imports", constants=constants)


def constant(node: ast.stmt) -> str | None:
    """Return the name that a statement binds to a plain literal, None where it does not."""
    if isinstance(node, ast.Assign) and len(node.targets) == 1:
        target, value = node.targets[0], node.value
    elif isinstance(node, ast.AnnAssign) and node.value is not None:
        target, value = node.target, node.value
    else:
        return None
    if not isinstance(target, ast.Name):
        return None
    try:
        ast.literal_eval(value)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return None
    return target.id


def calls(node: ast.AST) -> Iterator[tuple[str, ast.Call]]:
    """Yield every call with the last part of its function's name."""
    for each in ast.walk(node):
        if isinstance(each, ast.Call):
            match each.func:
                case ast.Name(id=name) | ast.Attribute(attr=name):
                    yield name, each


def root(node: ast.expr) -> str:
    """Return the name that a chain of attributes, subscripts and calls begins with, or nothing."""
    while True:
        match node:
            case ast.Attribute(value=inner) | ast.Subscript(value=inner):
                node = inner
            case ast.Call(func=ast.Attribute() as inner):
                node = inner
            case ast.Name(id=name):
                return name
            case _:
                return ""


def _statement_kind(
    node: ast.stmt, code: CellCode, modules: Mapping[str, str]
) -> Literal["import", "constant", "define", "work"]:
    if isinstance(node, ast.Import | ast.ImportFrom):
        return "import"
    if isinstance(node, _DEFINES):
        return "define"
    if constant(node) is not None:
        return "constant"
    if isinstance(node, ast.Expr | ast.Assign):
        settings = module_changes(ast.Module([node], []), lambda name: name in modules)
        if next(settings, None) is not None or _sets_up(node, code):
            return "import"
    if isinstance(node, ast.Try | ast.If) and _only_imports(node):
        return "import"
    return "work"


def _sets_up(node: ast.stmt, code: CellCode) -> bool:
    is_magic = (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Call)
        and isinstance(node.value.func, ast.Name)
        and node.value.func.id == PEEK
    )
    lines = code.cell.source.splitlines()
    return is_magic and bool(_SET_UP_MAGIC.match(lines[node.lineno - 1].strip()))


def _only_imports(node: ast.Try | ast.If) -> bool:
    """Tell whether a statement chooses between imports, as ``try: import …`` does."""
    if isinstance(node, ast.If):
        inner = [*node.body, *node.orelse]
    else:
        inner = [*node.body, *node.orelse, *node.finalbody]
        inner += [each for handler in node.handlers for each in handler.body]
    found = [each for each in inner if not isinstance(each, ast.Pass)]
    has_import = any(isinstance(each, ast.Import | ast.ImportFrom) for each in found)
    return has_import and all(
        isinstance(each, ast.Import | ast.ImportFrom) or constant(each) is not None
        for each in found
    )


def _is_text(node: ast.stmt) -> bool:
    return isinstance(node, ast.Pass) or (
        isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    )


def _activities(tree: ast.Module) -> tuple[Activity, ...]:
    found: dict[Activity, None] = {}
    # Only what runs when the cell does: a function that it defines is work of whoever calls it.
    body = [node for node in tree.body if not isinstance(node, _DEFINES)]
    for node in body:
        for name, call in calls(node):
            for activity, pattern in _BY_NAME:
                if pattern.fullmatch(name):
                    found[_prepares(activity, name, call)] = None
                    break
        for each in ast.walk(node):
            if isinstance(each, ast.Subscript) and isinstance(each.ctx, ast.Store):
                found["features"] = None
            elif (
                isinstance(each, ast.Name)
                and isinstance(each.ctx, ast.Store)
                and re.fullmatch(r"[Xy]_(?:train|test)", each.id)
            ):
                found["split"] = None
    return tuple(activity for activity, _ in _BY_NAME if activity in found)


def _prepares(activity: Activity, name: str, call: ast.Call) -> Activity:
    """Return features instead of train where what is fitted prepares data."""
    if activity != "train" or not isinstance(call.func, ast.Attribute):
        return activity
    receiver = call.func.value
    if isinstance(receiver, ast.Call):
        receiver = receiver.func
    match receiver:
        case ast.Name(id=fitted) | ast.Attribute(attr=fitted):
            return "features" if _PREPARES.search(fitted) else activity
    return activity


def _sources(tree: ast.Module) -> Iterator[str]:
    """Yield the files and addresses that reading calls name."""
    load = next(pattern for activity, pattern in _BY_NAME if activity == "load")
    for name, call in calls(tree):
        if load.fullmatch(name) and call.args:
            match call.args[0]:
                case ast.Constant(value=str(text)):
                    yield text


def _numbers(tree: ast.Module) -> Iterator[str]:
    """Yield the names that get the value of a metric function, or have the name of a metric."""
    for node in tree.body:
        if not isinstance(node, ast.Assign | ast.AnnAssign) or node.value is None:
            continue
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        called = {name for name, _ in calls(node.value)}
        measured = any(_MAKES_NUMBERS.fullmatch(name) for name in called)
        if "cross_val_score" in called and "mean" not in called:
            continue
        for target in targets:
            if not isinstance(target, ast.Name) or not called:
                continue
            if measured or _METRIC_NAME.fullmatch(target.id.lower()):
                yield target.id
