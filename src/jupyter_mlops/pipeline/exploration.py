"""Cells that only show: looks at data, plots and help, which nothing in production waits for.

A cell counts as exploration where every call in it is known to do no more than look, compute on
copies, or draw. Whatever is not known is work.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping

from ..notebook.ipython_syntax import PEEK
from .cell_kinds import calls, root

Functions = Mapping[str, ast.FunctionDef]

_BUILTINS = frozenset(
    {"abs", "all", "any", "bool", "callable", "dict", "dir", "display", "enumerate", "filter"}
    | {"float", "format", "frozenset", "getattr", "hasattr", "help", "id", "int", "isinstance"}
    | {"len", "list", "map", "max", "min", "print", "range", "repr", "reversed", "round", "set"}
    | {"sorted", "str", "sum", "tuple", "type", "vars", "zip", PEEK, "@timed"}
    | {"HTML", "Markdown", "Image"}
)
_LOOKS = frozenset(
    {"agg", "aggregate", "all", "any", "apply", "argmax", "argmin", "assign", "astype", "barh"}
    | {"between", "boxplot", "clip", "copy", "corr", "count", "cov", "crosstab", "cummax"}
    | {"cumsum", "cut", "day_name", "describe", "diff", "drop", "drop_duplicates", "dropna"}
    | {"duplicated", "eq", "fillna", "filter", "first", "flatten", "format", "get", "groupby"}
    | {"head", "hist", "idxmax", "idxmin", "info", "isin", "isna", "isnull", "items", "join"}
    | {"keys", "kurt", "last", "lower", "map", "max", "mean", "median", "melt", "memory_usage"}
    | {"merge", "min", "mode", "month_name", "nlargest", "notna", "notnull", "nsmallest"}
    | {"nunique", "pct_change", "pivot", "pivot_table", "plot", "qcut", "quantile", "query"}
    | {"rank", "ravel", "reindex", "rename", "replace", "resample", "reset_index", "reshape"}
    | {"rolling", "round", "select_dtypes", "set_axis", "set_index", "shift", "size", "skew"}
    | {"sort_index", "sort_values", "split", "stack", "std", "strftime", "strip", "sum", "tail"}
    | {"title", "to_frame", "to_list", "to_numpy", "to_string", "tolist", "transpose", "unique"}
    | {"unstack", "upper", "value_counts", "values", "var", "background_gradient", "bar", "box"}
    | {"kde", "pie", "startswith", "endswith", "contains", "line", "density", "area"}
)
_DRAWING = (
    *("altair", "bokeh", "holoviews", "hvplot", "matplotlib", "missingno", "plotly"),
    *("seaborn", "wordcloud", "IPython"),
)
_NUMERIC = ("math", "numpy", "pandas", "statistics", "scipy.stats")
_KEEPS = ("dump", "export", "random", "read", "save", "seed", "set_", "to_", "write", "load")
"""How calls begin that read, keep or set something, whatever the module."""
_DRAWS = frozenset(
    {"add_patch", "add_subplot", "add_trace", "annotate", "autofmt_xdate", "axhline", "axhspan"}
    | {"axis", "axvline", "axvspan", "bar_label", "barplot", "colorbar", "contour", "contourf"}
    | {"encode", "errorbar", "figure", "fill_between", "get_figure", "grid", "hexbin", "hist2d"}
    | {"imshow", "interactive", "invert_yaxis", "legend", "margins", "matshow", "pcolormesh"}
    | {"plot", "properties", "scatter", "set", "set_aspect", "set_axis_off", "set_label"}
    | {"set_title", "set_xlabel", "set_xlim", "set_xscale", "set_xticklabels", "set_xticks"}
    | {"set_ylabel", "set_ylim", "set_yscale", "set_yticklabels", "set_yticks", "show", "stem"}
    | {"subplots", "subplots_adjust", "suptitle", "table", "text", "tick_params", "tight_layout"}
    | {"twinx", "twiny", "update_layout", "update_traces", "update_xaxes", "update_yaxes"}
    | {"violinplot", "xaxis", "yaxis", "map_dataframe", "add_legend", "set_axis_labels"}
    | {"set_titles", "mark_bar", "mark_line", "mark_point", "mark_circle"}
)
"""What is done to figures and axes; only where they were made in the same cell."""
_SET_UP = frozenset({"use", "set", "set_theme", "set_style", "register", "rc", "set_option"})
_AXES = frozenset({"ax", "axes", "axis", "fig", "figure"})
_STATEMENTS = (
    *(ast.Expr, ast.Assign, ast.AnnAssign, ast.For, ast.If, ast.With, ast.Pass, ast.Return),
    *(ast.Import, ast.ImportFrom, ast.FunctionDef),
)


def only_shows(tree: ast.Module, modules: Mapping[str, str], functions: Functions) -> bool:
    """Tell whether a cell does nothing but show.

    ``modules`` maps imported names to what they stand for, ``functions`` are the notebook's own.
    """
    looks = _Looks(modules, functions)
    body = [node for node in tree.body if not isinstance(node, ast.FunctionDef)]
    return looks.harmless(tree.body, set()) and any(looks.shows(node) for node in body)


class _Looks:
    def __init__(self, modules: Mapping[str, str], functions: Functions) -> None:
        self._modules = modules
        self._functions = functions
        self._known: dict[str, bool] = {}

    def harmless(self, body: list[ast.stmt], bound: set[str]) -> bool:
        """Tell whether statements only look, compute on copies, or draw."""
        own = bound | {
            node.id
            for statement in body
            for node in ast.walk(statement)
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
        }
        own -= _other_names(body)
        for statement in body:
            for node in ast.walk(statement):
                if isinstance(node, ast.stmt) and not isinstance(node, _STATEMENTS):
                    return False
                if isinstance(node, ast.Await | ast.Yield | ast.YieldFrom | ast.NamedExpr):
                    return False
                if _stores_into(node) not in {"", *own}:
                    return False
            if not all(self._harmless_call(name, call, own) for name, call in calls(statement)):
                return False
            if any(isinstance(n, ast.Call) and not _is_named(n) for n in ast.walk(statement)):
                return False
        return True

    def shows(self, node: ast.stmt) -> bool:
        """Tell whether a statement shows something: its value, a print, a plot."""
        if isinstance(node, ast.Expr):
            return not isinstance(node.value, ast.Constant)
        return any(
            name in ("print", "display") or self._module(call.func).startswith(_DRAWING)
            for name, call in calls(node)
        )

    def _harmless_call(self, name: str, call: ast.Call, own: set[str]) -> bool:
        given = [*call.args, *(keyword.value for keyword in call.keywords)]
        if any(keyword.arg == "inplace" for keyword in call.keywords):
            return False
        if any(isinstance(each, ast.Name) and self._may_act(each.id) for each in given):
            return False
        if isinstance(call.func, ast.Name):
            return self._harmless_function(name)
        module = self._module(call.func)
        if module.startswith(_DRAWING):
            return name not in _SET_UP and not name.startswith(("save", "write", "export"))
        if module.startswith(_NUMERIC):
            path = ast.unparse(call.func)
            return ".random." not in path and not name.startswith(_KEEPS)
        if module:
            return False
        if name == "sample":
            return any(keyword.arg == "random_state" for keyword in call.keywords)
        if name in _LOOKS or _is_accessor(call.func):
            return True
        return name in _DRAWS and root(call.func) in own

    def _harmless_function(self, name: str) -> bool:
        module = self._modules.get(name, "")
        if module:
            keeps = name.startswith(_KEEPS)
            return module.startswith((*_DRAWING, *_NUMERIC)) and not keeps
        if name not in self._functions:
            return name in _BUILTINS
        if name not in self._known:
            self._known[name] = True  # for a function that calls itself
            function = self._functions[name]
            arguments = function.args
            given = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
            axes = {each.arg for each in given if each.arg in _AXES}
            self._known[name] = self.harmless(function.body, axes)
        return self._known[name]

    def _may_act(self, name: str) -> bool:
        """Tell whether a name that is handed on is code that may do anything when it is called."""
        is_code = name in self._modules or name in self._functions
        return is_code and not self._harmless_function(name)

    def _module(self, node: ast.expr) -> str:
        """Return the module that an expression's first name stands for, or nothing."""
        return self._modules.get(root(node), "")


def _is_named(call: ast.Call) -> bool:
    return isinstance(call.func, ast.Name | ast.Attribute)


def _is_accessor(function: ast.expr) -> bool:
    """Tell whether a function is one of a frame's accessors: ``df.plot.scatter``."""
    return (
        isinstance(function, ast.Attribute)
        and isinstance(function.value, ast.Attribute)
        and function.value.attr in ("dt", "plot", "str", "style")
    )


def _stores_into(node: ast.AST) -> str:
    """Return the name whose attribute or item is set or deleted, or nothing."""
    if isinstance(node, ast.Attribute | ast.Subscript) and not isinstance(node.ctx, ast.Load):
        return root(node) or "?"
    return ""


def _other_names(body: list[ast.stmt]) -> set[str]:
    """Return names that are only another name of what there was before."""
    return {
        target.id
        for statement in body
        for node in ast.walk(statement)
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Name)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
