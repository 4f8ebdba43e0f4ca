"""The run card, the form and the charts in a real JupyterLab, in light and dark."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Locator, Page, expect

from jupyter_mlops.project import Project
from jupyter_mlops.tracking.store import Store
from tests.jupyter import Jupyter, start_server
from tests.support import until, write_notebook

pytestmark = pytest.mark.browser

CELLS = [
    ("", "%load_ext jupyter_mlops"),
    ("", "%mlops card"),
    (
        "parameters",
        "alpha: float = 0.1  # 0..1\ndepth = 6  # 1..20\nkind = 'gini'  # one of: gini, log",
    ),
    ("metrics", "auc = 0.8 + alpha / 10\nloss = 1.0"),
    ("metrics", "loss = 0.25"),
    ("", "%mlops form"),
    ("", "%mlops chart"),
]
THEMES = {
    "light": ("JupyterLab Light", "rgb(255, 255, 255)"),
    "dark": ("JupyterLab Dark", "rgb(17, 17, 17)"),
}


@pytest.fixture(scope="module", params=THEMES)
def lab(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Jupyter]:
    """JupyterLab in one theme."""
    root = tmp_path_factory.mktemp("look") / "files"
    root.mkdir()
    (root / "mlops.toml").write_text("")
    write_notebook(root / "look.ipynb", CELLS)
    with start_server("jupyterlab", root) as running:
        settings = root.parent / "files-jupyter" / "settings" / "@jupyterlab" / "apputils-extension"
        settings.mkdir(parents=True, exist_ok=True)
        theme = {"theme": THEMES[request.param][0]}
        (settings / "themes.jupyterlab-settings").write_text(json.dumps(theme))
        yield running


def run_all(page: Page, lab: Jupyter) -> Locator:
    """Open the notebook, run all its cells and return its cells."""
    page.goto(f"{lab.url}lab/tree/look.ipynb?reset")
    expect(page.locator(".jp-Notebook .jp-Cell").first).to_be_visible(timeout=60_000)
    expect(page.get_by_role("button", name="| Idle")).to_be_visible(timeout=60_000)
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.get_by_text("Run All Cells", exact=True).click()
    return page.locator(".jp-Notebook .jp-Cell")


def test_card_form_and_charts(page: Page, lab: Jupyter, request: pytest.FixtureRequest) -> None:
    cells = run_all(page, lab)
    card = cells.nth(1).locator(".mlops-card")
    expect(card).to_contain_text("loss 0.25", timeout=30_000)
    expect(card.locator("svg")).to_be_visible()
    ground = page.locator(".jp-Notebook").evaluate("each => getComputedStyle(each).backgroundColor")
    assert ground == THEMES[request.node.callspec.params["lab"]][1]
    assert _contrast(card.get_by_text("loss").first, ground) > 4.5
    charts = cells.nth(6).locator(".vega-embed")
    expect(charts).to_have_count(1, timeout=60_000)  # the curve; one run has nothing to compare to

    form = cells.nth(5)
    expect(form.get_by_role("slider")).to_have_count(2)
    form.get_by_role("slider").nth(1).press("ArrowRight")
    form.locator("select").select_option("log")
    form.get_by_role("button", name="Rerun").click()
    expect(form.get_by_role("button", name="Stop")).to_be_enabled()
    expect(form.get_by_role("button", name="Rerun")).to_be_enabled(timeout=90_000)
    expect(form).to_contain_text("auc")
    rerun = next(run for run in Store(Project.find(lab.root)).runs() if run.kind == "rerun")
    assert rerun.parameters == {"alpha": "0.1", "depth": "7", "kind": "log"}

    cells.nth(6).locator(".jp-InputArea-editor").click()
    page.keyboard.press("Control+Enter")
    expect(charts).to_have_count(2, timeout=60_000)


def _contrast(text: Locator, ground: str) -> float:
    """Return how a text stands out from its ground, from 1 to 21, as WCAG 2 defines it."""
    found: list[str] = []

    def has_colour() -> bool:
        # An element that the card replaces at this moment has none.
        found[:] = [text.evaluate("each => getComputedStyle(each).color")]
        return found != [""]

    until(has_colour)
    (colour,) = found
    lights = sorted((_luminance(colour), _luminance(ground)))
    return (lights[1] + 0.05) / (lights[0] + 0.05)


def _luminance(colour: str) -> float:
    """Return the relative luminance of a colour such as ``rgb(17, 17, 17)``."""
    parts = [float(each) / scale for each, scale in _parts(colour)]
    linear = [v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def _parts(colour: str) -> list[tuple[str, int]]:
    scale = 1 if colour.startswith("color(srgb") else 255
    return [(each, scale) for each in re.findall(r"[\d.]+", colour)[:3]]
