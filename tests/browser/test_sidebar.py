"""The sidebar in a real JupyterLab and a real Chromium, with real promotions."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from jupyter_mlops.deploy.releases import Releases
from jupyter_mlops.project import Project
from tests import tutorials
from tests.jupyter import Jupyter, start_server
from tests.support import replaced, write_notebook

pytestmark = pytest.mark.browser

REPOSITORY = Path(__file__).resolve().parents[2]
BUNDLE = REPOSITORY / "src" / "jupyter_mlops" / "labextension"
IMAGES = REPOSITORY / "docs" / "images"
SCREENSHOTS = os.environ.get("MLOPS_SCREENSHOTS") == "1"


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Jupyter]:
    assert (BUNDLE / "package.json").exists(), "the sidebar is not built: run `make sidebar`"
    folder = tmp_path_factory.mktemp("lab")
    extensions = folder / "labextensions"
    extensions.mkdir()
    (extensions / "jupyter-mlops").symlink_to(BUNDLE)
    root = folder / "files"
    root.mkdir()
    (root / "mlops.toml").write_text("")
    write_notebook(root / "small.ipynb")
    write_notebook(root / "plain.ipynb", [("", "import math"), ("", "x = math.pi")])
    declared = [("", "%%mlops step load\ndata = [1, 2]"), ("", "%%mlops step add\nsum(data)")]
    write_notebook(root / "declared.ipynb", declared)
    tutorials.write(root / "houses.ipynb", tutorials.HOUSES)
    write_notebook(root / "undefined.ipynb", [("", "x = 1"), ("", "y = never_made")])
    write_notebook(
        root / "failing.ipynb",
        replaced("step:train", "model = Ridge(alpha=alpha)\nmodel.fit(X_train, y_train[1:])"),
    )
    write_notebook(
        root / "slow.ipynb", replaced("step:load", "import time\ntime.sleep(100)\ndata = [alpha]")
    )
    if SCREENSHOTS:
        shutil.copy(REPOSITORY / "notebooks" / "flights.ipynb", root)
    with start_server(
        "jupyterlab", root, f"--LabApp.extra_labextensions_path={extensions}"
    ) as running:
        yield running


def panel_of(page: Page) -> Locator:
    panel = page.get_by_role("region", name="MLOps")
    tab = page.get_by_role("tab", name="MLOps", exact=True)
    expect(tab).to_be_visible()
    if not panel.is_visible():
        tab.click()
    expect(panel).to_be_visible()
    return panel


def open_notebook(page: Page, lab: Jupyter, name: str) -> Locator:
    """Open a notebook in a fresh workspace and return the panel."""
    page.goto(f"{lab.url}lab/tree/{name}?reset")
    expect(page.locator(".jp-Notebook .jp-Cell").first).to_be_visible(timeout=60_000)
    panel = panel_of(page)
    expect(panel.get_by_role("heading", name=name)).to_be_visible()
    return panel


def steps(panel: Locator) -> Locator:
    return panel.get_by_role("list", name="Steps of the pipeline").locator(":scope > li")


def how_it_ended(panel: Locator, timeout: float) -> str | None:
    """Wait until the promotion has ended and return its status."""
    ended = panel.locator(".jp-mlops-Promotion:not([data-status=running])")
    ended.wait_for(timeout=timeout)
    return ended.get_attribute("data-status")


def test_nothing_open(page: Page) -> None:
    panel = panel_of(page)
    expect(panel).to_contain_text("No notebook is open")
    panel.get_by_role("button", name="Show the files").click()
    expect(page.locator(".jp-FileBrowser")).to_be_visible()


def test_cells_and_pipeline(page: Page, lab: Jupyter) -> None:
    panel = open_notebook(page, lab, "small.ipynb")
    cells = panel.locator("[data-cell]")
    expect(cells).to_have_count(8)
    expect(cells.nth(2)).to_contain_text("rng = np.random.default_rng(0)")
    expect(cells.nth(6).locator("[data-role]")).to_have_text(["step:evaluate", "metrics"])
    expect(steps(panel)).to_have_count(5)
    train = steps(panel).nth(2)
    expect(train).to_contain_text("train")
    expect(train).to_contain_text("X_train")
    expect(train.get_by_title("from the step split")).to_have_text(["X_train", "y_train"])
    expect(train).to_contain_text("alpha")
    expect(panel).to_contain_text("predict()")
    expect(panel).to_contain_text("local release: no Docker engine")

    panel.get_by_role("button", name="Go to cell 5").click()
    expect(cells.nth(4)).to_have_attribute("data-active", "true")
    expect(page.locator(".jp-Notebook .jp-Cell").nth(4)).to_have_class(re.compile("jp-mod-active"))


def test_the_view_follows_edits_without_saving(page: Page, lab: Jupyter) -> None:
    saved = (lab.root / "small.ipynb").read_bytes()
    panel = open_notebook(page, lab, "small.ipynb")
    expect(steps(panel)).to_have_count(5)
    cell = panel.locator("[data-cell]").nth(4)
    cell.hover()
    cell.get_by_role("button", name="Remove the tag step:train").click()
    expect(steps(panel)).to_have_count(4)

    cell.hover()
    cell.get_by_role("button", name="Add a tag to cell 5").click()
    page.keyboard.type("step:fit")
    page.keyboard.press("Enter")
    expect(steps(panel)).to_have_count(5)
    expect(steps(panel).nth(2)).to_contain_text("fit")
    expect(cell.locator("[data-role=step]")).to_have_text("step:fit")

    # a parameters cell that is not plain: an error with its place
    editor = page.locator(".jp-Notebook .jp-Cell").nth(1).locator(".cm-content")
    editor.click()
    page.keyboard.press("Control+End")
    page.keyboard.type("\nlater = compute()")
    problem = panel.get_by_role("alert")
    expect(problem).to_contain_text("more than plain assignments")
    expect(panel.get_by_role("button", name="Promote")).to_have_attribute("aria-disabled", "true")
    page.locator(".jp-Notebook .jp-Cell").nth(6).click()
    problem.get_by_role("button", name="Go to cell 2, line 4").click()
    expect(panel.locator("[data-cell]").nth(1)).to_have_attribute("data-active", "true")
    assert (lab.root / "small.ipynb").read_bytes() == saved


def test_tags_that_the_code_declares(page: Page, lab: Jupyter) -> None:
    panel = open_notebook(page, lab, "declared.ipynb")
    expect(steps(panel)).to_have_count(2)
    cell = panel.locator("[data-cell]").nth(1)
    tag = cell.get_by_title("Declared by the cell’s first line")
    expect(tag).to_have_text("step:add")
    expect(tag.get_by_role("button")).to_have_count(0)

    page.locator(".jp-Notebook .jp-Cell").nth(1).locator(".cm-content").click()
    page.keyboard.press("Control+Home")
    page.keyboard.press("End")
    page.keyboard.type("_up")
    expect(tag).to_have_text("step:add_up")
    expect(steps(panel).nth(1)).to_contain_text("add_up")


def test_untagged(page: Page, lab: Jupyter) -> None:
    panel = open_notebook(page, lab, "plain.ipynb")
    expect(panel).to_contain_text("Tag the cells to make a pipeline")
    expect(panel.get_by_role("button", name="Promote")).to_have_attribute("aria-disabled", "true")
    expect(panel.locator("[data-cell]")).to_have_count(2)


def test_suggested_tags_are_shown_and_applied(page: Page, lab: Jupyter) -> None:
    saved = (lab.root / "houses.ipynb").read_bytes()
    panel = open_notebook(page, lab, "houses.ipynb")
    panel.get_by_role("button", name="Suggest tags").click()
    suggested = panel.get_by_role("group", name="Suggested tags")
    rows = suggested.get_by_role("listitem")
    expect(rows).to_have_count(13)
    expect(rows.nth(1)).to_contain_text("assigns constants that cells 13 and 15 read")
    expect(rows.nth(10).locator("[data-role]")).to_have_text(["step:evaluate", "metrics"])
    rows.nth(9).get_by_role("button", name="Go to cell 15").click()
    train = panel.locator("[data-cell]").nth(14)
    expect(train).to_have_attribute("data-active", "true")

    # they are dropped when the notebook is another one than they were made for
    editor = page.locator(".jp-Notebook .jp-Cell").nth(14).locator(".cm-content")
    editor.click()
    page.keyboard.press("Control+End")
    page.keyboard.type("\ncoefficients = model.coef_")
    expect(suggested).not_to_be_visible()
    panel.get_by_role("button", name="Suggest tags").click()
    suggested.get_by_role("button", name="Apply").click()
    expect(suggested).not_to_be_visible()
    expect(steps(panel)).to_have_count(5)
    expect(train.locator("[data-role=step]")).to_have_text("step:train")
    expect(panel).to_contain_text("predict()")
    expect(panel.get_by_role("button", name="Promote")).to_have_attribute("aria-disabled", "false")
    assert (lab.root / "houses.ipynb").read_bytes() == saved


def test_a_notebook_that_no_tags_can_mend(page: Page, lab: Jupyter) -> None:
    panel = open_notebook(page, lab, "undefined.ipynb")
    panel.get_by_role("button", name="Suggest tags").click()
    problem = panel.get_by_role("alert")
    expect(problem).to_contain_text("No tags can be suggested yet")
    expect(problem).to_contain_text("never_made is used before any cell defines it")
    problem.get_by_role("button", name="Go to cell 2, line 1").click()
    expect(panel.locator("[data-cell]").nth(1)).to_have_attribute("data-active", "true")


def test_the_server_part_is_gone_and_comes_back(page: Page, lab: Jupyter) -> None:
    api = "**/jupyter-mlops/api/**"
    page.route(api, lambda route: route.abort())
    panel = open_notebook_without_server(page, lab)
    page.unroute(api)
    panel.get_by_role("button", name="Try again").click()
    expect(steps(panel)).to_have_count(5)


def open_notebook_without_server(page: Page, lab: Jupyter) -> Locator:
    page.goto(f"{lab.url}lab/tree/small.ipynb?reset")
    panel = panel_of(page)
    expect(panel).to_contain_text("The server does not answer")
    return panel


def test_promotion_to_a_release(page: Page, lab: Jupyter) -> None:
    panel = open_notebook(page, lab, "small.ipynb")
    expect(steps(panel)).to_have_count(5)
    # what is promoted is what the editor shows, saved or not
    page.locator(".jp-Notebook .jp-Cell").nth(7).locator(".cm-content").click()
    page.keyboard.press("Control+Home")
    page.keyboard.type("# edited in the browser\n")
    panel.get_by_role("button", name="Promote").focus()
    page.keyboard.press("Enter")
    stages = panel.get_by_role("list", name="Stages")
    expect(stages.locator("[data-state=running]").first).to_be_visible()
    expect(page.locator(".Toastify")).to_contain_text("Promoting small.ipynb")

    assert how_it_ended(panel, 180_000) == "done", panel.inner_text()
    release = panel.locator(".jp-mlops-Release")
    expect(release).to_contain_text("Release small/1")
    expect(release).to_contain_text("mae")
    expect(release).to_contain_text("none: a local release")
    expect(stages.locator("[data-state=running]")).to_have_count(0)
    expect(page.locator(".Toastify")).to_contain_text("small.ipynb is promoted: release small/1")

    made = Releases(Project(lab.root)).get("small")
    made.verify()
    assert made.ref == "small/1"
    assert "# edited in the browser" in (made.folder / "notebook.ipynb").read_text()

    # the result is there again after a reload
    panel = open_notebook(page, lab, "small.ipynb")
    expect(panel.locator(".jp-mlops-Release")).to_contain_text("Release small/1")


def test_a_failed_promotion_leads_to_its_cell(page: Page, lab: Jupyter) -> None:
    panel = open_notebook(page, lab, "failing.ipynb")
    expect(steps(panel)).to_have_count(5)
    # by the notebook's toolbar this time
    page.locator('.jp-NotebookPanel-toolbar [data-command="jupyter-mlops:promote"]').click()
    assert how_it_ended(panel, 120_000) == "failed", panel.inner_text()
    problem = panel.get_by_role("alert")
    expect(problem).to_contain_text("Not promoted")
    problem.get_by_role("button", name=re.compile("Go to cell 5")).click()
    expect(panel.locator("[data-cell]").nth(4)).to_have_attribute("data-active", "true")
    assert Releases(Project(lab.root)).list("failing") == []


def test_a_promotion_is_cancelled(page: Page, lab: Jupyter) -> None:
    page.goto(f"{lab.url}lab?reset")
    page.locator(".jp-DirListing-item", has_text="slow.ipynb").click(button="right")
    page.get_by_role("menuitem", name="Promote Notebook").click()
    toast = page.locator(".Toastify")
    expect(toast).to_contain_text(re.compile("Promoting slow.ipynb: .*cell 3"), timeout=60_000)
    panel = open_notebook(page, lab, "slow.ipynb")
    panel.get_by_role("button", name="Cancel").click()
    expect(panel).to_contain_text("cancelled after", timeout=30_000)
    expect(panel.get_by_role("button", name="Promote")).to_have_attribute("aria-disabled", "false")
    assert Releases(Project(lab.root)).list("slow") == []


if SCREENSHOTS:

    def test_screenshots(page: Page, lab: Jupyter) -> None:
        """Make the picture of the README, and the same in dark to look at."""
        page.set_viewport_size({"width": 1360, "height": 1320})
        panel = open_notebook(page, lab, "flights.ipynb")
        expect(panel.get_by_text("Serves")).to_be_visible()
        # the kernel, once it is up, writes its name into the notebook
        expect(page.get_by_text("| Idle")).to_be_visible()
        page.wait_for_timeout(2000)
        _widen(page, 90)
        panel.get_by_role("button", name="Promote").click()
        assert how_it_ended(panel, 280_000) == "done", panel.inner_text()
        page.wait_for_timeout(1000)
        IMAGES.mkdir(parents=True, exist_ok=True)
        page.screenshot(path=IMAGES / "sidebar.png")
        for word in ("Settings", "Theme", "JupyterLab Dark"):
            page.locator(".lm-MenuBar-itemLabel, .lm-Menu-itemLabel", has_text=word).first.click()
        page.wait_for_timeout(1500)
        page.screenshot(path=lab.root.parent / "sidebar-dark.png")
        print(f"dark: {lab.root.parent / 'sidebar-dark.png'}")

    def _widen(page: Page, by: int) -> None:
        handle = page.locator("#jp-main-split-panel > .lm-SplitPanel-handle:not(.lm-mod-hidden)")
        box = handle.first.bounding_box()
        assert box is not None
        page.mouse.move(box["x"] + 2, box["y"] + 300)
        page.mouse.down()
        page.mouse.move(box["x"] + by, box["y"] + 300)
        page.mouse.up()
