"""The graph of a chain, from ``mlops.toml``: its nodes in the order in which they can run."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import Any

from ..errors import MlopsError, Place
from ..project import SETTINGS, Project
from ..settings import ChainedNotebook, ChainSettings
from .references import Reference, references

_NAME = re.compile(r"\w[\w-]*")
_NOT_IN_NAMES = re.compile(r"[^\w-]+")
RESERVED = ("executed", "run")
"""Outputs that every node has: the path of its executed notebook, and the name of its run."""


@dataclass(frozen=True, slots=True)
class Node:
    """One notebook of a chain, before anything is known of what is in it.

    ``parameters`` are as they are written, with references; ``needs`` are the names of the nodes
    that must have run before.
    """

    name: str
    path: Path
    parameters: dict[str, Any]
    needs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Chain:
    """Nodes in an order in which they can run one after another."""

    name: str
    nodes: tuple[Node, ...]

    def __getitem__(self, name: str) -> Node:
        return next(node for node in self.nodes if node.name == name)

    @property
    def names(self) -> list[str]:
        return [node.name for node in self.nodes]

    def below(self, name: str) -> list[str]:
        """Return the nodes that wait for a node, directly or not."""
        found = {name}
        for node in self.nodes:
            if found.intersection(node.needs):
                found.add(node.name)
        return [each for each in self.names if each in found and each != name]


def chain_names(project: Project) -> list[str]:
    """Return the names of the chains in ``mlops.toml``."""
    return [each.name for each in project.settings.pipeline]


def read_chain(
    project: Project, name: str, given: Mapping[str, Mapping[str, Any]] | None = None
) -> Chain:
    """Return a chain of ``mlops.toml``, with values ``given`` in place of what is written there.

    Raises
    ------
    MlopsError
        ``chain.unknown``, ``chain.twice``, ``chain.name``, ``chain.empty``, ``chain.reference``,
        ``chain.node``, ``chain.cycle``; ``chain.wrong`` where several things are wrong, which are
        then all told.
    """
    chains = project.settings.pipeline
    found = [each for each in chains if each.name == name]
    if not found:
        known = [each.name for each in chains]
        words = near(name, known) or f"there are: {', '.join(known)}."
        if not known:
            words = "write a [[pipeline]] with its notebooks; see docs/chains.md."
        raise MlopsError(
            "chain.unknown", f"{SETTINGS} has no pipeline `{name}`.", hint=words, place=_PLACE
        )
    if len(found) > 1:
        raise MlopsError(
            "chain.twice",
            f"{SETTINGS} has two pipelines `{name}`.",
            hint="give each a name of its own.",
            place=_PLACE,
        )
    return _graph(project, found[0], given or {})


def told(chain: str, node: str, message: str) -> str:
    """Return a message about a node with where the node stands."""
    return f"{SETTINGS}, pipeline `{chain}`, notebook `{node}`: {message}"


def near(name: str, known: Iterable[str]) -> str:
    """Return the hint that offers the nearest of the known names; empty where none is near."""
    close = difflib.get_close_matches(name, list(known), 1)
    return f"did you mean `{close[0]}`?" if close else ""


def raise_all(chain: str, wrong: Sequence[MlopsError]) -> None:
    """Raise what is wrong with a chain: one error alone as it is, several in one."""
    if len(wrong) == 1:
        raise wrong[0]
    if wrong:
        lines = "".join(
            f"\n  - {each.message}{f' ({each.hint.rstrip(chr(46))})' if each.hint else ''}"
            for each in wrong
        )
        raise MlopsError(
            "chain.wrong",
            f"{len(wrong)} things are wrong with the pipeline `{chain}`:{lines}",
            hint="nothing was started; mend them all, then run it again.",
            place=wrong[0].place,
        )


_PLACE = Place(SETTINGS)


def _graph(
    project: Project, settings: ChainSettings, given: Mapping[str, Mapping[str, Any]]
) -> Chain:
    chain = settings.name
    wrong: list[MlopsError] = []
    if not _NAME.fullmatch(chain):
        raise _wrong(
            "chain.name",
            f"{SETTINGS}: the name of the pipeline `{chain}` can hold letters, digits, `_` and `-` "
            "only.",
            "write another name.",
        )
    names = [_name(each) for each in settings.notebook]
    if not names:
        raise MlopsError(
            "chain.empty",
            f"{SETTINGS}, pipeline `{chain}`: it has no notebooks.",
            hint="write a [[pipeline.notebook]] with a `path` for each.",
            place=_PLACE,
        )
    for name in dict.fromkeys(names):
        if not _NAME.fullmatch(name):
            wrong.append(
                _wrong(
                    "chain.name",
                    told(chain, name, "its name can hold letters, digits, `_` and `-` only."),
                    'write another one: `name = "…"`.',
                )
            )
        if names.count(name) > 1:
            wrong.append(
                _wrong(
                    "chain.twice",
                    told(chain, name, "two notebooks have this name."),
                    'give one of them another: `name = "…"`.',
                )
            )
    for node in given:
        if node not in names:
            words = near(node, names) or f"there are: {', '.join(names)}."
            wrong.append(
                _wrong("chain.node", f"The pipeline `{chain}` has no notebook `{node}`.", words)
            )
    raise_all(chain, wrong)
    nodes = []
    for name, each in zip(names, settings.notebook, strict=True):
        written = {**each.parameters, **_escaped(given.get(name, {}))}
        needs = _needs(chain, name, written, each.after, names, wrong)
        nodes.append(Node(name, project.root / each.path, written, tuple(needs)))
    raise_all(chain, wrong)
    return Chain(chain, _in_order(chain, nodes))


def _name(each: ChainedNotebook) -> str:
    if each.name is not None:
        return each.name
    return _NOT_IN_NAMES.sub("-", Path(each.path).name.removesuffix(".ipynb")).strip("-")


def _escaped(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return values from outside ``mlops.toml`` as they are written in it: no text refers."""
    return {
        name: value.replace("$", "$$") if isinstance(value, str) else value
        for name, value in given.items()
    }


