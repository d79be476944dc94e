"""The portal in a real browser: with a script and without, by keyboard, narrow and wide, light and dark."""

from pathlib import Path

import pytest

expect = pytest.importorskip("playwright.sync_api").expect

pytestmark = pytest.mark.browser

AXE = (Path(__file__).parents[1] / "vendor" / "axe-4.14.1.min.js").read_text(encoding="utf-8")
PAGES = (
    "/", "/learn", "/learn/module-0", "/data", "/data?q=glucose", "/data/dataset-1", "/data/dataset-1/tables/persons",
    "/data/dataset-1/tables/persons/profile", "/data/dataset-1/tables/persons/columns", "/data/dataset-1/look",
    "/workspaces", "/progress", "/about", "/sign-in", "/nothing-here",
)  # fmt: skip


def settle(page, path):
    """Open a page and wait for the parts that come after it."""
    page.goto(path)
    expect(page.locator(".skeleton, .htmx-request")).to_have_count(0)


def test_the_printed_address_signs_in_once_and_leaves_no_trace(portal, open_page):
    page = open_page(is_signed_in=False)
    address = f"/sign-in#{portal.code()}"
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(address)
    page.wait_for_url(f"{portal.origin}/")
    code = address.partition("#")[2]
    assert all(code not in url.partition("#")[0] for url in asked)
    assert page.complaints == []
    page.go_back()
    assert code not in page.url
    again = open_page(is_signed_in=False)
    again.goto(address)
    again.get_by_role("alert").wait_for()
    assert "not valid" in again.get_by_role("alert").inner_text()
    assert code not in again.url


def test_a_code_can_be_pasted_without_a_script(portal, open_page):
    page = open_page(is_signed_in=False, java_script_enabled=False)
    page.goto("/data/dataset-1")
    assert "Sign in" in page.title()
    page.get_by_label("Or paste the code").fill(portal.code())
    page.get_by_role("button", name="Sign in").click()
    assert page.url == f"{portal.origin}/data/dataset-1"  # where the person was going
    assert page.locator("h1").inner_text().startswith("Dataset number 1")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
def test_no_page_has_a_serious_fault_for_assistive_software(open_page, scheme, width):
    page = open_page(width=width, scheme=scheme, bypass_csp=True)
    found = {}
    for path in PAGES:
        settle(page, path)
        page.evaluate(AXE)
        report = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
        serious = [v for v in report["violations"] if v["impact"] in ("serious", "critical")]
        if serious:
            found[path] = [(v["id"], [node["target"] for node in v["nodes"]][:3]) for v in serious]
    assert found == {}


@pytest.mark.parametrize("width", [390, 1280, 1920])
def test_no_page_scrolls_sideways_or_breaks_its_policy(open_page, width):
    page = open_page(width=width)
    too_wide = {}
    for path in PAGES:
        settle(page, path)
        over = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        if over > 0:
            too_wide[path] = over
    assert too_wide == {}
    assert [text for text in page.complaints if "404" not in text] == []


def test_searching_narrows_the_list_without_leaving_the_page(open_page):
    page = open_page()
    settle(page, "/data")
    assert page.locator("#results .card").count() == 12
    page.get_by_label("Search datasets").press_sequentially("number 11")
    expect(page.locator("#results .card")).to_have_count(1)
    assert page.locator("#count").inner_text() == "1 dataset of 12"
    assert "q=number+11" in page.url or "q=number%2011" in page.url
    assert page.get_by_label("Search datasets").evaluate("field => field === document.activeElement")
    page.get_by_label("Search datasets").fill("")
    expect(page.locator("#results .card")).to_have_count(12)
    page.get_by_label("Trials").check()
    expect(page.locator("#results .card")).to_have_count(3)
    page.reload()
    assert page.locator("#results .card").count() == 3
    assert page.complaints == []


def test_a_dataset_found_by_a_column_leads_to_that_column(open_page):
    page = open_page()
    settle(page, "/data")
    page.get_by_label("Search datasets").press_sequentially("glucose")
    link = page.locator("#results .card").first.get_by_role("link", name="Found in 2 columns")
    link.focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**/data/dataset-0?column=glucose#columns")
    expect(page.locator("#columns details.columns")).to_have_count(2)
    assert page.locator("#columns tbody th").all_inner_texts() == ["hba1c", "hba1c"]
    assert page.complaints == []


