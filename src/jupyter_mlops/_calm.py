"""The environment of processes that work beside others on the same cores."""

from __future__ import annotations

from collections.abc import Mapping

CALM: Mapping[str, str] = {"OMP_WAIT_POLICY": "passive"}
"""OpenMP threads sleep while they wait for each other. Where they spin instead and a core is busy
otherwise, each waits for the other's time slice: a training of one second takes ten."""


def calm(environment: Mapping[str, str]) -> dict[str, str]:
    """Return an environment with what makes for calm, but for what it says itself."""
    said = any(name in environment for name in ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT"))
    return dict(environment) if said else {**CALM, **environment}
