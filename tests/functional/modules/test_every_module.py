"""Every module keeps its promises on a cohort, and its texts belong together: a new folder is tested unasked."""

from pathlib import Path
from types import ModuleType

import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from sandkasse.actions import modules
from sandkasse.actions.cohorts import CLASS_COHORT
from sandkasse.core.settings import Settings
from sandkasse.training.lessons import read_notebook
from sandkasse.training.spec import Module

MODULES = Path(__file__).parents[3] / "modules"
FEWEST_REFUSED = {"who-has-diabetes": 2}  # the others try three at least
CARRIED = [file for file in sorted(MODULES.glob("*/data/**/*.parquet")) if "pnr" in pq.read_schema(file).names]


@pytest.mark.slow
@pytest.mark.timeout(3600)  # minutes of computing, and several times that where others compute too
def test_lessons_run_solutions_pass_and_every_answer_is_judged_as_promised(class_cohort: Settings, module_id: str):
    report = modules.test_module(class_cohort, module_id)
    wrong = [f"{r.what} {r.subject}: {r.title}: {r.says}" for r in report.results if not r.is_right]
    assert {result.what for result in report.results} == {"lesson", "solution", "accepted", "refused"}
    assert wrong == []


@pytest.mark.slow
@pytest.mark.parametrize("file", CARRIED, ids=lambda file: str(file.relative_to(MODULES)))
def test_no_person_of_the_graded_cohort_is_among_a_module_s_files(class_cohort: Settings, file: Path):
    truth = next((class_cohort.truth / CLASS_COHORT).iterdir()) / "persons.parquet"
    graded = pc.unique(pq.read_table(truth, columns=["pnr"])["pnr"])
    assert len(graded) == 20_000
    carried = pq.read_table(file, columns=["pnr"])["pnr"]
    assert len(carried) > 0
    assert not pc.any(pc.is_in(carried, value_set=graded)).as_py()


def test_solutions_are_the_lessons_with_the_answers_filled_in(module: Module, folder: Path):
    for part in module.parts:
        lesson = read_notebook(folder, part.lesson, module_id=module.id).cells
        solution = read_notebook(folder, part.solution, module_id=module.id).cells
        assert len(lesson) == len(solution), part.id
        for asked, given in zip(lesson, solution, strict=True):
            if "sandkasse.check(" in asked.source:
                assert "= ..." in asked.source
                assert "..." not in given.source
            else:
                assert asked.source == given.source.replace(" (worked solution)", "")


def test_every_picture_has_a_title_axes_and_a_text_alternative(pictures: list[tuple[str, str]]):
    assert pictures
    for part_id, source in pictures:
        for needed in ("TitleParams(", "subtitle=", "description=", "title="):
            assert needed in source, (part_id, needed, source[:80])


def test_every_answer_function_is_used_and_every_named_one_exists(module: Module, answers: ModuleType):
    named = {item.answer for exercise in module.exercises for item in exercise.answers()}
    defined = {
        name
        for name, value in vars(answers).items()
        if callable(value) and not name.startswith("_") and getattr(value, "__module__", "") == answers.__name__
    }
    assert named == defined


def test_every_part_asks_and_each_exercise_tries_two_right_and_several_wrong_approaches(module: Module):
    assert 8 <= len(module.exercises) <= 17
    for part in module.parts:
        assert module.exercises_of(part.id), part.id
    for exercise in module.exercises:
        assert len({item.answer for item in exercise.accepted}) >= 2, exercise.id
        assert len({item.answer for item in exercise.refused}) >= FEWEST_REFUSED.get(module.id, 3), exercise.id
