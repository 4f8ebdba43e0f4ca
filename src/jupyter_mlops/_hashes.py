"""One hash seed for all processes that run a notebook's cells.

Python salts the hashes of texts anew in each process, and with them the order of sets. In the
notebook all cells see one order; steps in processes of their own must see that same one.
"""

from __future__ import annotations

from collections.abc import Mapping

HASHES: Mapping[str, str] = {"PYTHONHASHSEED": "0"}


def with_hashes(environment: Mapping[str, str]) -> dict[str, str]:
    """Return an environment with the hash seed, but for what it says itself."""
    return {**HASHES, **environment}
