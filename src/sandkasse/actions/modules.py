"""Acts on training modules: seeing them, preparing a learner's copy, checking answers offline, linting and testing."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from sandkasse.catalogue.store import SIMULATED_CONTRACT, Store
from sandkasse.core.errors import InvalidInputError, ModuleInvalidError, TrainingModuleNotFoundError, UpstreamError
from sandkasse.core.progress_bar import Progress, no_progress
from sandkasse.core.settings import Settings
from sandkasse.training import answers, execution, lessons, rehearsal, scaffold, wire
from sandkasse.training.examiner import Ground, find_ground, prepare_against
from sandkasse.training.graders.base import Answer
from sandkasse.training.grading import grade_prepared
from sandkasse.training.keys import read_grading_key
from sandkasse.training.languages import LanguageId, why_not_here
from sandkasse.training.lessons import LessonFile
from sandkasse.training.library import LIST_COMMAND, Library
from sandkasse.training.lint import find_faults
from sandkasse.training.rehearsal import Result
from sandkasse.training.spec import Exercise, invalid_module
from sandkasse.training.verdict import Verdict
from sandkasse.training.views import ModuleView, view_module

OFFLINE = execution.OFFLINE  # the portal's address that stands for: grade here, from the truth in this site's store
VERDICT_MIME = execution.VERDICT_MIME
TEST_SEED = 20260101  # our choice: the same persons in every test of a module, and none of its practice persons


@dataclass(frozen=True)
class TestReport:
    """What a module's test found.

    Attributes:
        module_id: The module.
        results: Everything that was tried.
    """

    module_id: str
    results: tuple[Result, ...]

    @property
    def is_right(self) -> bool:
        """Whether everything did what it should."""
        return all(result.is_right for result in self.results)


def list_modules(settings: Settings) -> tuple[ModuleView, ...]:
    """List the modules that the site offers, by id; one whose files are broken is left out (`list_module_faults`)."""
    found = []
    for shelved in _library(settings).list():
        with suppress(ModuleInvalidError):
            found.append(view_module(shelved))
    return tuple(found)


def show_module(settings: Settings, module_id: str) -> ModuleView:
    """Show one module.

    Raises:
        TrainingModuleNotFoundError: If there is none of this id; names the nearest.
        ModuleInvalidError: If its files are not right.
    """
    return view_module(_library(settings).take(module_id))


def prepare_lesson(settings: Settings, module_id: str, target: Path) -> tuple[LessonFile, ...]:
    """Put a module's lessons and small data files into a learner's folder; nothing that is there is overwritten.

    Lessons in R come along where R is on this machine.

    Raises:
        TrainingModuleNotFoundError: If there is none of this id.
        ModuleInvalidError: If a lesson is not readable.
    """
    shelved = _library(settings).take(module_id)
    here = [name for name in shelved.module.languages if not why_not_here(name, execution.read_environment())]
    return lessons.prepare_lesson(shelved.module, shelved.folder, target, languages=here)


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
            "No training module is named.", next_step=f"name one of those that {LIST_COMMAND} shows"
        )
    exercise = _library(settings).take(module_id).module.exercise(exercise_id)
    return _grade_offline(settings, module_id, exercise, answer, tries=tries)


def check_file_offline(settings: Settings, module_id: str, exercise_id: str, answer: str) -> Verdict:
    """Grade an answer that stands in a file, or is a number or text, from the truth in this site's own store.

    Args:
        settings: Where datasets and truth lie.
        module_id: The module.
        exercise_id: The exercise.
        answer: The path of a CSV, Parquet or Arrow file; or else the value.

    Raises:
        AnswerShapeError: If the file is not a table, or the answer does not have the exercise's shape.
    """
    return check_answer_offline(settings, module_id, exercise_id, answers.read_answer_text(answer))


def list_module_faults(settings: Settings) -> tuple[str, ...]:
    """List the modules that `list_modules` leaves out, one line each."""
    library = _library(settings)
    faults = []
    for module_id in library.ids():
        try:
            view_module(library.take(module_id))
        except ModuleInvalidError:
            faults.append(f"{module_id} is left out: its files are not right. See: sandkasse module lint {module_id}")
    return tuple(faults)


def format_module(module: ModuleView) -> tuple[str, ...]:
    """Put a module into lines of text."""
    lines = [
        module.title,
        f"{module.id} {module.version} · {module.level} · {module.hours:g} hours · {module.licence.name}",
        "",
        module.summary,
        "",
        "You will be able to:",
        *(f"- {outcome}" for outcome in module.outcomes),
    ]
    for number, part in enumerate(module.parts, start=1):
        lines += ["", f"Part {number}: {part.title} ({part.minutes} minutes)"]
        lines += [f"- {exercise.id}: {exercise.title}. {exercise.expects}" for exercise in part.exercises]
    return tuple(lines)


def format_verdict(verdict: Verdict) -> tuple[str, ...]:
    """Put a verdict into lines of text: what was found, the score, what weighs most, one hint."""
    return verdict.lines()


def lint_module(settings: Settings, module_id: str) -> ModuleView:
    """Look over a module's files.

    Returns:
        The module, when all is right.

    Raises:
        TrainingModuleNotFoundError: If there is none of this id.
        ModuleInvalidError: With one line for each finding.
    """
    library = _library(settings)
    shelved = library.take(module_id)
    findings = find_faults(shelved, library.ids())
    if findings:
        raise invalid_module(module_id, findings)
    return view_module(shelved)


def test_module(  # an act, not a test
    settings: Settings,
    module_id: str,
    *,
    progress: Progress = no_progress,  # noqa: PT028
) -> TestReport:
    """Test a module: its files, its lessons and solutions, its right and wrong answers.

    Data come from this site; where it has none for the module's contract, they are simulated into a temporary store.

    Raises:
        TrainingModuleNotFoundError: If there is none of this id.
        ModuleInvalidError: If the module's files are not right; nothing is run then.
    """
    from sandkasse.catalogue.open import open_tables  # a notebook that checks needs none of it

    lint_module(settings, module_id)
    with _site_with_data(settings, module_id, progress) as prepared:
        shelved = _library(prepared).take(module_id)
        environment = execution.offline_environment(prepared, module_id, execution.read_environment())
        results = rehearsal.rehearse_answers(
            shelved,
            lambda exercise, answer: _grade_offline(prepared, module_id, exercise, answer),
            lambda contract: open_tables(_ground(prepared, contract).folder),
            progress=progress,
        )
        results += rehearsal.rehearse_notebooks(shelved, environment, progress=progress)
    return TestReport(module_id=module_id, results=results)


def run_lesson(
    settings: Settings,
    module_id: str,
    out: Path,
    *,
    part_id: str | None = None,
    which: Literal["lesson", "solution"] = "lesson",
    form: Literal["ipynb", "html"] = "ipynb",
    language: LanguageId = "python",
) -> tuple[Path, ...]:
    """Run lessons without a portal, and write them with their outputs.

    Args:
        settings: Where datasets and truth lie.
        module_id: The module.
        out: The folder to write into; made if need be.
        part_id: One part; all if not said.
        which: The lesson or its worked solution.
        form: A notebook or a page.
        language: Of the lessons' code.

    Returns:
        The files that were written.

    Raises:
        TrainingModuleNotFoundError: If there is none of this id.
        InvalidInputError: If the module has no such part, or a file to be written exists.
        ModuleInvalidError: If a cell fails.
    """
    shelved = _library(settings).take(module_id)
    named = [part for part in shelved.module.parts if part_id in (None, part.id)]
    if not named:
        known = ", ".join(part.id for part in shelved.module.parts)
        raise InvalidInputError(f"{module_id!r} has no part named {part_id!r}.", next_step=f"name one of {known}")
    names = [
        files.lesson if which == "lesson" else files.solution for part in named if (files := part.files_in(language))
    ]
    if not names:
        known = ", ".join(shelved.module.languages)
        raise InvalidInputError(f"That is not written in {language!r}.", next_step=f"choose one of {known}")
    environment = execution.offline_environment(settings, module_id, execution.read_environment())
    if why_not := why_not_here(language, environment):
        raise UpstreamError(
            f"The lesson cannot run here: {why_not}.", next_step="install it, then run the lesson again"
        )
    targets = [out / f"{Path(name).stem}.{form}" for name in names]
    for target in targets:
        if target.exists():
            raise InvalidInputError(f"{target} exists already.", next_step="choose another folder with --out")
    for name, target in zip(names, targets, strict=True):
        notebook = lessons.read_notebook(shelved.folder, name, module_id=module_id, language=language)
        with execution.lesson_folder(shelved.folder) as folder:
            executed = execution.execute_notebook(
                notebook, folder, name=name, environment=environment, language=language
            )
        lessons.write_executed(executed.notebook, target)
    return tuple(targets)


def create_module(settings: Settings, module_id: str, *, title: str) -> Path:
    """Make a new module's folder from the template; it passes the lint and the test from the start.

    Returns:
        The folder.

    Raises:
        InvalidInputError: If the id is not one, or a module of this id exists.
    """
    return scaffold.create_module(settings.content / "modules", module_id, title=title)


def _grade_offline(
    settings: Settings, module_id: str, exercise: Exercise, answer: Answer, *, tries: int = 1
) -> Verdict:
    key = read_grading_key(settings.secrets)
    prepared = prepare_against(module_id, exercise, _ground(settings, exercise.contract), key=key)
    return grade_prepared(prepared, answer, tries=tries).verdict


def _ground(settings: Settings, contract: str) -> Ground:
    store = Store(settings.datasets, settings.content / "datasets")
    return find_ground(contract, store, settings.truth, bindings=settings.bindings)


@contextmanager
def _site_with_data(settings: Settings, module_id: str, progress: Progress) -> Iterator[Settings]:
    """Give a site that has data for the module: this one, or a temporary one with a simulated cohort."""
    store = Store(settings.datasets, settings.content / "datasets")
    has_data = any(card.contract.name == SIMULATED_CONTRACT for card in store.list())
    if has_data or SIMULATED_CONTRACT not in _library(settings).take(module_id).module.contracts:
        yield settings
        return
    from sandkasse.actions.cohorts import publish_class_cohort  # a notebook that checks needs no simulator

    with tempfile.TemporaryDirectory(prefix="sandkasse-module-test-") as name:
        prepared = replace(settings, home=Path(name))
        settings.cache.mkdir(parents=True, exist_ok=True)
        prepared.cache.symlink_to(settings.cache)  # compiled kernels are worth keeping
        publish_class_cohort(prepared, progress=progress, seed=TEST_SEED)
        yield prepared


def _library(settings: Settings) -> Library:
    return Library(settings.content / "modules")
