"""What a learner is told about an answer."""

from typing import Any

import orjson
from pydantic import BaseModel, ConfigDict


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Reference(_Record):
    """The result of a named reference method, scored by the same grader.

    Attributes:
        name: The method in words.
        score: Its score, 0 to 1.
    """

    name: str
    score: float


class Measure(_Record):
    """One measured property of an answer.

    Attributes:
        name: What it is in words ("Sensitivity").
        value: 0 to 1 for shares; absent where too few persons stand behind it.
        group: Which group it is about; absent for everyone.
    """

    name: str
    value: float | None
    group: str | None = None


class DominatingError(_Record):
    """The kind of error that weighs most in an answer.

    Attributes:
        id: The kind, as the module names it.
        title: The kind in words.
    """

    id: str
    title: str


class Verdict(_Record):
    """What is said about one answer. Nothing in it is about a single person.

    Attributes:
        module: The module's id.
        exercise: The exercise's id.
        passed: Whether the answer is good enough; decided on persons other than those behind the score.
        says: The result in one sentence.
        score: How good it is, 0 to 1, in whole percentage points or coarser; absent where right and wrong is all
            there is.
        pass_at: The score that passes, 0 to 1.
        attainable: The best score known to be attainable from the data, 0 to 1.
        reference: What a named reference method scores.
        measures: Sensitivity and the like, for everyone and by group.
        dominating: Which kind of error weighs most.
        hint: One hint.
        tries: How many answers to this exercise were graded so far, this one included.
        tries_left: How many more are taken now, before a pause; absent where nothing limits them.
        notes: What else the reader should know, such as how undiagnosed persons are counted.
    """

    module: str
    exercise: str
    passed: bool
    says: str
    score: float | None = None
    pass_at: float | None = None
    attainable: float | None = None
    reference: Reference | None = None
    measures: tuple[Measure, ...] = ()
    dominating: DominatingError | None = None
    hint: str | None = None
    tries: int = 1
    tries_left: int | None = None
    notes: tuple[str, ...] = ()

    def heading(self) -> str:
        """Say in a word or two whether it is good enough."""
        return "Passed." if self.passed else "Not yet."

    def score_line(self) -> str | None:
        """Say the score beside what passes, the reference and what the data allow; None without a score."""
        if self.score is None or self.pass_at is None:
            return None
        parts = [f"Score {self.score:.0%}", f"passes at {self.pass_at:.0%}"]
        if self.reference:
            parts.append(f"{self.reference.name}: {self.reference.score:.0%}")
        if self.attainable is not None:
            parts.append(f"best known: {self.attainable:.0%}")
        return " · ".join(parts)

    def tries_line(self) -> str:
        """Say how many answers there were, and how many more are taken."""
        told = f"Try {self.tries}"
        return told if self.tries_left is None else f"{told} · {self.tries_left} more before a pause"

    def lines(self) -> tuple[str, ...]:
        """Put the verdict into lines of text."""
        lines = [f"{self.heading()} {self.says}", self.score_line()]
        lines.append(f"What weighs most: {self.dominating.title}" if self.dominating else None)
        lines.append(f"Hint: {self.hint}" if self.hint else None)
        return (*(line for line in lines if line), *self.notes, self.tries_line())

    def to_json(self) -> bytes:
        """Write the verdict as JSON."""
        return orjson.dumps(self.model_dump(mode="json"))

    @classmethod
    def from_json(cls, data: bytes | dict[str, Any]) -> "Verdict":
        """Read a verdict that `to_json` wrote.

        Raises:
            ValueError: If it is not a verdict.
        """
        return cls.model_validate(orjson.loads(data) if isinstance(data, bytes) else data)
