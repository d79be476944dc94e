"""What *One question, five case definitions* promises beyond what every module does: its numbers, what they teach."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from sandkasse.training.spec import Module

MODULE = "five-case-definitions"
LARGEST_DATA_MB = 2.0  # our choice: what an installation carries for one module
DEFINITIONS = ("admission", "hospital", "drugs", "algorithm", "recent")
MADE = re.compile(r"^ *\(?(?P<values>.*?)\)?,?  -- made: (?P<names>[a-z -]+)$", re.MULTILINE)


@pytest.fixture(scope="session")
def numbers(folder: Path) -> dict[str, float]:
    found: dict[str, float] = json.loads((folder / "expected.json").read_text())
    return found


@pytest.fixture(scope="session")
def script(load_script: Callable[[str], ModuleType]) -> ModuleType:
    return load_script("make_practice")


def test_the_lessons_draw(pictures: list[tuple[str, str]]):
    assert len(pictures) >= 12


def test_numbers_come_from_the_cohort_or_were_made_by_the_script(
    module: Module, folder: Path, numbers: dict[str, float]
):
    text = (folder / "module.yaml").read_text()
    found = list(MADE.finditer(text))
    assert len(found) == text.count("-- made: ") >= 50
    for match in found:
        values = [float(part) for part in match["values"].split(", ") if "'" not in part]
        assert values == pytest.approx([numbers[name] for name in match["names"].split()], rel=1e-5), match["names"]
    for exercise in module.exercises:
        sql = exercise.parameters.get("sql", "FROM the truth")
        assert re.search(r"\bFROM\b", sql), exercise.id


def test_the_practice_data_are_those_that_the_numbers_belong_to(
    folder: Path, answers: ModuleType, numbers: dict[str, float]
):
    """Two ways of computing must agree: the script's and the module's right answers."""
    shares = answers.validity_sql(None).set_index(["definition", "measure"]).share
    for name in DEFINITIONS:
        for measure in ("sensitivity", "specificity", "ppv"):
            assert shares[name, measure] == pytest.approx(numbers[f"{name}-{measure}"], abs=2e-6)
    ratios = answers.ratios_pandas(None).set_index("definition").ratio
    for name in (*DEFINITIONS, "truth"):
        assert ratios[name] == pytest.approx(numbers[f"{name}-ratio"], rel=2e-5)
    assert answers.positives_sets(None) == pytest.approx(numbers["positives"], abs=2e-6)
    assert answers.pooled_matrix(None) == pytest.approx(numbers["corrected"], rel=2e-5)
    persons = pq.read_metadata(folder / "data" / "practice" / "truth_persons.parquet").num_rows
    assert persons == numbers["persons"]
    assert sum(file.stat().st_size for file in (folder / "data").rglob("*") if file.is_file()) < LARGEST_DATA_MB * 1e6


def test_the_practice_data_end_before_the_day(folder: Path):
    for table, column in (("lmdb", "eksd"), ("lpr_adm", "d_inddto")):
        days = pq.read_table(folder / "data" / "practice" / f"{table}.parquet", columns=[column])[column]
        assert max(days.to_pylist()).year == 2014


def test_what_the_module_teaches_is_so_in_its_data(numbers: dict[str, float]):
    """If a change of the model takes one of these away, the texts are wrong: this tells."""
    sensitivity = {name: numbers[f"{name}-sensitivity"] for name in DEFINITIONS}
    ratio = {name: numbers[f"{name}-ratio"] for name in (*DEFINITIONS, "truth")}
    # The definitions differ, and a bed is needed for few.
    assert sensitivity["admission"] < 0.3 < sensitivity["drugs"] < sensitivity["hospital"] < sensitivity["algorithm"]
    assert numbers["recent-ppv"] < numbers["algorithm-ppv"] - 0.05
    # A hospital code is right as often as Thomsen et al. found (0.92); chance moves it farther once in 1,000 times.
    named = numbers["hospital-sensitivity"] * numbers["with-copd"] / numbers["hospital-ppv"]
    assert abs(numbers["hospital-ppv"] - 0.92) < 3.29 * (0.92 * 0.08 / named) ** 0.5
    # A validation of positives flatters.
    assert numbers["positives"] > sensitivity["hospital"] + 0.1
    # Inhalers for asthma make an association with asthma, and a pooled correction makes it worse.
    assert min(ratio["drugs"], ratio["recent"]) > 1.4 * ratio["truth"] > 1.4 * ratio["algorithm"]
    assert numbers["corrected"] > 1.1 * ratio["drugs"]
    assert abs(ratio["hospital"] / ratio["truth"] - 1) < 0.2


def test_the_pass_mark_of_the_list_is_the_one_that_the_rule_gives(
    module: Module, numbers: dict[str, float], script: ModuleType
):
    """A right list is refused once in a thousand times at most, and a wrong one accepted as rarely."""
    assert module.exercise("your-list").parameters["pass_at"] == numbers["list-pass"]
    found = script.choose_pass_mark()
    for name in ("list-pass", "list-confirmed", "list-learnt", "list-drugs", "list-right-refused"):
        assert found[name] == pytest.approx(numbers[name], rel=1e-5), name
    assert numbers["list-right-refused"] <= script.REFUSED == 0.001
    assert numbers["list-wrong-accepted"] <= script.REFUSED
    assert min(numbers["list-confirmed"], numbers["list-learnt"]) > numbers["list-all-inhalers"] + 0.1


def test_a_list_passes_as_often_as_the_grader_lets_it(script: ModuleType):
    """Known answers: everybody, nobody, and two thirds of the ill, whose F1 of 0.8 is as often above 0.8 as below."""
    ill = np.arange(60_000) < 6_000
    people = pd.DataFrame({"truth": ill, "found": ill})
    marks = list(np.round(script.PASS_MARKS, 2))
    every, nobody, most = (
        script.pass_probabilities(people.assign(named=named), np.random.default_rng(1))
        for named in (ill, np.roll(ill, 6_000), ill & (np.arange(60_000) % 3 > 0))
    )
    # The shares behind ill persons are drawn as well: 1 in 6,000 may be missed, which costs a step now and then.
    assert every[marks.index(0.96)] > 0.999
    assert nobody.max() < 1e-4
    # Its standard error is 0.011 in half a class cohort of so many ill, and what lies below may be rounded up.
    assert most[marks.index(0.72)] > 0.999
    assert 0.5 < most[marks.index(0.80)] < 0.8
    assert most[marks.index(0.88)] < 1e-3


def test_the_script_puts_numbers_where_they_belong(tmp_path: Path, script: ModuleType):
    file = tmp_path / "module.yaml"
    file.write_text(
        "  ('icd-10', 0.0),  -- made: a\n  (0.0, 7)  -- made: b a\n  (1.0)\nsql: SELECT 1 AS value\n"
        "pass_at: 0.9  # made: a\n"
    )
    script.fill_in({"a": 0.5, "b": 1729.0}, file)
    assert file.read_text() == (
        "  ('icd-10', 0.5),  -- made: a\n  (1729, 0.5)  -- made: b a\n  (1.0)\nsql: SELECT 1 AS value\n"
        "pass_at: 0.5  # made: a\n"
    )
