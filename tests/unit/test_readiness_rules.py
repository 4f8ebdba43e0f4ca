"""Each rule on cells where it must speak, and on cells like them where it must be silent."""

from __future__ import annotations

from pathlib import Path

import pytest

from jupyter_mlops.readiness.check import Report, check_file
from jupyter_mlops.readiness.rule import all_rules
from tests.support import SMALL, Cells, write_notebook

SPLIT = "from sklearn.model_selection import train_test_split\nimport pandas as pd\n"
FRAME = (
    SPLIT
    + "from sklearn.preprocessing import StandardScaler, LabelEncoder, OneHotEncoder\n"
    + "df = pd.DataFrame({'a': [1], 'b': [2], 'y': [3]})\n"
)
PARTS = "X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0)\n"
FEATURES = "X, y = df[['a', 'b']], df['y']\n"


def checked(folder: Path, cells: Cells | str) -> Report:
    pairs = [("", cells)] if isinstance(cells, str) else cells
    return check_file(write_notebook(folder / "nb.ipynb", pairs), name="nb.ipynb")


def found(folder: Path, cells: Cells | str, rule: str) -> list[tuple[int | None, int | None]]:
    return [
        (finding.place.cell, finding.place.line)
        for finding in checked(folder, cells).findings
        if finding.rule == rule
    ]


