from __future__ import annotations

import ast
from typing import Any

import pytest

from jupyter_mlops.capture.seeds import Seeds


def _found(source: str, namespace: dict[str, Any] | None = None) -> list[tuple[str, str]]:
    seeds = Seeds().collect(1, source, ast.parse(source), namespace or {})
    return [(seed.what, seed.value) for seed in seeds]


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("random.seed(3)", [("random.seed", "3")]),
        ("rng = np.random.default_rng(seed=4)", [("np.random.default_rng seed", "4")]),
        ("torch.manual_seed(5)", [("torch.manual_seed", "5")]),
        ("RandomForestClassifier(random_state=0)", [("RandomForestClassifier random_state", "0")]),
        ("os.environ['PYTHONHASHSEED'] = '6'", [("PYTHONHASHSEED", "6")]),
        ("def fix():\n    np.random.seed(7)", [("np.random.seed", "7")]),
        ("np.random.seed(SEED)", [("np.random.seed", "8")]),
        ("np.random.seed(int(time.time()))", []),
        ("model(random_state=None)", []),
        ("seed = 9", []),
        ("plant(count=10)", []),
    ],
)
def test_literal_seeds(source: str, expected: list[tuple[str, str]]) -> None:
    assert _found(source, {"SEED": 8}) == expected


def test_a_seed_is_told_again_only_when_it_changes() -> None:
    seeds = Seeds()
    told = [
        [seed.value for seed in seeds.collect(1, source, ast.parse(source), {})]
        for source in ("random.seed(1)", "random.seed(1)", "random.seed(2)")
    ]
    assert told == [["1"], [], ["2"]]
