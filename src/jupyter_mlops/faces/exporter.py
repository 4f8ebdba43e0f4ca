"""``jupyter nbconvert --to pipeline NB``: the notebook's pipeline as a folder of plain files."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from nbconvert.exporters import Exporter
from nbconvert.utils.exceptions import ConversionException

from ..errors import MlopsError
from ..notebook.document import parse

_README = "README.md"
_FOLDER = ".pipeline"


class PipelineError(ConversionException):
    """Why a notebook is no pipeline: what, where, and what to do."""


class PipelineExporter(Exporter):
    """Writes the pipeline of a tagged notebook into the folder ``<name>.pipeline``."""

    export_from_notebook = "Pipeline (jupyter-mlops)"
    output_mimetype = "text/markdown"

    def _file_extension_default(self) -> str:
        # What nbconvert writes as its one output is the folder's README.
        return f"{_FOLDER}/{_README}"

    def from_notebook_node(  # type: ignore[override]
        self, nb: Any, resources: Any = None, **more: Any
    ) -> tuple[str, dict[str, Any]]:
        """Return the folder's README; its other files stand in the resources' outputs.

        Raises
        ------
        PipelineError
            What `compile_notebook` raises, as nbconvert's own kind of error.
        """
        try:
            return self._export(nb, resources, **more)
        except MlopsError as error:
            if _is_command():
                # nbconvert would show the stack of its own and our code.
                raise SystemExit(f"{error.code}: {error}") from None
            raise PipelineError(f"{error.code}: {error}") from None

    def _export(self, nb: Any, resources: Any, **more: Any) -> tuple[str, dict[str, Any]]:
        import nbformat

        from ..pipeline.compile import compile_notebook
        from ..pipeline.generate import generate, publish

        node, found = super().from_notebook_node(nb, resources, **more)
        about = found["metadata"]
        name = f"{about.get('name') or 'notebook'}.ipynb"
        text = nbformat.writes(node)  # type: ignore[no-untyped-call]
        notebook = parse(text, path=Path(about.get("path") or ".") / name, name=name)
        folder = f"{found.get('unique_key') or notebook.stem}{_FOLDER}"
        outputs = {}
        with tempfile.TemporaryDirectory() as scratch:
            made = Path(scratch)
            generate(compile_notebook(notebook), notebook, made)
            if (target := _target(found)) is not None:
                # nbconvert would write over what the user wrote there, and leave what is stale.
                for name in publish(made, target / folder):
                    self.log.warning("What you wrote there is kept as %s", f"{folder}/{name}")
            for path in sorted(each for each in made.rglob("*") if each.is_file()):
                outputs[path.relative_to(made).as_posix()] = path.read_bytes()
        readme = outputs.pop(_README).decode()
        found["outputs"] = {f"{folder}/{each}": content for each, content in outputs.items()}
        return readme, found


def _target(resources: dict[str, Any]) -> Path | None:
    """Return where nbconvert's command will write the folder; None where it writes no files."""
    from nbconvert.nbconvertapp import NbConvertApp
    from nbconvert.writers.files import FilesWriter

    if not _is_command():
        return None
    writer = NbConvertApp.instance().writer
    if not isinstance(writer, FilesWriter):
        return None
    return Path(writer.build_directory or resources["metadata"].get("path") or ".")


def _is_command() -> bool:
    from nbconvert.nbconvertapp import NbConvertApp

    return bool(NbConvertApp.initialized())
