"""The corpus: small notebooks, each with its true result, worked out by hand.

A file of ``tests/notebooks/cases`` is a notebook in the percent format, with its cells' tags behind
``# %%``. Its head says what must become of it, one ``# key: value`` a line:

``expect``
    ``equal``: the pipeline is equal to the notebook. ``random``: it is, but for what ``random``
    lists. ``different``: it is not, as ``differs`` lists, and nothing is published. ``suggested``:
    equal, and without its tags the notebook is suggested just these. ``checked``: only its
    readiness is looked at. Anything else is the code of the refusal and the position of the cell:
    ``pipeline.undefined-name 2``.
``true``
    A Python expression that holds after the last cell, in the notebook and in the last step. There
    may be several.
``needs``
    ``kernel`` where cells are more than plain Python, or where only their run shows the steps.
    ``python 3.12`` where an older one cannot read it.
``real``
    Why a notebook that one process can try is proven in kernels too.
``when``
    ``run`` where only the notebook's own run can tell that it must be refused.
``says``
    Words that the refusal must have, with its hint.
``notice``
    The position of a cell, and words of the notice that must be given there.
``travels``
    What each step hands on, exactly: ``load: rows, cut; train: model``.
``edges``
    What each step waits for, exactly: ``train: load; report: train, score``.
``shows``
    What the proof must compare and find equal: ``figure 3, printed 4, metric mae``.
``random``
    What the proof must tell as random, exactly, with the cell that draws: ``noise 2, cell 4 2``.
``differs``
    What the proof must find different, exactly: ``cell 4, total``.
``finds``
    What the readiness check finds, exactly, with cells: ``secret 1, absolute-path 3``, or
    ``nothing``.
``given``
    Values for parameters, as a Python dict.
``counts``
    The execution count that is saved with each cell; ``-`` for none.
``ran``
    The positions of the cells that a live kernel has executed, in that order.
"""

from __future__ import annotations

import ast
import re
import sys
from collections import defaultdict
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from jupyter_mlops.notebook.document import Notebook
from jupyter_mlops.notebook.kernel_state import Executed, KernelState
from jupyter_mlops.pipeline.compile import compile_notebook
from jupyter_mlops.pipeline.model import Notice, Pipeline
from tests.programs import notebook

FOLDER = Path(__file__).parent / "notebooks" / "cases"
KEYS = {
    *("expect", "true", "needs", "real", "when", "says", "notice", "travels", "edges"),
    *("shows", "random", "finds", "given", "counts", "ran", "differs"),
}
RUNS = ("equal", "random", "different", "suggested")
"""What is expected of notebooks that become a pipeline."""


@dataclass(frozen=True)
class Case:
    """A notebook, and what must become of it."""

    path: Path
    head: dict[str, list[str]]
    book: Notebook

    @property
    def name(self) -> str:
        return self.path.stem

    @property
    def expect(self) -> str:
        return self.head["expect"][0]

    @property
    def runs(self) -> bool:
        return self.expect in RUNS

    @property
    def refusal(self) -> tuple[str, int]:
        """The code of the refusal and the position of the cell."""
        code, position = self.expect.split()
        return code, int(position)

    @property
    def true(self) -> list[str]:
        return self.head.get("true", [])

    @property
    def given(self) -> dict[str, Any]:
        return dict(ast.literal_eval(self.one("given", "{}")))

    @property
    def kernel(self) -> KernelState | None:
        """The live kernel, where the case tells what it has executed."""
        if "ran" not in self.head:
            return None
        cells = [self.book.cells[int(position) - 1] for position in self.one("ran").split()]
        executed = [Executed(cell.source, n, cell.id) for n, cell in enumerate(cells, 1)]
        return KernelState(executed=tuple(executed))

    @property
    def at_run(self) -> bool:
        return "run" in self.head.get("when", [])

    @property
    def needs_kernel(self) -> bool:
        return "kernel" in self.head.get("needs", [])

    @property
    def is_real(self) -> bool:
        """Whether it is proven with a kernel and processes."""
        return self.needs_kernel or self.at_run or "real" in self.head

    @property
    def unreadable_here(self) -> bool:
        """Whether this Python is too old for the notebook."""
        versions = [need.split()[1] for need in self.head.get("needs", []) if "python 3" in need]
        return any(sys.version_info < tuple(map(int, each.split("."))) for each in versions)

    def one(self, key: str, default: str = "") -> str:
        return self.head.get(key, [default])[0]

    def map_of(self, key: str) -> dict[str, set[str]] | None:
        """Return ``load: a, b; use: c`` as a dict of sets."""
        if key not in self.head:
            return None
        pairs = [part.partition(":") for part in self.one(key).split(";")]
        return {k.strip(): {*v.replace(" ", "").split(",")} - {""} for k, _, v in pairs}

    def pairs_of(self, key: str) -> list[tuple[str, str]]:
        """Return ``a b, c d 2`` as pairs of all words but the last, and the last."""
        if self.one(key) in ("", "nothing"):
            return []
        parts = [part.strip().rpartition(" ") for part in self.one(key).split(",")]
        return [(first, last) for first, _, last in parts]

    def cells(self) -> list[tuple[str, str]]:
        """Return the cells, and in the last step one more, which asserts what is true."""
        cells = [(" ".join(cell.tags), cell.source) for cell in self.book.cells]
        if self.runs and self.true:
            last = compile_notebook(self.book).steps[-1].name
            cells.append((f"step:{last}", "\n".join(f"assert {each}" for each in self.true)))
        return cells


def read(path: Path) -> Case:
    """Read a case; a key that is unknown is a mistake."""
    head, *cells = re.split(r"^# %%", path.read_text(encoding="utf-8"), flags=re.MULTILINE)
    known: dict[str, list[str]] = defaultdict(list)
    for line in head.splitlines():
        key, colon, value = line.removeprefix("# ").partition(": ")
        if colon and not line.startswith("#  "):
            assert key in KEYS, f"{path.name}: `{key}` is no key"
            known[key].append(value)
    pairs = [cell.partition("\n") for cell in cells]
    book = notebook(*((tags.strip(), source.rstrip("\n")) for tags, _, source in pairs))
    if counts := known.get("counts"):
        numbers = [None if each == "-" else int(each) for each in counts[0].split()]
        both = zip(book.cells, numbers, strict=True)
        book = replace(
            book, cells=tuple(replace(cell, execution_count=number) for cell, number in both)
        )
    return Case(path, dict(known), book)


def check_shape(case: Case, pipeline: Pipeline) -> None:
    """Check what a case says of its pipeline: what travels, and who waits for whom."""
    travels, edges = case.map_of("travels"), case.map_of("edges")
    if travels is not None:
        found = {step.name: {*step.outputs} for step in pipeline.steps if step.outputs}
        assert found == travels
    if edges is not None:
        found = {step.name: {*step.upstream} for step in pipeline.steps if step.upstream}
        assert found == edges


def check_notices(case: Case, notices: tuple[Notice, ...]) -> None:
    """Check that what a case says is noticed, at its cell."""
    for each in case.head.get("notice", []):
        position, _, words = each.partition(" ")
        assert any(n.place.cell == int(position) and words in n.message for n in notices), notices


CASES = [read(path) for path in sorted(FOLDER.glob("*.py"))]
