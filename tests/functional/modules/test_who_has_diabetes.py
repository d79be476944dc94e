"""The module keeps its promises on a cohort: it runs, accepts right approaches and refuses the listed wrong ones."""

import json
from pathlib import Path

import pytest

from sandkasse.actions import modules
from sandkasse.actions.cohorts import CLASS_COHORT, publish_class_cohort
from sandkasse.core.settings import Settings, read_settings

pytestmark = pytest.mark.slow

MODULE = "who-has-diabetes"
# Any seed will do: verification/lesson_thresholds.py looks at many. Fixed, so that a failure can be looked at.
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
def report(settings: Settings) -> modules.TestReport:
    return modules.test_module(settings, MODULE)


def faults(report: modules.TestReport, *kinds: str) -> list[str]:
    wanted = [result for result in report.results if result.what in kinds]
    assert wanted
    return [f"{r.what} {r.subject}: {r.title}: {r.says}" for r in wanted if not r.is_right]


def test_lessons_run_and_worked_solutions_pass_every_exercise(report: modules.TestReport):
    assert faults(report, "lesson", "solution") == []


def test_two_right_approaches_to_every_exercise_pass(report: modules.TestReport):
    assert faults(report, "accepted") == []


def test_plausible_wrong_answers_are_refused_for_the_right_reason(report: modules.TestReport):
    assert faults(report, "refused") == []


def test_the_truth_of_graded_persons_is_not_among_the_module_s_files(settings: Settings):
    import pandas as pd

    practice = Path(settings.content) / "modules" / MODULE / "data" / "practice" / "truth_persons.parquet"
    graded = next((settings.truth / CLASS_COHORT).iterdir()) / "persons.parquet"
    assert set(pd.read_parquet(practice).pnr).isdisjoint(pd.read_parquet(graded, columns=["pnr"]).pnr)
