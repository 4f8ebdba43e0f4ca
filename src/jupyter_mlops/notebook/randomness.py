"""Where code draws random numbers, and where it seeds what they are drawn from.

Python, NumPy, PyTorch and TensorFlow each have a generator of their own that all code of a process
shares. scikit-learn and pandas draw from NumPy's, unless they are given a ``random_state``.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from .meanings import CONVENTIONAL, GENERATORS, dotted, meanings

Generator = Literal["python", "numpy", "torch", "tensorflow", ""]
"""Whose shared generator is meant; empty where the operating system gives new numbers each time."""


@dataclass(frozen=True, slots=True)
class Draw:
    """A call that may give other results each time.

    ``name`` is what is called, as written; ``words`` say what it draws from and how to fix it;
    ``generator`` is the one whose seed makes it repeatable. ``later`` tells of an estimator, which
    draws when it is fitted.
    """

    name: str
    line: int
    words: str
    generator: Generator
    later: bool = False


@dataclass(frozen=True, slots=True)
class Seed:
    """A call that sets shared generators to a known state."""

    name: str
    line: int
    generators: tuple[Generator, ...]


def draws(tree: ast.AST, names: Mapping[str, str] | None = None) -> tuple[Draw, ...]:
    """Return the calls that draw random numbers without being given a seed, in order of lines.

    Parameters
    ----------
    names
        What names stand for that the code does not import itself, as `meanings` returns it.
    """
    known = {**CONVENTIONAL, **(names or {}), **meanings(tree)}
    found = [draw for call in _calls(tree) if (draw := draw_of(call, known)) is not None]
    return tuple(sorted(found, key=lambda draw: draw.line))


def seeds(tree: ast.AST, names: Mapping[str, str] | None = None) -> tuple[Seed, ...]:
    """Return the calls that seed shared generators, in order of lines; ``names`` as for `draws`."""
    known = {**CONVENTIONAL, **(names or {}), **meanings(tree)}
    found = [seed for call in _calls(tree) if (seed := seed_of(call, known)) is not None]
    return tuple(sorted(found, key=lambda seed: seed.line))


def unseeded(trees: Iterable[ast.AST]) -> tuple[tuple[Draw, ...], ...]:
    """Return for each cell, in the order in which they run, the draws that no seed fixes.

    A seed counts from its line on, in later cells too.
    """
    names: dict[str, str] = {}
    seeded: set[str] = set()
    found: list[tuple[Draw, ...]] = []
    for tree in trees:
        names |= meanings(tree)
        sown = seeds(tree, names)
        found.append(
            tuple(
                draw
                for draw in draws(tree, names)
                if draw.generator not in seeded
                and not any(draw.generator in s.generators and s.line <= draw.line for s in sown)
            )
        )
        seeded |= {generator for seed in sown for generator in seed.generators}
    return tuple(found)


def seed_of(call: ast.Call, names: Mapping[str, str]) -> Seed | None:
    """Return what a call seeds, None where it seeds nothing that is shared."""
    generators = _SEEDS.get(dotted(call.func, names))
    if generators is None or _is_none(call):
        return None
    return Seed(ast.unparse(call.func), call.lineno, generators)


def draw_of(call: ast.Call, names: Mapping[str, str]) -> Draw | None:
    """Return what a call draws, None where it draws nothing or is given a seed."""
    path = dotted(call.func, names)
    name = ast.unparse(call.func)
    line = call.lineno
    last = path.rpartition(".")[2]
    if path in GENERATORS:
        if _is_none(call):
            return Draw(name, line, "starts from new numbers of the system; give it a seed", "")
        return None
    if path in _SEEDS:
        # Without an argument a new, unknown state is taken.
        if _is_none(call) and not path.endswith("seed_everything"):
            return Draw(name, line, "takes a new state of the system; give it a number", "")
        return None
    if path in _SYSTEM or path.startswith("secrets."):
        return Draw(name, line, "gives another value each time; take a fixed one", "")
    if _under(path, "random") and last in _PYTHON:
        return _shared(name, line, "python", "Python's", "random.seed(0)")
    if _under(path, "numpy.random") and last[:1].islower() and last not in _NUMPY_STATE:
        return _shared(name, line, "numpy", "NumPy's", "np.random.seed(0)")
    if _takes_state(path, last, call):
        return Draw(
            name, line, "draws from NumPy's shared generator; pass `random_state=0`", "numpy"
        )
    if _estimator(path, last, call):
        words = "draws from NumPy's shared generator when it is fitted; pass `random_state=0`"
        return Draw(name, line, words, "numpy", later=True)
    if path.startswith("torch.") and (
        last in _TORCH or _layer(path, last) or _shuffles(call, last)
    ):
        return _shared(name, line, "torch", "PyTorch's", "torch.manual_seed(0)")
    if last in _TORCH_IN_PLACE and isinstance(call.func, ast.Attribute):
        return _shared(name, line, "torch", "PyTorch's", "torch.manual_seed(0)")
    if _tensorflow(path, last):
        return _shared(name, line, "tensorflow", "TensorFlow's", "tf.random.set_seed(0)")
    return None


def _calls(tree: ast.AST) -> Iterator[ast.Call]:
    return (node for node in ast.walk(tree) if isinstance(node, ast.Call))


def _shared(name: str, line: int, generator: Generator, whose: str, seed: str) -> Draw:
    return Draw(name, line, f"draws from {whose} shared generator; call `{seed}` before", generator)


def _under(path: str, module: str) -> bool:
    return path.startswith(f"{module}.") and "(" not in path


def _is_none(call: ast.Call) -> bool:
    """Tell whether a call is given no seed."""
    values = [*call.args[:1], *(keyword.value for keyword in call.keywords)]
    return all(isinstance(value, ast.Constant) and value.value is None for value in values)


def _keyword(call: ast.Call, *wanted: str) -> ast.expr | None:
    for keyword in call.keywords:
        if keyword.arg is None or keyword.arg in wanted:
            return keyword.value
    return None


def _has_state(call: ast.Call) -> bool:
    given = _keyword(call, "random_state", "seed", "rng", "random_seed")
    return given is not None and not (isinstance(given, ast.Constant) and given.value is None)


def _is(value: ast.expr | None, constant: object) -> bool:
    return isinstance(value, ast.Constant) and value.value is constant


def _takes_state(path: str, last: str, call: ast.Call) -> bool:
    """Tell of functions and methods that draw at once, unless they are given a state."""
    if _has_state(call) or "(" in path or path.startswith("<notebook>."):
        return False
    if last in ("train_test_split", "shuffle") and _is(_keyword(call, "shuffle"), False):
        return False
    if path.startswith("sklearn.") or "." not in path:
        if last in ("shuffle", "resample"):
            return path.startswith("sklearn.utils")
        return last in _SKLEARN_FUNCTIONS
    if not isinstance(call.func, ast.Attribute) or path.partition(".")[0] in _OTHER_SAMPLES:
        return False
    if last == "rvs":
        return True
    return last == "sample" and (not call.args or _is_number(call.args[0]))


def _is_number(node: ast.expr) -> bool:
    return not isinstance(node, ast.Constant) or isinstance(node.value, int | float)


def _estimator(path: str, last: str, call: ast.Call) -> bool:
    if _has_state(call) or path.startswith("<notebook>."):
        return False
    if last in _SPLITTERS:
        return last in _ALWAYS_SHUFFLE or _is(_keyword(call, "shuffle"), True)
    if last in _SOLVERS:
        solver = _keyword(call, "solver", "svd_solver", "algorithm")
        return isinstance(solver, ast.Constant) and solver.value in _SOLVERS[last]
    return last in _ESTIMATORS


def _layer(path: str, last: str) -> bool:
    return path.startswith("torch.nn.") and (last in _TORCH_LAYERS or last.startswith("Conv"))


def _shuffles(call: ast.Call, last: str) -> bool:
    return last == "DataLoader" and _is(_keyword(call, "shuffle"), True)


def _tensorflow(path: str, last: str) -> bool:
    if path.startswith("tensorflow.random.") and "Generator" not in path:
        return not last.startswith("stateless")
    is_keras = path.startswith(("tensorflow.keras.layers.", "keras.layers."))
    return is_keras and (last in _KERAS_LAYERS or last.startswith("Conv"))


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


FITTING = _words(
    """
    fit fit_transform fit_predict fit_resample partial_fit transform split get_n_splits
    cross_val_score cross_val_predict cross_validate permutation_test_score learning_curve
    validation_curve predict sample score
    """
)
"""Methods and functions in which an estimator draws."""

_ALL: tuple[Generator, ...] = ("python", "numpy", "torch", "tensorflow")
_SEEDS: Mapping[str, tuple[Generator, ...]] = {
    "random.seed": ("python",),
    "random.setstate": ("python",),
    "numpy.random.seed": ("numpy",),
    "numpy.random.set_state": ("numpy",),
    "torch.manual_seed": ("torch",),
    "torch.random.manual_seed": ("torch",),
    "tensorflow.random.set_seed": ("tensorflow",),
    "keras.utils.set_random_seed": ("python", "numpy", "tensorflow", "torch"),
    "tensorflow.keras.utils.set_random_seed": ("python", "numpy", "tensorflow"),
    "transformers.set_seed": _ALL,
    "lightning.seed_everything": ("python", "numpy", "torch"),
    "lightning.pytorch.seed_everything": ("python", "numpy", "torch"),
    "pytorch_lightning.seed_everything": ("python", "numpy", "torch"),
    "accelerate.utils.set_seed": ("python", "numpy", "torch"),
}
_SYSTEM = _words("os.urandom uuid.uuid1 uuid.uuid4 random.SystemRandom")
_PYTHON = _words(
    """
    random uniform triangular randint randrange choice choices sample shuffle getrandbits randbytes
    betavariate expovariate gammavariate gauss lognormvariate normalvariate vonmisesvariate
    paretovariate weibullvariate binomialvariate
    """
)
_NUMPY_STATE = _words("seed get_state set_state default_rng get_bit_generator set_bit_generator")
_OTHER_SAMPLES = _words("random torch tensorflow jax tensorflow_probability")
_SKLEARN_FUNCTIONS = _words(
    """
    train_test_split shuffle resample make_blobs make_classification make_regression make_moons
    make_circles make_friedman1 make_friedman2 make_friedman3 make_gaussian_quantiles
    make_hastie_10_2 make_low_rank_matrix make_multilabel_classification make_s_curve
    make_swiss_roll make_sparse_uncorrelated make_sparse_coded_signal make_spd_matrix
    permutation_importance permutation_test_score k_means kmeans_plusplus
    mutual_info_classif mutual_info_regression randomized_svd fastica
    """
)
_ALWAYS_SHUFFLE = _words(
    "ShuffleSplit StratifiedShuffleSplit GroupShuffleSplit RepeatedKFold RepeatedStratifiedKFold"
)
_SPLITTERS = _ALWAYS_SHUFFLE | _words("KFold StratifiedKFold StratifiedGroupKFold")
_SOLVERS: Mapping[str, frozenset[str]] = {
    "LogisticRegression": _words("sag saga liblinear"),
    "LogisticRegressionCV": _words("sag saga liblinear"),
    "Ridge": _words("sag saga"),
    "RidgeClassifier": _words("sag saga"),
    "PCA": _words("randomized arpack"),
}
_ESTIMATORS = _words(
    """
    RandomForestClassifier RandomForestRegressor ExtraTreesClassifier ExtraTreesRegressor
    ExtraTreeClassifier ExtraTreeRegressor RandomTreesEmbedding DecisionTreeClassifier
    DecisionTreeRegressor GradientBoostingClassifier GradientBoostingRegressor
    HistGradientBoostingClassifier HistGradientBoostingRegressor BaggingClassifier BaggingRegressor
    AdaBoostClassifier AdaBoostRegressor IsolationForest SGDClassifier SGDRegressor
    SGDOneClassSVM Perceptron PassiveAggressiveClassifier PassiveAggressiveRegressor LinearSVC
    LinearSVR MLPClassifier MLPRegressor BernoulliRBM KMeans MiniBatchKMeans BisectingKMeans
    SpectralClustering GaussianMixture BayesianGaussianMixture LatentDirichletAllocation
    MiniBatchNMF TruncatedSVD FastICA DictionaryLearning MiniBatchDictionaryLearning
    MiniBatchSparsePCA SparsePCA FactorAnalysis TSNE MDS SpectralEmbedding RandomizedSearchCV
    HalvingRandomSearchCV HalvingGridSearchCV QuantileTransformer KBinsDiscretizer Nystroem
    RBFSampler SkewedChi2Sampler PolynomialCountSketch GaussianRandomProjection
    SparseRandomProjection RANSACRegressor TheilSenRegressor MinCovDet EllipticEnvelope
    IterativeImputer TargetEncoder SMOTE ADASYN RandomOverSampler RandomUnderSampler
    BorderlineSMOTE SVMSMOTE UMAP
    """
)
_TORCH = _words(
    """
    rand randn randint randperm normal bernoulli multinomial poisson rand_like randn_like
    randint_like random_split dropout
    """
)
_TORCH_LAYERS = _words(
    "Linear Bilinear LazyLinear RNN LSTM GRU RNNCell LSTMCell GRUCell Embedding EmbeddingBag "
    "Transformer TransformerEncoderLayer TransformerDecoderLayer MultiheadAttention Dropout"
)
_TORCH_IN_PLACE = _words(
    "normal_ uniform_ random_ bernoulli_ exponential_ xavier_uniform_"
) | _words("xavier_normal_ kaiming_uniform_ kaiming_normal_ trunc_normal_ orthogonal_")
_KERAS_LAYERS = _words(
    "Dense Embedding LSTM GRU SimpleRNN Bidirectional Dropout MultiHeadAttention SeparableConv2D "
    "DepthwiseConv2D EinsumDense GaussianNoise"
)
