"""The state of shared generators of random numbers, as if it were a variable of the notebook.

A step that draws after another has seeded must go on where that one stopped. So the state travels
between steps like a value, under a name that no variable can have.
"""

from __future__ import annotations

import random
import sys
from typing import Any, Literal

PYTHON = "random.getstate()"
NUMPY = "numpy.random.get_state()"
NAMES: dict[Literal["python", "numpy"], str] = {"python": PYTHON, "numpy": NUMPY}
"""The generators that are known, with the names of their states."""
STATES = frozenset(NAMES.values())


def take(name: str) -> Any:
    """Return the present state of that name."""
    if name == PYTHON:
        return random.getstate()
    import numpy

    return numpy.random.get_state()


def restore(name: str, state: Any) -> None:
    """Let the generator go on from a state that `take` returned."""
    if name == PYTHON:
        random.setstate(state)
        return
    import numpy

    numpy.random.set_state(state)


def is_global_generator(value: Any) -> bool:
    """Tell whether a value is NumPy's shared generator itself, as SciPy's distributions hold it."""
    module: Any = sys.modules.get("numpy.random.mtrand")
    return module is not None and value is module._rand
