"""A notebook as data: read, checked, with every cell's place known."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from ..errors import MlopsError, Place
from .cell_magic import joined_tags, without_declaration

CellKind = Literal["code", "markdown", "raw"]


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell; ``position`` counts from 1 over all cells of the notebook.

    ``tags`` are those of its metadata and those of a first line such as ``%%mlops step train``,
    which is a comment in ``source``.
    """

    id: str
    position: int
    kind: CellKind
    source: str
    tags: tuple[str, ...] = ()
    execution_count: int | None = None


@dataclass(frozen=True, slots=True)
class Notebook:
    """An ``.ipynb`` file, of nbformat 4. ``name`` is how errors and runs call it."""

    path: Path
    name: str
    cells: tuple[Cell, ...]
    kernel: str
    language: str

    @property
    def stem(self) -> str:
        return self.path.stem

    @property
    def code_cells(self) -> tuple[Cell, ...]:
        """Code cells that hold more than white space."""
        return tuple(c for c in self.cells if c.kind == "code" and c.source.strip())

    def place(self, cell: Cell | None = None, line: int | None = None) -> Place:
        if cell is None:
            return Place(self.name)
        return Place(self.name, cell.position, cell.id, line)

    def digest(self) -> str:
        """Return the SHA-256 of what decides a run: code, order and tags of the code cells."""
        parts = [[cell.source, sorted(cell.tags)] for cell in self.code_cells]
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def read(path: Path | str, *, name: str | None = None) -> Notebook:
    """Read a notebook file.

    Raises
    ------
    MlopsError
        ``notebook.missing``, ``notebook.not-json``, ``notebook.old-format``,
        ``notebook.invalid``, ``notebook.empty``, ``notebook.language``, ``cell.magic`` or
        ``cell.two-steps``.
    """
    path = Path(path)
    name = name or path.as_posix()
    place = Place(name)
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise MlopsError(
            "notebook.missing", "There is no such notebook.", hint="check the path.", place=place
        ) from None
    except (IsADirectoryError, PermissionError, UnicodeDecodeError) as error:
        raise MlopsError(
            "notebook.not-json",
            f"The notebook cannot be read: {type(error).__name__}.",
            hint="give the path of an .ipynb file that you may read.",
            place=place,
        ) from None
    return parse(text, path=path, name=name)


def parse(text: str, *, path: Path, name: str) -> Notebook:
    """Parse the text of an ``.ipynb`` file; raises as `read` does."""
    place = Place(name)
    if not text.strip():
        raise MlopsError(
            "notebook.empty",
            "The notebook file is empty.",
            hint="open it in JupyterLab and save it once, with at least one code cell.",
            place=place,
        )
    try:
        content = json.loads(text)
    except json.JSONDecodeError as error:
        raise MlopsError(
            "notebook.not-json",
            f"The notebook is not JSON: {error.msg}.",
            hint="look at that line for a merge conflict or a cut-off save; "
            "restore the file from version control.",
            place=Place(name, line=error.lineno),
        ) from None
    if not isinstance(content, dict) or "nbformat" not in content:
        raise MlopsError(
            "notebook.invalid",
            "The file is JSON, but no notebook: it has no nbformat.",
            hint="give the path of an .ipynb file.",
            place=place,
        )
    if content["nbformat"] != 4:
        raise MlopsError(
            "notebook.old-format",
            f"The notebook has nbformat {content['nbformat']}; 4 is needed.",
            hint=f"run `jupyter nbconvert --to notebook --inplace {name}`.",
            place=place,
        )
    return _notebook(content, path=path, name=name)


def _notebook(content: dict[str, Any], *, path: Path, name: str) -> Notebook:
    metadata = content.get("metadata") or {}
    kernelspec = metadata.get("kernelspec") or {}
    language = (metadata.get("language_info") or {}).get("name") or kernelspec.get("language")
    cells = tuple(_cell(raw, index, name) for index, raw in enumerate(content.get("cells", [])))
    notebook = Notebook(
        path=path,
        name=name,
        cells=cells,
        kernel=kernelspec.get("name") or "python3",
        language=language or "python",
    )
    if notebook.language != "python":
        raise MlopsError(
            "notebook.language",
            f"The notebook is written in {notebook.language}; only Python can be promoted.",
            place=Place(name),
        )
    if not notebook.code_cells:
        raise MlopsError(
            "notebook.empty",
            "The notebook has no code.",
            hint="write at least one code cell.",
            place=Place(name),
        )
    return notebook


def _cell(raw: Any, index: int, name: str) -> Cell:
    place = Place(name, index + 1)
    if not isinstance(raw, dict) or raw.get("cell_type") not in ("code", "markdown", "raw"):
        raise MlopsError("notebook.invalid", "The cell has no valid type.", place=place)
    source = raw.get("source", "")
    if isinstance(source, list):
        source = "".join(source)
    tags = (raw.get("metadata") or {}).get("tags") or []
    if not isinstance(source, str) or not all(isinstance(tag, str) for tag in tags):
        raise MlopsError("notebook.invalid", "The cell's source or tags are not text.", place=place)
    code = raw["cell_type"] == "code"
    return Cell(
        # nbformat 4.4 and older have no ids; the position is the best stable name there is.
        id=raw.get("id") or f"cell-{index + 1}",
        position=index + 1,
        kind=raw["cell_type"],
        source=without_declaration(source) if code else source,
        tags=joined_tags(tags, source, place) if code else tuple(tags),
        execution_count=raw.get("execution_count"),
    )
