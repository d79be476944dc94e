"""The page on choosing modules tells of every module what its own file says."""

from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
MODULES = sorted((ROOT / "modules").glob("*/module.yaml"))
ROWS = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in (ROOT / "docs" / "how-to" / "choose-modules.md").read_text("utf-8").splitlines()
    if line.startswith("| ")
]
SAYS = {"python": "Python", "r": "R"}


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.parent.name)
def test_a_module_has_its_row_with_level_hours_code_and_what_comes_before(path):
    module = yaml.safe_load(path.read_text("utf-8"))
    (row,) = [row for row in ROWS if f"[{module['title']}]" in row[0] or module["title"] == row[0]]
    _, level, hours, code, before, _ = row
    assert (level, float(hours)) == (module["level"], module["hours"])
    assert {name for name, says in SAYS.items() if says in code.replace(";", " ").split()} == set(
        module.get("languages", ["python"])
    )
    titles = {other.parent.name: yaml.safe_load(other.read_text("utf-8"))["title"] for other in MODULES}
    assert before == (", ".join(titles[name] for name in module.get("prerequisites", ())) or "–")


def test_no_row_tells_of_a_module_that_is_not_there():
    assert len(ROWS) == len(MODULES) + 1  # and the headings
