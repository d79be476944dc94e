"""No figure's first role is rewritten: the columns are held against the lists as they were first frozen."""

import csv
import hashlib
from pathlib import Path

from sandkasse.cohort.model import DATA
from sandkasse.cohort.validation.conditions import TARGETS

FROZEN = Path(__file__).parent / "frozen_condition_targets.csv"
FROZEN_SHA = "147285bae2218c191e893dc0bd864b05a5e1496a4d598769925b2641869047fe"
FIRST_TARGETS_SHA = "0b93212a3f40eb89be96857d80c6aa82b945a5f1d78102eb630d67d0d07d8768"
RENAMED = {
    "cause:circulatory": "heart and vessels",
    "cause:respiratory": "lungs and airways",
    "cause:cancer": "all cancers",
}
SAME = ("measure", "treatment", "sex", "age_from", "age_below", "within_days", "value")
"""What makes a figure the same; dates within the year, and since when recognition counts, were read anew for some."""


def _rows(path):
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _key(row):
    condition = RENAMED.get(row["condition"], row["condition"])
    return condition, row["date_from"][:4], *(row[name] for name in SAME)


def test_the_frozen_list_is_the_one_that_was_frozen():
    assert hashlib.sha256(FROZEN.read_bytes()).hexdigest() == FROZEN_SHA


def test_every_first_role_is_that_of_the_frozen_list_and_no_figure_is_lost():
    frozen = {_key(row): row["role"] for row in _rows(FROZEN)}
    today = {_key(row): row["first_role"] for row in _rows(TARGETS)}
    assert len(today) == len(_rows(TARGETS))
    assert {key: role for key, role in today.items() if role != "added later"} == frozen


def test_every_figure_that_changed_its_role_says_why():
    for row in _rows(TARGETS):
        changed = row["first_role"] not in (row["role"], "added later")
        assert changed == bool(row["why"]), row


def test_of_the_tables_only_the_first_year_of_diabetes_prevalence_changed_its_role():
    lines = (DATA / "targets.csv").read_text(encoding="utf-8").splitlines()
    first = [
        line.replace(",fitted", ",held out")
        if line.startswith("diabetes_prevalence,") and line.split(",")[3] == "1996"
        else line
        for line in lines
    ]
    assert hashlib.sha256(("\n".join(first) + "\n").encode()).hexdigest() == FIRST_TARGETS_SHA
