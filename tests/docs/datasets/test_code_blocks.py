"""Every Python block of the pages about datasets runs, in order, as a reader would run it."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from sandkasse.catalogue.card import Card

ROOT = Path(__file__).parents[3]
PAGES = [ROOT / "docs" / "how-to" / name for name in ("open-a-dataset.md", "add-a-dataset.md")]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_the_pages_code_runs(page: Path, tmp_path: Path) -> None:
    blocks = re.findall(r"```python\n(.*?)```", page.read_text("utf-8"), re.DOTALL)
    assert blocks
    environment = {**os.environ, "SANDKASSE_HOME": str(tmp_path / "home")}
    done = subprocess.run(
        [sys.executable, "-c", "\n".join(blocks)],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr


def test_the_cards_page_names_every_field_and_no_other() -> None:
    page = (ROOT / "docs" / "reference" / "card.md").read_text("utf-8")
    table = page.partition("## Access tiers")[0]
    rows = dict(re.findall(r"^\| `(\w+)` \| (yes|made|) ?\|", table, re.MULTILINE))
    fields = Card.model_fields
    assert set(rows) == set(fields)
    needed = {name for name, field in fields.items() if field.is_required()}
    assert {name for name, when in rows.items() if when} == needed
