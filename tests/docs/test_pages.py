"""The documentation is true: links lead somewhere, generated pages are up to date, decisions have their four parts."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "benchmarks").glob("*.md")])
DECISIONS = sorted((ROOT / "docs" / "decisions").glob("*.md"))
LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_within_the_project_lead_somewhere(page):
    text = re.sub(r"```.*?```", "", page.read_text("utf-8"), flags=re.DOTALL)
    broken = [
        target
        for target in LINK.findall(text)
        if "://" not in target and not target.startswith(("#", "mailto:"))
        if not (page.parent / target.partition("#")[0]).exists()
    ]
    assert broken == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_anchors_lead_to_a_heading(page):
    wrong = []
    for target in LINK.findall(page.read_text("utf-8")):
        path, _, anchor = target.partition("#")
        goal = (page.parent / path) if path else page
        if anchor and "://" not in target and goal.suffix == ".md" and anchor not in _anchors(goal):
            wrong.append(target)
    assert wrong == []


def test_generated_pages_are_up_to_date():
    command = [sys.executable, str(ROOT / "docs" / "generate.py"), "--check"]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.stdout + result.stderr == "", "run: python3 run.py docs"


@pytest.mark.parametrize("page", DECISIONS, ids=lambda page: page.stem)
def test_a_decision_names_context_decision_consequences_and_what_was_refused(page):
    text = page.read_text("utf-8").lower()
    missing = [part for part in ("context", "decision", "consequences", "refused") if part not in text]
    assert missing == []


def test_decisions_are_numbered_without_gaps():
    numbers = [int(page.stem[:4]) for page in DECISIONS]
    assert numbers == list(range(1, len(numbers) + 1))


def test_every_page_is_reached_from_the_contents():
    contents = (ROOT / "docs" / "README.md").read_text("utf-8")
    pages = [page for page in PAGES if (ROOT / "docs") in page.parents and page.name != "README.md"]
    unlisted = [
        str(page.relative_to(ROOT / "docs")) for page in pages if str(page.relative_to(ROOT / "docs")) not in contents
    ]
    assert unlisted == []


def _anchors(page: Path) -> set[str]:
    headings = re.findall(r"^#+ +(.+)$", page.read_text("utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}