SPEAKS: list[tuple[str, Cells | str, list[tuple[int | None, int | None]]]] = [
    ("syntax-error", [("", "x = 1"), ("", "y = 2\ndef f(:\n    pass")], [(2, 2)]),
    ("undefined-name", [("", "total = 1"), ("", "x = 2\ntotl + 1")], [(2, 2)]),
    ("undefined-name", [("", "a + b"), ("", "c")], [(1, 1), (1, 1), (2, 1)]),
    ("undefined-name", [("", "f(1)"), ("", "def f(x):\n    return x")], [(1, 1)]),
    ("undefined-name", [("", "a = b"), ("", "c = b")], [(1, 1)]),
    ("undefined-name", [("", "x = 1\ndel x"), ("", "x")], [(2, 1)]),
    ("undefined-name", "def f(x):\n    return x + scal", [(1, 2)]),
    ("undefined-name", "class A:\n    def f(self):\n        return scal", [(1, 3)]),
    ("promotion-refused", [("step:a", "x = 1"), ("step:b after:laod", "x")], [(2, None)]),
    ("promotion-refused", [("step:a step:b", "x = 1")], [(1, None)]),
    ("promotion-refused", [("step:a", "x = totl"), ("step:B", "y = 1")], [(2, None)]),
    ("promotion-notice", "x = 1", [(None, None)]),
    ("promotion-notice", [("step:a", "x = 1"), ("", "print(x)")], [(2, None)]),
    (
        "unpicklable",
        [
            ("step:a", "import threading\nlock = threading.Lock()"),
            ("step:a", "x = 1\nrows = (n for n in range(x))"),
            ("step:b", "print(lock, list(rows))"),
        ],
        [(1, 2), (2, 2)],
    ),
    ("unused-step", [("step:a", "x = 1\nprint(x)"), ("step:b", "y = 2")], [(2, None)]),
    ("unknown-tag", [("stpe:load", "x = 1")], [(1, None)]),
    ("unknown-tag", [("step-load", "x = 1")], [(1, None)]),
    ("unknown-tag", [("parameter", "x = 1")], [(1, None)]),
    ("unknown-tag", [("Step:load", "x = 1")], [(1, None)]),
    ("secret", "x = 1\npassword = 'hunter-2-hunter'", [(1, 2)]),
    ("secret", "# sk-abcdefghij1234567890abcd", [(1, 1)]),
    ("secret", "connect('postgresql://ann:tr0ub4dor@db/x')", [(1, 1)]),
    ("secret", "f(api_key='a8f5f167f44f4964e6c998dee827110c')", [(1, 1)]),
    ("secret", "%env API_TOKEN=a8f5f167f44f4964e6c998\n!curl -u x:$API_TOKEN y", [(1, 1)]),
    ("missing-module", "import os, nothing_such", [(1, 1)]),
    ("missing-module", "import nothing_such\nimport nothing_such.more", [(1, 1)]),
    ("missing-module", "def f():\n    from nothing_such.a import b", [(1, 2)]),
    ("pip-install", "x = 1\n%pip install pandas", [(1, 2)]),
    ("pip-install", "!pip install -q pandas", [(1, 1)]),
    ("pip-install", "%%bash\nset -e\nconda install pandas", [(1, 3)]),
    ("pip-install", "import subprocess, sys\n"
     "subprocess.run([sys.executable, '-m', 'pip', 'install', 'x'])", [(1, 2)]),
    ("pip-install", "import sys\n!{sys.executable} -m pip install x", [(1, 2)]),
    ("absolute-path", "open('/home/ann/x.csv')", [(1, 1)]),
    ("absolute-path", "path = r'C:\\Users\\ann\\x.csv'", [(1, 1)]),
    ("absolute-path", "x = 1\n!cp /home/ann/x.csv .", [(1, 2)]),
    ("missing-file", "import pandas as pd\npd.read_csv('data/nothing.csv')", [(1, 2)]),
    ("missing-file", "from pathlib import Path\nPath('nothing.txt').read_text()", [(1, 2)]),
    ("missing-file", "with open('nothing.json') as f:\n    f.read()", [(1, 1)]),
    ("working-directory", "import os\nos.chdir('x')", [(1, 2)]),
    ("working-directory", "%cd x", [(1, 1)]),
    ("network-use", "import requests as r\nr.get('https://example.org')", [(1, 2)]),
    ("network-use", "import pandas as pd\npd.read_csv('https://example.org/x.csv')", [(1, 2)]),
    ("network-use", "!wget https://example.org", [(1, 1)]),
    ("unseeded-randomness", "import numpy as np\nx = np.random.rand(3)", [(1, 2)]),
    ("unseeded-randomness", SPLIT + "a, b = train_test_split([1, 2])", [(1, 3)]),
    ("interactive", "x = input('x? ')", [(1, 1)]),
    ("interactive", "1\n%debug", [(1, 2)]),
    ("interactive", "def f():\n    breakpoint()", [(1, 2)]),
    ("ends-the-run", "import sys\nsys.exit(1)", [(1, 2)]),
    ("ends-the-run", "quit()", [(1, 1)]),
    ("module-patch", "import pandas as pd\npd.DataFrame.rows = lambda self: 1", [(1, 2)]),
    ("fit-before-split", [("", FRAME + FEATURES), ("", "X = StandardScaler().fit_transform(X)"),
                          ("", PARTS)], [(2, 1)]),
    ("fit-before-split", FRAME + FEATURES + "s = StandardScaler()\nXs = s.fit_transform(X)\n"
     "Xs = pd.DataFrame(Xs)\na, b = train_test_split(Xs, random_state=0)", [(1, 7)]),
    ("fit-before-split", FRAME + FEATURES + PARTS + "s = StandardScaler()\ns.fit(X)\n"
     "A = s.transform(X_train)", [(1, 8)]),
    ("fit-before-split", FRAME + "df['a'] = StandardScaler().fit_transform(df[['a']])\n"
     "train, test = train_test_split(df, random_state=0)", [(1, 5)]),
    ("fit-before-split", FRAME + FEATURES + "from imblearn.over_sampling import SMOTE\n"
     "X, y = SMOTE(random_state=0).fit_resample(X, y)\n" + PARTS, [(1, 7)]),
    ("fit-before-split", FRAME + FEATURES + "X = StandardScaler().fit_transform(X)\n"
     "X_train, X_test = X[:80], X[80:]", [(1, 6)]),
    ("fit-on-test", FRAME + FEATURES + PARTS + "s = StandardScaler()\ns.fit_transform(X_train)\n"
     "s.fit_transform(X_test)", [(1, 9)]),
    ("fit-on-test", FRAME + FEATURES + PARTS + "from sklearn.linear_model import Ridge\n"
     "Ridge().fit(X_test, y_test)", [(1, 8)]),
    ("leaky-validation", FRAME + FEATURES + "from sklearn.model_selection import cross_val_score\n"
     "from sklearn.linear_model import Ridge\nXs = StandardScaler().fit_transform(X)\n"
     "cross_val_score(Ridge(), Xs, y)", [(1, 9)]),
    ("target-as-feature", FRAME + "X, y = df[['a', 'y']], df['y']\n" + PARTS, [(1, 6)]),
    ("target-as-feature", FRAME + "X = df.drop(columns=['a'])\ny = df['y']\n" + PARTS, [(1, 7)]),
    ("target-as-feature", FRAME + "from sklearn.linear_model import Ridge\n"
     "cols = ['a', 'y']\nRidge().fit(df[cols], df['y'])", [(1, 7)]),
]  # fmt: skip

