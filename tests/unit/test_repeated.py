"""Settings of the process: repeated in later steps, or refused."""

from __future__ import annotations

import pytest

from jupyter_mlops.errors import MlopsError
from tests.cell_sessions import compare_sessions
from tests.programs import Cells, compiled, notebook

EQUAL: dict[str, Cells] = {
    "the environment": [
        ("step:a", "import os\nos.environ['PAINT'] = 'red'"),
        ("step:b", "import os\nprint(os.environ.get('PAINT'))"),
    ],
    "an option, changed twice": [
        (
            "step:a",
            "import pandas as pd\npd.set_option('display.precision', 2)\n"
            "pd.options.display.precision = 3",
        ),
        ("step:b", "print(pd.Series([1.23456789]))"),
    ],
    "by a constant, a parameter and a function": [
        ("parameters", "digits = 2"),
        ("imports", "import numpy as np"),
        ("functions", "def round_to(n):\n    np.set_printoptions(precision=n)"),
        ("step:a", "round_to(digits)\nprint(np.array([1.23456]))"),
        ("step:b", "print(np.array([1.23456]))"),
    ],
    "the folder": [
        ("imports", "import os\nfrom pathlib import Path"),
        ("step:a", "os.chdir('sub')"),
        ("step:b", "print(Path('hidden.py').exists())"),
    ],
    "in a compound statement": [
        ("imports", "import decimal"),
        ("step:a", "if True:\n    decimal.getcontext().prec = 3"),
        ("step:b", "print(decimal.Decimal(1) / 3)"),
    ],
    "a module beside the notebook": [
        ("imports", "import helpers"),
        ("step:a", "helpers.set_limit(9)"),
        ("step:b", "print(helpers.total())"),
    ],
    "for a block only": [
        ("imports", "import decimal"),
        (
            "step:a",
            "n = 2\nwith decimal.localcontext() as c:\n    c.prec = n\n    "
            "print(decimal.Decimal(1) / 3)\ndel c",
        ),
        ("step:b", "print(decimal.Decimal(1) / 3)"),
    ],
    "before all steps, in a loop": [
        ("imports", "import os\nfor each in 'AB':\n    os.environ[each] = '1'"),
        ("step:a", "n = 1"),
        ("step:b", "import os\nprint(os.environ.get('B'))"),
    ],
}
REFUSED: dict[str, Cells] = {
    "by what a step makes": [
        ("step:a", "import os\nn = 1"),
        ("step:b", "\nos.environ['N'] = str(n)"),
        ("step:c", "print(os.environ.get('N'))"),
    ],
    "in a module beside the notebook": [
        ("step:a", "import helpers\nn = 1"),
        ("step:b", "\nn = helpers.add(n)"),
        ("step:c", "print(helpers.total())"),
    ],
    "in a step that goes on later": [
        ("step:a", "import warnings"),
        ("step:b", "\nwarnings.simplefilter('error')"),
        ("step:a", "warnings.warn('late')"),
    ],
}


@pytest.mark.parametrize("case", EQUAL)
def test_a_setting_lasts(case: str) -> None:
    assert compare_sessions(EQUAL[case]) is None


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_repeated_is_refused(case: str) -> None:
    error = compare_sessions(REFUSED[case])
    assert isinstance(error, MlopsError)
    assert error.code == "pipeline.session-state"
    assert error.place is not None
    assert (error.place.cell, error.place.line) == (2, 2)


def test_a_setting_that_nobody_would_miss_is_no_matter() -> None:
    cells = [("step:a", "import numpy as np\nn = 3\nnp.set_printoptions(precision=n)")]
    assert compare_sessions([*cells, ("step:b", "print(1)")]) is None


def test_figures_are_not_made_again() -> None:
    cells = [
        ("step:a", "import matplotlib.pyplot as plt\nplt.figure()\nplt.gca().set_title('x')"),
        ("step:b", "plt.gcf().set_size_inches(3, 3)\nplt.plot([1])"),
    ]
    pipeline = compiled(notebook(*cells))
    assert not isinstance(pipeline, MlopsError)
    assert [cell.source for cell in pipeline.step("b").prelude] == [
        "import matplotlib.pyplot as plt"
    ]
