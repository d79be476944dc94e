"""The whole road in a real browser: from the printed address to a graded answer and visible progress."""

import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine: the walk in a browser is not taken"),
]

# What a learner might write: everyone with traces of diabetes on two different days.
ANSWER = """
import ibis
diabetes = ["DE10", "DE11", "DE12", "DE13", "DE14"]
r = sandkasse.open("dk-registers")
contacts = r.lpr_adm.join(r.lpr_diag, "recnum").filter(ibis._.c_diag.substr(0, 4).isin(diabetes))
hospital = contacts.select("pnr", date="d_inddto")
drugs = r.lmdb.filter(ibis._.atc.startswith("A10")).select("pnr", date="eksd")
new = (ibis._.analysiscode == "NPU27300") & (ibis._.value >= 48)
old = (ibis._.analysiscode == "NPU03835") & (ibis._.value >= 6.5)
tests = r.lab_forsker.filter(new | old).select("pnr", date="samplingdate")
traces = ibis.union(hospital, drugs, tests, distinct=True)
found = traces.group_by("pnr").agg(days=ibis._.date.nunique()).filter(ibis._.days >= 2).select("pnr")
sandkasse.check("persons-with-diabetes", found)
"""


@pytest.fixture
def page(tmp_path: Path) -> Iterator["playwright.Page"]:
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"] if os.geteuid() == 0 else [])
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        page.set_default_timeout(60_000)
        playwright.expect.set_options(timeout=60_000)  # playwright's five seconds are few on a busy machine
        yield page
        browser.close()


def test_a_new_user_walks_from_the_address_to_visible_progress(sandbox, page: "playwright.Page"):
    expect = playwright.expect
    page.goto(sandbox.address)
    expect(page).to_have_url(re.compile(r"http://127\.0\.0\.1:\d+/$"))

    page.get_by_role("navigation", name="Main").get_by_role("link", name="Learn").click()
    page.get_by_role("link", name="Who has diabetes?").first.click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Who has diabetes?")
    module_address = page.url
    page.get_by_role("button", name=re.compile("Start module|Continue|Open workspace")).first.click()

    # The notebook lives on another origin than the portal.
    page.wait_for_url(re.compile(r"http://localhost:\d+/"), timeout=60_000)
    notebook = page.locator(".jp-Notebook").first
    expect(notebook).to_be_visible(timeout=60_000)
    expect(page.locator(".jp-RenderedMarkdown h1").first).to_be_visible()

    run_in_a_new_cell(page, notebook, "import sandkasse\n" + ANSWER)
    verdict = page.get_by_role("group", name="Verdict on persons-with-diabetes")
    expect(verdict).to_be_visible(timeout=120_000)
    expect(verdict).to_contain_text("Score")

    page.goto(module_address.replace("/learn/", "/progress?"))
    row = page.get_by_role("row").filter(has=page.get_by_role("cell", name="1", exact=True))
    expect(row.first).to_be_visible()
    page.goto(module_address)
    expect(page.get_by_text("1 try")).to_be_visible()


def run_in_a_new_cell(page: "playwright.Page", notebook: "playwright.Locator", code: str) -> None:
    """Add a cell below the first one by mouse and keyboard, type the code, and run it."""
    playwright.expect(page.get_by_text("| Idle")).to_be_visible(timeout=60_000)
    notebook.locator(".jp-Cell").first.click()
    page.keyboard.press("Escape")
    page.keyboard.press("b")
    editor = notebook.locator(".jp-CodeCell.jp-mod-active .cm-content")
    editor.click()
    playwright.expect(editor).to_be_focused()
    page.keyboard.insert_text(code.strip())
    playwright.expect(editor).to_contain_text(code.strip().splitlines()[-1])
    page.keyboard.press("Shift+Enter")
