"""*From registers to OMOP* keeps its promises on a cohort, and its texts belong together."""

import importlib.util
import json
from pathlib import Path
from types import ModuleType

import pytest

from sandkasse.actions import modules
from sandkasse.actions.cohorts import CLASS_COHORT, publish_class_cohort
from sandkasse.core.settings import Settings, read_settings
from sandkasse.training.lessons import read_notebook
from sandkasse.training.spec import Module, read_module

MODULE = "registers-to-omop"
FOLDER = Path(__file__).parents[3] / "modules" / MODULE
# Any seed will do: every expected number is computed from the cohort. Fixed, so that a failure can be looked at.
SEED, SALT, GRADING_KEY = "20260101", "00" * 32, bytes(range(32))


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    found = read_settings({"SANDKASSE_HOME": str(tmp_path_factory.mktemp("home"))})
    found.secrets.mkdir(parents=True, mode=0o700)
    (found.secrets / f"{CLASS_COHORT}.json").write_text(json.dumps({"seed": SEED, "salt": SALT}))
    (found.secrets / "grading.key").write_bytes(GRADING_KEY)
    publish_class_cohort(found)
    return found


@pytest.fixture(scope="module")
def module() -> Module:
    return read_module(FOLDER)


@pytest.fixture(scope="module")
def answers() -> ModuleType:
    spec = importlib.util.spec_from_file_location("registers_to_omop_answers", FOLDER / "answers.py")
    assert spec is not None
    assert spec.loader is not None
    code = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(code)
    return code


@pytest.mark.slow
def test_lessons_run_solutions_pass_and_every_answer_is_judged_as_promised(settings: Settings):
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
    assert pictures >= 9


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


def test_no_expected_number_is_typed_in(module: Module):
    for exercise in module.exercises:
        if exercise.grader != "choice":
            assert "FROM" in exercise.parameters["sql"].split(), exercise.id


def test_the_codes_that_the_exercises_name_map_as_they_say(module: Module):
    """The graders' SQL names Danish codes; what they stand for is in the shipped vocabulary."""
    from sandkasse.transforms.omop.vocabulary import map_codes, read_shipped

    codes = ["A10BA02", "A10BD07", "A10BH01", "A10AB01", "A10AB04", "A10AB05", "A10AC01", "A10AE04", "A10AE05"]
    rows = map_codes([("DK-ATC", code) for code in codes], read_shipped()).to_pylist()
    stands_for = {
        concept: {row["code"] for row in rows if row["concept_id"] == concept} for concept in (1503297, 1580747, 0)
    }
    assert stands_for == {1503297: {"A10BA02", "A10BD07"}, 1580747: {"A10BH01", "A10BD07"}, 0: {"A10AC01"}}
    assert any("1580747" in exercise.prompt for exercise in module.exercises)
