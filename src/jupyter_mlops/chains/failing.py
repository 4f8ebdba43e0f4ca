"""What failed in a chain's run, told in one error: which notebook, where, and what is left."""

from __future__ import annotations

from dataclasses import dataclass, field

from ..errors import MlopsError
from ..project import SETTINGS
from .plan import Plan
from .record import ChainRun


@dataclass(slots=True)
class Failures:
    """The errors of nodes; ``late`` are the nodes that were stopped for taking too long."""

    made: Plan
    late: set[str] = field(default_factory=set)
    _told: dict[str, MlopsError] = field(default_factory=dict)
    _unforeseen: BaseException | None = None

    def __bool__(self) -> bool:
        return bool(self._told) or self._unforeseen is not None

    def add(self, node: str, error: BaseException) -> MlopsError | None:
        """Take in an error, and return it as it is told; None for one that nobody foresaw."""
        if not isinstance(error, MlopsError):
            self._unforeseen = self._unforeseen or error
            return None
        self._told[node] = self._of(node, error)
        return self._told[node]

    def raise_them(self, record: ChainRun) -> None:
        """Raise what failed, if anything did."""
        if self._unforeseen is not None:
            raise self._unforeseen
        if not self._told:
            return
        left = [name for name, node in record.nodes.items() if node.status == "left"]
        words = f"`jupyter mlops run {record.chain} --resume` goes on from there"
        words += f"; not run: {', '.join(left)}." if left else "."
        errors = list(self._told.values())
        if len(errors) == 1:
            first = errors[0]
            hint = f"{first.hint} {words}".strip()
            raise MlopsError(first.code, first.message, hint=hint, place=first.place)
        lines = "".join(f"\n  - {each.message} (at {each.place})" for each in errors)
        raise MlopsError(
            "chain.failed",
            f"{len(errors)} notebooks of the pipeline `{record.chain}` failed:{lines}",
            hint=words,
        )

    def _of(self, node: str, error: MlopsError) -> MlopsError:
        code, message, hint = error.code, error.message, error.hint
        if node in self.late:
            code, message = "chain.timeout", "it took too long, and was stopped."
            hint = "give it more time (`--timeout`, or `[run] timeout` in mlops.toml). " + hint
        if not message.startswith(SETTINGS):
            message = f"Notebook `{node}` of the pipeline `{self.made.chain.name}`: {message}"
        return MlopsError(code, message, hint=hint, place=error.place)
