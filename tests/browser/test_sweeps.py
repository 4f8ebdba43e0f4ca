"""Sweeps in the sidebar of a real JupyterLab: started, watched, stopped, opened."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from jupyter_mlops.project import Project
from jupyter_mlops.sweeps.record import sweeps
from tests.jupyter import Jupyter, start_server
from tests.support import write_notebook

pytestmark = pytest.mark.browser

BUNDLE = Path(__file__).resolve().parents[2] / "src" / "jupyter_mlops" / "labextension"
CELLS = [
    (
        "parameters",
        "depth: int = 6  # 1..20 how deep the trees grow\nlr: float = 0.1  # 0.01..1\n"
        "kind = 'gini'  # one of: gini, entropy\nrows: int = 1000",
    ),
    ("", "import os\nimport time\nbase = rows / 2000"),
    (
        "",
        "penalty = (kind == 'gini') / 100\n"
        "if depth == 13:\n    raise ValueError('thirteen is unlucky')\n"
        "while depth > 6 and not os.path.exists('go'):\n    time.sleep(0.1)",
    ),
    ("metrics", "auc = base + depth / 50 - penalty\nloss = lr / depth"),
]


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Jupyter]:
    assert (BUNDLE / "package.json").exists(), "the sidebar is not built: run `make sidebar`"
    folder = tmp_path_factory.mktemp("sweeps")
    extensions = folder / "labextensions"
    extensions.mkdir()
    (extensions / "jupyter-mlops").symlink_to(BUNDLE)
    root = folder / "files"
    root.mkdir()
    (root / "mlops.toml").write_text("")
    write_notebook(root / "churn.ipynb", CELLS)
    with start_server(
        "jupyterlab", root, f"--LabApp.extra_labextensions_path={extensions}"
    ) as running:
        yield running


def open_form(page: Page, lab: Jupyter) -> tuple[Locator, Locator]:
    """Open the notebook, ask for a sweep in the toolbar, and return section and form."""
    page.goto(f"{lab.url}lab/tree/churn.ipynb?reset")
    expect(page.locator(".jp-Notebook .jp-Cell").first).to_be_visible(timeout=60_000)
    button = page.locator(".jp-NotebookPanel-toolbar [data-command='jupyter-mlops:sweep']")
    expect(button).to_be_enabled(timeout=60_000)
    button.click()
    section = page.get_by_role("region", name="Sweeps")
    form = section.get_by_role("form", name="Sweep parameters")
    expect(form).to_be_visible()
    return section, form


def test_a_sweep_from_its_form_to_its_notebooks(page: Page, lab: Jupyter) -> None:
    section, form = open_form(page, lab)
    depth = form.get_by_label("depth int")
    expect(depth).to_be_focused()
    expect(depth).to_have_attribute("placeholder", "6")
    expect(form).to_contain_text("how deep the trees grow")
    start = form.get_by_role("button", name="Start sweep")
    expect(start).to_have_attribute("aria-disabled", "true")
    expect(form).to_contain_text("Give one of the parameters several values.")

    depth.fill("4,many")
    problem = form.get_by_role("alert")
    expect(problem).to_contain_text("depth wants int, but got 'many'. Its default is 6.")
    expect(depth).to_have_attribute("aria-invalid", "true")
    depth.fill("4,8,13")
    expect(problem).to_have_count(0)
    form.get_by_role("button", name="gini,entropy").click()
    expect(form).to_contain_text("This makes 6 points.")
    depth.press("Enter")

    expect(form).to_have_count(0, timeout=60_000)
    bar = section.get_by_role("progressbar")
    expect(bar).to_have_attribute("aria-valuemax", "6")
    rows = section.locator("tr[data-point]")
    running = section.locator("tr[data-status=running]")
    expect(running.first).to_be_visible(timeout=60_000)
    expect(section.locator("tr[data-status=ok]")).to_have_count(2, timeout=60_000)
    expect(running.locator("td:nth-of-type(3)").first).to_have_text("8")
    expect(section).to_contain_text("Best so far: auc 0.58")
    expect(section.get_by_role("button", name="Stop")).to_be_visible()
    (lab.root / "go").touch()
    expect(section.locator(".jp-mlops-Sweep")).to_have_attribute(
        "data-status", "ok", timeout=90_000
    )
    expect(rows).to_have_count(6)
    expect(bar).to_have_attribute("aria-valuenow", "6")
    best = section.locator("tr[data-best=true]")
    expect(best).to_contain_text("★ best")
    expect(rows.first).to_have_attribute("data-best", "true")
    expect(best.locator("td").nth(2)).to_have_text("8")
    expect(best.locator("td").nth(3)).to_have_text("entropy")
    expect(section).to_contain_text("2 failed")
    expect(section.locator(".jp-mlops-Table-reason").first).to_have_text(
        "ValueError: thirteen is unlucky"
    )

    # sorted by a heading, which says so
    section.get_by_role("button", name="depth").click()
    expect(rows.locator("td:nth-of-type(3)")).to_have_text(["4", "4", "8", "8", "13", "13"])
    heading = section.get_by_role("columnheader", name="depth")
    expect(heading).to_have_attribute("aria-sort", "ascending")

    # the executed notebook of a point that failed, and the summary
    section.locator("tr[data-status=failed]").first.get_by_role("button").click()
    expect(page.locator(".jp-Notebook:visible")).to_contain_text(
        "thirteen is unlucky", timeout=60_000
    )
    page.get_by_role("tab", name="churn.ipynb").click()
    section.get_by_role("button", name="Open summary").click()
    expect(page.get_by_role("tab", name=re.compile("-summary.ipynb"))).to_be_visible()
    [found] = sweeps(Project(lab.root))
    assert found.best is not None
    assert found.best.parameters == {"depth": 8, "kind": "entropy"}


def test_a_sweep_is_stopped(page: Page, lab: Jupyter) -> None:
    (lab.root / "go").unlink(missing_ok=True)
    section, form = open_form(page, lab)
    form.get_by_label("depth int").fill("20,19")
    form.get_by_label("At a time").fill("1")
    expect(form).to_contain_text("This makes 2 points.")
    form.get_by_role("button", name="Start sweep").click()
    shown = section.locator(".jp-mlops-Sweep")
    expect(shown).to_have_attribute("data-status", "running", timeout=60_000)
    expect(section.locator("tr[data-status=running]")).to_have_count(1, timeout=60_000)
    section.get_by_role("button", name="Stop").click()
    expect(shown).to_have_attribute("data-status", "stopped", timeout=60_000)
    expect(section).to_contain_text("stopped: 0 of 2 points")
    expect(section).to_contain_text("--resume")
    assert sweeps(Project(lab.root))[0].status == "stopped"
