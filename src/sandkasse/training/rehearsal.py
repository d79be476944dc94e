"""Tests a module: its lessons and solutions run, right approaches pass, and wrong ones do not."""

import importlib.util
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from sandkasse.core.errors import AnswerShapeError, ModuleInvalidError, SandkasseError
from sandkasse.core.progress_bar import Progress, no_progress
from sandkasse.training.answers import to_answer
from sandkasse.training.execution import execute_notebook, lesson_folder
from sandkasse.training.graders.base import Answer
from sandkasse.training.languages import LanguageId, why_not_here
from sandkasse.training.lessons import read_notebook
from sandkasse.training.library import ShelvedModule
from sandkasse.training.spec import ANSWERS_FILE, AcceptedAnswer, Exercise, Part, RefusedAnswer, invalid_module
from sandkasse.training.verdict import Verdict

# Grades one answer to one exercise.
GradeAnswer = Callable[[Exercise, Answer], Verdict]
# Opens the dataset that an exercise is graded against, as a lesson would.
OpenData = Callable[[str], Any]


@dataclass(frozen=True)
class Result:
    """One thing that was tried.

    Attributes:
        what: `lesson`, `solution`, `accepted` or `refused`.
        subject: The part's or exercise's id.
        title: Which file or approach.
        is_right: Whether it did what it should.
        says: What was found, in a sentence.
        score: The score of an answer, 0 to 1.
        was_run: Whether it was tried at all; a notebook in R is not where R is missing.
    """

    what: str
    subject: str
    title: str
    is_right: bool
    says: str
    score: float | None = None
    was_run: bool = True


def rehearse_notebooks(
    shelved: ShelvedModule, environment: Mapping[str, str], *, progress: Progress = no_progress
) -> tuple[Result, ...]:
    """Run every lesson and every solution; a solution must pass all exercises of its part.

    Notebooks in a language that this machine lacks are not run, and their results say so.

    Args:
        shelved: The module.
        environment: The kernels' environment; grades offline.
        progress: Told of the notebooks as they end.
    """
    results = []
    wanted = [
        (part, name, language)
        for language in shelved.module.languages
        for part in shelved.module.parts
        for name in ("lesson", "solution")
        if part.files_in(language)
    ]
    for done, (part, what, language) in enumerate(wanted):
        results.append(_rehearse_notebook(shelved, part, what, environment, language=language))
        progress(done + 1, len(wanted), "notebooks")
    return tuple(results)


def rehearse_answers(
    shelved: ShelvedModule, grade_answer: GradeAnswer, open_data: OpenData, *, progress: Progress = no_progress
) -> tuple[Result, ...]:
    """Try every accepted and refused answer of every exercise.

    Args:
        shelved: The module.
        grade_answer: Grades one answer to one exercise.
        open_data: Opens a contract's dataset, as a lesson would.
        progress: Told of the answers as they are graded.

    Raises:
        ModuleInvalidError: If `answers.py` cannot be imported.
    """
    code = _import_answers(shelved)
    tried = [(exercise, item) for exercise in shelved.module.exercises for item in exercise.answers()]
    results = []
    for done, (exercise, item) in enumerate(tried):
        results.append(_rehearse_answer(code, exercise, item, grade_answer, open_data))
        progress(done + 1, len(tried), "answers")
    return tuple(results)


def _rehearse_notebook(
    shelved: ShelvedModule, part: Part, what: str, environment: Mapping[str, str], *, language: LanguageId
) -> Result:
    files = part.files_in(language)
    assert files is not None
    name = files.lesson if what == "lesson" else files.solution
    if why_not := why_not_here(language, environment):
        return Result(what, part.id, name, is_right=True, says=f"Not run: {why_not}.", was_run=False)
    try:
        notebook = read_notebook(shelved.folder, name, module_id=shelved.module.id, language=language)
        with lesson_folder(shelved.folder) as folder:
            executed = execute_notebook(notebook, folder, name=name, environment=environment, language=language)
    except ModuleInvalidError as exc:
        return Result(what, part.id, name, is_right=False, says=exc.message)
    if what == "lesson":
        return Result(what, part.id, name, is_right=True, says="It runs from top to bottom.")
    best = {verdict.exercise: verdict.passed for verdict in executed.verdicts}
    wanted = [exercise.id for exercise in shelved.module.exercises_of(part.id)]
    failed = [exercise_id for exercise_id in wanted if not best.get(exercise_id, False)]
    says = f"It does not pass {', '.join(failed)}." if failed else f"It passes all {len(wanted)} exercises."
    return Result(what, part.id, name, is_right=not failed, says=says)


def _rehearse_answer(
    code: ModuleType,
    exercise: Exercise,
    item: AcceptedAnswer | RefusedAnswer,
    grade_answer: GradeAnswer,
    open_data: OpenData,
) -> Result:
    what = "accepted" if isinstance(item, AcceptedAnswer) else "refused"
    try:
        answer = to_answer(getattr(code, item.answer)(open_data(exercise.contract)))
        verdict = grade_answer(exercise, answer)
    except AnswerShapeError as exc:
        return Result(what, exercise.id, item.title, is_right=False, says=f"It has the wrong shape: {exc.message}")
    except SandkasseError as exc:
        return Result(what, exercise.id, item.title, is_right=False, says=exc.message)
    except Exception as exc:  # an author's function may raise anything; its values stay out of the message
        says = f"{item.answer} raises {type(exc).__name__}."
        return Result(what, exercise.id, item.title, is_right=False, says=says)
    is_right, says = _judge(item, verdict)
    return Result(what, exercise.id, item.title, is_right=is_right, says=says, score=verdict.score)


def _judge(item: AcceptedAnswer | RefusedAnswer, verdict: Verdict) -> tuple[bool, str]:
    if isinstance(item, AcceptedAnswer):
        return verdict.passed, verdict.says if verdict.passed else f"It should pass, and does not. {verdict.says}"
    if verdict.passed:
        return False, f"It should not pass, and does. {verdict.says}"
    found = verdict.dominating.id if verdict.dominating else None
    if item.error is not None and found != item.error:
        return False, f"The error {item.error!r} should dominate, and {found or 'none'!r} does. {verdict.says}"
    return True, verdict.says


def _import_answers(shelved: ShelvedModule) -> ModuleType:
    path: Path = shelved.folder / ANSWERS_FILE
    specification = importlib.util.spec_from_file_location(f"answers_of_{shelved.module.id.replace('-', '_')}", path)
    if specification is None or specification.loader is None or not path.is_file():
        raise invalid_module(shelved.module.id, [f"{ANSWERS_FILE} does not exist"])
    code = importlib.util.module_from_spec(specification)
    was_writing, sys.dont_write_bytecode = sys.dont_write_bytecode, True  # leave no cache in the module's folder
    try:
        specification.loader.exec_module(code)
    except Exception as exc:
        raise invalid_module(shelved.module.id, [f"{ANSWERS_FILE} cannot be imported: {type(exc).__name__}"]) from exc
    finally:
        sys.dont_write_bytecode = was_writing
    return code
