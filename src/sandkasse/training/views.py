"""What anybody may see of a module: no parameters, hints, right options or lists of answers."""

from pathlib import Path

from pydantic import BaseModel, ConfigDict

from sandkasse.training.grading import describe_answer
from sandkasse.training.library import ShelvedModule
from sandkasse.training.spec import Author, Citation, Exercise, Link, Module


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True)


class ExerciseView(_Record):
    """An exercise as the learner sees it.

    Attributes:
        id: What to pass to `check`.
        part: The part that asks it.
        title: In a few words.
        prompt: The question.
        expects: What an answer looks like, in a sentence.
    """

    id: str
    part: str
    title: str
    prompt: str
    expects: str


class PartView(_Record):
    """One sitting, with the questions that it asks.

    Attributes:
        id: Unique in the module.
        title: What the sitting is about.
        lesson: The notebook's name in the learner's folder.
        lesson_in_r: The same in R, where there is one.
        minutes: How long a learner needs.
        exercises: Its questions.
    """

    id: str
    title: str
    lesson: str
    lesson_in_r: str | None = None
    minutes: int
    exercises: tuple[ExerciseView, ...]


class ModuleView(_Record):
    """A module as the learner sees it."""

    id: str
    title: str
    version: str
    summary: str
    outcomes: tuple[str, ...]
    domain: str
    level: str
    hours: float
    language: str
    languages: tuple[str, ...] = ("python",)
    prerequisites: tuple[str, ...]
    background: tuple[str, ...]
    tools: tuple[str, ...]
    contracts: tuple[str, ...]
    keywords: tuple[str, ...]
    parts: tuple[PartView, ...]
    licence: Link
    authors: tuple[Author, ...]
    citations: tuple[Citation, ...]

    @property
    def exercises(self) -> tuple[ExerciseView, ...]:
        """All exercises, in the order of the parts."""
        return tuple(exercise for part in self.parts for exercise in part.exercises)


def view_module(shelved: ShelvedModule) -> ModuleView:
    """Leave out of a module what a learner must not see.

    Raises:
        ModuleInvalidError: If an exercise's grader or parameters are wrong.
    """
    module = shelved.module
    shared = module.model_dump(include=set(ModuleView.model_fields) - {"parts", "licence", "authors", "citations"})
    return ModuleView(
        **shared,
        licence=module.licence,
        authors=module.authors,
        citations=module.citations,
        parts=tuple(_view_part(module, index) for index in range(len(module.parts))),
    )


def _view_part(module: Module, index: int) -> PartView:
    part = module.parts[index]
    return PartView(
        id=part.id,
        title=part.title,
        lesson=Path(part.lesson).stem + ".ipynb",
        lesson_in_r=Path(part.r.lesson).stem + ".ipynb" if part.r else None,
        minutes=part.minutes,
        exercises=tuple(_view_exercise(exercise) for exercise in module.exercises_of(part.id)),
    )


def _view_exercise(exercise: Exercise) -> ExerciseView:
    return ExerciseView(
        id=exercise.id,
        part=exercise.part,
        title=exercise.title,
        prompt=exercise.prompt,
        expects=describe_answer(exercise),
    )
