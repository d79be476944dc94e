"""Handing in answers and seeing one's progress, with a real database."""

import sqlite3
import stat
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pytest

from sandkasse.actions.attempts import list_progress, read_submission, submit_attempt
from sandkasse.actions.site import Site
from sandkasse.core.database import open_engine, transaction
from sandkasse.core.errors import (
    AnswerShapeError,
    DatasetNotFoundError,
    ExerciseNotFoundError,
    ModuleInvalidError,
    RateLimitedError,
    TrainingModuleNotFoundError,
    UpstreamError,
)
from sandkasse.migrations import upgrade
from sandkasse.people.accounts import add_person
from sandkasse.training.policies import TRIES_PER_DAY, TRIES_PER_HOUR


class Clock:
    """A clock that tests turn."""

    def __init__(self):
        self.now = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)

    def __call__(self):
        return self.now

    def turn(self, **by):
        self.now += timedelta(**by)


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def site(site_folder, clock):
    engine = open_engine(site_folder.database)
    upgrade(engine)
    with transaction(engine) as db:
        for user in ("ida", "bo"):
            add_person(db, user_id=user, name=user, roles=("trainee",), clock=clock)
    yield Site(settings=site_folder, engine=engine, clock=clock)
    engine.dispose()


def submit(site, answer, *, exercise="how-many", user="ida", module="small"):
    return submit_attempt(site, user_id=user, module_id=module, exercise_id=exercise, answer=answer)


def rows(site, query):
    with sqlite3.connect(site.settings.database) as connection:
        return connection.execute(query).fetchall()


def progress(site, user="ida"):
    return {exercise.id: exercise for module in list_progress(site, user) for exercise in module.exercises}


def test_an_answer_is_graded_and_kept(site, country):
    verdict = submit(site, country.table(country.detected), exercise="who")
    assert verdict.passed
    assert (verdict.module, verdict.exercise, verdict.tries) == ("small", "who", 1)
    assert verdict.tries_left == TRIES_PER_HOUR - 1
    assert verdict.reference.score == 1.0
    assert progress(site)["who"].passed
    assert progress(site)["who"].best_score == 1.0


def test_progress_before_anything_is_empty_and_whole(site):
    (module,) = list_progress(site, "ida")
    assert (module.module_id, module.n_passed, module.is_begun, module.is_complete) == ("small", 0, False, False)
    assert [exercise.id for exercise in module.exercises] == ["who", "how-many"]
    assert {exercise.tries for exercise in module.exercises} == {0}


def test_tries_count_and_a_pass_stays(site, country, clock):
    n = country.persons.num_rows
    assert not submit(site, 3).passed
    assert submit(site, n).tries == 2
    clock.turn(minutes=5)
    assert not submit(site, 4).passed
    found = progress(site)["how-many"]
    assert (found.tries, found.passed, found.best_score, found.last_at) == (3, True, 1.0, clock.now)
    assert list_progress(site, "ida")[0].n_passed == 1


def test_everybody_has_their_own_progress(site, country):
    submit(site, country.persons.num_rows)
    assert progress(site, "bo")["how-many"].tries == 0
    assert submit(site, 3, user="bo").tries == 1


def test_the_mark_is_kept_and_not_told(site, country):
    verdict = submit(site, country.table(country.detected | country.trapped), exercise="who")
    ((mark, score),) = rows(site, "SELECT mark, score FROM attempts")
    assert 0 < mark < 1
    assert score == verdict.score
    assert "mark" not in verdict.model_dump()


@pytest.mark.attack
def test_the_answer_itself_is_not_kept(site, country):
    submit(site, country.table(country.detected), exercise="who")
    (row,) = rows(site, "SELECT * FROM attempts")
    assert not any(pnr in str(row) for pnr in country.pnr)
    ((value, digest),) = rows(site, "SELECT answer_value, answer_sha256 FROM attempts")
    assert value is None
    assert len(digest) == 64


def test_short_values_are_kept_and_long_ones_cut(site):
    submit(site, 3)
    with pytest.raises(AnswerShapeError):
        submit(site, "x" * 5_000)
    assert rows(site, "SELECT answer_value FROM attempts ORDER BY id") == [("3",), ("x" * 100,)]


