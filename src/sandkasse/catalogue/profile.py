"""The distribution of every column of a table: how much is missing, which values, how they spread."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any, Literal

import ibis
from ibis.expr.types import Column as IbisColumn
from ibis.expr.types import Table as IbisTable

from sandkasse.catalogue.open import Dataset
from sandkasse.contract import Column, Contract, Table
from sandkasse.contract.codes import code_title
from sandkasse.core.errors import ColumnNotFoundError

PROFILE_VERSION = 4  # part of the cache's key: raise it when the meaning of a profile changes

# Our choices: enough bars to see a shape, enough values to see the common ones.
N_BINS = 30
N_YEAR_BINS = 60
N_VALUES = 12
COUNTED_EXACTLY_UP_TO = 2_000_000
TAIL = 0.002  # share cut off at each end when a few far values would flatten the picture

Kind = Literal["empty", "identifier", "values", "histogram"]
_UNIT = "unit"  # what a table's column is called that says the unit of each row's value
_SECONDS_PER_DAY = 86_400
_YEARS_FROM_DAYS = 5 * 365  # a shorter span of dates is shown in days
_EPOCH = date(1970, 1, 1)


@dataclass(frozen=True)
class ValueCount:
    """One value and how many rows have it.

    Attributes:
        value: The value as text, or a number or boolean.
        label: What the code means, by the contract or the list of its code system; empty if it is no known code.
        n: Number of rows.
    """

    value: str | int | float | bool
    label: str
    n: int


@dataclass(frozen=True)
class ColumnProfile:
    """One column.

    Attributes:
        name: The column.
        type: Its type in the contract, else the engine's name of it.
        nulls: Rows without a value.
        distinct: Number of different values.
        distinct_is_exact: False for large tables, where it is estimated to within some percent.
        kind: What describes it: nothing (`empty`), that it tells persons or contacts apart (`identifier`), its
            commonest `values`, or a `histogram`.
        values: The commonest values, the commonest first.
        n_other: Rows with a value that is not listed.
        edges: Borders of the bars, one more than `counts`; dates and times as ISO texts.
        counts: Rows in each bar; a bar holds its lower border, the last bar both.
        n_below: Rows below the first border.
        n_above: Rows above the last border.
        only: Which rows the histogram shows where another column says what a value measures: the commonest kind.
        only_unit: Their commonest unit, where the table has a column `unit`.
    """

    name: str
    type: str
    nulls: int
    distinct: int
    distinct_is_exact: bool
    kind: Kind
    values: tuple[ValueCount, ...] = ()
    n_other: int = 0
    edges: tuple[float | str, ...] = ()
    counts: tuple[int, ...] = ()
    n_below: int = 0
    n_above: int = 0
    only: str = ""
    only_unit: str = ""


@dataclass(frozen=True)
class TableProfile:
    """One table.

    Attributes:
        table: Its name.
        rows: Number of rows.
        columns: Its columns in order.
    """

    table: str
    rows: int
    columns: tuple[ColumnProfile, ...]

    def column(self, name: str) -> ColumnProfile:
        """Give the profile of one column.

        Raises:
            ColumnNotFoundError: If there is no such column; names the nearest.
        """
        for column in self.columns:
            if column.name == name:
                return column
        known = [column.name for column in self.columns]
        raise ColumnNotFoundError.among(f"column in {self.table}", name, known, command=f"columns: {', '.join(known)}")


def measure_profile(dataset: Dataset, table: str, *, contract: Contract | None = None) -> TableProfile:
    """Measure the distribution of every column of a table.

    One aggregation over the table, then one grouped count for each column.

    Args:
        dataset: The open dataset.
        table: Which table.
        contract: What the dataset promises, for types, keys and the meaning of codes.

    Raises:
        TableNotFoundError: If there is no such table.
        CorruptDatasetError: If a file cannot be read to its end.
    """
    data = dataset[table]
    exact = dataset.card.rows[table] <= COUNTED_EXACTLY_UP_TO
    summary = dataset.collect(_summarise(data, exact=exact)).to_pylist()[0]
    tables = contract.tables if contract else ()
    promises = {column.name: column for promise in tables if promise.name == table for column in promise.columns}
    profiler = _Profiler(dataset, data, summary, exact=exact, identifiers=_identifiers(tables))
    return TableProfile(
        table=table,
        rows=summary["rows"],
        columns=tuple(profiler.measure(name, promises) for name in data.columns),
    )


def to_plain(profile: TableProfile) -> dict[str, Any]:
    """Give a profile as plain values, for JSON."""
    columns = [{**vars(column), "values": [vars(value) for value in column.values]} for column in profile.columns]
    return {"table": profile.table, "rows": profile.rows, "columns": columns}


def from_plain(plain: Mapping[str, Any]) -> TableProfile:
    """Read a profile back from plain values; the inverse of `to_plain`."""
    columns = tuple(
        ColumnProfile(
            **{
                **column,
                "values": tuple(ValueCount(**value) for value in column["values"]),
                "edges": tuple(column["edges"]),
                "counts": tuple(column["counts"]),
            }
        )
        for column in plain["columns"]
    )
    return TableProfile(table=plain["table"], rows=plain["rows"], columns=columns)


class _Profiler:
    def __init__(
        self, dataset: Dataset, data: IbisTable, summary: Mapping[str, Any], *, exact: bool, identifiers: frozenset[str]
    ) -> None:
        self._dataset = dataset
        self._data = data
        self._summary = summary
        self._exact = exact
        self._identifiers = identifiers

    def measure(self, name: str, promises: Mapping[str, Column]) -> ColumnProfile:
        column, promised = self._data[name], promises.get(name)
        described = promises.get(promised.described_by) if promised else None
        nulls, distinct = self._summary[f"nulls:{name}"], self._summary[f"distinct:{name}"]
        shape: dict[str, Any] = {"kind": self._kind(column, promised, nulls, distinct)}
        if shape["kind"] == "values":
            shape |= self._values(column, promised, nulls)
        elif shape["kind"] == "histogram":
            shape |= self._histogram(column) if described is None else self._histogram_of_commonest(column, described)
        return ColumnProfile(
            name=name,
            type=promised.type if promised else str(column.type()),
            nulls=nulls,
            distinct=distinct,
            distinct_is_exact=self._exact,
            **shape,
        )

    def _kind(self, column: IbisColumn, promised: Column | None, nulls: int, distinct: int) -> Kind:
        if nulls == self._summary["rows"]:
            return "empty"
        if column.get_name() in self._identifiers or column.get_name().endswith("_id"):
            return "identifier"
        if distinct <= N_VALUES or (promised is not None and promised.codes):
            return "values"
        if _is_ordered(column):
            return "histogram"
        return "identifier" if distinct > (self._summary["rows"] - nulls) / 2 else "values"

    def _values(self, column: IbisColumn, promised: Column | None, nulls: int) -> dict[str, Any]:
        counted = (
            self._data.filter(column.notnull())
            .group_by(value=column)
            .aggregate(n=ibis._.count())
            .order_by([ibis.desc("n"), "value"])
            .limit(N_VALUES)
        )
        labels = {code.value: code.label for code in promised.codes} if promised else {}
        system = promised.code_system if promised else ""

        def known(value: Any) -> str:
            return code_title(system, value) if isinstance(value, str) else ""

        values = tuple(
            ValueCount(
                value=_plain(row["value"]), label=labels.get(row["value"], "") or known(row["value"]), n=row["n"]
            )
            for row in self._dataset.collect(counted).to_pylist()
        )
        present = self._summary["rows"] - nulls
        return {"values": values, "n_other": present - sum(value.n for value in values)}

    def _histogram(self, column: IbisColumn) -> dict[str, Any]:
        name = column.get_name()
        low, high = self._range(name)
        if column.type().is_date() and high - low >= _YEARS_FROM_DAYS:
            edges, index = _by_years(column, low, high)
        else:
            edges, index = _by_width(column, low, high)
        n_bins = len(edges) - 1
        present = self._data.filter(column.notnull())
        counted = present.group_by(bar=index).aggregate(n=ibis._.count())
        counts = {row["bar"]: row["n"] for row in self._dataset.collect(counted).to_pylist()}
        return {
            "edges": tuple(_border(edge, column) for edge in edges),
            "counts": tuple(counts.get(bar, 0) for bar in range(n_bins)),
            "n_below": counts.get(-1, 0),
            "n_above": counts.get(n_bins, 0),
        }

    def _histogram_of_commonest(self, column: IbisColumn, described: Column) -> dict[str, Any]:
        """Show one kind of value: values of different kinds, in different units, make no picture together."""
        kind = self._data[described.name]
        present = self._data.filter(column.notnull(), kind.notnull())
        commonest = self._commonest(present, kind)
        of_kind = present.filter(kind == commonest)
        unit = self._commonest(of_kind, of_kind[_UNIT]) if _UNIT in of_kind.columns else None
        data = of_kind.select(column.get_name())
        summary = self._dataset.collect(_summarise(data, exact=self._exact)).to_pylist()[0]
        one_kind = _Profiler(self._dataset, data, summary, exact=self._exact, identifiers=frozenset())
        title = code_title(described.code_system, commonest) if isinstance(commonest, str) else ""
        only = f"{described.name} {commonest}" + (f" ({title})" if title else "")
        return {**one_kind._histogram(data[column.get_name()]), "only": only, "only_unit": str(unit or "")}

    def _commonest(self, data: IbisTable, column: IbisColumn) -> Any:
        counted = data.group_by(value=column).aggregate(n=ibis._.count()).order_by([ibis.desc("n"), "value"])
        return self._dataset.collect(counted.limit(1)).to_pylist()[0]["value"]

    def _range(self, name: str) -> tuple[float, float]:
        low, high = self._summary[f"low:{name}"], self._summary[f"high:{name}"]
        least, most = self._summary[f"min:{name}"], self._summary[f"max:{name}"]
        # Far values are cut off only where they would push everything else into a few bars.
        if most - least > 3 * (high - low) > 0:
            return low, high
        return least, most


def _identifiers(tables: Iterable[Table]) -> frozenset[str]:
    """Name the columns that alone tell rows of some table apart, and those that refer to another table."""
    keys = {key.columns[0] for table in tables for key in table.keys if len(key.columns) == 1}
    return frozenset(keys | {name for table in tables for reference in table.references for name in reference.columns})


def _summarise(data: IbisTable, *, exact: bool) -> IbisTable:
    measures: dict[str, Any] = {"rows": data.count()}
    for name in data.columns:
        column = data[name]
        measures[f"nulls:{name}"] = column.isnull().sum().coalesce(0)
        measures[f"distinct:{name}"] = column.nunique() if exact else column.approx_nunique()
        if _is_ordered(column):
            value = _as_number(column)
            measures |= {
                f"min:{name}": value.min(),
                f"max:{name}": value.max(),
                f"low:{name}": value.approx_quantile(TAIL),
                f"high:{name}": value.approx_quantile(1 - TAIL),
            }
    return data.aggregate(**measures)


def _by_width(column: IbisColumn, low: float, high: float) -> tuple[list[float], Any]:
    """Make bars of one width, and the expression that says in which bar a value stands."""
    edges = _edges(low, high, whole=not column.type().is_floating())
    n_bins = len(edges) - 1
    value = _as_number(column)
    index = ibis.cases(
        (value < low, -1),
        (value > edges[-1], n_bins),
        else_=((value - low) / (edges[1] - low)).floor().cast("int64").clip(upper=n_bins - 1),
    )
    return edges, index


def _by_years(column: IbisColumn, low: float, high: float) -> tuple[list[float], Any]:
    """Make bars of whole calendar years: with another width, yearly dates would look like a comb."""
    first, last = (_EPOCH + timedelta(days=math.floor(day)) for day in (low, high))
    step = math.ceil((last.year - first.year + 1) / N_YEAR_BINS)
    years = range(first.year, last.year + step + 1, step)
    n_bins = len(years) - 1
    year = column.year()
    index = ibis.cases(
        (year < years[0], -1), (year >= years[-1], n_bins), else_=((year - years[0]) / step).floor().cast("int64")
    )
    return [float((date(start, 1, 1) - _EPOCH).days) for start in years], index


def _edges(low: float, high: float, *, whole: bool) -> list[float]:
    span = high - low
    if whole:
        width = max(1, math.ceil((span + 1) / N_BINS))
        return [low + bar * width for bar in range(max(1, math.ceil((span + 1) / width)) + 1)]
    if span == 0:
        return [low, low + 1]
    return [*(low + bar * span / N_BINS for bar in range(N_BINS)), high]


def _is_ordered(column: IbisColumn) -> bool:
    kind = column.type()
    return bool(kind.is_numeric() or kind.is_date() or kind.is_timestamp())


def _as_number(column: IbisColumn) -> Any:
    kind = column.type()
    if kind.is_date():
        return column.cast("timestamp").epoch_seconds() // _SECONDS_PER_DAY
    if kind.is_timestamp():
        return column.epoch_seconds()
    if kind.is_floating():
        return ibis.ifelse(column.isnan() | column.isinf(), ibis.null("float64"), column.cast("float64"))
    return column


def _border(value: float, column: IbisColumn) -> float | str:
    kind = column.type()
    if kind.is_date():
        return (_EPOCH + timedelta(days=math.floor(value))).isoformat()
    if kind.is_timestamp():
        return (datetime.combine(_EPOCH, time()) + timedelta(seconds=value)).isoformat()
    return value


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, date) else value
