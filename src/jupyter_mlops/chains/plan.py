"""A chain checked against its notebooks: what each takes and gives, known before anything runs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..errors import MlopsError, Place
from ..notebook.document import Notebook, read
from ..notebook.parameters import Parameter, check_parameters, read_parameters
from ..project import SETTINGS, Project
from .giving import Giving, giving
from .graph import RESERVED, Chain, Node, near, raise_all, told
from .handing import Refused, text_of
from .kinds import TABLE, takes
from .references import Reference, filled, parse, references

_KINDS = {"executed": "path", "run": "str"}
"""What the outputs are that every node has; text takes them all."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """A variable that is to be kept of a run; ``as_file`` where a parameter takes paths."""

    name: str
    as_file: bool = False

    @property
    def key(self) -> str:
        """Under which name it is kept."""
        return f"{self.name} as a file" if self.as_file else self.name


@dataclass(slots=True)
class Planned:
    """A node with its notebook, checked.

    ``known`` are the values of parameters that are known before the start, and ``open`` those
    that wait for what other notebooks give, as they are written. ``wanted`` is what others want of
    this one and only its run can tell.
    """

    node: Node
    notebook: Notebook
    parameters: dict[str, Parameter]
    giving: Giving
    known: dict[str, Any] = field(default_factory=dict)
    open: dict[str, Any] = field(default_factory=dict)
    wanted: dict[Wanted, None] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return self.node.name

    @property
    def folder(self) -> Path:
        return self.notebook.path.resolve().parent

    def given(self, name: str) -> Any:
        """Return the value of a parameter that no other cell changes; raises `KeyError`.

        So the value is known before the notebook has run. That of a secret is its reference, also
        where cells do change it.
        """
        parameter = self.parameters[name]
        if parameter.secret or name in self.open:
            return self.known[name]
        value = self.known.get(name, parameter.default)
        if self.giving.wild or not self.giving.leaves(name, value):
            raise KeyError(name)
        return value

    def exactly(self, name: str, value: Any) -> Any:
        """Return a value as a parameter takes it unchanged: text is not read as a number, say."""
        parameter = self.parameters.get(name)
        is_any = parameter is not None and parameter.type == "any" and not parameter.secret
        return repr(value) if is_any and isinstance(value, str) else value

    def reserved(self, run: str, executed: str) -> dict[Wanted, Any]:
        """Return the outputs that every node has, once it has run."""
        values = {"run": run, "executed": Path(executed)}
        return {
            Wanted(name, as_file): values[name] for name in RESERVED for as_file in (False, True)
        }


@dataclass(frozen=True, slots=True)
class Plan:
    """A chain of which everything is checked that can be before it runs."""

    chain: Chain
    nodes: tuple[Planned, ...]

    def __getitem__(self, name: str) -> Planned:
        return next(planned for planned in self.nodes if planned.name == name)

    def known(self, reference: Reference) -> Any:
        """Return an output that is known before the start; raises `KeyError`."""
        if reference.output in RESERVED:
            raise KeyError(reference.output)
        return self[reference.node].given(reference.output)


def plan(project: Project, chain: Chain) -> Plan:
    """Read the notebooks of a chain and check what flows between them.

    Raises
    ------
    MlopsError
        What is wrong with a notebook; ``chain.output`` where none of its cells makes what is
        referred to, ``chain.secret``, ``chain.type``, and as `check_parameters` does;
        ``chain.wrong`` where several things are wrong, which are then all told.
    """
    wrong: list[MlopsError] = []
    nodes: list[Planned] = []
    for node in chain.nodes:
        try:
            notebook = read(node.path, name=project.relative(node.path))
            parameters = {each.name: each for each in read_parameters(notebook)}
        except MlopsError as error:
            if error.code == "notebook.missing":
                error.hint = _nearest_notebook(project, node) or error.hint
            wrong.append(_of(chain, node.name, error))
        else:
            nodes.append(Planned(node, notebook, parameters, giving(notebook)))
    raise_all(chain.name, wrong)
    made = Plan(chain, tuple(nodes))
    for planned in made.nodes:
        wrong += _check(made, planned)
    raise_all(chain.name, wrong)
    return made


def resolved(
    planned: Planned, outputs: Mapping[str, Mapping[Wanted, Any]], made: Plan
) -> dict[str, Any]:
    """Return the parameters of a node once those that it waits for have run.

    Parameters
    ----------
    outputs
        For each node what it has given; a value that could not be handed on is the `Refused`.

    Raises
    ------
    MlopsError
        ``chain.output`` where something was not given or is no value for a parameter, and as
        `check_parameters` does.
    """
    found = dict(planned.known)
    for name, written in planned.open.items():
        as_file = _takes_file(planned, name, written)

        def output(
            reference: Reference, name: str = name, as_file: bool = as_file, written: Any = written
        ) -> Any:
            try:
                return made.known(reference)
            except KeyError:
                value = outputs[reference.node][Wanted(reference.output, as_file)]
            if isinstance(value, Refused):
                source = made[reference.node]
                cell = source.giving.bound.get(reference.output)
                raise MlopsError(
                    "chain.output",
                    told(
                        made.chain.name,
                        planned.name,
                        f"`{name}` cannot be given `{reference}`: it {value}.",
                    ),
                    hint="" if cell is None else "mend the cell that makes it, or take another.",
                    place=source.notebook.place(cell),
                )
            return _located(value, made[reference.node], planned, name)

        try:
            found[name] = _exact(planned, name, written, filled(written, output, text_of))
        except Refused as refused:
            message = f"`{name}` is `{written}`, in which something {refused}."
            raise _wrong(made.chain, planned.name, "chain.type", message, "") from None
    try:
        return check_parameters(planned.notebook, tuple(planned.parameters.values()), found)
    except MlopsError as error:
        raise _of(made.chain, planned.name, error) from None


def _check(made: Plan, planned: Planned) -> Iterator[MlopsError]:
    """Yield what is wrong with the parameters of a node; sort them into known and open ones."""
    values: dict[str, Any] = {}
    for name, written in planned.node.parameters.items():
        parameter = planned.parameters.get(name)
        wanted = list(references(written))
        problems = [
            problem
            for reference in wanted
            if (problem := _problem(made, planned, name, parameter, written, reference)) is not None
        ]
        yield from problems
        if problems:
            continue
        try:
            values[name] = _exact(planned, name, written, filled(written, made.known, text_of))
        except KeyError:
            if parameter is None:
                values[name] = None  # told below, with all other names that the notebook lacks
                continue
            planned.open[name] = written
            for reference in wanted:
                _want(made, reference, as_file=_takes_file(planned, name, written))
        except Refused as refused:
            message = f"`{name}` is `{written}`, in which something {refused}."
            yield _wrong(made.chain, planned.name, "chain.type", message, "")
    known = tuple(planned.parameters.values())
    for name, value in values.items():
        try:
            planned.known |= check_parameters(planned.notebook, known, {name: value})
        except MlopsError as error:
            yield _of(made.chain, planned.name, error)


def _nearest_notebook(project: Project, node: Node) -> str:
    folder = node.path.parent if node.path.parent.is_dir() else project.root
    return near(node.path.name, [each.name for each in folder.glob("*.ipynb")])


def _want(made: Plan, reference: Reference, *, as_file: bool) -> None:
    if reference.output in RESERVED:
        return
    try:
        made.known(reference)
    except KeyError:
        made[reference.node].wanted[Wanted(reference.output, as_file)] = None


def _problem(
    made: Plan,
    planned: Planned,
    name: str,
    parameter: Parameter | None,
    written: Any,
    reference: Reference,
) -> MlopsError | None:
    """Return what is wrong with a reference, as far as the notebooks' code shows."""

    def wrong(code: str, message: str, hint: str, place: Place | None = None) -> MlopsError:
        return _wrong(made.chain, planned.name, code, message, hint, place)

    source = made[reference.node]
    output, alone = reference.output, _stands_alone(written)
    given_secret = output in source.parameters and source.parameters[output].secret
    takes_secret = parameter is not None and parameter.secret
    if given_secret:
        if not (takes_secret and alone):
            return wrong(
                "chain.secret",
                f"`{name}` would be given the secret `{reference}`.",
                "declare it a secret too: its comment begins with `secret`, as in "
                f'`{name} = ""  # secret`; and let the reference stand alone.',
            )
        if output not in source.node.parameters:
            return wrong(
                "chain.secret",
                f"`{name}` refers to `{reference}`, but that secret is not given.",
                f'write `{output} = "env:NAME"` for `{source.name}` in {SETTINGS}, or '
                f"`-p {source.name}.{output}=env:NAME`.",
            )
        return None
    if takes_secret:
        return wrong(
            "chain.secret",
            f"the secret `{name}` is given `{reference}`, which would be stored in clear.",
            f"refer to a secret parameter of `{source.name}`, or write `env:NAME`.",
        )
    if output in RESERVED:
        kind = parameter.type if parameter is not None and alone else "any"
        if kind in ("any", "str", _KINDS[output]):
            return None
        words = f"`{name}` wants {kind}, but `{reference}` is a {_KINDS[output]}."
        return wrong("chain.type", words, "declare it `str`, or refer to another output.")
    shown = "" if source.giving.wild else source.giving.kinds.get(output, "")
    if shown and parameter is not None and alone and output not in source.parameters:
        return _wrong_kind(made, planned, parameter, reference, shown)
    if source.giving.may_give(output):
        return None
    if output in source.parameters:
        return None
    return wrong("chain.output", *_not_given(source, name, reference))