def _needs(
    chain: str,
    name: str,
    parameters: Mapping[str, Any],
    after: Sequence[str],
    names: Sequence[str],
    wrong: list[MlopsError],
) -> list[str]:
    """Return which nodes a node waits for; what is wrong with them is added to ``wrong``."""
    found = dict.fromkeys(after)
    for each in after:
        if each not in names:
            words = near(each, names) or f"there are: {', '.join(names)}."
            message = told(chain, name, f"`after` names `{each}`, which is no notebook here.")
            wrong.append(_wrong("chain.node", message, words))
    for parameter, value in parameters.items():
        try:
            wanted = list(references(value))
        except ValueError as error:
            message = told(chain, name, f"in `{parameter}`, {error}.")
            wrong.append(_wrong("chain.reference", message, "see docs/chains.md."))
            continue
        for reference in wanted:
            found[reference.node] = None
            if reference.node not in names:
                wrong.append(_no_node(chain, name, parameter, reference, names))
    return [each for each in found if each in names]


def _no_node(
    chain: str, name: str, parameter: str, reference: Reference, names: Sequence[str]
) -> MlopsError:
    words = f"`{parameter}` refers to `{reference}`, but `{reference.node}` is no notebook here."
    close = near(reference.node, names) or f"there are: {', '.join(names)}."
    return _wrong("chain.node", told(chain, name, words), close)


def _in_order(chain: str, nodes: Sequence[Node]) -> tuple[Node, ...]:
    """Return the nodes in an order in which they can run: that of the file, where it can be."""
    sorter = TopologicalSorter({node.name: node.needs for node in nodes})
    try:
        sorter.prepare()
    except CycleError as error:
        cycle = " → ".join(error.args[1])
        raise _wrong(
            "chain.cycle",
            f"{SETTINGS}, pipeline `{chain}`: its notebooks wait for each other: {cycle}.",
            "an arrow means `runs before`; take out one of them: a reference, or an `after`.",
        ) from None
    left, done = list(nodes), list[Node]()
    while left:
        ready = {node.name for node in done}
        first = next(node for node in left if ready.issuperset(node.needs))
        left.remove(first)
        done.append(first)
    return tuple(done)


def _wrong(code: str, message: str, hint: str) -> MlopsError:
    return MlopsError(code, message, hint=hint, place=_PLACE)
