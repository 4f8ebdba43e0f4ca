"""Rows of data as leaks are told by: which part they are, and what was fitted on them."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from typing import Literal

from ..notebook.document import Cell

Part = Literal["all", "train", "test"]

LEARNS_FROM_ROWS = frozenset(
    """
    StandardScaler MinMaxScaler MaxAbsScaler RobustScaler QuantileTransformer PowerTransformer
    KBinsDiscretizer OneHotEncoder OrdinalEncoder TargetEncoder SimpleImputer KNNImputer
    IterativeImputer SelectKBest SelectPercentile SelectFromModel SelectFdr SelectFpr SelectFwe
    GenericUnivariateSelect RFE RFECV SequentialFeatureSelector VarianceThreshold PCA
    IncrementalPCA KernelPCA SparsePCA TruncatedSVD FastICA NMF FactorAnalysis
    LinearDiscriminantAnalysis TfidfVectorizer CountVectorizer TfidfTransformer DictVectorizer
    SplineTransformer CatBoostEncoder LeaveOneOutEncoder WOEEncoder JamesSteinEncoder
    BinaryEncoder SMOTE SMOTENC BorderlineSMOTE SVMSMOTE ADASYN RandomOverSampler
    RandomUnderSampler SMOTEENN SMOTETomek NearMiss
    """.split()  # noqa: SIM905
)
"""Transformers and resamplers whose result for one row depends on the others."""
COMPOSED = frozenset(
    {"Pipeline", "make_pipeline", "ColumnTransformer", "make_column_transformer", "FeatureUnion"}
    | {"make_union"}
)
FITS_AND_GIVES = frozenset({"fit_transform", "fit_resample", "fit_sample"})
GATHERS = frozenset(
    """
    DataFrame Series array asarray concat concatenate hstack vstack column_stack row_stack
    stack c_ csr_matrix merge join get_dummies to_numpy toarray todense
    """.split()  # noqa: SIM905
)
"""Functions and methods that give the rows they are given."""
MEASURES = frozenset(
    """
    shape columns index dtypes dtype size ndim mean std sum min max median count value_counts
    len corr describe info nunique unique isnull isna any all mode var quantile var groupby
    score predict predict_proba decision_function plot hist keys items duplicated
    """.split()  # noqa: SIM905
)
"""What these give is told about rows, but is no rows."""


@dataclass(frozen=True, slots=True, eq=False)
class Fit:
    """A transformer learned from rows; ``rows`` are the values it was given."""

    transformer: str
    cell: Cell
    line: int
    rows: frozenset[Value]


@dataclass(frozen=True, slots=True, eq=False)
class Value:
    """What a variable held for a while."""

    part: Part = "all"
    parents: frozenset[Value] = frozenset()
    fits: tuple[Fit, ...] = ()
    """The fits that had a say in these rows."""

    def ancestors(self) -> set[Value]:
        found: set[Value] = {self}
        waiting = [self]
        while waiting:
            for parent in waiting.pop().parents:
                if parent not in found:
                    found.add(parent)
                    waiting.append(parent)
        return found


@dataclass(frozen=True, slots=True)
class Split:
    """Rows are divided; ``fits`` learned from them before."""

    cell: Cell
    line: int
    fits: tuple[Fit, ...]


@dataclass(frozen=True, slots=True)
class Use:
    """A call of a method or function on rows, as it was found."""

    call: ast.Call
    cell: Cell
    values: tuple[Value, ...]
    """Of the first positional argument, or of ``X``."""
    maker: str
    """The class of the object whose method is called, as far as it is known."""
    fits: tuple[Fit, ...] = ()
    """What the called object was fitted on before."""