SILENT: list[tuple[str, Cells | str]] = [
    ("syntax-error", "x = !ls\n%time y = 1\nawait f(x)\n?x"),
    ("syntax-error", [("skip", "def f(:"), ("", "x = 1")]),
    ("undefined-name", "from math import *\nprint(sqrt(pi), __name__, _, In, display)"),
    ("undefined-name", "%run other.py\nprint(made_there)"),
    ("undefined-name", "def f():\n    return later\nlater = 1\nf()"),
    ("undefined-name", "try:\n    x = maybe\nexcept NameError:\n    x = 1"),
    ("undefined-name", "if True:\n    a = 1\nelse:\n    a = 2\nprint(a)"),
    ("undefined-name", "def f():\n    global made\n    made = 1\nf()\nprint(made)"),
    ("undefined-name", "class A:\n    x = 1\n    y = x\n[z for z in (w := [1])]\nw"),
    ("undefined-name", "match [1]:\n    case [a, *b]:\n        print(a, b)"),
    ("undefined-name", "names = !ls\nprint(names)\n%%time"),
    ("undefined-name", "def f():\n    try:\n        return unicode\n    except NameError:\n"
     "        return str"),
    ("undefined-name", [("", "print 'a'\nframe = 1"), ("", "frame + 1")]),
    ("promotion-refused", SMALL),
    ("promotion-refused", [("step:a", "x = totl"), ("step:b", "print(x, othr)")]),
    ("unpicklable", SMALL),
    ("unpicklable", "rows = open('rows.csv')\nprint(rows)"),
    ("unpicklable", [("step:a", "rows = open('x')"), ("step:b", "rows = 1\nprint(rows)")]),
    ("unused-step", SMALL),
    ("unused-step", [("step:a", "x = 1"), ("step:b", "open('y', 'w').write(str(x))")]),
    ("unknown-tag", [("step:load hide-input remove-cell", "1"), ("test", "2"), ("skip", "3"),
                     ("block:x prev:y limit:gpu:1 pipeline-metrics", "4"), ("mine", "5")]),
    ("secret", "import os\npassword = os.environ['PASSWORD']\ntoken = getpass()"),
    ("secret", "password = ''\napi_key = 'YOUR_API_KEY'\ntoken = '<token>'\npad_token = '[PAD]'"),
    ("secret", "secret_name = 'database-login'\npassword_column = 'pwd_hash'\nkey = 'a8f5f167f4'"),
    ("secret", "url = 'postgresql://user:password@localhost/x'\nf'x://{user}:{pw}@host'"),
    ("secret", "tokenizer = AutoTokenizer('bert-base-uncased')\ntoken = word.lower()"),
    ("missing-module", "import os, json.decoder\nimport numpy.linalg\nfrom . import x"),
    ("missing-module", "try:\n    import nothing_such\nexcept ImportError:\n    pass"),
    ("missing-module", "import sys\nsys.path.append('../src')\nimport nothing_such"),
    ("missing-module", "%%writefile nothing_such.py\nx = 1"),
    ("missing-module", [("", "%%writefile nothing_such.py\nx = 1"), ("", "import nothing_such")]),
    ("pip-install", "!pip list\n!pip show pandas\nprint('pip install x')"),
    ("pip-install", '"""\n!pip install x\n"""'),
    ("absolute-path", "a = '/'\nb = '/api/home'\nc = 'https://x.org/home/a'\nd = '/usr/bin/env'"),
    ("absolute-path", "print('C: the letter')\nd = 'data/home/x.csv'\ne = '/dev/null'"),
    ("missing-file", "open('x.txt', 'w')\nimport pandas as pd\npd.read_csv('x.txt')"),
    ("missing-file", "import pandas as pd\nn = 1\npd.read_csv(f'x{n}.csv')\npd.read_csv('x*.csv')"),
    ("missing-file", "!wget https://x.org/a.csv\nimport pandas as pd\npd.read_csv('a.csv')"),
    ("missing-file", "df.to_csv('a.csv')\nimport pandas as pd\npd.read_csv('a.csv')"),
    ("network-use", "import pandas as pd\npd.read_csv('a.csv')\nd.get('https://x.org')"),
    ("unseeded-randomness", "import numpy as np\nnp.random.seed(0)\nx = np.random.rand(3)"),
    ("unseeded-randomness", SPLIT + "a, b = train_test_split([1, 2], random_state=3)"),
    ("interactive", "def input(x):\n    return 1\ninput(2)\nmodel.input()\n%pdb off"),
    ("ends-the-run", "raise SystemError\nparser.exit()\nx = 'quit()'"),
    ("module-patch", "import pandas as pd\npd.options.display.width = 80\npd.x = 1\nq = lambda: 1"),
    ("module-patch", "class A: ...\na = A()\na.f = lambda: 1"),
    ("fit-before-split", FRAME + FEATURES + PARTS + "s = StandardScaler().fit(X_train)\n"
     "A, B = s.transform(X_train), s.transform(X_test)"),
    ("fit-before-split", FRAME + FEATURES + "y = LabelEncoder().fit_transform(y)\n" + PARTS),
    ("fit-before-split", FRAME + FEATURES + "print(StandardScaler().fit_transform(X).mean())\n"
     + PARTS),
    ("fit-before-split", FRAME + FEATURES + "from sklearn.pipeline import make_pipeline\n"
     "m = make_pipeline(StandardScaler(), None)\n" + PARTS + "m.fit(X_train, y_train)"),
    ("fit-on-test", FRAME + FEATURES + PARTS + "s = StandardScaler().fit(X_train)\n"
     "X_test = s.transform(X_test)\ns.score(X_test, y_test)"),
    ("fit-on-test", FRAME + FEATURES + PARTS + "full = pd.concat([X_train, X_test])\n"
     "StandardScaler().fit(full)"),
    ("fit-on-test", FRAME + FEATURES + PARTS + "m.fit(X_train, y_train, eval_set=[X_test])"),
    ("leaky-validation", FRAME + FEATURES + "from sklearn.model_selection import cross_val_score\n"
     "cross_val_score(make_pipeline(StandardScaler(), Ridge()), X, y)"),
    ("target-as-feature", FRAME + FEATURES + PARTS),
    ("target-as-feature", FRAME + "X = df.drop('y', axis=1)\ny = df['y']\n" + PARTS),
    ("target-as-feature", FRAME + "y = df.pop('y')\nX = df[['a', 'b']]\n" + PARTS),
    ("target-as-feature", FRAME + "X = df.drop(columns=['a'])\ny = df['y']\nX = X.b\n" + PARTS),
    ("target-as-feature", FRAME + "X = df.drop(columns=['a'])\ny = df['y']\ndel X['y']\n" + PARTS),
]  # fmt: skip


