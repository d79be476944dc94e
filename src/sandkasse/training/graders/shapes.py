"""Reading answers: the columns that a grader expects, or one line on what was got instead."""

from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from sandkasse.core.errors import AnswerShapeError
from sandkasse.training.graders.base import Answer

FEWEST_NAMED = 30  # our choice: an answer that names fewer persons of the population is not graded


@dataclass(frozen=True)
class Column:
    """A column that an answer must have."""

    name: str
    kind: str  # "text", "date" or "number"


def read_table(answer: Answer, columns: Sequence[Column]) -> pa.Table:
    """Take the expected columns out of an answer, in the expected types.

    Args:
        answer: What the learner gave.
        columns: What is expected; other columns are ignored.

    Returns:
        A table of exactly these columns: large texts, date32 and float64.

    Raises:
        AnswerShapeError: If it is no table, lacks a column, is empty, or has a column of another type or with
            missing values.
    """
    expected = "a table with the columns " + ", ".join(f"{column.name} ({column.kind})" for column in columns)
    if not isinstance(answer, pa.Table):
        raise shape_error(expected, f"a single {_kind_of(answer)}")
    missing = [column.name for column in columns if column.name not in answer.column_names]
    if missing:
        got = ", ".join(answer.column_names[:12]) or "no columns"
        raise shape_error(expected, f"a table with {got}; {', '.join(missing)} not among them")
    if answer.num_rows == 0:
        raise shape_error(expected, "a table without rows")
    return pa.table({column.name: _read_column(answer[column.name], column, expected) for column in columns})


def read_number(answer: Answer) -> float:
    """Take a number out of an answer.

    Raises:
        AnswerShapeError: If it is not one finite number.
    """
    if isinstance(answer, bool) or not isinstance(answer, int | float):
        raise shape_error("one number", f"a {_kind_of(answer)}")
    try:
        value = float(answer)
    except OverflowError:
        raise shape_error("one number", "a whole number that is too large") from None
    if value != value or value in (float("inf"), float("-inf")):  # noqa: PLR0124  NaN is the one value unequal to itself
        raise shape_error("one number", "a value that is not finite")
    return value


def shape_error(expected: str, got: str) -> AnswerShapeError:
    """Build the error for an answer of the wrong shape."""
    return AnswerShapeError(f"Expected {expected}; got {got}.", next_step="change the answer's shape and check again")


def _read_column(values: pa.ChunkedArray, column: Column, expected: str) -> pa.Array:
    if pa.types.is_dictionary(values.type):
        values = values.cast(values.type.value_type)
    if column.kind == "date" and pa.types.is_string(values.type):
        raise shape_error(expected, f"text in {column.name}; make it dates, for example with .cast('date')")
    if column.kind == "text" and not (
        pa.types.is_string(values.type)
        or pa.types.is_large_string(values.type)
        or pa.types.is_string_view(values.type)
        or pa.types.is_null(values.type)
    ):
        raise shape_error(expected, f"{values.type} in {column.name}; identifiers and codes are text")
    if values.null_count:
        raise shape_error(expected, f"missing values in {values.null_count} rows of {column.name}")
    target = {"text": pa.large_string(), "date": pa.date32(), "number": pa.float64()}[column.kind]
    try:
        cast = (
            values.cast(pa.timestamp("us")).cast(target, safe=False)
            if pa.types.is_timestamp(values.type)
            else values.cast(target)
        )
    except pa.ArrowException as exc:
        raise shape_error(expected, f"{values.type} in {column.name}") from exc
    combined = cast.combine_chunks()
    if column.kind == "number" and not pc.all(pc.is_finite(combined)).as_py():
        raise shape_error(expected, f"values in {column.name} that are not finite")
    return combined


def _kind_of(answer: Answer) -> str:
    if isinstance(answer, pa.Table):
        return "table"
    return {bool: "truth value", int: "number", float: "number", str: "text"}.get(type(answer), type(answer).__name__)
