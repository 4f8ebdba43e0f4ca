"""IPython's own syntax as a plain syntax tree: magics, shell lines, help, code in cell magics.

What a magic does with the namespace is told by calls of names that no notebook can spell:
``@peek(a, b)`` looks at variables that need not exist, ``@shell(...)`` does so and reaches outside
the process, ``@wild()`` may define names that cannot be known before it has run.
"""

from __future__ import annotations

import ast
import re
import string
import textwrap
import warnings
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from .cell_magic import without_declaration

PEEK = "@peek"
SHELL = "@shell"
WILD = "@wild"

_SPECIAL = re.compile(
    r"^\s*(?:%|!|\?|>>>|In \[)|\?\s*$|=\s*[%!]|\A[ \t]+\S|^\s*[,;/]", re.MULTILINE
)
_CONTINUED = re.compile(r"^\s*(?:[%!]|[\w.,\s\[\]'\"]+=\s*[%!]).*\\$")
_TIMED = frozenset({"time", "prun", "memit", "mprun", "lprun", "snakeviz", "pyinstrument"})
_SEPARATE = frozenset({"timeit"})
_KNOWN_MAGICS = frozenset(
    {"alias", "autoreload", "colors", "config", "env", "history", "load_ext", "logging"}
    | {"matplotlib", "mlops", "page", "pdb", "precision", "profile", "pwd", "quickref"}
    | {"reload_ext", "set_env", "tb", "unload_ext", "who", "who_ls", "whos", "xmode"}
)
"""Line magics that bind no names; others may."""
_KNOWN_CELL_MAGICS = frozenset(
    {"bash", "cmd", "file", "html", "HTML", "javascript", "js", "latex", "markdown", "mlops"}
    | {"perl", "pypy", "python", "python2", "python3", "ruby", "script", "sh", "svg", "SVG"}
    | {"system", "sx", "writefile", "!"}
)
_HELP = frozenset({"pinfo", "pinfo2", "psearch", "pdoc", "pdef", "psource", "pfile"})
_OPTIONS = re.compile(r"\A\s*(?:-{1,2}\w+(?:[ =]?(?:\d+|\"[^\"]*\"))?\s+|-\w+\s*\Z)*")
_DOLLAR = re.compile(r"(?<!\$)\$(\w+)")
_SCRIPT_OUTPUT = re.compile(r"--(?:out|err|proc)[ =]([A-Za-z_]\w*)")


def parse_cell(source: str) -> ast.Module:
    """Parse the source of a code cell; line numbers are those of the cell.

    Raises `SyntaxError`, with the cell's line.
    """
    source = without_declaration(source)
    try:
        return _python(source)
    except SyntaxError:
        if not _SPECIAL.search(source):
            raise
    body = source.lstrip("\n")
    skipped = source.count("\n") - body.count("\n")
    is_cell_magic = body.startswith("%%") and not re.match(r"%%\w+\?", body)
    return _below(_cell_magic if is_cell_magic else _with_line_magics, body, skipped)


def _python(source: str) -> ast.Module:
    flags = ast.PyCF_ONLY_AST | ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
    with warnings.catch_warnings(action="ignore"):
        try:
            tree = compile(source, "<cell>", "exec", flags, dont_inherit=True)
            # What the grammar allows, but the compiler does not, such as `return` in a cell.
            top_level = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
            compile(tree, "<cell>", "exec", top_level, dont_inherit=True)
        except ValueError as error:  # null bytes
            raise SyntaxError(str(error)) from None
    assert isinstance(tree, ast.Module)
    return tree


def _with_line_magics(source: str) -> ast.Module:
    from IPython.core.inputtransformer2 import TransformerManager

    with warnings.catch_warnings(action="ignore"):
        manager: Any = TransformerManager  # it has no types
        text = manager().transform_cell(_join_continued(source))
    tree = _Replace().visit(_python(text))
    assert isinstance(tree, ast.Module)
    return ast.fix_missing_locations(tree)


def _join_continued(source: str) -> str:
    """Put magics that go on over several lines on one, and keep the number of lines."""
    lines = source.split("\n")
    for index in range(len(lines)):
        last = index
        while _CONTINUED.match(lines[index]) and last + 1 < len(lines):
            last += 1
            lines[index] = lines[index][:-1] + lines[last].lstrip()
            lines[last] = ""
    return "\n".join(lines)


def _cell_magic(source: str) -> ast.Module:
    first, _, body = source.partition("\n")
    name, _, rest = first[2:].strip().partition(" ")
    if name in _TIMED:
        return _below(parse_cell, body, 1)
    if name in _SEPARATE:
        setup = _statements(_OPTIONS.sub("", rest, count=1))
        return _module(_in_function([*setup, *_below(parse_cell, body, 1).body], 1))
    if name == "capture":
        tree = _below(parse_cell, body, 1)
        output = next((word for word in rest.split() if not word.startswith("-")), "")
        if output.isidentifier():
            # %%capture binds its object after the code has run.
            line = source.count("\n") + 1
            tree.body += _at(ast.parse(f"{output} = object()").body, line)
        return tree
    call = SHELL if name in _KNOWN_CELL_MAGICS else WILD
    statements: list[ast.stmt] = [ast.Expr(_call(call, _expansions(rest)))]
    for output in _SCRIPT_OUTPUT.findall(rest):
        statements += ast.parse(f"{output} = str()").body
    return _module(_at(statements, 1))