def test_searching_works_without_a_script(open_page):
    page = open_page(java_script_enabled=False)
    page.goto("/data")
    page.get_by_label("Search datasets").fill("number 11")
    page.get_by_role("button", name="Search").click()
    assert page.locator("#results .card").count() == 1
    page.goto("/data/dataset-1/tables/persons")
    page.get_by_role("link", name="Show the distributions").click()
    assert page.locator("svg.histogram rect.bar").count() == 29


def test_pictures_come_after_the_page_and_are_read_aloud(open_page):
    page = open_page()
    settle(page, "/data/dataset-1")
    page.locator("#look svg.histogram").wait_for()
    assert page.locator(".skeleton").count() == 0
    assert "Histogram of hba1c" in page.locator("#look svg.histogram").get_attribute("aria-label")
    missing = page.locator("#columns details[open] .missing").first
    missing.wait_for()
    assert page.locator("#columns details[open] .missing").last.inner_text().startswith("56 %")
    page.locator("#columns summary", has_text="visits").click()
    page.locator("#columns details.columns").nth(1).locator(".missing").first.wait_for()
    assert page.complaints == []


def test_a_part_that_cannot_be_loaded_says_so(open_page):
    page = open_page()
    page.route("**/look", lambda route: route.abort())
    page.goto("/data/dataset-1")
    page.locator("#look [role=alert]").wait_for()
    assert "could not be loaded" in page.locator("#look [role=alert]").inner_text()


def test_code_is_copied_and_languages_change_by_keyboard(open_page):
    page = open_page(permissions=["clipboard-read", "clipboard-write"])
    settle(page, "/data/dataset-1")
    page.get_by_role("button", name="Copy Python code").click()
    assert page.evaluate("navigator.clipboard.readText()").startswith("import sandkasse")
    page.get_by_label("Python", exact=True).focus()
    page.keyboard.press("ArrowRight")
    assert page.locator("#snippet-2").is_visible()
    assert not page.locator("#snippet-1").is_visible()


def focused(page):
    return page.evaluate("(document.activeElement.innerText || document.activeElement.id || '').trim()")


def tab_to(page, text, *, at_most=60):
    for _ in range(at_most):
        page.keyboard.press("Tab")
        if focused(page).startswith(text):
            ring = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
            around = page.evaluate(
                "getComputedStyle(document.activeElement.closest('.card') || document.body).outlineStyle"
            )
            assert ring != "none" or around != "none", text
            return
    raise AssertionError(f"the keyboard does not reach {text!r}; it is at {focused(page)!r}")


def test_the_way_to_a_started_module_needs_only_a_keyboard(portal, open_page):
    page = open_page()
    settle(page, "/")
    page.keyboard.press("Tab")
    assert focused(page) == "Skip to content"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"
    page.goto("/")
    tab_to(page, "Learn")
    page.keyboard.press("Enter")
    page.wait_for_url("**/learn")
    tab_to(page, "Module number 0")
    page.keyboard.press("Enter")
    page.wait_for_url("**/learn/module-0")
    tab_to(page, "Open workspace")
    page.keyboard.press("Enter")
    page.wait_for_url(portal.notebook)
    assert page.locator("body").inner_text() == "JupyterLab"
    assert portal.asked.started[-1] == ("laptop", "module-0")


PRESS_TWICE = """async () => {
  const form = document.querySelector("form.start"), button = form.querySelector("button");
  button.click();
  await new Promise((done) => setTimeout(done, 1500));
  button.click();
  await new Promise((done) => setTimeout(done, 200));
  return [form.querySelector(".busy").textContent, button.getAttribute("aria-disabled")];
}"""


def test_a_slow_start_is_shown_with_its_time_and_pressed_once(portal, open_page):
    page = open_page()
    settle(page, "/learn/module-2")
    before = len(portal.asked.started)
    portal.may_start.clear()
    try:
        says, disabled = page.evaluate(PRESS_TWICE)
    finally:
        portal.may_start.set()
    assert says.startswith("Starting JupyterLab …")
    assert says.endswith(" s")
    assert disabled == "true"
    page.wait_for_url(portal.notebook)
    assert len(portal.asked.started) == before + 1


def test_stopping_leads_back_to_the_list(portal, open_page):
    page = open_page()
    settle(page, "/workspaces")
    page.get_by_role("button", name="Stop").click()
    page.wait_for_url("**/workspaces")
    assert portal.asked.stopped[-1] == ("laptop", "ws-module-0")


def test_signing_out_asks_for_a_code_again(portal, open_page):
    page = open_page(is_signed_in=False)
    page.goto(f"/sign-in#{portal.code()}")
    page.wait_for_url(f"{portal.origin}/")
    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url("**/sign-in")
    page.goto("/data")
    assert "Sign in" in page.title()