def _wrong_kind(
    made: Plan, planned: Planned, parameter: Parameter, reference: Reference, kind: str
) -> MlopsError | None:
    """Return what is wrong where the code shows that a parameter would be given another type."""
    if takes(parameter.type, kind):
        return None
    source = made[reference.node]
    cell = source.giving.bound[reference.output]
    an = "an" if kind == "int" else "a"
    words = f"`{parameter.name}` wants {parameter.words}, but `{reference}` is {an} {kind}."
    hint = f"cell {cell.position} of {source.notebook.name} makes it; hand on something else."
    if kind == TABLE:
        hint = f"write `{parameter.name}: Path = …` to be given it as a Parquet file."
    return _wrong(made.chain, planned.name, "chain.type", words, hint, source.notebook.place(cell))


def _not_given(source: Planned, name: str, reference: Reference) -> tuple[str, str, Place]:
    """Return why a notebook does not give an output, what to do, and where."""
    output, found = reference.output, source.giving
    refers = f"`{name}` refers to `{reference}`, but"
    if (cell := found.deleted.get(output)) is not None:
        words = f"{refers} cell {cell.position} of {source.notebook.name} deletes it."
        return words, "take the `del` out, or refer to something else.", source.notebook.place(cell)
    if (cell := found.no_value.get(output)) is not None:
        words = f"{refers} it is a module, a function or a class in {source.notebook.name}."
        return words, "refer to a value.", source.notebook.place(cell)
    known = [*found.bound, *RESERVED]
    some = ", ".join(known[:8]) + (" …" if len(known) > 8 else "")
    hint = near(output, known) or f"it leaves: {some}."
    words = (
        f"{refers} no cell of {source.notebook.name} makes a variable or logs a metric `{output}`."
    )
    return words, hint, source.notebook.place()


