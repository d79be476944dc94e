"""The Ibis expressions of a check: each counts rows that break one promise."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from operator import ge, gt, le, lt
from typing import Any, Literal

import ibis
import ibis.expr.datatypes as dt
import ibis.expr.types as ir

from sandkasse.contract.model import Bound, Column, Quality, Reference, Scalar, Severity, Table, Unit
from sandkasse.contract.pattern import portable_pattern

ProbeKind = Literal[
    "null", "unknown_code", "pattern", "length", "out_of_range", "not_a_number", "missing_value"
]  # fmt: skip


# Ibis handles a list of literals in time that grows with its square: 20,000 codes took two minutes. A longer list than
# this (our choice) is joined as a table instead, which takes one query more and a second.
LONG_LIST = 200


@dataclass(frozen=True, slots=True)
class Probe:
    """What tells the rows that break one promise of one column.

    Args:
        column: The column's name.
        kind: Which sort of promise.
        promise: The promise in words.
        broken: True for the rows that break it, to be counted together with other probes of the table; or
        apart: an expression of one row whose `n` counts them.
        at_most: How many may break it.
        unit: Whether `at_most` counts rows or percent of the rows.
        severity: How grave it is.
    """

    column: str
    kind: ProbeKind
    promise: str
    broken: ir.BooleanValue | None = None
    apart: ir.Table | None = None
    at_most: float = 0
    unit: Unit = "rows"
    severity: Severity = "error"


@dataclass(frozen=True, slots=True)
class TypeFault:
    """A column whose type in the data is not the promised one; values of it are not looked at."""

    column: str
    promised: str
    got: str


def fits(column: Column, dtype: dt.DataType) -> bool:
    """Say whether an engine's type can hold what the column promises, whatever its width."""
    if column.type == "timestamp" and column.timezone is not None and dtype.is_timestamp():
        return (getattr(dtype, "timezone", None) is not None) == column.timezone
    whole = dtype.is_integer() or (dtype.is_decimal() and getattr(dtype, "scale", None) == 0)
    fitting: dict[str, bool] = {
        "string": dtype.is_string(),
        "integer": whole,
        "number": dtype.is_numeric(),
        "boolean": dtype.is_boolean(),
        "date": dtype.is_date(),
        "timestamp": dtype.is_timestamp(),
        "time": dtype.is_time(),
        "array": dtype.is_array(),
        "vector": dtype.is_array(),
        "object": dtype.is_struct() or dtype.is_json(),
        "map": dtype.is_map(),
    }
    return fitting[column.type]


def table_probes(table: Table, data: ir.Table) -> tuple[list[Probe], list[TypeFault]]:
    """Build the probes of every column that is there.

    Args:
        table: What is promised.
        data: The table in its engine; only its schema is looked at.

    Returns:
        The probes, to be counted in one aggregation, and the columns of a wrong type.
    """
    probes: list[Probe] = []
    faults: list[TypeFault] = []
    schema = data.schema()
    for column in table.columns:
        if column.name not in schema:
            continue
        if column.name in table.never_null:
            probes.append(Probe(column.name, "null", "no null", data[column.name].isnull()))
        dtype = schema[column.name]
        if fits(column, dtype):
            probes += _value_probes(column, data)
        else:
            faults.append(TypeFault(column.name, _promised_type(column), _type_name(dtype)))
        probes += [_quality_probe(column, rule, data) for rule in column.quality
                   if rule.metric == "nullValues" or fits(column, dtype)]  # fmt: skip
    return probes, faults


def anti_join(data: ir.Table, parent: ir.Table, reference: Reference, *, unique: bool) -> ir.Table:
    """Count the rows whose reference, where it has no null, is not among the parent's values.

    Args:
        data: The table that refers.
        parent: The table that is referred to.
        reference: The columns on both sides.
        unique: Whether the parent's columns are a key, so that they need not be made distinct first.
    """
    child_names = [f"c{i}" for i in range(len(reference.columns))]
    parent_names = [f"p{i}" for i in range(len(reference.columns))]
    children = data.filter([data[name].notnull() for name in reference.columns])
    children = children.select(**dict(zip(child_names, (_value(children, n) for n in reference.columns), strict=True)))
    parents = parent.select(**dict(zip(parent_names, (_value(parent, n) for n in reference.to_columns), strict=True)))
    parents = parents if unique else parents.distinct()
    matches = [children[c] == parents[p] for c, p in zip(child_names, parent_names, strict=True)]
    lost = children.anti_join(parents, matches)
    return lost.aggregate(lost=lost.count())


def _value(data: ir.Table, name: str) -> Any:
    """Give a column; unsigned 64-bit integers as decimals, which alone can be compared with signed ones."""
    value: Any = data[name]
    return value.cast("decimal(20, 0)") if value.type().is_uint64() else value


