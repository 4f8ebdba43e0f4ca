"""``jupyter mlops``: every verb as a command, in the order of the help."""

from __future__ import annotations

from .command import main

# isort: off
from .verbs import runs  # noqa: F401
from .verbs import best  # noqa: F401
from .verbs import compare  # noqa: F401
from .verbs import data  # noqa: F401
from .verbs import why  # noqa: F401
from .verbs import note  # noqa: F401
from .verbs import restore  # noqa: F401
from .verbs import reproduce  # noqa: F401
from .verbs import params  # noqa: F401
from .verbs import chart  # noqa: F401
from .verbs import report  # noqa: F401
from .verbs import check  # noqa: F401
from .verbs import suggest  # noqa: F401
from .verbs import run  # noqa: F401
from .verbs import sweep  # noqa: F401
from .verbs import tune  # noqa: F401
from .verbs import prove  # noqa: F401
from .verbs import pipelines  # noqa: F401
from .verbs import deployments  # noqa: F401
from .verbs import gc  # noqa: F401
from .verbs import ci  # noqa: F401

if __name__ == "__main__":
    main(prog_name="jupyter mlops")