class _Replace(ast.NodeTransformer):
    """Puts in place of the transformer's calls what they do with the namespace."""

    def visit_Expr(self, node: ast.Expr) -> ast.AST | list[ast.stmt]:
        call = _magic(node.value)
        if call is not None and call[0] == "run_line_magic":
            name, argument = call[1], call[2]
            if name in _TIMED:
                return _at(_statements(_OPTIONS.sub("", argument, count=1)), node.lineno)
            if name in _SEPARATE:
                inner = _statements(_OPTIONS.sub("", argument, count=1))
                return _in_function(_at(inner, node.lineno), node.lineno)
        return self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> ast.AST:
        call = _magic(node)
        if call is None:
            return self.generic_visit(node)
        method, name, argument = call
        if method in ("system", "getoutput"):
            return _shell(name)
        if name in _HELP:
            return _call(PEEK, _expression(argument.partition("(")[0].strip("? ")))
        if name in _TIMED | _SEPARATE:
            return _call(PEEK, _expression(_OPTIONS.sub("", argument, count=1)))
        if name in ("system", "sx", "sc", "cd", "pip", "conda", "uv"):
            return _shell(argument)
        return _call(PEEK if name in _KNOWN_MAGICS else WILD, _expansions(argument))


def _magic(node: ast.expr) -> tuple[str, str, str] | None:
    """Return method, first and second argument of a call that the transformer made."""
    if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
        return None
    base = node.func.value
    if not (
        isinstance(base, ast.Call)
        and isinstance(base.func, ast.Name)
        and base.func.id == "get_ipython"
    ):
        return None
    method = node.func.attr
    if method not in ("run_line_magic", "run_cell_magic", "system", "getoutput"):
        return None
    words = [
        argument.value
        for argument in node.args
        if isinstance(argument, ast.Constant) and isinstance(argument.value, str)
    ]
    return method, words[0] if words else "", words[1] if len(words) > 1 else ""


def _shell(text: str) -> ast.Call:
    return _call(SHELL, _expansions(text))


def _call(name: str, arguments: Iterable[ast.expr]) -> ast.Call:
    return ast.Call(ast.Name(name, ast.Load()), list(arguments), [])


def _expansions(text: str) -> Iterator[ast.expr]:
    """Yield what IPython would put into a line: ``{expression}`` and ``$name``."""
    try:
        fields = [field for _, field, _, _ in string.Formatter().parse(text) if field]
    except ValueError:
        fields = re.findall(r"\{([^{}]+)\}", text)
    for field in [*fields, *_DOLLAR.findall(text)]:
        yield from _expression(field)


def _expression(text: str) -> Iterator[ast.expr]:
    try:
        yield ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError):
        return


def _statements(text: str) -> list[ast.stmt]:
    """Return the statements of a magic's argument; none where it is not Python."""
    try:
        return parse_cell(textwrap.dedent(text).strip()).body
    except SyntaxError:
        return []


def _in_function(body: list[ast.stmt], line: int) -> list[ast.stmt]:
    """Wrap code whose assignments do not reach the notebook, and call it."""
    function = ast.parse("def f(): pass\nf()").body
    definition, call = function
    assert isinstance(definition, ast.FunctionDef)
    assert isinstance(call, ast.Expr)
    assert isinstance(call.value, ast.Call)
    definition.name = "@timed"
    call.value.func = ast.Name("@timed", ast.Load())
    _at(function, line)
    definition.body = body or [ast.Pass()]
    return [ast.fix_missing_locations(node) for node in function]


def _module(body: list[ast.stmt]) -> ast.Module:
    return ast.fix_missing_locations(ast.Module(body, []))


def _below(parse: Callable[[str], ast.Module], source: str, lines: int) -> ast.Module:
    """Parse what stands below some lines of the cell, and count from the cell's first."""
    try:
        tree = parse(source)
    except SyntaxError as error:
        error.lineno = (error.lineno or 1) + lines
        raise
    if lines:
        ast.increment_lineno(tree, lines)
    return tree


def _at(statements: list[ast.stmt], line: int) -> list[ast.stmt]:
    """Give all nodes one line, that of the magic which held them."""
    for statement in statements:
        for node in ast.walk(statement):
            if isinstance(node, ast.stmt | ast.expr | ast.excepthandler | ast.pattern):
                node.lineno = node.end_lineno = line
                node.col_offset = node.end_col_offset = 0
    return statements
