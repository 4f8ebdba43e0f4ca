"""What the notebook's classes do unasked: operators, properties, attributes that all share."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

_PLAIN = (ast.Constant, ast.Lambda, ast.Compare, ast.JoinedStr, ast.UnaryOp)
_DECLARES = frozenset({"field", "Field", "Column", "relationship", "mapped_column", "TypeVar"})
_DECORATES = frozenset({"staticmethod", "classmethod", "abstractmethod", "override", "overload"})


@dataclass(frozen=True, slots=True)
class ClassFacts:
    """Facts about all classes that code defines.

    ``hooks`` are methods that run without being called by name: ``__eq__``, properties;
    ``methods`` are the others.
    ``shared`` maps an attribute that a class, not its instances, holds to the classes that do.
    ``derived`` maps each class to itself and those derived from it. ``stateful`` are the classes
    whose attributes code changes. ``by_class`` are the hooks of each class itself.
    """

    hooks: frozenset[str] = frozenset()
    methods: frozenset[str] = frozenset()
    shared: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    derived: Mapping[str, frozenset[str]] = field(default_factory=dict)
    stateful: frozenset[str] = frozenset()
    by_class: Mapping[str, frozenset[str]] = field(default_factory=dict)

    def of_family(self, name: str) -> frozenset[str]:
        """Return the hooks that an object of a class, or of one derived from it, may have."""
        family = {each for each, found in self.derived.items() if name in found}
        family |= self.derived.get(name, frozenset())
        return frozenset().union(*(self.by_class.get(each, ()) for each in family))


def class_facts(trees: Iterable[ast.Module]) -> ClassFacts:
    """Return the facts about the classes of some cells or modules."""
    trees = list(trees)
    classes = [n for tree in trees for n in ast.walk(tree) if isinstance(n, ast.ClassDef)]
    by_class: dict[str, frozenset[str]] = {}
    for each in classes:
        by_class[each.name] = by_class.get(each.name, frozenset()) | {*_hooks(each)}
    hooks = frozenset().union(*by_class.values())
    methods = {
        each.name
        for node in classes
        for each in node.body
        if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef)
    }
    shared: dict[str, dict[str, None]] = {}
    for each in classes:
        for name in _shared(each):
            shared.setdefault(name, {})[each.name] = None
    derived = {each.name: _derived(each.name, classes) for each in classes}
    names = frozenset(derived)
    stateful = {name for owners in shared.values() for name in owners}
    if classes and any(_changes_a_class(node, names) for tree in trees for node in ast.walk(tree)):
        stateful |= names
    return ClassFacts(
        hooks,
        frozenset(methods - hooks),
        {name: tuple(owners) for name, owners in shared.items()},
        derived,
        frozenset(each for name in stateful for each in derived[name]),
        by_class,
    )


def _hooks(node: ast.ClassDef) -> Iterator[str]:
    for each in node.body:
        match each:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                words = {_last(decorator) for decorator in each.decorator_list}
                if name[:2] == "__" != name or words - _DECORATES:
                    yield name
            case ast.Assign(targets=targets, value=ast.Call()):
                # Such as `x = property(get_x)`.
                yield from (target.id for target in targets if isinstance(target, ast.Name))
            case ast.Assign(targets=targets, value=ast.Name() | ast.Lambda()):
                for target in targets:
                    if isinstance(target, ast.Name) and target.id[:2] == "__":
                        yield target.id


def _shared(node: ast.ClassDef) -> Iterator[str]:
    for each in node.body:
        match each:
            case ast.Assign(targets=targets, value=value) if not isinstance(value, _PLAIN):
                yield from (target.id for target in targets if isinstance(target, ast.Name))
            case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value):
                declares = isinstance(value, ast.Call) and _last(value) in _DECLARES
                if not declares and not isinstance(value, _PLAIN):
                    yield name
    for inner in ast.walk(node):
        match inner:
            case ast.Attribute(value=ast.Name(id="cls"), attr=name, ctx=ast.Store()):
                yield name


def _derived(name: str, classes: list[ast.ClassDef]) -> frozenset[str]:
    found = {name}
    grows = True
    while grows:
        more = {
            each.name
            for each in classes
            if any(isinstance(base, ast.Name) and base.id in found for base in each.bases)
        }
        grows = not more <= found
        found |= more
    return frozenset(found)


def _changes_a_class(node: ast.AST, names: frozenset[str]) -> bool:
    match node:
        case ast.Attribute(value=owner, ctx=ast.Store() | ast.Del()):
            return _is_class(owner, names)
        case ast.Call(func=ast.Name(id="setattr" | "delattr"), args=[owner, *_]):
            return _is_class(owner, names)
    return False


def _is_class(node: ast.expr, names: frozenset[str]) -> bool:
    match node:
        case ast.Name(id=name):
            return name == "cls" or name in names
        case ast.Call(func=ast.Name(id="type")) | ast.Attribute(attr="__class__"):
            return True
    return False


def _last(node: ast.expr) -> str:
    if isinstance(node, ast.Call):
        node = node.func
    return node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")
