"""What a cell does to names, as data: operations in the order in which Python carries them out.

The syntax tree is turned into operations once (`walker`); what they mean together, over cells and
through aliases and functions, is worked out by `dataflow`. A name that holds an ``@`` is local to
a function, class body or comprehension, made unique.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, TypeAlias


@dataclass(frozen=True, slots=True)
class Result:
    """What a call of the named function gives back, or of a method of what the name holds."""

    function: str
    method: str = ""


@dataclass(frozen=True, slots=True)
class ClassOf:
    """Those classes of these names by which the objects are made that ``owners`` hold."""

    names: tuple[str, ...]
    owners: frozenset[str]


@dataclass(frozen=True, slots=True, eq=False)
class Definition:
    """A function, class or lambda: code that runs later, with the globals of that time.

    ``parameters`` maps each parameter, in order, to its unique local name; ``rest`` are the local
    names of ``*args`` and ``**kwargs``. ``operations`` are the body's (for a class: of all its
    methods), in no particular flow. ``beside`` tells of code in a module beside the notebook; a
    whole such module has its functions and classes as ``methods``.
    """

    name: str
    kind: Literal["function", "class", "module", "iterator"]
    line: int
    parameters: dict[str, str] = field(default_factory=dict)
    rest: tuple[str, ...] = ()
    defaulted: frozenset[str] = frozenset()
    """Unique names of the parameters whose default is an object that can change."""
    operations: tuple[Operation, ...] = ()
    own: frozenset[str] = frozenset()
    methods: dict[str, Definition] = field(default_factory=dict)
    beside: bool = False
    remembers: bool = False
    """For a function, that a cache may give out its results again; for a class, that its own
    attributes change."""


Source: TypeAlias = "str | Result | ClassOf | Definition"
Part: TypeAlias = "tuple[Source, bool]"
"""Where an object comes from; True where it may also be a thing inside that object."""


@dataclass(frozen=True, slots=True)
class Value:
    """What an expression may refer to: the objects themselves, and objects they hold.

    ``fresh`` tells that the expression may make an object of its own that can change.
    """

    own: frozenset[Part] = frozenset()
    held: frozenset[Part] = frozenset()
    fresh: bool = True

    def __or__(self, other: Value) -> Value:
        return Value(self.own | other.own, self.held | other.held, self.fresh or other.fresh)

    @property
    def parts(self) -> frozenset[Part]:
        return self.own | self.held

    def element(self) -> Value:
        """Return what an item, attribute, view or method result of this may be."""
        return Value(frozenset((source, True) for source, _ in self.parts))

    def container(self) -> Value:
        """Return a new object that holds this."""
        return Value(frozenset(), self.parts)


EVERYTHING = "*"
"""Stands as a name for all names that there are."""

CONSTANT = Value(fresh=False)
FRESH = Value()


@dataclass(frozen=True, slots=True)
class Import:
    """What an import statement binds a name to: a module, or an attribute of one.

    ``extends`` tells of ``import a.b``: it binds ``a``, and adds a module to what it was.
    ``statement`` is the statement's text where it stands alone at the top level of the cell.
    """

    module: str
    attribute: str | None
    extends: bool
    statement: str | None


@dataclass(frozen=True, slots=True)
class Read:
    """``need``: hard where the name must exist, soft where it may not, none where it is local."""

    name: str
    line: int
    need: Literal["hard", "soft", "none"]


@dataclass(frozen=True, slots=True)
class Bind:
    """``sure`` where every way through the cell passes here."""

    name: str
    line: int
    sure: bool
    value: Value
    imported: Import | None = None


@dataclass(frozen=True, slots=True)
class Fork:
    """Ways part here (``fork``), the next one begins (``next``), all come together (``join``)."""

    kind: Literal["fork", "next", "join"]


@dataclass(frozen=True, slots=True)
class Settle:
    """From here on the names are bound, whichever branch was taken."""

    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Change:
    """An object changes in place, ``deep`` with what it holds, and may hold ``added`` afterwards.

    ``kept`` tells how it holds that: as a container whose items may be changed through it, or
    only for itself, as a model holds the rows it was fitted on.
    """

    value: Value
    line: int
    deep: bool = False
    added: Value = CONSTANT
    kept: Literal["items", "self"] = "items"


@dataclass(frozen=True, slots=True)
class Delete:
    name: str
    line: int
    sure: bool


@dataclass(frozen=True, slots=True)
class Call:
    """A call, of a function by name or of a method; it may change its arguments."""

    function: str | None
    method: str | None
    receiver: Value
    arguments: tuple[tuple[int | str | None, Value], ...]
    line: int


@dataclass(frozen=True, slots=True)
class Return:
    value: Value


@dataclass(frozen=True, slots=True)
class Outside:
    """Something outside the process, such as a file, is read or written."""

    kind: Literal["reads", "writes"]
    line: int


@dataclass(frozen=True, slots=True)
class Wild:
    """Names may be bound that cannot be known before it has run."""

    line: int


ITERATOR = Definition("<iterator>", "iterator", 0)
"""Stands for what goes on through an iterator each time that it is used."""

Operation: TypeAlias = (
    "Read | Bind | Fork | Settle | Change | Delete | Call | Return | Outside | Wild"
)
