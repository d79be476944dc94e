"""The Ibis expressions of a check: each counts rows that break one promise."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from functools import reduce
from operator import ge, gt, le, lt, or_
from typing import Any, Literal

import ibis
import ibis.expr.datatypes as dt
import ibis.expr.types as ir

from sandkasse.contract.model import Bound, Column, Quality, Reference, Severity, Table, Unit
from sandkasse.contract.pattern import portable_pattern

ProbeKind = Literal[
    "null", "unknown_code", "pattern", "length", "out_of_range", "not_a_number", "missing_value"
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Probe:
    """An expression that counts the rows breaking one promise of one column."""

    column: str
    kind: ProbeKind
    promise: str
    violations: ir.IntegerScalar
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
            probes.append(Probe(column.name, "null", "no null", null_count(data, column.name)))
        dtype = schema[column.name]
        if fits(column, dtype):
            probes += _value_probes(column, data)
        else:
            faults.append(TypeFault(column.name, _promised_type(column), _type_name(dtype)))
        probes += [_quality_probe(column, rule, data) for rule in column.quality
                   if rule.metric == "nullValues" or fits(column, dtype)]  # fmt: skip
    return probes, faults


def null_count(data: ir.Table, name: str) -> ir.IntegerScalar:
    """Count the nulls of a column."""
    return data.count(where=data[name].isnull())


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
    children = children.select(**dict(zip(child_names, (children[n] for n in reference.columns), strict=True)))
    parents = parent.select(**dict(zip(parent_names, (parent[n] for n in reference.to_columns), strict=True)))
    parents = parents if unique else parents.distinct()
    matches = [children[c] == parents[p] for c, p in zip(child_names, parent_names, strict=True)]
    lost = children.anti_join(parents, matches)
    return lost.aggregate(lost=lost.count())


def _value_probes(column: Column, data: ir.Table) -> list[Probe]:
    """Build the probes of a column whose type is right."""
    value: Any = data[column.name]
    probes: list[Probe] = []

    number = ~value.isnan() if value.type().is_floating() else None  # not-a-number breaks one promise, not all

    def add(kind: ProbeKind, promise: str, broken: Any) -> None:
        condition = broken if number is None else broken & number
        probes.append(Probe(column.name, kind, promise, data.count(where=condition)))

    if number is not None:
        probes.append(Probe(column.name, "not_a_number", "a number or null", data.count(where=value.isnan())))
    if column.codes:
        codes = [code.value for code in column.codes]
        system = f" of {column.code_system}" if column.code_system else ""
        add("unknown_code", f"one of {len(codes)} codes{system}", value.notin(codes))
    if column.pattern is not None:
        add("pattern", f"the pattern {column.pattern}", ~value.re_search(portable_pattern(column.pattern)))
    if column.min_length is not None:
        add("length", f"at least {column.min_length} characters", value.length() < column.min_length)
    if column.max_length is not None:
        add("length", f"at most {column.max_length} characters", value.length() > column.max_length)
    for promise, broken in _range_conditions(column, value):
        add("out_of_range", promise, broken)
    return probes


def _range_conditions(column: Column, value: Any) -> list[tuple[str, Any]]:
    unit = f" {column.unit}" if column.unit else ""
    found: list[tuple[str, Any]] = []
    bounds: tuple[tuple[Bound | None, str, Callable[[Any, Any], Any]], ...] = (
        (column.minimum, "at least", lt),
        (column.maximum, "at most", gt),
        (column.exclusive_minimum, "above", le),
        (column.exclusive_maximum, "below", ge),
    )
    for bound, words, breaks in bounds:
        if bound is not None:
            found.append((f"{words} {bound}{unit}", breaks(value, _literal(bound, value.type()))))
    return found


def _quality_probe(column: Column, rule: Quality, data: ir.Table) -> Probe:
    """Build the probe of a promise that a stated share of rows may break."""
    value: Any = data[column.name]
    limit = f"at most {rule.at_most:g} {'%' if rule.unit == 'percent' else 'rows'}"
    kind: ProbeKind
    if rule.metric == "nullValues":
        kind, what, broken = "null", "nulls", value.isnull()
    elif rule.metric == "missingValues":
        kind, what, broken = "missing_value", "with a value for missing", value.isin(list(rule.values))
    else:
        conditions = [value.notin(list(rule.values))] if rule.values else []
        if rule.pattern is not None:
            conditions.append(~value.re_search(portable_pattern(rule.pattern)))
        kind, what = "unknown_code" if rule.values else "pattern", "with a value that is not allowed"
        broken = reduce(or_, conditions)
    return Probe(
        column.name, kind, f"{limit} {what}", data.count(where=broken), rule.at_most, rule.unit, rule.severity
    )  # fmt: skip


def _literal(bound: Bound, dtype: dt.DataType) -> Any:
    """Give a bound in the column's type, so that no engine converts the column instead."""
    if isinstance(bound, datetime):
        return ibis.literal(bound, type=dt.Timestamp(timezone=getattr(dtype, "timezone", None)))
    if isinstance(bound, date):
        return ibis.literal(bound, type="date")
    if isinstance(bound, float) and math.isfinite(bound) and dtype.is_floating():
        return ibis.literal(bound, type="float64")
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
