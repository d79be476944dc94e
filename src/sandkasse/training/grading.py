"""Grading: an exercise, an answer and the truth in, a verdict out. No files, clock, environment or own randomness."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
from pydantic import ValidationError

from sandkasse.core.errors import AnswerShapeError
from sandkasse.training.graders import GRADERS
from sandkasse.training.graders.base import Answer, Grader, Material, Outcome, Parameters
from sandkasse.training.policies import DIRECTED_TRIES
from sandkasse.training.spec import Exercise, invalid_module, validation_findings
from sandkasse.training.verdict import DominatingError, Reference, Verdict

REFERENCE, ATTAINABLE = "reference", "attainable"


@dataclass(frozen=True, eq=False)
class PreparedExercise:
    """An exercise with everything that answers to it are compared with; made once, used for every answer.

    Attributes:
        module_id: Whose exercise it is.
        exercise: The exercise.
        parameters: Its grader's parameters.
        prepared: What the grader made of truth and facts.
        reference: What the named reference method scores.
        attainable: What the best method known scores.
    """

    module_id: str
    exercise: Exercise
    parameters: Parameters
    prepared: Any
    reference: float | None
    attainable: float | None


@dataclass(frozen=True)
class Graded:
    """A verdict for the learner, and the mark, which the learner never sees.

    Attributes:
        verdict: What the learner is told.
        mark: The score on the half of the persons that feedback never uses, 0 to 1.
    """

    verdict: Verdict
    mark: float | None


def grade(
    exercise: Exercise,
    answer: Answer,
    truth: Mapping[str, pa.Table],
    *,
    key: bytes,
    facts: Mapping[str, pa.Table] | None = None,
    module_id: str = "",
    tries: int = 1,
) -> Verdict:
    """Grade one answer.

    Args:
        exercise: What was asked.
        answer: What was answered.
        truth: The truth's tables.
        key: The site's grading key; decides the secret halves and the rounding.
        facts: The results of the exercise's SQL statements (`exercise_statements`), where it has any.
        module_id: Whose exercise it is, for the record.
        tries: How many answers were given so far, this one included.

    Returns:
        The verdict. Nothing in it is about a single person.

    Raises:
        AnswerShapeError: If the answer does not have the exercise's shape.
        ModuleInvalidError: If the exercise cannot be graded as it is written.
    """
    prepared = prepare_exercise(exercise, truth, key=key, facts=facts or {}, module_id=module_id)
    return grade_prepared(prepared, answer, tries=tries).verdict


def prepare_exercise(
    exercise: Exercise,
    truth: Mapping[str, pa.Table],
    *,
    key: bytes,
    facts: Mapping[str, pa.Table],
    module_id: str = "",
) -> PreparedExercise:
    """Lay out what answers are compared with, and score the reference methods.

    Raises:
        ModuleInvalidError: If the exercise cannot be graded as it is written.
    """
    grader, parameters = read_parameters(exercise)
    scope = f"{module_id}\0{exercise.id}\0".encode()
    material = Material(truth=truth, facts=facts, key=key, scope=scope, errors=exercise.errors)
    prepared = grader.prepare(parameters, material)
    return PreparedExercise(
        module_id=module_id,
        exercise=exercise,
        parameters=parameters,
        prepared=prepared,
        reference=_score_method(grader, parameters, prepared, facts.get(REFERENCE), exercise),
        attainable=_score_method(grader, parameters, prepared, facts.get(ATTAINABLE), exercise),
    )


def grade_prepared(prepared: PreparedExercise, answer: Answer, *, tries: int = 1) -> Graded:
    """Grade one answer against a prepared exercise.

    Raises:
        AnswerShapeError: If the answer does not have the exercise's shape.
    """
    exercise = prepared.exercise
    outcome = GRADERS[exercise.grader].grade(prepared.parameters, prepared.prepared, answer)
    if tries > DIRECTED_TRIES:
        outcome = outcome.undirected()
    return Graded(verdict=_verdict(prepared, outcome, tries), mark=outcome.mark)


def read_parameters(exercise: Exercise) -> tuple[Grader, Parameters]:
    """Find an exercise's grader and read its parameters.

    Raises:
        ModuleInvalidError: If the grader is unknown or a parameter is wrong; one line a finding.
    """
    grader = GRADERS.get(exercise.grader)
    if grader is None:
        known = ", ".join(sorted(GRADERS))
        raise invalid_module(exercise.id, [f"grader {exercise.grader!r} is unknown; there are {known}"])
    try:
        return grader, grader.parameters.model_validate(exercise.parameters)
    except ValidationError as exc:
        raise invalid_module(exercise.id, validation_findings(exc, under="parameters")) from exc


def exercise_statements(exercise: Exercise) -> dict[str, str]:
    """Name the SQL statements whose results an exercise's grading needs, with their text.

    Raises:
        ModuleInvalidError: If the grader is unknown or a parameter is wrong.
    """
    grader, parameters = read_parameters(exercise)
    statements = dict(grader.statements(parameters))
    if exercise.reference:
        statements[REFERENCE] = exercise.reference.sql
    if exercise.attainable:
        statements[ATTAINABLE] = exercise.attainable.sql
    return statements


def describe_answer(exercise: Exercise) -> str:
    """Say in one sentence what an answer must look like."""
    grader, parameters = read_parameters(exercise)
    return grader.describe_answer(parameters)


def _score_method(
    grader: Grader, parameters: Parameters, prepared: Any, answer: pa.Table | None, exercise: Exercise
) -> float | None:
    if answer is None:
        return None
    try:
        return grader.grade(parameters, prepared, answer).score
    except AnswerShapeError as exc:
        finding = f"the SQL of the reference or attainable method gives no answer: {exc.message}"
        raise invalid_module(exercise.id, [finding]) from exc


def _verdict(prepared: PreparedExercise, outcome: Outcome, tries: int) -> Verdict:
    exercise = prepared.exercise
    reference = None
    if exercise.reference and prepared.reference is not None:
        reference = Reference(name=exercise.reference.name, score=prepared.reference)
    dominating, hint = _explain(exercise, outcome)
    pass_at: float | None = getattr(prepared.parameters, "pass_at", None)
    return Verdict(
        module=prepared.module_id,
        exercise=exercise.id,
        passed=outcome.passed,
        says=outcome.says,
        score=outcome.score,
        pass_at=pass_at,
        attainable=prepared.attainable,
        reference=reference,
        measures=outcome.measures,
        dominating=dominating,
        hint=hint,
        tries=tries,
        notes=(*_note_on_halves(outcome, pass_at), *outcome.notes),
    )


def _note_on_halves(outcome: Outcome, pass_at: float | None) -> tuple[str, ...]:
    """Explain a score on one side of the line and a pass on the other."""
    if outcome.score is None or pass_at is None or outcome.passed == (outcome.score >= pass_at):
        return ()
    return ("Whether an answer passes is decided on other persons than those behind the score.",)


def _explain(exercise: Exercise, outcome: Outcome) -> tuple[DominatingError | None, str | None]:
    if outcome.error is None:
        return None, None
    described = exercise.error_kind(outcome.error)
    if described:
        return DominatingError(id=described.id, title=described.title), None if outcome.passed else described.hint
    title = GRADERS[exercise.grader].info.kinds.get(outcome.error, outcome.error)
    return DominatingError(id=outcome.error, title=title), None
