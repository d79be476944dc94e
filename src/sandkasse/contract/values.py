"""Single values of a contract file, read strictly: YAML turns 0092, no and 1.0 into something else."""

import math
from collections.abc import Iterable
from datetime import date, datetime, time
from typing import Any, cast

from sandkasse.contract.model import CODED_TYPES, Bound, LogicalType, Scalar
from sandkasse.contract.pattern import check_pattern
from sandkasse.contract.terms import invalid

INTEGER_LIMIT = 2**63


def read_scalar(value: Any, logical: LogicalType, where: str) -> Scalar:
    """Read an allowed value, in the column's own type.

    Raises:
        ContractInvalidError: If it is of another type, or outside what engines hold.
    """
    wanted: dict[str, tuple[type, ...]] = {
        "string": (str,), "integer": (int,), "number": (int, float), "boolean": (bool,),
    }  # fmt: skip
    if logical not in CODED_TYPES:
        raise invalid(where, f"a {logical} column cannot list its values")
    if type(value) not in wanted[logical]:
        hint = "put every code in quotes" if logical == "string" else "write the values without quotes"
        raise invalid(where, f"an allowed value is not of the column's type {logical}", hint)
    return cast(Scalar, value if logical in ("string", "boolean") else _number(value, logical, where))


def read_bound(value: Any, logical: LogicalType, where: str) -> Bound:
    """Read the end of a range, in the column's own type; dates and times as ISO 8601 text.

    Raises:
        ContractInvalidError: If it is of another type, or outside what engines hold.
    """
    if logical in ("integer", "number"):
        if type(value) not in (int, float) or (logical == "integer" and type(value) is not int):
            raise invalid(where, f"the bound of a {logical} column must be a number of its kind")
        return _number(value, logical, where)
    reader: type[date] | type[datetime] | type[time]
    reader = {"date": date, "timestamp": datetime, "time": time}[logical]
    if type(value) is date and logical == "timestamp":
        return datetime(value.year, value.month, value.day)  # noqa: DTZ001 - the bound is in the column's own zone
    if type(value) is reader:
        return cast(Bound, value)
    try:
        bound = reader.fromisoformat(value)
    except (TypeError, ValueError):
        raise invalid(where, f"the bound of a {logical} column must be ISO 8601 text in quotes") from None
    if isinstance(bound, time) and bound.tzinfo is not None:
        raise invalid(where, "the bound of a time column has no time zone")
    return bound


def _number(value: int | float, logical: LogicalType, where: str) -> int | float:
    if logical == "integer":
        if not -INTEGER_LIMIT <= value < INTEGER_LIMIT:
            raise invalid(where, "a whole number lies outside the 64 bits that engines hold")
        return value
    try:
        real = float(value)
    except OverflowError:
        real = math.inf
    if not math.isfinite(real):
        raise invalid(where, "a number must be finite and within double precision")
    return real


def read_count(value: Any, where: str) -> int:
    """Read a length in characters.

    Raises:
        ContractInvalidError: If it is no whole number from 0.
    """
    if type(value) is not int or not 0 <= value < 2**31:
        raise invalid(where, "a length must be a whole number from 0")
    return value


def read_pattern(value: Any, where: str) -> str:
    """Read a regular expression that means the same on every engine.

    Raises:
        ContractInvalidError: If it does not.
    """
    if not isinstance(value, str):
        raise invalid(where, "a pattern must be text in quotes")
    problem = check_pattern(value)
    if problem:
        raise invalid(where, problem, "write it with character classes, groups (?:…) and repetitions alone")
    return value


def read_name(value: str | None, where: str) -> str:
    """Read the name of a table or column.

    Raises:
        ContractInvalidError: If it is empty.
    """
    if not value or not value.strip():
        raise invalid(where, "a table or column has no name")
    return value


def as_list(value: str | list[str] | None) -> list[str]:
    """Give one or several names as a list."""
    return [] if value is None else [value] if isinstance(value, str) else value


def check_unique(names: Iterable[str], where: str, kind: str) -> None:
    """Do nothing if no name occurs twice.

    Raises:
        ContractInvalidError: If one does.
    """
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise invalid(where, f"the {kind} {name} is stated twice")
        seen.add(name)


def check_order(low: Any, high: Any, where: str, low_name: str, high_name: str) -> None:
    """Do nothing if the lower end lies below the upper one, or either is open.

    Raises:
        ContractInvalidError: If it lies above.
    """
    if low is None or high is None:
        return
    if low > high:
        raise invalid(where, f"{low_name} lies above {high_name}")
