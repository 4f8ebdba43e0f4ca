"""Notebooks as tutorials and colleagues write them: no tags, headings here and there."""

from __future__ import annotations

import json
from pathlib import Path

Written = list[tuple[str, str]]
"""Cells as (kind, source): ``md`` or ``code``."""

HOUSES: Written = [
    ("md", "# Predicting house prices\n\nA first model for the estate agents."),
    ("code", "import numpy as np\nimport pandas as pd\nimport matplotlib.pyplot as plt\n"
     "from sklearn.linear_model import Ridge\nfrom sklearn.metrics import mean_absolute_error\n"
     "from sklearn.model_selection import train_test_split\n\n%matplotlib inline"),
    ("code", "alpha = 1.0\ntest_size = 0.25  # share of houses kept for the test\nseed = 42"),
    ("md", "## 1. Load the data"),
    ("code", "rng = np.random.default_rng(0)\nsize = rng.uniform(40, 220, 300)\n"
     "df = pd.DataFrame({'size': size, 'rooms': (size // 30).astype(int)})\n"
     "df['price'] = 3000 * df['size'] + 10000 * df['rooms'] + rng.normal(0, 9000, 300)"),
    ("code", "df.head()"),
    ("code", "df.describe()"),
    ("md", "## 2. Exploratory data analysis"),
    ("code", "df.plot.scatter(x='size', y='price')\nplt.title('Bigger is dearer')\nplt.show()"),
    ("code", "corr = df.corr()\nprint(corr['price'].sort_values(ascending=False))"),
    ("md", "## 3. Feature engineering"),
    ("code", "df['size_per_room'] = df['size'] / df['rooms'].clip(lower=1)\n"
     "df = df.dropna()"),
    ("code", "X = df.drop(columns='price')\ny = df['price']\n"
     "X_train, X_test, y_train, y_test = train_test_split(\n"
     "    X, y, test_size=test_size, random_state=seed\n)"),
    ("md", "## 4. Train a model"),
    ("code", "model = Ridge(alpha=alpha)\nmodel.fit(X_train, y_train)"),
    ("md", "## 5. How good is it?"),
    ("code", "predictions = model.predict(X_test)\n"
     "mae = mean_absolute_error(y_test, predictions)\nprint(f'MAE: {mae:.0f}')"),
    ("code", "plt.scatter(y_test, predictions)\nplt.xlabel('price')\nplt.show()"),
    ("md", "## 6. Use it"),
    ("code", "def predict(rows):\n    return model.predict(rows)\n\npredict(X_test.head(3))"),
]  # fmt: skip

NO_HEADINGS: Written = [
    ("code", "import pandas as pd\nfrom sklearn.datasets import load_iris\n"
     "from sklearn.ensemble import RandomForestClassifier\n"
     "from sklearn.metrics import accuracy_score\n"
     "from sklearn.model_selection import train_test_split"),
    ("code", "iris = load_iris(as_frame=True)\nX, y = iris.data, iris.target"),
    ("code", "X.info()"),
    ("code", "X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=1)"),
    ("code", "n_estimators = 20\nclf = RandomForestClassifier(n_estimators=n_estimators, "
     "random_state=1)\nclf.fit(X_train, y_train)"),
    ("code", "y_pred = clf.predict(X_test)\naccuracy = accuracy_score(y_test, y_pred)\naccuracy"),
    ("code", "clf.predict(X_test.iloc[:4])"),
]  # fmt: skip

TWO_MODELS: Written = [
    ("md", "# Comparing models"),
    ("code", "import pandas as pd\nfrom sklearn.datasets import make_classification\n"
     "from sklearn.linear_model import LogisticRegression\n"
     "from sklearn.tree import DecisionTreeClassifier\nSEED = 7"),
    ("code", "def score(model, X, y):\n    \"\"\"Share of right answers.\"\"\"\n"
     "    return (model.predict(X) == y).mean()"),
    ("md", "## Dataset"),
    ("code", "features, target = make_classification(200, 5, random_state=SEED)\n"
     "X = pd.DataFrame(features, columns=list('abcde'))"),
    ("md", "## Logistic regression"),
    ("code", "logistic = LogisticRegression()\nlogistic.fit(X[:150], target[:150])"),
    ("md", "## Decision tree"),
    ("code", "tree = DecisionTreeClassifier(random_state=SEED)\ntree.fit(X[:150], target[:150])"),
    ("md", "## Results"),
    ("code", "logistic_accuracy = score(logistic, X[150:], target[150:])\n"
     "tree_accuracy = score(tree, X[150:], target[150:])\n"
     "print(logistic_accuracy, tree_accuracy)"),
]  # fmt: skip

ENTANGLED: Written = [
    ("md", "## Load"),
    ("code", "rows = [3, 1, 2]\nsame = rows"),
    ("md", "## Clean"),
    ("code", "rows.append(4)"),
    ("md", "## Train"),
    ("code", "total = sum(same) + len(rows)"),
    ("md", "## Evaluate"),
    ("code", "rows.append(total)\nprint(same)"),
]

FILES: Written = [
    ("md", "Monthly report"),
    ("code", "%load_ext jupyter_mlops"),
    ("code", "import json\nfrom pathlib import Path\n\nimport pandas as pd"),
    ("code", "month = '2024-05'\ncurrency = \"EUR\"\nlimit = -1.5"),
    ("code", "from datetime import date\n\nCONSTANT = 3\n\n"
     "def clean(frame):\n    return frame.dropna().assign(amount=frame.amount * CONSTANT)"),
    ("code", "Path('sales.csv').write_text('amount\\n1\\n2\\n')"),
    ("code", "sales = clean(pd.read_csv('sales.csv'))\nlabel = f'{month} {currency}'"),
    ("code", "sales"),
    ("code", "help(clean)"),
    ("code", "total = sales.amount[sales.amount > limit].sum()"),
    ("code", "Path('report.json').write_text(json.dumps({'label': label, 'total': int(total)}))"),
    ("code", "# to do: send it\n"),
]  # fmt: skip

ALL = {
    "houses": HOUSES,
    "no headings": NO_HEADINGS,
    "two models": TWO_MODELS,
    "entangled": ENTANGLED,
    "files": FILES,
}


def write(path: Path, cells: Written) -> Path:
    """Write a notebook as JupyterLab does; its code cells are numbered as if never run."""
    content = {
        "cells": [
            {
                "cell_type": "markdown" if kind == "md" else "code",
                **({} if kind == "md" else {"execution_count": None}),
                "id": f"c{index}",
                "metadata": {},
                **({} if kind == "md" else {"outputs": []}),
                "source": source.splitlines(keepends=True),
            }
            for index, (kind, source) in enumerate(cells, 1)
        ],
        "metadata": {
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
            "language_info": {"name": "python"},
        },
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    path.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return path