@pytest.mark.parametrize(("rule", "cells", "places"), SPEAKS)
def test_a_rule_speaks_where_it_must(
    tmp_path: Path, rule: str, cells: Cells | str, places: list[tuple[int, int]]
) -> None:
    assert found(tmp_path, cells, rule) == places


@pytest.mark.parametrize(("rule", "cells"), SILENT)
def test_a_rule_is_silent_elsewhere(tmp_path: Path, rule: str, cells: Cells | str) -> None:
    assert found(tmp_path, cells, rule) == []


def test_every_rule_is_tried() -> None:
    of_files = {"hidden-state", "secret-in-output", "saved-error", "large-output"}
    assert {rule for rule, _, _ in SPEAKS} | of_files == set(all_rules())


def test_a_good_notebook_has_no_findings(tmp_path: Path) -> None:
    assert checked(tmp_path, SMALL).findings == ()


def test_a_misspelt_sibling_module_is_told(tmp_path: Path) -> None:
    (tmp_path / "helpers.py").write_text("x = 1")
    assert found(tmp_path, "import helpers", "missing-module") == []
    [finding] = checked(tmp_path, [("step:a", "import helprs\nprint(helprs)")]).findings
    assert (finding.rule, finding.fix) == ("missing-module", "did you mean `helpers`?")


def test_the_distribution_of_a_module_is_told(tmp_path: Path) -> None:
    [finding] = checked(tmp_path, [("step:a", "import win32com\nprint(win32com)")]).findings
    assert "pip install pywin32" in finding.fix


def test_a_misspelt_file_is_told(tmp_path: Path) -> None:
    (tmp_path / "flights.csv").write_text("a\n1\n")
    cells = [("step:a", "import pandas as pd\nprint(pd.read_csv('flghts.csv'))")]
    [finding] = checked(tmp_path, cells).findings
    assert finding.fix == "did you mean `flights.csv`?"


def test_a_secret_is_not_repeated_in_the_report(tmp_path: Path) -> None:
    cells = "password = 'tr0ub4dor-and-3'\n%pip install --index-url https://a:tr0ub4dor-and-3@x y"
    report = checked(tmp_path, cells)
    assert {"secret", "pip-install"} <= {finding.rule for finding in report.findings}
    assert "tr0ub4dor" not in str(report.to_dict())


def test_a_fit_that_only_learns_which_values_there_are_is_a_note(tmp_path: Path) -> None:
    cells = FRAME + FEATURES + "X = OneHotEncoder().fit_transform(X)\n" + PARTS
    [finding] = [f for f in checked(tmp_path, cells).findings if f.rule == "fit-before-split"]
    assert finding.severity == "note"
