"""Acts on attempts: handing in an answer, and seeing one's progress."""

import hashlib
from dataclasses import dataclass
from datetime import datetime

import pyarrow as pa
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from sandkasse.actions.site import Site
from sandkasse.catalogue.store import Store
from sandkasse.core.database import transaction
from sandkasse.core.errors import AnswerShapeError, RateLimitedError, SandkasseError
from sandkasse.training import wire
from sandkasse.training.examiner import Ground, find_ground, prepare_against
from sandkasse.training.graders.base import Answer
from sandkasse.training.grading import Graded, grade_prepared
from sandkasse.training.keys import read_grading_key
from sandkasse.training.library import Library, ShelvedModule
from sandkasse.training.policies import WINDOWS
from sandkasse.training.spec import Exercise
from sandkasse.training.tables import AttemptRow
from sandkasse.training.verdict import Verdict

LONGEST_KEPT_VALUE = 100


@dataclass(frozen=True)
class ExerciseProgress:
    """How far one person is with one exercise.

    Attributes:
        id: The exercise.
        part: The part that asks it.
        title: In a few words.
        tries: Graded answers so far.
        passed: Whether one of them passed.
        best_score: The best score shown, 0 to 1; absent before the first try, and where right and wrong is all there
            is.
        attainable: The best score known to be attainable, as last shown.
        last_at: When the last answer was handed in.
    """

    id: str
    part: str
    title: str
    tries: int
    passed: bool
    best_score: float | None
    attainable: float | None
    last_at: datetime | None


@dataclass(frozen=True)
class ModuleProgress:
    """How far one person is with one module.

    Attributes:
        module_id: The module.
        title: Its title.
        exercises: All its exercises, in their order.
    """

    module_id: str
    title: str
    exercises: tuple[ExerciseProgress, ...]

    @property
    def n_passed(self) -> int:
        """Exercises passed."""
        return sum(exercise.passed for exercise in self.exercises)

    @property
    def is_begun(self) -> bool:
        """Whether anything was handed in."""
        return any(exercise.last_at is not None for exercise in self.exercises)

    @property
    def is_complete(self) -> bool:
        """Whether every exercise is passed; false for a module without exercises."""
        return bool(self.exercises) and all(exercise.passed for exercise in self.exercises)


def read_submission(content_type: str, body: bytes) -> wire.Submission:
    """Read an answer that a notebook sent: JSON or an Arrow stream.

    Raises:
        AnswerShapeError: If it is too large, damaged, or not an answer.
    """
    return wire.read_submission(content_type, body)


def submit_attempt(site: Site, *, user_id: str, module_id: str, exercise_id: str, answer: Answer) -> Verdict:
    """Grade one answer and keep the attempt.

    Args:
        site: The installation.
        user_id: Whose answer it is.
        module_id: The module; from the workspace's token, never from the notebook.
        exercise_id: The exercise.
        answer: A number, text, truth value or table.

    Returns:
        What the learner is told.

    Raises:
        TrainingModuleNotFoundError: If there is no such module.
        ExerciseNotFoundError: If the module has no such exercise.
        RateLimitedError: If too many answers were handed in lately.
        AnswerShapeError: If the answer does not have the exercise's shape; counts against the rate, not among the
            tries.
    """
    shelved = Library(site.settings.content / "modules").take(module_id)
    exercise = shelved.module.exercise(exercise_id)
    store = Store(site.settings.datasets, site.settings.content / "datasets")
    ground = find_ground(exercise.contract, store, site.settings.truth, bindings={})
    row_id, tries = _open_attempt(site, user_id, shelved, exercise, ground=ground, answer=answer)
    try:
        prepared = prepare_against(module_id, exercise, ground, key=read_grading_key(site.settings.secrets))
        graded = grade_prepared(prepared, answer, tries=tries)
    except AnswerShapeError:
        _close_misshapen(site, row_id)
        raise
    except SandkasseError:
        _forget(site, row_id)  # our fault, not the learner's
        raise
    return _close_graded(site, row_id, graded)


