"""Models that were told something of the rows they are judged by."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from ...notebook.document import Cell
from ..context import Context
from ..finding import Severity
from ..lineage import Lineage
from ..rows import Fit
from ..rule import Found, rule
from ..target import leaks

_WHY = "The model is judged by rows that had a say in it, so it looks better than it will be."
_ONLY_NAMES_VALUES = frozenset(
    {"OneHotEncoder", "OrdinalEncoder", "BinaryEncoder", "DictVectorizer"}
)
"""What these learn is which values there are: little, but still not known in production."""
_SHOWS = frozenset(
    """
    TSNE UMAP MDS Isomap LocallyLinearEmbedding SpectralEmbedding KMeans MiniBatchKMeans DBSCAN
    HDBSCAN AgglomerativeClustering GaussianMixture SpectralClustering Birch LabelEncoder
    LabelBinarizer MultiLabelBinarizer FunctionTransformer PolynomialFeatures Normalizer
    Binarizer
    """.split()  # noqa: SIM905
)
"""Fitted to look at rows, or learning nothing from them that could tell."""


@rule(
    "fit-before-split",
    "warning",
    what="a scaler, encoder, imputer, selector or resampler fitted on all rows before the split",
    why=_WHY,
    fix="split first and fit on the training rows, or put it into a `Pipeline` with the model.",
    example="`X = StandardScaler().fit_transform(X)` above `train_test_split(X, y)`",
)
def fit_before_split(context: Context) -> Iterator[Found]:
    lineage = _lineage(context)
    seen: set[Fit] = set()
    for split in lineage.splits:
        for fit in split.fits:
            if all(value.part == "all" for value in fit.rows) and _new(fit, seen):
                yield _told(fit, f"before {_at(split.cell, split.line, fit.cell)} divides them")
    for use in lineage.transforms:
        if {value.part for value in use.values} & {"train", "test"}:
            known = {ancestor for value in use.values for ancestor in value.ancestors()}
            for fit in use.fits:
                whole = {value for value in fit.rows if value.part == "all"}
                if whole & known and _new(fit, seen):
                    yield _told(fit, "those of the test too")


@rule(
    "fit-on-test",
    "warning",
    what="something fitted on the test rows",
    why=_WHY,
    fix="fit on the training rows, and only `transform` or `predict` the test rows.",
    example="`scaler.fit_transform(X_test)`",
)
def fit_on_test(context: Context) -> Iterator[Found]:
    for use in _lineage(context).fits:
        parts = {value.part for value in use.values}
        if parts == {"test"} and use.maker not in _SHOWS:
            written = ast.unparse(use.call.func)
            rows = ast.unparse(use.call.args[0]) if use.call.args else "X"
            yield Found(
                f"`{written}` is given the test rows `{rows[:40]}`", use.cell, use.call.lineno
            )


@rule(
    "leaky-validation",
    "warning",
    what="cross-validation of rows that a transformer was fitted on as a whole",
    why="Each fold is judged by rows that had a say in the preparation of the others.",
    fix="put the transformer into a `Pipeline` with the model, and validate the pipeline.",
    example="`cross_val_score(model, scaler.fit_transform(X), y)`",
)
def leaky_validation(context: Context) -> Iterator[Found]:
    for use in _lineage(context).validations:
        fits = dict.fromkeys(fit for value in use.values for fit in value.fits)
        for fit in fits:
            called = ast.unparse(use.call.func)[:60]
            yield Found(
                f"`{called}` validates on rows that `{fit.transformer}` was fitted on "
                f"in {_at(fit.cell, fit.line, use.cell).rstrip(',')}",
                use.cell,
                use.call.lineno,
                severity=_severity(fit, "note" if use.maker.endswith("SearchCV") else "warning"),
            )
            break


@rule(
    "target-as-feature",
    "error",
    what="the column to predict among the columns to predict from",
    why="The model reads the answer off its input; in production it is not there.",
    fix="leave the column out of the features.",
    example='`X, y = df[["age", "price"]], df["price"]`',
)
def target_as_feature(context: Context) -> Iterator[Found]:
    for leak in leaks(context.codes):
        yield Found(
            f"the features `{leak.features}` hold the target `{leak.column}`", leak.cell, leak.line
        )


def _lineage(context: Context) -> Lineage:
    return context.once(Lineage, lambda: Lineage.of(context.codes))


def _new(fit: Fit, seen: set[Fit]) -> bool:
    known = any((f.cell.id, f.line) == (fit.cell.id, fit.line) for f in seen)
    seen.add(fit)
    return not known


def _told(fit: Fit, words: str) -> Found:
    severity = _severity(fit, "warning")
    return Found(
        f"`{fit.transformer}` is fitted on all rows, {words}", fit.cell, fit.line, severity=severity
    )


def _severity(fit: Fit, severity: Severity) -> Severity:
    return "note" if fit.transformer in _ONLY_NAMES_VALUES else severity


def _at(cell: Cell, line: int, seen_from: Cell) -> str:
    return f"line {line}" if cell is seen_from else f"cell {cell.position}, line {line},"
