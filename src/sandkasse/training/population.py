"""Which persons of the truth a statement is about, as data: conditions on columns, without any code of a module."""

from datetime import date
from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import BaseModel, ConfigDict, model_validator

from sandkasse.core.errors import ModuleInvalidError

BoolArray: TypeAlias = npt.NDArray[np.bool_]
Scalar: TypeAlias = bool | int | float | date | str

DAYS_PER_YEAR = 365.2425  # the Gregorian mean


class _Data(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Condition(_Data):
    """One statement about one column; all its parts must hold. A missing value satisfies `missing: true` alone.

    Attributes:
        column: A column of the truth table.
        equals: The value is this one.
        one_of: The value is among these.
        at_least: The value is this or more (for dates: this day or later).
        at_most: The value is this or less (for dates: this day or earlier).
        missing: The value is absent (true) or present (false).
    """

    column: str
    equals: Scalar | None = None
    one_of: tuple[Scalar, ...] | None = None
    at_least: Scalar | None = None
    at_most: Scalar | None = None
    missing: bool | None = None

    @model_validator(mode="after")
    def _says_something(self) -> "Condition":
        parts = (self.equals, self.one_of, self.at_least, self.at_most, self.missing)
        if all(part is None for part in parts):
            raise ValueError(f"the condition on {self.column!r} needs equals, one_of, at_least, at_most or missing")
        return self

    def columns(self) -> set[str]:
        """Name the columns that this condition reads."""
        return {self.column}


class AnyOf(_Data):
    """At least one of several statements holds."""

    any_of: "tuple[Condition | AnyOf | Not, ...]"

    def columns(self) -> set[str]:
        """Name the columns that these conditions read."""
        return set().union(*(part.columns() for part in self.any_of))


class Not(_Data):
    """A statement does not hold."""

    is_not: "Condition | AnyOf | Not"

    def columns(self) -> set[str]:
        """Name the columns that this condition reads."""
        return self.is_not.columns()


Expression: TypeAlias = Condition | AnyOf | Not


class AgeRange(_Data):
    """Whole years of age on a day: `at_least` ≤ age < `below`."""

    on: date
    at_least: int = 0
    below: int | None = None


class Population(_Data):
    """Persons that an exercise is about.

    Attributes:
        words: Who they are, in a sentence that the learner reads.
        resident_on: Alive and resident in the country on this day.
        age: Age on a day.
        where: Further conditions; all must hold.
    """

    words: str
    resident_on: date | None = None
    age: AgeRange | None = None
    where: tuple[Expression, ...] = ()

    def columns(self) -> set[str]:
        """Name the truth columns that this population reads."""
        found = set().union(*(part.columns() for part in self.where)) if self.where else set()
        if self.resident_on:
            found |= {"first_resident", "last_resident", "doddato"}
        if self.age:
            found.add("foed_dato")
        return found


def select_population(persons: pa.Table, population: Population) -> BoolArray:
    """Mark the persons who belong to a population.

    Args:
        persons: The truth's `persons`.
        population: Whom to select.

    Returns:
        One boolean a row of `persons`.

    Raises:
        ModuleInvalidError: If a column does not exist, or holds values of another type.
    """
    mask = holds(persons, population.where)
    if population.resident_on:
        mask &= _is_resident(persons, population.resident_on)
    if population.age:
        age = ages_on(persons, population.age.on)
        mask &= age >= population.age.at_least
        if population.age.below is not None:
            mask &= age < population.age.below
    return mask


def holds(table: pa.Table, expressions: tuple[Expression, ...]) -> BoolArray:
    """Mark the rows in which every expression holds; all rows when there is none.

    Raises:
        ModuleInvalidError: If a column does not exist, or holds values of another type.
    """
    mask = np.ones(table.num_rows, dtype=bool)
    for expression in expressions:
        mask &= _evaluate(table, expression)
    return mask


def ages_on(persons: pa.Table, day: date) -> npt.NDArray[np.int64]:
    """Give everyone's completed years of age on a day; negative before birth."""
    births = persons["foed_dato"].combine_chunks()
    years = day.year - pc.year(births).to_numpy(zero_copy_only=False)
    month = pc.month(births).to_numpy(zero_copy_only=False)
    day_of_month = pc.day(births).to_numpy(zero_copy_only=False)
    is_before_birthday = (month > day.month) | ((month == day.month) & (day_of_month > day.day))
    return np.asarray(years - is_before_birthday, dtype=np.int64)


def _is_resident(persons: pa.Table, day: date) -> BoolArray:
    has_come = Condition(column="first_resident", at_most=day)
    absent = {name: Condition(column=name, missing=True) for name in ("last_resident", "doddato")}
    still_there = AnyOf(any_of=(absent["last_resident"], Condition(column="last_resident", at_least=day)))
    still_alive = AnyOf(any_of=(absent["doddato"], Condition(column="doddato", at_least=day)))
    return holds(persons, (has_come, still_there, still_alive))


def _evaluate(table: pa.Table, expression: Expression) -> BoolArray:
    if isinstance(expression, AnyOf):
        mask = np.zeros(table.num_rows, dtype=bool)
        for part in expression.any_of:
            mask |= _evaluate(table, part)
        return mask
    if isinstance(expression, Not):
        return ~_evaluate(table, expression.is_not)
    return _evaluate_condition(table, expression)


def _evaluate_condition(table: pa.Table, condition: Condition) -> BoolArray:
    if condition.column not in table.column_names:
        raise ModuleInvalidError(
            f"The truth has no column {condition.column!r}.",
            next_step=f"name one of {', '.join(table.column_names)}",
        )
    values = table[condition.column]
    mask = np.ones(table.num_rows, dtype=bool)
    if condition.missing is not None:
        is_null = pc.is_null(values, nan_is_null=True).to_numpy()
        mask &= is_null == condition.missing
    for operator, operand in (
        ("equal", condition.equals),
        ("greater_equal", condition.at_least),
        ("less_equal", condition.at_most),
    ):
        if operand is not None:
            mask &= _compare(values, operator, operand)
    if condition.one_of is not None:
        mask &= np.logical_or.reduce([_compare(values, "equal", operand) for operand in condition.one_of])
    return mask


def _compare(values: pa.ChunkedArray, operator: str, operand: Scalar) -> BoolArray:
    try:
        wanted = pa.scalar(operand)
        if pa.types.is_floating(values.type) or pa.types.is_integer(values.type):
            wanted = pa.scalar(float(operand))  # type: ignore[arg-type]
            values = values.cast(pa.float64())
        elif pa.types.is_date(values.type):
            wanted = pa.scalar(operand, type=values.type)
        result = pc.call_function(operator, [values, wanted])
    except (pa.ArrowException, TypeError, ValueError) as exc:
        raise ModuleInvalidError(
            f"A condition compares {values.type} with {type(operand).__name__}.",
            next_step="write the value in the column's own type, dates as YYYY-MM-DD",
        ) from exc
    return np.asarray(pc.fill_null(result, False).to_numpy(zero_copy_only=False), dtype=bool)


class Grouping(_Data):
    """A division of the persons for which results are shown apart.

    Attributes:
        by: `sex`, `age` (in bands, on a day) or a column of the truth.
        on: The day on which age is taken.
        bands: The first age of each band, rising; the first begins at 0 if it is not given.
    """

    by: Literal["sex", "age", "type"]
    on: date | None = None
    bands: tuple[int, ...] = (0, 40, 60, 80)

    @model_validator(mode="after")
    def _age_has_a_day(self) -> "Grouping":
        if self.by == "age" and self.on is None:
            raise ValueError("a grouping by age needs `on`, the day on which age is taken")
        if list(self.bands) != sorted(set(self.bands)):
            raise ValueError("the bands of a grouping by age must rise")
        return self


def group_labels(persons: pa.Table, grouping: Grouping) -> tuple[str, ...]:
    """Give every person's group in words; empty text for persons of no group.

    Args:
        persons: The truth's `persons`.
        grouping: How to divide them.
    """
    if grouping.by == "sex":
        names = {1: "men", 2: "women"}
        return tuple(names.get(code, "") for code in persons["koen"].to_pylist())
    if grouping.by == "age" and grouping.on is not None:
        return tuple(_band(age, grouping.bands) for age in ages_on(persons, grouping.on).tolist())
    return tuple(value or "" for value in persons["diabetes_type"].to_pylist())


def _band(age: int, bands: tuple[int, ...]) -> str:
    starts = [start for start in bands if start <= age]
    if not starts:
        return ""
    later = [start for start in bands if start > age]
    return f"{starts[-1]}–{later[0] - 1} years" if later else f"{starts[-1]} years and older"
