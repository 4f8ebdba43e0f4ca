"""What calls change: methods and functions that are known to mutate, or known not to.

The lists decide what static analysis says; the running kernel and the proof of a promotion have
the last word. Where a list is in doubt it says "changes", which costs a copy but is never wrong.
"""

from __future__ import annotations


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


CONTAINER_METHODS = _words(
    """
    add append appendleft clear discard difference_update extend extendleft insert
    intersection_update move_to_end pop popitem popleft put put_nowait remove reverse rotate
    setdefault sort subtract symmetric_difference_update update
    __setitem__ __delitem__ __setattr__ __iadd__
    """
)
"""Change a container, but not the things in it, and may put their arguments into it."""

CONTAINER_CLASSES = _words("list dict set bytearray deque defaultdict object array")
"""Classes with a small first letter, through which methods may be called."""

MUTATING_METHODS = _words(
    """
    write writelines writerow writerows
    fit fit_transform fit_predict fit_resample partial_fit set_params learn_one
    learn_many load_weights load_state_dict train eval step zero_grad backward train_on_batch
    add_module register_buffer register_parameter requires_grad_
    fill itemset partition setflags setfield byteswap resize put_along_axis
    add_argument add_node add_edge add_nodes_from add_edges_from remove_node remove_edge
    seed jumped shuffle random integers normal uniform choice choices permutation permuted
    standard_normal standard_exponential rand randn randint randrange random_sample sample
    poisson exponential binomial multinomial multivariate_normal beta gamma lognormal bytes
    random_integers getrandbits gauss triangular dirichlet
    read readline readlines seek send throw close fetchone fetchall fetchmany execute executemany
    commit rollback enter_context
    """
)
"""Change their object, and what it is made of, even where the result is used."""

PURE_METHODS = _words(
    """
    head tail info describe plot hist boxplot bar barh scatter line area pie show display print
    to_csv to_parquet to_pickle to_json to_excel to_feather to_hdf to_sql to_string to_markdown
    to_html to_latex to_clipboard to_frame to_dict to_list to_numpy savefig save dump
    value_counts copy keys items values get index count startswith endswith format join split strip
    lower upper encode decode isdigit equals any all sum mean std var min max median quantile corr
    cov nunique unique groupby agg aggregate predict predict_proba decision_function score
    transform get_params is_file is_dir exists mkdir write_text write_bytes touch unlink
    iterdir glob memory_usage isna isnull notna notnull astype merge
    """
)
"""Leave their object as it was, so that a call whose result is dropped changes nothing."""

FRESH_METHODS = _words(
    """
    copy deepcopy astype sum mean std var median count nunique score predict predict_proba
    decision_function describe format split rsplit strip lstrip rstrip lower upper title replace
    join encode decode startswith endswith corr cov isna isnull notna notnull to_dict to_json
    to_csv value_counts round equals agg aggregate merge fillna dropna drop_duplicates sort_values
    sort_index reset_index set_index rename assign groupby pivot_table melt get_dummies
    train_test_split to_string nlargest nsmallest cumsum diff
    """
)
"""Return objects that share nothing with the object they were called on."""

FRESH_FUNCTIONS = _words(
    """
    len sum abs round int float str bool bytes repr ascii ord chr hash id range isinstance
    issubclass callable hasattr format type print input bin hex oct pow divmod any all open dir
    """
)
"""Builtins whose results share nothing with their arguments."""

ARGUMENT_CHANGERS = _words(
    """
    shuffle heappush heappop heapify heapreplace heappushpop insort insort_left insort_right
    fill_diagonal copyto putmask place put put_along_axis setattr delattr next setitem delitem
    iadd iand iconcat ifloordiv ilshift imod imul imatmul ior ipow irshift isub itruediv ixor
    """
)
"""Functions, also of modules, that change their first argument."""

HARMLESS_MODULES = _words(
    """
    numpy pandas scipy sklearn matplotlib seaborn plotly altair bokeh IPython ipywidgets mlflow
    joblib yaml tqdm tabulate rich statsmodels pyarrow polars requests dotenv jupyter_mlops
    cloudpickle msgspec orjson psutil PIL shap graphviz pandas_profiling ydata_profiling
    missingno wandb great_expectations pandera torch tensorflow keras xgboost lightgbm catboost
    """
)
"""Packages, beside Python's own, whose functions change arguments only as the lists here say."""

INPUTS_OF_UFUNCS = (
    dict.fromkeys(
        _words(
            """
            abs absolute arccos arccosh arcsin arcsinh arctan arctanh cbrt ceil conj conjugate cos
            cosh deg2rad degrees exp exp2 expm1 fabs floor invert isfinite isinf isnan log log10
            log1p log2 logical_not negative positive rad2deg radians reciprocal rint sign sin sinh
            sqrt square tan tanh trunc
            """
        ),
        1,
    )
    | dict.fromkeys(
        _words(
            """
            add arctan2 bitwise_and bitwise_or bitwise_xor copysign divide divmod dot equal
            float_power floor_divide fmax fmin fmod gcd greater greater_equal heaviside hypot lcm
            left_shift less less_equal logaddexp logaddexp2 logical_and logical_or logical_xor
            matmul maximum minimum mod multiply nextafter not_equal power remainder right_shift
            subtract true_divide
            """
        ),
        2,
    )
    | {"clip": 3, "take": 3, "compress": 3}
    | dict.fromkeys(_words("max min argmax argmin round all any"), 2)
    | dict.fromkeys(_words("sum mean prod cumsum cumprod std var"), 3)
)
"""NumPy's functions that take the array for their result as an argument behind these many.

As methods of an array they take one less.
"""
