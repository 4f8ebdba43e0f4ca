"""The data of a figure, kept beside its picture: what is drawn, not how it looks.

Two pictures of the same data differ where fonts or a renderer differ, and two pictures of other
data may look the same. So what proves a pipeline equal keeps each matplotlib figure's data at the
moment when it is shown, as one more form of the output.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator
from typing import Any

from IPython.core.formatters import BaseFormatter
from traitlets import ObjectName, Unicode

MIME = "application/vnd.jupyter-mlops.figure+json"
MOST_VALUES = 20_000
"""Of longer series only the digest is kept."""
_FIGURE = ("matplotlib.figure", "Figure")

FigureData = dict[str, Any]
"""What is drawn, by words such as ``axes 1, line 2, y``: a list of numbers and texts, or the
``size`` and ``digest`` of a long one."""


class FigureFormatter(BaseFormatter):
    """Shows a matplotlib figure as its data, and nothing else."""

    format_type = Unicode(MIME)
    print_method = ObjectName("_repr_mlops_figure_")

    def __call__(self, obj: Any) -> FigureData | None:
        # Not registered by type: matplotlib's inline backend unregisters figures everywhere.
        names = {(kind.__module__, kind.__qualname__) for kind in type(obj).__mro__}
        return figure_data(obj) if _FIGURE in names else None


def keep_figure_data(shell: Any) -> None:
    """Let the outputs of a shell hold the data of the matplotlib figures that they show."""
    formatters = shell.display_formatter.formatters
    formatters[MIME] = FigureFormatter(parent=shell.display_formatter)


def figure_data(figure: Any) -> FigureData | None:
    """Return what a matplotlib figure draws, None where it cannot be told."""
    try:
        return {name: _kept(values) for name, values in _parts(figure)}
    except Exception:
        # An artist of somebody's own; the picture is there to be compared.
        return None


def _parts(figure: Any) -> Iterator[tuple[str, Any]]:
    texts = [text.get_text() for text in figure.texts]
    if texts:
        yield "texts", texts
    for number, axes in enumerate(figure.axes, 1):
        for name, values in _axes(axes):
            yield f"axes {number}, {name}", values


def _axes(axes: Any) -> Iterator[tuple[str, Any]]:
    yield "titles", [axes.get_title(side) for side in ("center", "left", "right")]
    yield "labels", [axes.get_xlabel(), axes.get_ylabel()]
    yield "scales", [axes.get_xscale(), axes.get_yscale()]
    yield "limits", [*axes.get_xlim(), *axes.get_ylim()]
    yield "x ticks", [label.get_text() for label in axes.get_xticklabels()]
    yield "y ticks", [label.get_text() for label in axes.get_yticklabels()]
    for number, line in enumerate(axes.lines, 1):
        yield f"line {number}, x", line.get_xdata(orig=False)
        yield f"line {number}, y", line.get_ydata(orig=False)
    for number, patch in enumerate(axes.patches, 1):
        shape = patch.get_patch_transform().transform_path(patch.get_path())
        yield f"shape {number}", shape.vertices
    for number, collection in enumerate(axes.collections, 1):
        yield from _collection(f"marks {number}", collection)
    for number, image in enumerate(axes.images, 1):
        yield f"image {number}", image.get_array()
        yield f"image {number}, extent", image.get_extent()
    texts = [text.get_text() for text in axes.texts]
    if texts:
        yield "texts", texts
    legend = axes.get_legend()
    if legend is not None:
        yield "legend", [text.get_text() for text in legend.get_texts()]


def _collection(name: str, collection: Any) -> Iterator[tuple[str, Any]]:
    offsets = collection.get_offsets()
    if len(offsets):
        yield f"{name}, places", offsets
    values = collection.get_array()
    if values is not None:
        yield f"{name}, values", values
    for number, path in enumerate(collection.get_paths(), 1):
        yield f"{name}, shape {number}", path.vertices
    if hasattr(collection, "get_sizes"):
        yield f"{name}, sizes", collection.get_sizes()


def _kept(values: Any) -> Any:
    import numpy

    if isinstance(values, list) and all(isinstance(each, str) for each in values):
        return values
    array = numpy.ma.filled(numpy.ma.asarray(values).astype(float), math.nan)
    if array.size > MOST_VALUES:
        digest = hashlib.sha256(numpy.ascontiguousarray(array).tobytes()).hexdigest()
        return {"size": array.size, "digest": digest}
    # JSON knows no other numbers.
    return [each if math.isfinite(each) else str(each) for each in array.ravel().tolist()]
