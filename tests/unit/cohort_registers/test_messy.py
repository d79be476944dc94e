"""The tier `messy`: off in `clean`, and each of its traps spoils what it says and is told in the truth."""

from collections import Counter

import pytest

from sandkasse.cohort.observation.traps import MESSY, NAMES, trap_switches
from sandkasse.core.errors import InvalidInputError


@pytest.fixture(scope="module")
def life(bench):
    lives = bench.varied_lives(400, seed=21)
    lives.residence_start[:, 1], lives.residence_end[:, 1] = bench.NEVER, bench.NEVER
    return lives


@pytest.fixture(scope="module")
def clean(bench, life):
    return bench.make(life)


def messy(bench, life, trap):
    return bench.make(life, tier="messy", without=tuple(MESSY - {trap}))


def trapped(made, trap):
    return sum(row["trap"] == trap for row in made.truth["traps"].to_pylist())


def counts(table):
    return Counter(tuple(row.values()) for row in table.to_pylist())


def test_without_its_traps_messy_is_clean(bench, life, clean):
    made = bench.make(life, tier="messy", without=tuple(MESSY))
    assert all(made.registers[name].equals(clean.registers[name]) for name in clean.registers)


def test_the_tiers_have_their_traps():
    off = {name for name, is_on in zip(NAMES, trap_switches(()), strict=True) if not is_on}
    assert off == MESSY
    assert trap_switches((), tier="messy").all()
    with pytest.raises(InvalidInputError, match="no tier 'untidy'"):
        trap_switches((), tier="untidy")


@pytest.mark.parametrize("table", ["lmdb", "lab_forsker"])
def test_duplicates_stand_twice(bench, life, clean, table):
    made = messy(bench, life, "duplicates")
    more = counts(made.registers[table]) - counts(clean.registers[table])
    assert not counts(clean.registers[table]) - counts(made.registers[table])
    assert set(more) <= set(counts(clean.registers[table]))
    # Four in a thousand of more than 10,000 rows: none by chance less often than once in a million.
    assert more
    assert trapped(made, "duplicates")


@pytest.mark.parametrize("trap", ["missing_by_value", "practice_differences"])
def test_results_are_missing_and_none_is_invented(bench, life, clean, trap):
    made = messy(bench, life, trap)
    assert not counts(made.registers["lab_forsker"]) - counts(clean.registers["lab_forsker"])
    missing = counts(clean.registers["lab_forsker"]) - counts(made.registers["lab_forsker"])
    assert missing
    is_hba1c = {row[2] in {"NPU27300", "NPU03835"} for row in missing}
    assert is_hba1c == {trap == "practice_differences"}
    assert trapped(made, trap)


def test_results_in_another_unit_do_not_say_so(bench, life, clean):
    made = messy(bench, life, "unit_mixups")
    new = counts(made.registers["lab_forsker"]) - counts(clean.registers["lab_forsker"])
    assert new
    assert made.registers["lab_forsker"].num_rows == clean.registers["lab_forsker"].num_rows
    grams = [row[3] for row in new if row[2] == "NPU02319"]
    assert all(value > 60 for value in grams)
    assert {row[4] for row in new} <= {"mmol/L", "umol/L"}


@pytest.mark.parametrize(("trap", "code"), [("late_codes", "DZ039"), ("coding_drift", "DZ098")])
def test_contacts_carry_another_code(bench, life, clean, trap, code):
    made = messy(bench, life, trap)
    number = lambda m: sum(row["diag_kode"] == code for row in m.registers["lpr3a_diagnose"].to_pylist())  # noqa: E731
    assert number(made) > number(clean)
    assert made.registers["lpr3a_kontakt"].num_rows == clean.registers["lpr3a_kontakt"].num_rows
    assert trapped(made, trap)


def test_regions_leave_secondary_diagnoses_out(bench, life, clean):
    made = messy(bench, life, "region_differences")
    kinds = lambda m: Counter(row["diag_type"] for row in m.registers["lpr3a_diagnose"].to_pylist())  # noqa: E731
    assert kinds(made)["A"] == kinds(clean)["A"]
    assert 0 < kinds(made)["B"] < kinds(clean)["B"]
    assert trapped(made, "region_differences")
