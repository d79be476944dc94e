"""Grades an interval: it must hold the true value and be neither wider nor narrower than is reasonable."""

import math
from dataclasses import dataclass
from statistics import NormalDist
from typing import ClassVar

import pyarrow as pa
from pydantic import Field

from sandkasse.core.errors import ModuleInvalidError
from sandkasse.training.graders.base import Answer, Info, Material, Outcome, Parameters
from sandkasse.training.graders.number import EXPECTED, read_value
from sandkasse.training.graders.shapes import Column, read_table, shape_error
from sandkasse.training.spec import Words


class IntervalParameters(Parameters):
    """What `interval` is told.

    Attributes:
        sql: One SELECT that gives one row with the true `value`, and `widest` and `narrowest` where they are not given
            here. It may read the dataset's tables, and the truth's as `truth.persons` and so on.
        widest: The greatest width that passes.
        narrowest: The least width that passes.
        level: The level of confidence that the learner is asked for.
        stretch: By how much the interval is widened about its middle before it must hold the value. At 1 a right
            interval fails as often as its level says; at 2 a right 95 % interval with normal error fails in 1 of
            11,000.
        unit: What the number counts.
    """

    sql: Words
    widest: float | None = Field(default=None, gt=0)
    narrowest: float | None = Field(default=None, ge=0)
    level: float = Field(default=0.95, gt=0.5, lt=1)
    stretch: float = Field(default=2.0, ge=1, le=4)
    unit: str = ""

    def false_alarm(self) -> float:
        """Give the probability that a right interval with normal error is refused for not holding the value."""
        z = NormalDist().inv_cdf(0.5 + self.level / 2) * self.stretch
        return math.erfc(z / math.sqrt(2))


@dataclass(frozen=True)
class PreparedInterval:
    """The true value and the widths that pass."""

    value: float
    widest: float
    narrowest: float


class IntervalGrader:
    """An interval that holds the true value."""

    info: ClassVar = Info(
        id="interval",
        title="An interval that holds the true value",
        kinds={
            "too-high": "The whole interval is too high",
            "too-low": "The whole interval is too low",
            "too-wide": "The interval is wider than the data allow",
            "too-narrow": "The interval is narrower than the data can tell",
        },
    )
    parameters: ClassVar = IntervalParameters

    def describe_answer(self, parameters: IntervalParameters) -> str:
        """Say in one sentence what an answer must look like."""
        unit = f" ({parameters.unit})" if parameters.unit else ""
        return f"Two numbers{unit}, the lower and the upper end, or a table of one row with low and high."

    def statements(self, parameters: IntervalParameters) -> dict[str, str]:
        """Name the true value's statement."""
        return {EXPECTED: parameters.sql}

    def truth_columns(self, _parameters: IntervalParameters) -> set[str]:
        """Read the truth through SQL alone."""
        return set()

    def kinds(self, _parameters: IntervalParameters) -> set[str]:
        """Add no kinds of error."""
        return set()

    def prepare(self, parameters: IntervalParameters, material: Material) -> PreparedInterval:
        """Read the true value and the widths.

        Raises:
            ModuleInvalidError: If the statement gave no value, or no greatest width is known.
        """
        fact = material.facts[EXPECTED]
        value, _ = read_value(fact)
        widest = parameters.widest if parameters.widest is not None else _optional(fact, "widest")
        narrowest = parameters.narrowest if parameters.narrowest is not None else _optional(fact, "narrowest")
        if widest is None:
            raise ModuleInvalidError(
                "The greatest width of the interval is not known.",
                next_step="give the parameter widest, or let the SQL return it",
            )
        return PreparedInterval(value, widest, narrowest or 0.0)

    def grade(self, parameters: IntervalParameters, prepared: PreparedInterval, answer: Answer) -> Outcome:
        """Compare the interval with the true value.

        Raises:
            AnswerShapeError: If it is not a lower and an upper end.
        """
        low, high = _read_ends(answer)
        error = _find_error(low, high, parameters, prepared)
        says = "The interval holds the value." if error is None else f"{self.info.kinds[error]}."
        score = 0.0 if error else 1.0
        vaguely = "The interval does not hold the value."
        return Outcome(passed=error is None, says=says, score=score, mark=score, error=error, vaguely=vaguely)


def _optional(fact: pa.Table, column: str) -> float | None:
    return float(fact[column][0].as_py()) if column in fact.column_names else None


def _read_ends(answer: Answer) -> tuple[float, float]:
    table = read_table(answer, [Column("low", "number"), Column("high", "number")])
    if table.num_rows != 1:
        raise shape_error("one interval", f"{table.num_rows} rows")
    low, high = float(table["low"][0].as_py()), float(table["high"][0].as_py())
    if low > high:
        raise shape_error("the lower end first", "a lower end above the upper one")
    return low, high


def _find_error(low: float, high: float, parameters: IntervalParameters, prepared: PreparedInterval) -> str | None:
    middle, reach = (low + high) / 2, (high - low) / 2 * parameters.stretch
    slack = 1e-12 * max(abs(low), abs(high))
    if high - low > prepared.widest + slack:
        return "too-wide"
    if middle - reach > prepared.value + slack:
        return "too-high"
    if middle + reach < prepared.value - slack:
        return "too-low"
    return "too-narrow" if high - low < prepared.narrowest - slack else None
