"""What *Target trial* promises beyond what every module does: its numbers belong to its practice data."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from sandkasse.training.spec import Module

MODULE = "target-trial"
LARGEST_DATA_MB = 4.0  # our choice: what an installation carries for one module
MADE = re.compile(r"sql: SELECT ([^\n]*?)\}?  # made: ([a-z-]+)")
COLUMN = re.compile(r"(-?[0-9.]+|(?<=unnest\()\[[-0-9., ]+\])\)? AS (value|standard_error|narrowest|widest)")
Z = 3.2905  # standard errors: a right answer with normal error lies farther off once in 1,000


@pytest.fixture(scope="session")
def numbers(folder: Path) -> dict[str, dict[str, float]]:
    found: dict[str, dict[str, float]] = json.loads((folder / "expected.json").read_text())["numbers"]
    return found


def test_the_lessons_draw(pictures: list[tuple[str, str]]):
    assert len(pictures) >= 8


def test_each_exercise_tries_two_right_and_three_wrong_approaches(module: Module):
    assert 8 <= len(module.exercises) <= 12
    for exercise in module.exercises:
        assert len({item.answer for item in exercise.accepted}) == 2, exercise.id
        assert len({item.answer for item in exercise.refused}) >= 3, exercise.id


def test_every_number_of_the_practice_data_was_made_by_the_script(
    module: Module, folder: Path, numbers: dict[str, Any]
):
    text = (folder / "module.yaml").read_text()
    made = MADE.findall(text)
    assert len(made) == len(re.findall(r"# made: ", text)) >= 10
    for sql, name in made:
        columns = COLUMN.findall(sql)
        assert columns, name
        for value, column in columns:
            assert json.loads(value) == pytest.approx(numbers[name][column], abs=6e-5 if "[" in value else 1e-6), name
    for exercise in module.exercises:
        if exercise.part == "protocol":
            assert "FROM" in exercise.parameters["sql"].split(), exercise.id
        elif exercise.grader != "choice":
            assert exercise.parameters["sql"].startswith("SELECT "), exercise.id
            assert "[0, 0" not in exercise.parameters["sql"], exercise.id
            assert exercise.parameters["sql"].split()[1].rstrip(",") != "0", exercise.id


def test_the_practice_data_are_those_that_the_numbers_belong_to(
    folder: Path, answers: ModuleType, numbers: dict[str, Any]
):
    """Two ways of computing must agree: the script's and the module's right answers."""
    for name, function in {
        "naive": "naive_sql",
        "indication": "indication_regression",
        "immortal": "immortal_numpy",
    }.items():
        assert getattr(answers, function)(None) == pytest.approx(numbers[name]["value"], abs=2e-6)
    rows = pq.read_table(folder / "data" / "trials.parquet")
    assert rows.num_rows == json.loads((folder / "expected.json").read_text())["about"]["rows"]
    assert rows.num_rows == pq.read_metadata(folder / "data" / "hidden.parquet").num_rows
    assert sum(file.stat().st_size for file in (folder / "data").iterdir()) < LARGEST_DATA_MB * 1e6
    before_zero = pc.less(rows["event_day"], 0)
    assert not pc.any(before_zero).as_py()


def test_the_naive_comparison_has_the_wrong_sign_and_the_question_can_be_answered(numbers: dict[str, Any]):
    """What the module teaches must be so in the data: if a change of the model takes it away, this tells."""
    truth, adjusted = numbers["truth"], numbers["adjusted"]
    assert numbers["naive"]["value"] > 0.02
    assert truth["value"] < -3 * numbers["opened"]["standard_error"]
    assert truth["standard_error"] < numbers["opened"]["standard_error"] / 4
    assert numbers["immortal"]["value"] < 2 * truth["value"]
    # A crude answer is far out of what passes, another honest method far within.
    assert abs(numbers["indication"]["value"] - adjusted["value"]) > 2 * Z * adjusted["standard_error"]
    assert abs(numbers["cells"]["value"] - adjusted["value"]) < Z * adjusted["standard_error"]


@pytest.mark.parametrize("unit", ["", "-days"])
def test_the_account_is_closed_and_what_is_left_in_the_end_is_chance(numbers: dict[str, Any], unit: str):
    """With everything opened an analysis finds the truth: fails once in 1,000 times that the data are made."""
    part = {name: numbers[f"{name}{unit}"] for name in ("estimate", "truth", "stopping", "hidden", "chance", "opened")}
    parts = ("truth", "stopping", "hidden", "chance")
    assert sum(part[name]["value"] for name in parts) == pytest.approx(part["estimate"]["value"], abs=4e-6)
    assert part["truth"]["value"] + part["chance"]["value"] == pytest.approx(part["opened"]["value"], abs=3e-6)
    assert abs(part["chance"]["value"]) < Z * part["chance"]["standard_error"]
    for bias in ("stopping", "hidden"):
        assert part[bias]["value"] * part["truth"]["value"] < 0, "stopping and the hidden traits hide the effect"
        assert abs(part[bias]["value"]) > 2 * part[bias]["standard_error"]


def test_the_script_puts_numbers_where_they_belong(tmp_path: Path, load_script: Callable[[str], ModuleType]):
    file = tmp_path / "module.yaml"
    file.write_text(
        "sql: SELECT 0 AS value  # made: a\n- {error: e, sql: SELECT 0 AS value}  # made: b\n"
        "sql: SELECT 0 AS value, 0 AS standard_error  # made: b\nsql: SELECT 1 AS value\n"
        "sql: SELECT unnest(['x', 'y']) AS part, unnest([0, 0]) AS value  # made: c\n"
    )
    numbers = {"a": {"value": 1.5}, "b": {"value": -2.0, "standard_error": 0.25}, "c": {"value": [0.5, -1.0]}}
    load_script("make_practice").fill_in(numbers, file)
    assert file.read_text() == (
        "sql: SELECT 1.500000 AS value  # made: a\n- {error: e, sql: SELECT -2.000000 AS value}  # made: b\n"
        "sql: SELECT -2.000000 AS value, 0.250000 AS standard_error  # made: b\nsql: SELECT 1 AS value\n"
        "sql: SELECT unnest(['x', 'y']) AS part, unnest([0.5, -1.0]) AS value  # made: c\n"
    )


def test_the_page_tells_the_account_that_was_made(
    tmp_path: Path, load_script: Callable[[str], ModuleType], numbers: dict[str, Any]
):
    script = load_script("make_practice")
    page = tmp_path / "page.md"
    page.write_text(script.PAGE.read_text())
    script.tell(numbers, page)
    assert page.read_text() == script.PAGE.read_text()
    assert f"| truth | {100 * numbers['truth']['value']:.2f} |" in page.read_text()
