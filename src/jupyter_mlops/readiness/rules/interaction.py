"""Cells that wait for somebody, or stop the run."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from ..context import Context
from ..rule import Found, rule

_ASKS = frozenset(
    {"getpass.getpass", "pdb.set_trace", "ipdb.set_trace", "pdb.pm", "pdb.post_mortem"}
)
_ASKS_BY_NAME = frozenset({"input", "breakpoint"})
_MAGICS = frozenset({"debug", "pdb"})
_ENDS = frozenset({"sys.exit", "os._exit", "os.abort"})
_ENDS_BY_NAME = frozenset({"exit", "quit"})


@rule(
    "interactive",
    "error",
    what="code that waits for somebody at the keyboard",
    why="In production nobody answers: the run fails or hangs.",
    fix="make it a parameter, read it from the environment, or remove the line.",
    example='`name = input("who? ")`',
)
def interactive(context: Context) -> Iterator[Found]:
    yield from _calls(context, _ASKS, _ASKS_BY_NAME, "waits for somebody")
    for command in context.commands:
        if command.name in _MAGICS and command.text not in ("off", "0"):
            yield Found(f"`%{command.name}` waits for somebody", command.cell, command.line)


@rule(
    "ends-the-run",
    "warning",
    what="code that ends the process",
    why="The rest of the step does not run, and what it should give is missing.",
    fix="raise an error where the run should fail, and remove the line elsewhere.",
    example="`sys.exit()`",
)
def ends_the_run(context: Context) -> Iterator[Found]:
    yield from _calls(context, _ENDS, _ENDS_BY_NAME, "ends the process")


def _calls(
    context: Context, full: frozenset[str], plain: frozenset[str], words: str
) -> Iterator[Found]:
    for code, call, name in context.calls():
        is_plain = isinstance(call.func, ast.Name) and name in plain and name not in context.bound
        if is_plain or (name in full):
            yield Found(f"`{ast.unparse(call.func)}()` {words}", code.cell, call.lineno)
