"""One column of a SAS file as the type that a contract promises, or one line that says why not; never a value."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from sandkasse.contract import Column

EPOCH_DAYS = -3653  # 1960-01-01, where SAS's days begin, in days since 1970-01-01
SECONDS_A_DAY = 86_400
# The names of SAS's formats for dates and times begin with these (SAS 9.4 formats: dictionary of language elements).
_DATES = re.compile(
    r"(DATE(?!TIME|AMPM)|DDMMYY|MMDDYY|YYMMDD|YYMM|MMYY|MONYY|WORDDAT|WEEKDAT|WEEK|JULIAN|NLDATE|EURDFDD|EURDFDE|"
    r"E8601DA|B8601DA|DAY|DOWNAME|YEAR|YYQ|QTR)",
    re.IGNORECASE,
)
_DATE_TIMES = re.compile(r"(DATETIME|DATEAMPM|DTDATE|E8601DT|B8601DT|NLDATM|EURDFDT|MDYAMPM)", re.IGNORECASE)
_TIMES = re.compile(r"(TIME|HHMM|TOD|E8601TM|B8601TM|NLTIM|MMSS|HOUR)", re.IGNORECASE)
_SIZES = {"int8": pa.int8(), "int16": pa.int16(), "int32": pa.int32(), "uint8": pa.uint8(), "uint16": pa.uint16()}
_UNITS = {"timestamp[s]": "s", "timestamp[ms]": "ms", "timestamp[ns]": "ns"}


class UnfitColumnError(ValueError):
    """A column cannot be what the contract promises; the text says why in a few words, without a value."""


@dataclass(frozen=True)
class SasColumn:
    """A column as a SAS file describes it.

    Attributes:
        name: As it stands in the file.
        is_text: Whether it holds texts; else numbers, which are also SAS's dates and times.
        format: SAS's format (`DATE9`, `BEST12`); empty if there is none.
    """

    name: str
    is_text: bool
    format: str

    @property
    def kind(self) -> str:
        """What the values are: `text`, `number`, `date`, `timestamp` or `time`."""
        if self.is_text:
            return "text"
        for kind, pattern in (("timestamp", _DATE_TIMES), ("date", _DATES), ("time", _TIMES)):
            if pattern.match(self.format):
                return kind
        return "number"


def arrow_type(column: Column) -> pa.DataType:
    """Give the Arrow type in which a promised column is kept."""
    if column.type == "integer":
        return _SIZES.get(column.physical_type, pa.int64())
    if column.type == "timestamp":
        return pa.timestamp(_UNITS.get(column.physical_type, "us"))
    kinds = {
        "string": pa.string(),
        "number": pa.float64(),
        "boolean": pa.bool_(),
        "date": pa.date32(),
        "time": pa.time64("us"),
    }
    if column.type not in kinds:
        raise UnfitColumnError(f"the contract promises {column.type}, which SAS does not have")
    return kinds[column.type]


def convert(values: Sequence[Any], found: SasColumn, promised: Column, *, is_required: bool) -> pa.Array:
    """Turn a column's values into what the contract promises.

    Args:
        values: Texts, or doubles with None for missing.
        found: What the file says of the column.
        promised: What the contract says.
        is_required: Whether it may not be null; then an empty text stays an empty text, as SAS knows no missing one.

    Raises:
        UnfitColumnError: If they are something else, with the number of rows.
    """
    to = arrow_type(promised)
    if found.is_text:
        texts = pc.utf8_rtrim_whitespace(pa.array(values, pa.string()))
        if promised.type == "string":
            return texts if is_required else _empty_as_null(texts)
        return _from_texts(_empty_as_null(texts), promised, to)
    numbers = pa.array(values, pa.float64())
    if promised.type == "string":
        return _digits(numbers, found, promised)
    return _from_numbers(numbers, found, promised, to)


def _empty_as_null(texts: pa.Array) -> pa.Array:
    return pc.if_else(pc.equal(texts, ""), None, texts)


def _from_texts(texts: pa.Array, promised: Column, to: pa.DataType) -> pa.Array:
    """Read numbers and dates that stand in the file as texts, where every one of them can be read."""
    if promised.type == "date":
        plain = pc.replace_substring_regex(texts, r"^(\d{4})(\d{2})(\d{2})$", r"\1-\2-\3")
        _refuse_unless(
            pc.match_substring_regex(plain, r"^\d{4}-\d{2}-\d{2}$"), "a text that is no date like 2019-12-31"
        )
        try:
            return plain.cast(pa.date32())
        except pa.ArrowInvalid as exc:
            raise UnfitColumnError("it is a text, and not all of them are dates of the calendar") from exc
    if promised.type in {"integer", "number"}:
        pattern = r"^[+-]?\d+$" if promised.type == "integer" else r"^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$"
        _refuse_unless(pc.match_substring_regex(texts, pattern), f"a text that is no {promised.type}")
        try:
            return texts.cast(to)
        except pa.ArrowInvalid as exc:
            raise UnfitColumnError(f"it holds numbers that {to} does not") from exc
    raise UnfitColumnError(f"it is a text, and the contract promises {promised.type}")


def _digits(numbers: pa.Array, found: SasColumn, promised: Column) -> pa.Array:
    """Write codes that SAS keeps as numbers with the digits that the contract states, leading zeros included."""
    if found.kind != "number":
        raise UnfitColumnError(f"it is a {found.kind}, and the contract promises a text")
    width = _width(promised)
    if width is None:
        raise UnfitColumnError("it is a number, and the contract promises a text without saying how many digits it has")
    _refuse_unless(_are_whole(numbers, 0, 10**width - 1), f"a number of more than {width} digits, or not whole")
    return pc.utf8_lpad(numbers.cast(pa.int64()).cast(pa.string()), width, padding="0")


def _width(promised: Column) -> int | None:
    if promised.min_length is not None and promised.min_length == promised.max_length:
        return promised.min_length
    stated = re.fullmatch(r"\^\[0-9\]\{(\d+)\}\$", promised.pattern or "")
    return int(stated[1]) if stated else None


def _from_numbers(numbers: pa.Array, found: SasColumn, promised: Column, to: pa.DataType) -> pa.Array:
    wanted = {"integer": "number", "boolean": "number"}.get(promised.type, promised.type)
    is_midnight = found.kind == "timestamp" and promised.type == "date"
    if found.kind != wanted and not is_midnight:
        said = f"a {found.kind}" if found.kind != "number" else "a number without a format for dates or times"
        raise UnfitColumnError(f"it is {said}, and the contract promises {promised.type}")
    if promised.type == "number":
        return numbers
    if promised.type == "integer":
        low, high = -(2 ** (to.bit_width - 1)), 2 ** (to.bit_width - 1) - 1
        _refuse_unless(_are_whole(numbers, low, high), f"a number that is not whole, or beyond {to}")
        return numbers.cast(to)
    if promised.type == "boolean":
        _refuse_unless(_are_whole(numbers, 0, 1), "a number other than 0 and 1")
        return numbers.cast(pa.int8()).cast(pa.bool_())
    if is_midnight:
        _refuse_unless(_are_whole(pc.divide(numbers, SECONDS_A_DAY), -(10**7), 10**7), "a time that is not midnight")
        numbers = pc.divide(numbers, SECONDS_A_DAY)
    if promised.type == "date":
        _refuse_unless(_are_whole(numbers, -(10**7), 10**7), "a day that is not whole")
        return pc.add(numbers, EPOCH_DAYS).cast(pa.int32()).cast(pa.date32())
    micros = pc.round(pc.multiply(numbers, 1e6)).cast(pa.int64())
    if promised.type == "time":
        return micros.cast(pa.time64("us"))
    return pc.add(micros, EPOCH_DAYS * SECONDS_A_DAY * 10**6).cast(pa.timestamp("us")).cast(to, safe=False)


def _are_whole(numbers: pa.Array, low: float, high: float) -> pa.Array:
    whole = pc.equal(pc.floor(numbers), numbers)
    return pc.and_(whole, pc.and_(pc.greater_equal(numbers, float(low)), pc.less_equal(numbers, float(high))))


def _refuse_unless(holds: pa.Array, what: str) -> None:
    """Refuse with the number of rows in which something does not hold; a missing value is always right."""
    n_wrong = int(np.count_nonzero(~np.asarray(holds.fill_null(True).to_numpy(zero_copy_only=False), dtype=bool)))
    if n_wrong:
        rows = "1 row holds" if n_wrong == 1 else f"{n_wrong:,} rows hold"
        raise UnfitColumnError(f"{rows} {what}")
