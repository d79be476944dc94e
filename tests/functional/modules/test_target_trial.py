"""*Target trial* keeps its promises on a cohort and on its practice data, and its texts and numbers belong together."""

import importlib.util
import json
import re
from pathlib import Path
from types import ModuleType
from typing import Any

import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from sandkasse.actions import modules
from sandkasse.actions.cohorts import CLASS_COHORT, publish_class_cohort
from sandkasse.core.settings import Settings, read_settings
from sandkasse.training.lessons import read_notebook
from sandkasse.training.spec import Module, read_module

MODULE = "target-trial"
FOLDER = Path(__file__).parents[3] / "modules" / MODULE
# Any seed will do for part 1; parts 2 and 3 read the practice data. Fixed, so that a failure can be looked at.
SEED, SALT, GRADING_KEY = "20260101", "00" * 32, bytes(range(32))
LARGEST_DATA_MB = 4.0  # our choice: what an installation carries for one module
MADE = re.compile(r"sql: SELECT (\S+) AS value(?:, (\S+) AS standard_error)?\}?  # made: ([a-z-]+)")


@pytest.fixture(scope="module")
def module() -> Module:
    return read_module(FOLDER)


@pytest.fixture(scope="module")
def numbers() -> dict[str, dict[str, float]]:
    found: dict[str, dict[str, float]] = json.loads((FOLDER / "expected.json").read_text())["numbers"]
    return found


def load(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"target_trial_{name}", FOLDER / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    code = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(code)
    return code


@pytest.fixture(scope="module")
def answers() -> ModuleType:
    return load("answers")


@pytest.mark.slow
def test_lessons_run_solutions_pass_and_every_answer_is_judged_as_promised(tmp_path: Path):
    settings: Settings = read_settings({"SANDKASSE_HOME": str(tmp_path / "home")})
    settings.secrets.mkdir(parents=True, mode=0o700)
    (settings.secrets / f"{CLASS_COHORT}.json").write_text(json.dumps({"seed": SEED, "salt": SALT}))
    (settings.secrets / "grading.key").write_bytes(GRADING_KEY)
    publish_class_cohort(settings)
    report = modules.test_module(settings, MODULE)
    wrong = [f"{r.what} {r.subject}: {r.title}: {r.says}" for r in report.results if not r.is_right]
    assert {result.what for result in report.results} == {"lesson", "solution", "accepted", "refused"}
    assert wrong == []


def test_solutions_are_the_lessons_with_the_answers_filled_in(module: Module):
    for part in module.parts:
        lesson = read_notebook(FOLDER, part.lesson, module_id=module.id).cells
        solution = read_notebook(FOLDER, part.solution, module_id=module.id).cells
        assert len(lesson) == len(solution), part.id
        for asked, given in zip(lesson, solution, strict=True):
            if "sandkasse.check(" in asked.source:
                assert "= ..." in asked.source
                assert "..." not in given.source
            else:
                assert asked.source == given.source.replace(" (worked solution)", "")


def test_every_picture_has_a_title_axes_and_a_text_alternative(module: Module):
    pictures = 0
    for part in module.parts:
        for cell in read_notebook(FOLDER, part.lesson, module_id=module.id).cells:
            if "alt.Chart" in cell.source:
                pictures += 1
                for needed in ("TitleParams(", "subtitle=", "description=", "title="):
                    assert needed in cell.source, (part.id, needed, cell.source[:80])
    assert pictures >= 8


def test_every_answer_function_is_used_and_every_named_one_exists(module: Module, answers: ModuleType):
    named = {item.answer for exercise in module.exercises for item in (*exercise.accepted, *exercise.refused)}
    defined = {
        name
        for name, value in vars(answers).items()
        if callable(value) and not name.startswith("_") and getattr(value, "__module__", "") == answers.__name__
    }
    assert named == defined


def test_each_exercise_tries_two_right_and_three_wrong_approaches(module: Module):
    assert 8 <= len(module.exercises) <= 12
    for exercise in module.exercises:
        assert len({item.answer for item in exercise.accepted}) == 2, exercise.id
        assert len({item.answer for item in exercise.refused}) >= 3, exercise.id


def test_every_number_of_the_practice_data_was_made_by_the_script(module: Module, numbers: dict[str, Any]):
    text = (FOLDER / "module.yaml").read_text()
    made = MADE.findall(text)
    assert len(made) == len(re.findall(r"# made: ", text)) >= 10
    for value, error, name in made:
        assert float(value) == pytest.approx(numbers[name]["value"], abs=1e-6), name
        if error:
            assert float(error) == pytest.approx(numbers[name]["standard_error"], abs=1e-6), name
    for exercise in module.exercises:
        if exercise.part == "protocol":
            assert " FROM " in exercise.parameters["sql"], exercise.id
        elif exercise.grader != "choice":
            assert exercise.parameters["sql"].startswith("SELECT "), exercise.id
            assert exercise.parameters["sql"].split()[1].rstrip(",") != "0", exercise.id


def test_the_practice_data_are_those_that_the_numbers_belong_to(answers: ModuleType, numbers: dict[str, Any]):
    """Two ways of computing must agree: the script's and the module's right answers."""
    for name, function in {
        "naive": "naive_sql",
        "indication": "indication_regression",
        "immortal": "immortal_numpy",
    }.items():
        assert getattr(answers, function)(None) == pytest.approx(numbers[name]["value"], abs=2e-6)
    rows = pq.read_table(FOLDER / "data" / "trials.parquet")
    assert rows.num_rows == json.loads((FOLDER / "expected.json").read_text())["about"]["rows"]
    assert rows.num_rows == pq.read_metadata(FOLDER / "data" / "hidden.parquet").num_rows
    assert sum(file.stat().st_size for file in (FOLDER / "data").iterdir()) < LARGEST_DATA_MB * 1e6
    before_zero = pc.less(rows["event_day"], 0)
    assert not pc.any(before_zero).as_py()


def test_the_naive_comparison_has_the_wrong_sign_and_the_question_can_be_answered(numbers: dict[str, Any]):
    """What the module teaches must be so in the data: if a change of the model takes it away, this tells."""
    truth = numbers["true-difference"]
    assert numbers["naive"]["value"] > 0.02
    assert truth["value"] < -3 * truth["standard_error"]
    assert abs(numbers["indication"]["value"] - truth["value"]) > 2.5 * truth["standard_error"]
    assert truth["monte_carlo_error"] < truth["standard_error"] / 4
    assert numbers["immortal"]["value"] < 2 * truth["value"]
    assert abs(numbers["adjusted"]["value"] - truth["value"]) < 2.5 * truth["standard_error"]


def test_the_script_puts_numbers_where_they_belong(tmp_path: Path):
    file = tmp_path / "module.yaml"
    file.write_text(
        "sql: SELECT 0 AS value  # made: a\n- {error: e, sql: SELECT 0 AS value}  # made: b\n"
        "sql: SELECT 0 AS value, 0 AS standard_error  # made: b\nsql: SELECT 1 AS value\n"
    )
    load("make_practice").fill_in({"a": {"value": 1.5}, "b": {"value": -2.0, "standard_error": 0.25}}, file)
    assert file.read_text() == (
        "sql: SELECT 1.500000 AS value  # made: a\n- {error: e, sql: SELECT -2.000000 AS value}  # made: b\n"
        "sql: SELECT -2.000000 AS value, 0.250000 AS standard_error  # made: b\nsql: SELECT 1 AS value\n"
    )
