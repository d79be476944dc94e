"""What a grader is: it looks at one answer, and says how good it is without a word about single persons."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Protocol, TypeAlias

import pyarrow as pa
from pydantic import BaseModel, ConfigDict

from sandkasse.training.spec import ErrorKind
from sandkasse.training.verdict import Measure

Answer: TypeAlias = float | int | str | bool | pa.Table

DIRECTIONS = frozenset({"too-high", "too-low"})


@dataclass(frozen=True)
class Info:
    """A grader's identity.

    Attributes:
        id: Its name in `module.yaml`.
        title: What it grades, in words.
        kinds: The kinds of error that it can find by itself.
    """

    id: str
    title: str
    kinds: Mapping[str, str]


class Parameters(BaseModel):
    """What a grader is told in `module.yaml`; each grader has its own subclass."""

    model_config = ConfigDict(frozen=True, extra="forbid")


@dataclass(frozen=True)
class Material:
    """What answers to one exercise are compared with.

    Attributes:
        truth: The truth's tables (`persons`, `events`, `traps`).
        facts: The results of the exercise's SQL statements, by their names.
        key: The site's grading key.
        scope: What distinguishes this exercise's rounding from another's.
        errors: The kinds of error that the module describes.
    """

    truth: Mapping[str, pa.Table]
    facts: Mapping[str, pa.Table]
    key: bytes = field(repr=False)
    scope: bytes
    errors: tuple[ErrorKind, ...]


@dataclass(frozen=True)
class Outcome:
    """What a grader found.

    Attributes:
        passed: Whether the answer is good enough.
        says: The result in one sentence.
        score: On the feedback half, coarse.
        mark: On the other half, coarse; never shown to the learner.
        measures: Parts of the score, for everyone and by group.
        error: The kind of error that dominates; None where none stands out.
        notes: What else the reader should know.
        vaguely: What is said instead after the first tries, when the direction of a wrong number is no longer told.
    """

    passed: bool
    says: str
    score: float | None = None
    mark: float | None = None
    measures: tuple[Measure, ...] = ()
    error: str | None = None
    notes: tuple[str, ...] = ()
    vaguely: str | None = None

    def undirected(self) -> "Outcome":
        """Leave out in which direction a number is wrong; known mistakes are named as before."""
        if self.vaguely is None or self.error not in DIRECTIONS:
            return self
        return replace(self, says=self.vaguely, error=None)


class Grader(Protocol):
    """One way to grade. `prepare` may be slow and is kept; `grade` is called for every answer.

    Its parts are functions of what they are given: no clock, files, network or randomness of their own.
    """

    @property
    def info(self) -> Info:
        """Give the grader's identity."""

    @property
    def parameters(self) -> type[Parameters]:
        """Give the class of its parameters."""

    def describe_answer(self, parameters: Any, /) -> str:
        """Say in one sentence what an answer must look like."""

    def statements(self, parameters: Any, /) -> dict[str, str]:
        """Name the SQL statements whose results the grader needs, with their text."""

    def truth_columns(self, parameters: Any, /) -> set[str]:
        """Name the columns of the truth's `persons` that it reads."""

    def kinds(self, parameters: Any, /) -> set[str]:
        """Name the kinds of error that the parameters add to the grader's own."""

    def prepare(self, parameters: Any, material: Material, /) -> Any:
        """Make what every answer is compared with."""

    def grade(self, parameters: Any, prepared: Any, answer: Answer, /) -> Outcome:
        """Look at one answer.

        Raises:
            AnswerShapeError: If it does not have the shape that `describe_answer` names.
        """