def _value_probes(column: Column, data: ir.Table) -> list[Probe]:
    """Build the probes of a column whose type is right."""
    value = _value(data, column.name)
    number = ~value.isnan() if value.type().is_floating() else None  # not-a-number breaks one promise, not all
    probes: list[Probe] = []
    if number is not None:
        probes.append(Probe(column.name, "not_a_number", "a number or null", value.isnan()))
    if column.codes:
        system = f" of {column.code_system}" if column.code_system else ""
        promise = f"one of {len(column.codes)} codes{system}"
        probes.append(_list_probe(data, column.name, "unknown_code", promise, [code.value for code in column.codes]))
    conditions = [*_text_conditions(column, value), *_range_conditions(column, value)]
    return probes + [
        Probe(column.name, kind, promise, broken if number is None else broken & number)
        for kind, promise, broken in conditions
    ]


def _list_probe(
    data: ir.Table, name: str, kind: ProbeKind, promise: str, values: Sequence[Scalar], **limits: Any
) -> Probe:
    """Build the probe of a list: of the values allowed, or of the values that stand for missing."""
    value = _value(data, name)
    number = ~value.isnan() if value.type().is_floating() else ibis.literal(value=True)
    among = kind == "missing_value"
    if len(values) <= LONG_LIST:
        broken = value.isin(list(values)) if among else value.notin(list(values))
        return Probe(name, kind, promise, broken & number if value.type().is_floating() else broken, **limits)
    element = "string" if value.type().is_string() else "float64" if value.type().is_floating() else "int64"
    listed = ibis.literal(list(values), type=f"array<{element}>").unnest().name("listed").as_table()
    present = data.select(value=value).filter(value.notnull() & number)
    join = present.semi_join if among else present.anti_join
    rows = join(listed, [present.value == listed.listed])
    return Probe(name, kind, promise, apart=rows.aggregate(n=rows.count()), **limits)


def _text_conditions(column: Column, value: Any) -> list[tuple[ProbeKind, str, Any]]:
    found: list[tuple[ProbeKind, str, Any]] = []
    if column.pattern is not None:
        broken = ~value.re_search(portable_pattern(column.pattern))
        found.append(("pattern", f"the pattern {column.pattern}", broken))
    if column.min_length is not None:
        found.append(("length", f"at least {column.min_length} characters", value.length() < column.min_length))
    if column.max_length is not None:
        found.append(("length", f"at most {column.max_length} characters", value.length() > column.max_length))
    return found


def _range_conditions(column: Column, value: Any) -> list[tuple[ProbeKind, str, Any]]:
    unit = f" {column.unit}" if column.unit else ""
    found: list[tuple[ProbeKind, str, Any]] = []
    bounds: tuple[tuple[Bound | None, str, Callable[[Any, Any], Any]], ...] = (
        (column.minimum, "at least", lt),
        (column.maximum, "at most", gt),
        (column.exclusive_minimum, "above", le),
        (column.exclusive_maximum, "below", ge),
    )
    for bound, words, breaks in bounds:
        if bound is not None:
            found.append(("out_of_range", f"{words} {bound}{unit}", breaks(value, _literal(bound, value.type()))))
    return found


def _quality_probe(column: Column, rule: Quality, data: ir.Table) -> Probe:
    """Build the probe of a promise that a stated share of rows may break."""
    limits: dict[str, Any] = {"at_most": rule.at_most, "unit": rule.unit, "severity": rule.severity}
    promise = f"at most {rule.at_most:g} {'%' if rule.unit == 'percent' else 'rows'}"
    if rule.metric == "nullValues":
        return Probe(column.name, "null", f"{promise} nulls", data[column.name].isnull(), **limits)
    if rule.metric == "missingValues":
        return _list_probe(
            data, column.name, "missing_value", f"{promise} with a value for missing", rule.values, **limits
        )
    promise = f"{promise} with a value that is not allowed"
    if rule.pattern is None:
        return _list_probe(data, column.name, "unknown_code", promise, rule.values, **limits)
    broken = ~_value(data, column.name).re_search(portable_pattern(rule.pattern))
    return Probe(column.name, "pattern", promise, broken, **limits)


def _literal(bound: Bound, dtype: dt.DataType) -> Any:
    """Give a bound in the column's type, so that no engine converts the column instead."""
    if isinstance(bound, datetime):
        return ibis.literal(bound, type=dt.Timestamp(timezone=getattr(dtype, "timezone", None)))
    if isinstance(bound, date):
        return ibis.literal(bound, type="date")
    if isinstance(bound, float) and dtype.is_floating():
        return ibis.literal(bound, type="float32" if dtype.is_float32() else "float64")
    return ibis.literal(bound)


def _promised_type(column: Column) -> str:
    if column.timezone is None:
        return column.type
    return f"{column.type} {'with' if column.timezone else 'without'} time zone"


def _type_name(dtype: dt.DataType) -> str:
    """Name an engine's type without anything that data could have put there (the members of an enumeration, say)."""
    return type(dtype).__name__.lower() if not dtype.is_timestamp() else _timestamp_name(dtype)


def _timestamp_name(dtype: dt.DataType) -> str:
    return "timestamp with time zone" if getattr(dtype, "timezone", None) else "timestamp without time zone"