def _exact(planned: Planned, name: str, written: Any, value: Any) -> Any:
    """Return a parameter's value so that an output is taken as it is."""
    return planned.exactly(name, value) if _stands_alone(written) else value


def _stands_alone(written: Any) -> bool:
    """Tell whether a parameter is one reference and nothing else."""
    parts = parse(written) if isinstance(written, str) else ()
    return len(parts) == 1 and isinstance(parts[0], Reference)


def _takes_file(planned: Planned, name: str, written: Any) -> bool:
    """Tell whether a table may be handed on as a file: the parameter takes paths."""
    return _stands_alone(written) and planned.parameters[name].type == "path"


def _located(value: Any, source: Planned, planned: Planned, name: str) -> Any:
    """Return a path as it is seen from the folder of the notebook that is given it."""
    is_path = isinstance(value, Path) or (
        isinstance(value, str) and planned.parameters[name].type == "path"
    )
    if not is_path or Path(value).is_absolute() or source.folder == planned.folder:
        return value
    here = source.folder / value
    return type(value)(here) if here.exists() else value


def _of(chain: Chain, node: str, error: MlopsError) -> MlopsError:
    """Return an error of a notebook with the node that it is about."""
    return MlopsError(
        error.code, told(chain.name, node, error.message), hint=error.hint, place=error.place
    )


def _wrong(
    chain: Chain, node: str, code: str, message: str, hint: str, place: Place | None = None
) -> MlopsError:
    return MlopsError(
        code, told(chain.name, node, message), hint=hint, place=place or Place(SETTINGS)
    )
