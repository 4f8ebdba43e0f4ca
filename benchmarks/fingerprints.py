"""Fingerprints of arrays and frames, beside pandas' and joblib's own hashes.

`python -m benchmarks.fingerprints [--gigabytes G]`; "reading" looks at every byte once with numpy:
no hash can be much quicker. At the end a cell of a frame of this size is changed.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from jupyter_mlops.capture.frames import Frames
from jupyter_mlops.capture.names import collect
from jupyter_mlops.fingerprints import fingerprint

from .race import race

OURS = "ours"


def main() -> None:
    """Print the tables."""
    import joblib

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--gigabytes", type=float, default=1.0)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    print("### Fingerprints: seconds per GB\n")
    print(
        "| | reading | ours | hash_pandas_object | joblib.hash | × reading | pandas × | joblib × |"
    )
    print("|---|---|---|---|---|---|---|---|")
    for name, (value, size) in _values(options.gigabytes / 4).items():
        ways: dict[str, Callable[[], Any]] = {
            OURS: partial(fingerprint, value),
            "joblib": partial(joblib.hash, value),
        }
        if isinstance(value, np.ndarray):
            ways["reading"] = partial(np.bitwise_or.reduce, value.view(np.uint64))
        else:
            ways["pandas"] = partial(pd.util.hash_pandas_object, value)
        times = {
            each.name: min(each.seconds) / size
            for each in race(_calls(ways), rounds=options.rounds)
        }
        ours = times[OURS]
        told = [
            f"{times[way]:.3f}" if way in times else "–"
            for way in ("reading", OURS, "pandas", "joblib")
        ]
        told.append(f"{ours / times['reading']:.2f}" if "reading" in times else "–")
        told += [
            f"{times[way] / ours:.1f}" if way in times else "–" for way in ("pandas", "joblib")
        ]
        print(f"| {name} | {' | '.join(told)} |")
    _changes(options.gigabytes)


def _calls(ways: dict[str, Callable[[], Any]]) -> dict[str, Callable[[], None]]:
    def call(way: Callable[[], Any]) -> None:
        way()

    return {name: partial(call, way) for name, way in ways.items()}


def _values(gigabytes: float) -> dict[str, tuple[Any, float]]:
    """Return values by name, each with its size in GB."""
    rng = np.random.default_rng(0)
    count = int(gigabytes * (1 << 30) / 8)
    array = rng.integers(0, 1 << 62, count, dtype=np.int64).view(np.float64)
    rows = count // 8
    floats = pd.DataFrame({f"x{n}": rng.normal(size=rows) for n in range(8)})
    words = np.array([f"word number {n}" for n in range(50_000)])
    few = rows // 2
    mixed = pd.DataFrame(
        {
            "number": rng.normal(size=few),
            "count": rng.integers(0, 9, few),
            "flag": rng.integers(0, 2, few).astype(bool),
            "when": pd.date_range("2020", periods=few, freq="s"),
            "kind": pd.Categorical.from_codes(rng.integers(0, 3, few), ["a", "b", "c"]),
        }
    )
    text = words[rng.integers(0, len(words), few)]
    objects = pd.DataFrame({"text": pd.Series(text.astype(object), dtype=object)})
    strings = pd.DataFrame({"text": pd.Series(text, dtype="str")})
    found = {
        "array of floats": array,
        "8 columns of floats": floats,
        "numbers, times, categories": mixed,
        "strings (str)": strings,
        "strings (object)": objects,
    }
    return {name: (value, _size(value) / (1 << 30)) for name, value in found.items()}


def _size(value: Any) -> int:
    if isinstance(value, np.ndarray):
        return value.nbytes
    if "text" in value:
        return int(value["text"].str.len().sum()) + 8 * len(value)
    return int(value.memory_usage(index=False, deep=False).sum())


def _changes(gigabytes: float) -> None:
    """Say how long it takes to find one changed cell, and what is not hashed twice."""
    rows = int(gigabytes * (1 << 30) / 64)
    frame = pd.DataFrame(np.random.default_rng(0).normal(size=(rows, 8)))
    frame.columns = pd.Index([f"x{n}" for n in range(8)])
    start = time.perf_counter()
    before = fingerprint(frame)
    taken = time.perf_counter() - start
    frame.iloc[rows * 2 // 3, 5] += 1e-9
    assert fingerprint(frame) != before
    print(f"\nA changed cell of a frame of {gigabytes:g} GB is found in {taken * 1e3:.0f} ms.")
    frames = Frames()
    namespace = {"frame": frame}
    found = []
    for source in (
        "frame = make()",
        "frame = frame",
        "frame.describe()",
        "len(frame)",
        "x = frame['x1'].sum()",
    ):
        start = time.perf_counter()
        records = [task() for task in frames.collect(1, collect(source), namespace)]
        found.append((source, time.perf_counter() - start, len([r for r in records if r])))
    for source, seconds, records in found:
        print(f"- `{source}`: {seconds * 1e3:.2f} ms, {records} recorded")


if __name__ == "__main__":
    main()
