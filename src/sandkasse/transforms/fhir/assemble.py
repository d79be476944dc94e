"""Many JSON texts at once: a template with holes, filled column by column, never an object for a row."""

import math
import re
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import numpy.typing as npt
import orjson
import pyarrow as pa
import pyarrow.compute as pc

from sandkasse.core.errors import ContractViolationError

_HOLE = re.compile(r"\$\{(\w+)\}")
# An id has at most 64 characters; a key leaves room for what stands before it and for the number behind it.
KEY_LENGTH = 44
_KEY = f"^[A-Za-z0-9.-]{{1,{KEY_LENGTH}}}$"
# A dateTime of FHIR has a year of four digits.
_FIRST_YEAR = 1000


def fill(template: str, **columns: pa.Array | str) -> pa.Array:
    """Put columns into the holes of a template, row by row.

    Args:
        template: JSON with holes `${name}`; line breaks and indentation in it are left out.
        **columns: What stands in each hole: texts, ready-made JSON already, or one text for all rows.

    Returns:
        One text a row, each closed by a line break: their bytes, one after the other, are lines of NDJSON.
    """
    pieces = _HOLE.split("".join(line.strip() for line in template.splitlines()) + "\n")
    return join(*(columns[piece] if number % 2 else piece for number, piece in enumerate(pieces)))


def join(*pieces: pa.Array | str) -> pa.Array:
    """Join texts side by side, row by row; at least one of them is a column."""
    joined = [piece for piece in _merge(pieces) if not isinstance(piece, str) or piece]
    texts = pc.binary_join_element_wise(*(_large(piece) for piece in joined), _large(""))
    assert not texts.null_count, "a template has a hole without a value"
    return texts


def bytes_of(texts: pa.Array) -> memoryview:
    """Give the bytes of all texts, one after the other, without copying them."""
    offsets = np.frombuffer(texts.buffers()[1], dtype=np.int64)
    first, last = offsets[texts.offset], offsets[texts.offset + len(texts)]
    return memoryview(texts.buffers()[2])[first:last]


def each_value(column: pa.Array, make: Callable[[Any], str]) -> pa.Array:
    """Make a piece of JSON from each distinct value of a column, and give it to every row with that value.

    Args:
        column: Any column; rows without a value get the text that `make` gives for None.
        make: Called once for each distinct value.
    """
    coded = column.dictionary_encode(null_encoding="encode")
    made = pa.array([make(value) for value in coded.dictionary.to_pylist()], pa.large_string())
    return made.take(coded.indices)


def member(name: str, column: pa.Array, make: Callable[[Any], str]) -> pa.Array:
    """Make `"name":…,` of every row that has a value, and nothing of the others."""
    return each_value(column, lambda value: "" if value is None else f'"{name}":{make(value)},')


def where(there: pa.Array, *pieces: pa.Array | str) -> pa.Array:
    """Join texts side by side in the rows where something is there, and give an empty text in the others."""
    whole = [piece if isinstance(piece, str) else piece.fill_null("") for piece in pieces]
    return pc.if_else(there, join(*whole), "")


def dated(name: str, days: pa.Array) -> pa.Array:
    """Make `"name":"2020-02-29",` of every row that has a date, and nothing of the others.

    Args:
        name: Name of the member.
        days: Dates or moments, as `write_days` or `danish_time.with_offset` give them.
    """
    return where(days.is_valid(), f'"{name}":"', days, '",')


def write_days(column: pa.Array) -> pa.Array:
    """Write dates as FHIR does; null stays null.

    Raises:
        ContractViolationError: If FHIR cannot write a date's year.
    """
    days = column.cast(pa.date32())
    if any(day is not None and day.year < _FIRST_YEAR for day in pc.min_max(days).as_py().values()):
        raise ContractViolationError(
            "A date has a year that FHIR cannot write: it has less than four digits.",
            next_step="hold the dataset against its contract: sandkasse dataset check",
        )
    return days.cast(pa.string())


def text(value: str) -> str:
    """Give a text as JSON, with quotation marks and escapes."""
    return orjson.dumps(value).decode()


def decimal(value: float) -> str:
    """Give a finite number as JSON, in as few digits as say it exactly; whole numbers without a point."""
    assert math.isfinite(value)
    whole = int(value)
    return str(whole) if whole == value and abs(whole) < 10**15 else orjson.dumps(value).decode()


def identifiers(column: pa.Array, *, what: str) -> pa.Array:
    """Check that a column's texts can stand in an id of FHIR, and need no escapes.

    Args:
        column: Pseudonyms or keys.
        what: Table and column, for the error.

    Raises:
        ContractViolationError: If a value is missing, too long, or not of letters, digits, `-` and `.` alone.
    """
    fits = pc.match_substring_regex(column, _KEY)
    wrong = len(column) - (pc.sum(fits).as_py() or 0)
    if wrong:
        raise ContractViolationError(
            f"{what} holds {wrong:,} values that cannot be an id of FHIR (1 to {KEY_LENGTH} letters, digits, - and .).",
            next_step="hold the dataset against its contract: sandkasse dataset check",
        )
    return column


def number_within(column: pa.Array) -> pa.Array:
    """Number the rows with the same value, 1, 2, … in their order, as texts."""
    codes = column.dictionary_encode().indices.to_numpy()
    return pa.array(_running(codes)).cast(pa.string())


def _running(codes: npt.NDArray[np.integer]) -> npt.NDArray[np.int64]:
    if not len(codes):
        return np.zeros(0, dtype=np.int64)
    order = np.argsort(codes, kind="stable")
    ordered = codes[order]
    starts = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]])
    lengths = np.diff(np.r_[starts, len(ordered)])
    running = np.empty(len(codes), dtype=np.int64)
    running[order] = np.arange(len(codes)) - np.repeat(starts, lengths) + 1
    return running


def _merge(parts: Iterable[pa.Array | str]) -> list[pa.Array | str]:
    """Join neighbouring texts that are the same for all rows."""
    merged: list[pa.Array | str] = []
    for part in parts:
        if isinstance(part, str) and merged and isinstance(merged[-1], str):
            merged[-1] += part
        else:
            merged.append(part)
    return merged


def _large(part: pa.Array | str) -> Any:
    # Offsets of 64 bits: a column of a million resources has more bytes than 32 bits can count.
    return pa.scalar(part, pa.large_string()) if isinstance(part, str) else part.cast(pa.large_string())
