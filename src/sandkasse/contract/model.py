"""The records of a contract: frozen, comparable, and free of any file format.

`load.py` reads and writes them as Open Data Contract Standard files; `check.py` holds data against them;
`compare.py` holds two of them against one another.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Literal, TypeVar, get_args

from sandkasse.core.errors import ColumnNotFoundError, TableNotFoundError

LogicalType = Literal[
    "string", "integer", "number", "boolean", "date", "timestamp", "time", "array", "object", "map", "vector"
]
Metric = Literal["nullValues", "missingValues", "invalidValues"]
Unit = Literal["rows", "percent"]
Severity = Literal["error", "warning"]
Scalar = str | int | float | bool
Bound = int | float | date | datetime | time

LOGICAL_TYPES: tuple[LogicalType, ...] = get_args(LogicalType)
CODED_TYPES: frozenset[LogicalType] = frozenset({"string", "integer", "number", "boolean"})
ORDERED_TYPES: frozenset[LogicalType] = frozenset({"integer", "number", "date", "timestamp", "time"})


@dataclass(frozen=True, slots=True)
class Code:
    """One allowed value of a coded column, and what it means."""

    value: Scalar
    label: str = ""


@dataclass(frozen=True, slots=True)
class Quality:
    """A promise on a column that may be broken by a stated share of the rows.

    Args:
        metric: What is counted: nulls, values that stand for "missing", or values that are not allowed.
        values: For `missingValues` the values that stand for missing; for `invalidValues` the allowed ones.
        pattern: For `invalidValues`, the regular expression that a value must match somewhere.
        at_most: The largest count or percentage that still keeps the promise.
        unit: Whether `at_most` counts rows or percent of the table's rows.
        severity: A broken `warning` is reported but does not break the contract.
    """

    metric: Metric
    values: tuple[Scalar, ...] = ()
    pattern: str | None = None
    at_most: float = 0
    unit: Unit = "rows"
    severity: Severity = "error"


@dataclass(frozen=True, slots=True)
class Provenance:
    """Who stands behind a contract, table or column; words for people, never checked against data."""

    holder: str = ""
    verified: bool | None = None
    source: str = ""
    trap: str = ""


@dataclass(frozen=True, slots=True)
class Column:
    """What a column promises.

    Bounds are of the column's own type. A pattern is searched for, so `^…$` is needed to bind the whole value.
    """

    name: str
    type: LogicalType
    description: str = ""
    title: str = ""
    physical_type: str = ""
    deprecated: bool = False
    required: bool = False
    codes: tuple[Code, ...] = ()
    pattern: str | None = None
    min_length: int | None = None
    max_length: int | None = None
    minimum: Bound | None = None
    maximum: Bound | None = None
    exclusive_minimum: Bound | None = None
    exclusive_maximum: Bound | None = None
    timezone: bool | None = None
    quality: tuple[Quality, ...] = ()
    unit: str = ""
    code_system: str = ""
    described_by: str = ""
    provenance: Provenance = Provenance()


@dataclass(frozen=True, slots=True)
class Key:
    """Columns whose values together occur once; those of the primary key are never null."""

    columns: tuple[str, ...]
    primary: bool = False


@dataclass(frozen=True, slots=True)
class Reference:
    """Columns whose values, where none is null, occur in other columns of the contract."""

    columns: tuple[str, ...]
    to_table: str
    to_columns: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """What a table promises.

    Tables that share an `alternative_group` come in alternatives: exactly one alternative of the group is present,
    with all its tables. An `optional` table may be absent.
    """

    name: str
    columns: tuple[Column, ...]
    description: str = ""
    title: str = ""
    granularity: str = ""
    period: str = ""
    keys: tuple[Key, ...] = ()
    references: tuple[Reference, ...] = ()
    min_rows: int | None = None
    max_rows: int | None = None
    optional: bool = False
    alternative_group: str = ""
    alternative: str = ""
    provenance: Provenance = Provenance()

    def column(self, name: str) -> Column:
        """Give the column of this name.

        Raises:
            ColumnNotFoundError: If the contract promises none of this name.
        """
        found = _named(self.columns, name)
        if found is None:
            raise ColumnNotFoundError.among(
                f"column in the table {self.name}",
                name,
                (column.name for column in self.columns),
                command=f"the contract's columns of {self.name}",
            )
        return found

    @property
    def never_null(self) -> frozenset[str]:
        """The columns in which the contract allows no null: the required ones and the primary key's."""
        primary = {name for key in self.keys if key.primary for name in key.columns}
        return frozenset(primary | {column.name for column in self.columns if column.required})


@dataclass(frozen=True, slots=True)
class Contract:
    """What a dataset promises: its tables, and who may use it for what."""

    name: str
    version: str
    tables: tuple[Table, ...]
    id: str = ""
    status: str = "active"
    domain: str = ""
    purpose: str = ""
    usage: str = ""
    limitations: str = ""
    provenance: Provenance = Provenance()

    def table(self, name: str) -> Table:
        """Give the table of this name.

        Raises:
            TableNotFoundError: If the contract promises none of this name.
        """
        found = _named(self.tables, name)
        if found is None:
            raise TableNotFoundError.among(
                f"table in the contract {self.name}",
                name,
                (table.name for table in self.tables),
                command="the contract's tables",
            )
        return found

    @property
    def alternatives(self) -> dict[str, dict[str, tuple[str, ...]]]:
        """The table names of each alternative of each group: `{group: {alternative: (table, …)}}`."""
        groups: dict[str, dict[str, tuple[str, ...]]] = {}
        for table in self.tables:
            if table.alternative_group:
                group = groups.setdefault(table.alternative_group, {})
                group[table.alternative] = (*group.get(table.alternative, ()), table.name)
        return groups


_Named = TypeVar("_Named", Table, Column)


def _named(things: Iterable[_Named], name: str) -> _Named | None:
    return next((thing for thing in things if thing.name == name), None)