def list_progress(site: Site, user_id: str) -> tuple[ModuleProgress, ...]:
    """List one person's progress in every module, by module id."""
    modules = Library(site.settings.content / "modules").list()
    with transaction(site.engine) as db:
        rows = db.scalars(select(AttemptRow).where(AttemptRow.user_id == user_id).order_by(AttemptRow.at)).all()
    by_exercise: dict[tuple[str, str], list[AttemptRow]] = {}
    for row in rows:
        by_exercise.setdefault((row.module_id, row.exercise_id), []).append(row)
    return tuple(
        ModuleProgress(
            module_id=shelved.module.id,
            title=shelved.module.title,
            exercises=tuple(
                _exercise_progress(exercise, by_exercise.get((shelved.module.id, exercise.id), []))
                for exercise in shelved.module.exercises
            ),
        )
        for shelved in modules
    )


def _open_attempt(
    site: Site, user_id: str, shelved: ShelvedModule, exercise: Exercise, *, ground: Ground, answer: Answer
) -> tuple[int, int]:
    """Write the attempt down before it is graded, so that answers sent at once all count against the rate."""
    now = site.clock()
    with transaction(site.engine) as db:
        row = AttemptRow(
            user_id=user_id,
            module_id=shelved.module.id,
            module_version=shelved.module.version,
            exercise_id=exercise.id,
            dataset=ground.card.reference,
            at=now,
            state="open",
            answer_sha256=_hash_answer(answer),
            answer_value=None if isinstance(answer, pa.Table) else str(answer)[:LONGEST_KEPT_VALUE],
        )
        db.add(row)
        db.flush()  # takes the write lock: from here on nobody else counts
        _check_rate(db, row, now)
        tries = _count(db, row, states=("graded",)) + 1
        return row.id, tries


def _check_rate(db: Session, row: AttemptRow, now: datetime) -> None:
    for window, most, name in WINDOWS:
        if _count(db, row, since=now - window) > most:
            raise RateLimitedError(
                f"{most} answers to this exercise are taken in one {name}, and there have been as many.",
                next_step=f"think it over, and check again when the {name} is over",
            )


def _count(db: Session, row: AttemptRow, *, since: datetime | None = None, states: tuple[str, ...] = ()) -> int:
    query = select(func.count()).select_from(AttemptRow)
    query = query.where(
        AttemptRow.user_id == row.user_id,
        AttemptRow.module_id == row.module_id,
        AttemptRow.exercise_id == row.exercise_id,
    )
    if since is not None:
        query = query.where(AttemptRow.at > since)
    if states:
        query = query.where(AttemptRow.state.in_(states))
    return db.scalar(query) or 0


def _close_graded(site: Site, row_id: int, graded: Graded) -> Verdict:
    with transaction(site.engine) as db:
        row = db.get_one(AttemptRow, row_id)
        now = site.clock()
        left = min(most - _count(db, row, since=now - window) for window, most, _ in WINDOWS)
        verdict = graded.verdict.model_copy(update={"tries_left": max(0, left)})
        row.state = "graded"
        row.passed = verdict.passed
        row.score, row.mark = verdict.score, graded.mark
        row.verdict_json = verdict.to_json().decode()
    return verdict


def _close_misshapen(site: Site, row_id: int) -> None:
    with transaction(site.engine) as db:
        db.get_one(AttemptRow, row_id).state = "misshapen"


def _forget(site: Site, row_id: int) -> None:
    with transaction(site.engine) as db:
        db.delete(db.get_one(AttemptRow, row_id))


def _hash_answer(answer: Answer) -> str:
    digest = hashlib.sha256()
    if isinstance(answer, pa.Table):
        digest.update(wire.write_submission(wire.Submission("", answer))[1])
    else:
        digest.update(repr(answer).encode())
    return digest.hexdigest()


def _exercise_progress(exercise: Exercise, rows: list[AttemptRow]) -> ExerciseProgress:
    graded = [row for row in rows if row.state == "graded"]
    last = Verdict.from_json(graded[-1].verdict_json.encode()) if graded and graded[-1].verdict_json else None
    scores = [row.score for row in graded if row.score is not None]
    return ExerciseProgress(
        id=exercise.id,
        part=exercise.part,
        title=exercise.title,
        tries=len(graded),
        passed=any(row.passed for row in graded),
        best_score=max(scores, default=None),
        attainable=last.attainable if last else None,
        last_at=rows[-1].at if rows else None,
    )
