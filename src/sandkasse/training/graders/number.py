"""Grades one number: within a stated tolerance of a quantity computed from the dataset or its truth."""

import math
from dataclasses import dataclass
from typing import ClassVar

import pyarrow as pa
from pydantic import Field, model_validator

from sandkasse.core.errors import ModuleInvalidError
from sandkasse.training.graders.base import DIRECTIONS, Answer, Info, Material, Outcome, Parameters
from sandkasse.training.graders.shapes import read_number
from sandkasse.training.spec import Identifier, Words

EXPECTED = "expected"
NOT_RIGHT = "The number is not right."


class Tolerance(Parameters):
    """How far an answer may lie from the expected value. Exactly one of the four.

    Attributes:
        decimals: The answer equals the expected value when both are rounded to so many decimals, or is off by less
            than one unit in the last of them (so that rounding and cutting both pass).
        relative: Share of the expected value; `because` says why so much.
        absolute: In the value's unit; `because` says why so much.
        standard_errors: So many of the standard errors that the statement's column `standard_error` gives: for
            answers that themselves carry sampling or Monte Carlo error.
        because: Why `relative` or `absolute` is as wide as it is.
    """

    decimals: int | None = Field(default=None, ge=0, le=12)
    relative: float | None = Field(default=None, gt=0, lt=1)
    absolute: float | None = Field(default=None, ge=0)
    standard_errors: float | None = Field(default=None, gt=0)
    because: str | None = None

    @model_validator(mode="after")
    def _is_one_and_reasoned(self) -> "Tolerance":
        given = [self.decimals, self.relative, self.absolute, self.standard_errors]
        if sum(value is not None for value in given) != 1:
            raise ValueError("a tolerance is exactly one of decimals, relative, absolute and standard_errors")
        if (self.relative or self.absolute) and not self.because:
            raise ValueError("a relative or absolute tolerance says why it is so wide, in `because`")
        return self

    def width(self, expected: float, standard_error: float | None) -> float:
        """Give the tolerance in the value's unit.

        Raises:
            ModuleInvalidError: If it needs a standard error and there is none.
        """
        if self.decimals is not None:
            return float(10.0**-self.decimals) * 0.999  # less than one unit, whatever the last bits are
        if self.relative is not None:
            return self.relative * abs(expected)
        if self.absolute is not None:
            return self.absolute
        if standard_error is None or self.standard_errors is None:
            raise ModuleInvalidError(
                "The tolerance is in standard errors, and the statement gives no column standard_error.",
                next_step="let the SQL return value and standard_error",
            )
        return self.standard_errors * standard_error

    def false_alarm(self) -> float | None:
        """Give the probability that a right answer with normal error is refused; None for tolerances without a law."""
        return None if self.standard_errors is None else math.erfc(self.standard_errors / math.sqrt(2))


class Mistake(Parameters):
    """A wrong number with a known cause: an answer near it earns the hint of its kind of error."""

    error: Identifier
    sql: Words


class NumberParameters(Parameters):
    """What `number` is told.

    Attributes:
        sql: One SELECT that gives one row with the column `value`, and `standard_error` where the tolerance needs it.
            It may read the dataset's tables, and the truth's as `truth.persons`, `truth.events`, `truth.traps`.
        tolerance: How far off an answer may be.
        unit: What the number counts ("persons", "per 1,000 person-years").
        mistakes: Wrong numbers with known causes.
    """

    sql: Words
    tolerance: Tolerance
    unit: str = ""
    mistakes: tuple[Mistake, ...] = ()


@dataclass(frozen=True)
class PreparedNumber:
    """The expected value with its tolerance, and the known wrong values with their kinds."""

    expected: float
    width: float
    mistakes: tuple[tuple[str, float], ...]


class NumberGrader:
    """One number within a stated tolerance."""

    info: ClassVar = Info(
        id="number",
        title="One number",
        kinds={
            "too-high": "The number is too high",
            "too-low": "The number is too low",
            "wrong-unit": "The number looks right in another unit",
        },
    )
    parameters: ClassVar = NumberParameters

    def describe_answer(self, parameters: NumberParameters) -> str:
        """Say in one sentence what an answer must look like."""
        return f"One number ({parameters.unit})." if parameters.unit else "One number."

    def statements(self, parameters: NumberParameters) -> dict[str, str]:
        """Name the expected value's statement, and one for each known mistake."""
        mistakes = {f"mistake {index}": mistake.sql for index, mistake in enumerate(parameters.mistakes)}
        return {EXPECTED: parameters.sql, **mistakes}

    def truth_columns(self, _parameters: NumberParameters) -> set[str]:
        """Read the truth through SQL alone."""
        return set()

    def kinds(self, parameters: NumberParameters) -> set[str]:
        """Add the kinds of the known mistakes."""
        return {mistake.error for mistake in parameters.mistakes}

    def prepare(self, parameters: NumberParameters, material: Material) -> PreparedNumber:
        """Read the expected value and the known wrong ones.

        Raises:
            ModuleInvalidError: If a statement did not give one row with a value.
        """
        expected, standard_error = read_value(material.facts[EXPECTED])
        mistakes = tuple(
            (mistake.error, read_value(material.facts[f"mistake {index}"])[0])
            for index, mistake in enumerate(parameters.mistakes)
        )
        return PreparedNumber(expected, parameters.tolerance.width(expected, standard_error), mistakes)

    def grade(self, parameters: NumberParameters, prepared: PreparedNumber, answer: Answer) -> Outcome:
        """Compare the number with the expected one.

        Raises:
            AnswerShapeError: If it is not one finite number.
        """
        value = read_number(answer)
        # The last rounding of the learner's own arithmetic is nobody's error.
        slack = 1e-12 * max(abs(prepared.expected), abs(value))
        if abs(value - prepared.expected) <= prepared.width + slack:
            return Outcome(passed=True, says="The number is right.", score=1.0, mark=1.0)
        error = _explain(value, prepared)
        says = f"The number is {error.replace('-', ' ')}." if error in DIRECTIONS else NOT_RIGHT
        return Outcome(passed=False, says=says, score=0.0, mark=0.0, error=error, vaguely=NOT_RIGHT)


def read_value(fact: pa.Table) -> tuple[float, float | None]:
    """Take the value, and its standard error where there is one, out of a statement's result.

    Raises:
        ModuleInvalidError: If it is not one row with a number in `value`.
    """
    if fact.num_rows != 1 or "value" not in fact.column_names or fact["value"][0].as_py() is None:
        raise ModuleInvalidError(
            f"The SQL of a number gave {fact.num_rows} rows with the columns {', '.join(fact.column_names)}.",
            next_step="let it give one row with a number in the column value",
        )
    error = float(fact["standard_error"][0].as_py()) if "standard_error" in fact.column_names else None
    return float(fact["value"][0].as_py()), error


def _explain(value: float, prepared: PreparedNumber) -> str:
    slack = 1e-12 * abs(value)
    for kind, wrong in prepared.mistakes:
        if abs(value - wrong) <= prepared.width + slack:
            return kind
    for factor in (100.0, 1000.0, 365.25, 100_000.0):
        for scaled in (value * factor, value / factor):
            if abs(scaled - prepared.expected) <= max(prepared.width, 0.01 * abs(prepared.expected)):
                return "wrong-unit"
    return "too-high" if value > prepared.expected else "too-low"