def test_a_wrong_shape_is_no_try_but_counts_against_the_rate(site):
    with pytest.raises(AnswerShapeError):
        submit(site, "many")
    assert progress(site)["how-many"].tries == 0
    verdict = submit(site, 3)
    assert (verdict.tries, verdict.tries_left) == (1, TRIES_PER_HOUR - 2)


@pytest.mark.attack
def test_too_many_in_an_hour_are_refused_and_the_next_hour_is_free(site, clock):
    for _ in range(TRIES_PER_HOUR):
        submit(site, 3)
    with pytest.raises(RateLimitedError, match="one hour"):
        submit(site, 3)
    submit(site, 3, user="bo")
    clock.turn(minutes=61)
    assert submit(site, 3).tries == TRIES_PER_HOUR + 1


def test_each_exercise_has_its_own_tries_and_rate(site, country):
    for _ in range(TRIES_PER_HOUR):
        submit(site, 3)
    with pytest.raises(RateLimitedError):
        submit(site, 3)
    verdict = submit(site, country.table(country.detected), exercise="who")
    assert (verdict.tries, verdict.tries_left) == (1, TRIES_PER_HOUR - 1)


@pytest.mark.attack
def test_too_many_in_a_day_are_refused(site, clock):
    for done in range(TRIES_PER_DAY):
        if done % (TRIES_PER_HOUR - 1) == 0:
            clock.turn(minutes=61)
        verdict = submit(site, 3)
    assert verdict.tries_left == 0
    clock.turn(minutes=61)
    with pytest.raises(RateLimitedError, match="one day"):
        submit(site, 3)
    clock.turn(days=1)
    submit(site, 3)


@pytest.mark.attack
def test_wrong_shapes_cannot_be_sent_without_end(site, country):
    one = pa.table({"pnr": country.pnr[:1].tolist()})
    for _ in range(TRIES_PER_HOUR):
        with pytest.raises(AnswerShapeError):
            submit(site, one, exercise="who")
    with pytest.raises(RateLimitedError):
        submit(site, one, exercise="who")


@pytest.mark.attack
def test_answers_sent_at_once_do_not_slip_through(site):
    def try_it(_):
        try:
            return submit(site, 3) is not None
        except RateLimitedError:
            return False

    with ThreadPoolExecutor(8) as pool:
        taken = sum(pool.map(try_it, range(TRIES_PER_HOUR + 12)))
    assert taken == TRIES_PER_HOUR


def test_unknown_names_are_told(site):
    with pytest.raises(TrainingModuleNotFoundError):
        submit(site, 3, module="large")
    with pytest.raises(ExerciseNotFoundError):
        submit(site, 3, exercise="who-not")
    assert rows(site, "SELECT count(*) FROM attempts") == [(0,)]


def test_a_fault_of_the_module_costs_no_try(site):
    path = site.settings.content / "modules" / "small" / "module.yaml"
    path.write_text(path.read_text().replace("SELECT count(*) AS value FROM bef", "SELECT count(*) AS n FROM bef"))
    with pytest.raises(ModuleInvalidError):
        submit(site, 3)
    assert rows(site, "SELECT count(*) FROM attempts") == [(0,)]


def test_a_dataset_without_truth_is_told(site, country):
    (site.settings.truth / "dk-registers-class").rename(site.settings.truth / "elsewhere")
    with pytest.raises(DatasetNotFoundError, match="has none"):
        submit(site, country.table(country.detected), exercise="who")
    assert submit(site, country.persons.num_rows).passed


@pytest.mark.attack
def test_the_grading_key_is_made_once_and_the_owners_alone(site):
    submit(site, 3)
    path = site.settings.secrets / "grading.key"
    key = path.read_bytes()
    assert len(key) == 32
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    submit(site, 3)
    assert path.read_bytes() == key
    assert [found.name for found in path.parent.iterdir()] == ["grading.key"]


def test_a_damaged_key_is_told_and_not_replaced(site):
    submit(site, 3)
    path = site.settings.secrets / "grading.key"
    path.write_bytes(b"short")
    with pytest.raises(UpstreamError, match="5 bytes"):
        submit(site, 3)
    assert path.read_bytes() == b"short"


def test_a_submission_is_read_from_its_body():
    found = read_submission("application/json", b'{"exercise": "how-many", "answer": 3}')
    assert (found.exercise, found.answer) == ("how-many", 3)
