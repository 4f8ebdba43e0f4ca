"""The notebooks that are measured: made here, so that nothing is downloaded."""

from __future__ import annotations

from pathlib import Path

import nbformat

Cell = tuple[str, str]

FIVE_STEPS: list[Cell] = [
    (
        "imports",
        "import numpy as np\nimport pandas as pd\n"
        "from sklearn.ensemble import RandomForestClassifier\n"
        "from sklearn.metrics import roc_auc_score\n"
        "from sklearn.model_selection import train_test_split",
    ),
    ("parameters", "rows = 20_000\ntrees = 60\nseed = 7"),
    (
        "step:load",
        "rng = np.random.default_rng(seed)\n"
        "frame = pd.DataFrame(rng.normal(size=(rows, 12)), columns=[f'x{i}' for i in range(12)])\n"
        "frame['kind'] = rng.choice(['a', 'b', 'c'], rows)\n"
        "frame['target'] = (frame.x0 * frame.x1 + frame.x2 > 0.3).astype(int)",
    ),
    (
        "step:features",
        "features = pd.get_dummies(frame.drop(columns='target'), columns=['kind'], dtype=float)\n"
        "features['x01'] = features.x0 * features.x1\n"
        "X_train, X_test, y_train, y_test = train_test_split(\n"
        "    features, frame.target, random_state=seed)",
    ),
    (
        "step:train",
        "model = RandomForestClassifier(trees, random_state=seed).fit(X_train, y_train)",
    ),
    (
        "step:evaluate",
        "scores = model.predict_proba(X_test)[:, 1]\nauc = float(roc_auc_score(y_test, scores))",
    ),
    (
        "step:report",
        "top = pd.Series(model.feature_importances_, X_train.columns).nlargest(5)\n"
        "print(top.to_string())",
    ),
    ("step:report metrics", "print(auc)"),
]


def for_kale(cells: list[Cell]) -> list[Cell]:
    """Return cells with Kale's tags, and an edge from each step to the one before it."""
    words = {"parameters": "pipeline-parameters", "metrics": "pipeline-metrics"}
    found: list[Cell] = []
    steps: list[str] = []
    for tags, source in cells:
        given = [words.get(tag, tag) for tag in tags.split()]
        step = next((tag.removeprefix("step:") for tag in given if tag.startswith("step:")), None)
        if "pipeline-metrics" in given:
            given = ["pipeline-metrics"]  # Kale knows one role per cell
        elif step is not None and step not in steps:
            given += [f"prev:{steps[-1]}"] if steps else []
            steps.append(step)
        found.append((" ".join(given), source))
    return found


def hundred_cells() -> list[Cell]:
    """Return 100 code cells in ten steps: frames, functions, loops, closures, changes in place."""
    cells: list[Cell] = [
        ("imports", "import math\nimport numpy as np\nimport pandas as pd"),
        ("parameters", "scale = 2.0\nrounds = 3"),
        (
            "functions",
            "def grow(table, by):\n    table['grown'] = table['a'] * by\n    return table",
        ),
    ]
    for number in range(97):
        step = f"step:part{number // 10}"
        before = f"table_{number - 1}" if number else "pd.DataFrame({'a': np.arange(50.0)})"
        cells.append(
            (
                step,
                f"table_{number} = {before}.copy()\n"
                f"for turn in range(rounds):\n"
                f"    table_{number}['c{number}'] = table_{number}['a'] * scale + turn\n"
                f"total_{number} = sum(v for v in table_{number}['c{number}'] if v > {number})\n"
                f"def shift_{number}(x, by=total_{number}):\n"
                f"    return grow(x.copy(), by) if by else x\n"
                f"table_{number} = shift_{number}(table_{number})\n"
                f"with np.errstate(all='ignore'):\n"
                f"    log_{number}, *rest_{number} = [math.log1p(abs(v)) for v in (1, {number})]",
            )
        )
    return cells


def write(path: Path, cells: list[Cell]) -> Path:
    """Write cells as a notebook file."""
    notebook = nbformat.v4.new_notebook(
        metadata={
            "kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}
        }
    )
    for number, (tags, source) in enumerate(cells, start=1):
        metadata = {"tags": tags.split()} if tags else {}
        notebook.cells.append(nbformat.v4.new_code_cell(source, id=f"c{number}", metadata=metadata))
    path.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(notebook, path)
    return path
