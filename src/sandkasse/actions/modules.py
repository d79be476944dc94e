"""Acts on training modules: seeing them, preparing a learner's copy, checking answers offline, linting and testing."""

from pathlib import Path
from typing import Any

from sandkasse.catalogue.store import Store
from sandkasse.core.errors import TrainingModuleNotFoundError
from sandkasse.core.settings import Settings
from sandkasse.training import answers, lessons, wire
from sandkasse.training.examiner import find_ground, prepare_against
from sandkasse.training.graders.base import Answer
from sandkasse.training.grading import grade_prepared
from sandkasse.training.keys import read_grading_key
from sandkasse.training.lessons import LessonFile
from sandkasse.training.library import LIST_COMMAND, Library
from sandkasse.training.verdict import Verdict
from sandkasse.training.views import ModuleView, view_module

OFFLINE = "offline"  # the portal address that stands for: grade here, from the truth in this site's own store


def list_modules(settings: Settings) -> tuple[ModuleView, ...]:
    """List the modules that the site offers, by id; one whose files are broken is left out (`lint_module` says why)."""
    return tuple(view_module(shelved) for shelved in _library(settings).list())


def show_module(settings: Settings, module_id: str) -> ModuleView:
    """Show one module.

    Raises:
        TrainingModuleNotFoundError: If there is none of this id; names the nearest.
        ModuleInvalidError: If its files are not right.
    """
    return view_module(_library(settings).take(module_id))


def prepare_lesson(settings: Settings, module_id: str, target: Path) -> tuple[LessonFile, ...]:
    """Put a module's lessons and small data files into a learner's folder; nothing that is there is overwritten.

    Raises:
        TrainingModuleNotFoundError: If there is none of this id.
        ModuleInvalidError: If a lesson is not readable.
    """
    shelved = _library(settings).take(module_id)
    return lessons.prepare_lesson(shelved.module, shelved.folder, target)


def to_answer(value: Any) -> Answer:
    """Make an answer of a number, text or table of Ibis, pandas, polars or Arrow.

    Raises:
        AnswerShapeError: If it is something else.
    """
    return answers.to_answer(value)


def is_blank(value: Any) -> bool:
    """Say whether a value stands for an answer that is still to be given."""
    return answers.is_blank(value)


def write_submission(exercise_id: str, answer: Answer) -> tuple[str, bytes]:
    """Put an answer into the form that travels to the portal: content type and body.

    Raises:
        AnswerShapeError: If it is larger than 20 MB.
    """
    return wire.write_submission(wire.Submission(exercise_id, answer))


def read_verdict(body: bytes) -> Verdict:
    """Read the verdict that the portal sent.

    Raises:
        ValueError: If it is not a verdict.
    """
    return Verdict.from_json(body)


def check_answer_offline(
    settings: Settings, module_id: str | None, exercise_id: str, answer: Answer, *, tries: int = 1
) -> Verdict:
    """Grade an answer in this process, from the truth in this site's own store; nothing is kept.

    Args:
        settings: Where datasets and truth lie; its bindings go before the site's default.
        module_id: The module.
        exercise_id: The exercise.
        answer: A number, text, truth value or table.
        tries: How many answers were given so far, this one included.

    Raises:
        TrainingModuleNotFoundError: If no module is named, or there is none of this id.
        ExerciseNotFoundError: If the module has no such exercise.
        AnswerShapeError: If the answer does not have the exercise's shape.
    """
    if not module_id:
        raise TrainingModuleNotFoundError(
            "No training module is named.", next_step=f"set SANDKASSE_MODULE to one of those that {LIST_COMMAND} shows"
        )
    exercise = _library(settings).take(module_id).module.exercise(exercise_id)
    store = Store(settings.datasets, settings.content / "datasets")
    ground = find_ground(exercise.contract, store, settings.truth, bindings=settings.bindings)
    prepared = prepare_against(module_id, exercise, ground, key=read_grading_key(settings.secrets))
    return grade_prepared(prepared, answer, tries=tries).verdict


def _library(settings: Settings) -> Library:
    return Library(settings.content / "modules")
