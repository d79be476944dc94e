"""The check against a slow, obvious twin that looks at every value in Python, on data good and bad."""

import math
import re
from collections import Counter
from datetime import date
from typing import Any

import ibis
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from sandkasse.contract import Code, Column, Contract, Key, Quality, Reference, Table, check_tables

ARROW = {"string": pa.string(), "integer": pa.int64(), "number": pa.float64(), "date": pa.date32()}
DATABASE = ibis.duckdb.connect()

# Few values, so that keys repeat, references hit, and every rule is both kept and broken.
CELLS: dict[str, list[Any]] = {
    "string": ["", "a", "A1", "B12", "ø", "1", None],
    "integer": [-(2**63), -1, 0, 1, 2, 2**63 - 1, None],
    "number": [-1.5, 0.0, 0.5, math.inf, math.nan, None],
    "date": [date(1900, 1, 1), date(1999, 12, 31), date(2000, 1, 1), None],
}


def columns(name: str) -> st.SearchStrategy[Column]:
    """A column with any of the rules that its type may have, sensible or not."""

    def of_type(logical: Any) -> st.SearchStrategy[Column]:
        values = [value for value in CELLS[logical] if value is not None and str(value) != "nan"]
        bound = st.none() | st.sampled_from(values)
        coded = logical in ("string", "integer")
        codes = st.lists(st.sampled_from(values), max_size=3, unique=True) if coded else st.just([])
        text = logical == "string"
        return st.builds(
            Column,
            name=st.just(name),
            type=st.just(logical),
            required=st.booleans(),
            codes=codes.map(lambda found: tuple(Code(value) for value in found)),
            pattern=st.sampled_from([None, "[A-Z]", "^[A-Z][0-9]+$", "^.?$"]) if text else st.none(),
            min_length=st.none() | st.integers(0, 2) if text else st.none(),
            max_length=st.none() | st.integers(0, 2) if text else st.none(),
            minimum=st.none() if text else bound,
            maximum=st.none() if text else bound,
            exclusive_minimum=st.none() if text else bound,
            exclusive_maximum=st.none() if text else bound,
            quality=st.lists(
                st.builds(Quality, st.just("nullValues"), at_most=st.integers(0, 60), unit=st.just("percent"))
                | st.builds(Quality, st.just("nullValues"), at_most=st.integers(0, 3))
                | st.builds(Quality, st.just("missingValues"), values=st.just((values[0],)), at_most=st.integers(0, 2)),
                max_size=2,
            ).map(tuple),
        )

    return st.sampled_from(sorted(CELLS)).flatmap(of_type)


@st.composite
def cases(draw: st.DrawFn) -> tuple[Contract, dict[str, dict[str, list[Any]]]]:
    names = ["x", "y", "z"]
    tables, data = [], {}
    for name in ("p", "c"):
        drawn = tuple(draw(columns(column)) for column in names)
        rows = draw(st.integers(0, 7))
        data[name] = {
            c.name: draw(st.lists(st.sampled_from(CELLS[c.type]), min_size=rows, max_size=rows)) for c in drawn
        }
        keys = draw(st.lists(st.lists(st.sampled_from(names), min_size=1, max_size=2, unique=True), max_size=2))
        tables.append(Table(name, drawn, keys=tuple(Key(tuple(key), primary=n == 0) for n, key in enumerate(keys))))
    parent, child = tables
    pairs = [(c.name, p.name) for c in child.columns for p in parent.columns if c.type == p.type != "number"]
    linked = draw(st.lists(st.sampled_from(pairs), max_size=2, unique_by=lambda pair: pair[0])) if pairs else []
    reference = (Reference(tuple(c for c, _ in linked), "p", tuple(p for _, p in linked)),) if linked else ()
    return Contract("c", "1", (parent, Table("c", child.columns, keys=child.keys, references=reference))), data


def twin(contract: Contract, data: dict[str, dict[str, list[Any]]]) -> Counter[tuple[str, str, str | None, int]]:
    """Count what breaks each promise, value by value."""
    found: Counter[tuple[str, str, str | None, int]] = Counter()

    def add(kind: str, table: str, column: str | None, count: int, limit: float = 0) -> None:
        if count > limit:
            found[kind, table, column, count] += 1

    for table in contract.tables:
        cells = data[table.name]
        rows = len(cells["x"])
        for column in table.columns:
            values = cells[column.name]
            if column.name in table.never_null:
                add("null", table.name, column.name, values.count(None))
            for kind, breaks in value_rules(column):
                present = [value for value in values if value is not None]
                add(kind, table.name, column.name, sum(breaks(value) for value in present))
            for rule in column.quality:
                limit = rule.at_most if rule.unit == "rows" else rule.at_most / 100 * rows
                kind = "null" if rule.metric == "nullValues" else "missing_value"
                wanted = [None] if rule.metric == "nullValues" else rule.values
                add(kind, table.name, column.name, sum(any(v is w or v == w for w in wanted) for v in values), limit)
        for key in table.keys:
            whole = complete_rows(cells, key.columns)
            add("broken_key", table.name, ", ".join(key.columns), len(whole) - len(set(map(repr, whole))))
        for reference in table.references:
            there = complete_rows(data[reference.to_table], reference.to_columns)
            lost = [row for row in complete_rows(cells, reference.columns) if row not in there]
            add("broken_reference", table.name, ", ".join(reference.columns), len(lost))
    return found


def complete_rows(cells: dict[str, list[Any]], names: tuple[str, ...]) -> list[tuple[Any, ...]]:
    return [row for row in zip(*(cells[name] for name in names), strict=True) if None not in row]


def value_rules(column: Column) -> list[tuple[str, Any]]:
    """Each rule as a function that says whether a value breaks it."""
    rules: list[tuple[str, Any]] = []
    if column.type == "number":
        rules.append(("not_a_number", math.isnan))
    if column.codes:
        rules.append(("unknown_code", lambda v: v not in [code.value for code in column.codes]))
    if column.pattern is not None:
        rules.append(("pattern", lambda v: not re.search(column.pattern or "", v)))
    if column.min_length is not None:
        rules.append(("length", lambda v: len(v) < column.min_length))
    if column.max_length is not None:
        rules.append(("length", lambda v: len(v) > column.max_length))
    if column.minimum is not None:
        rules.append(("out_of_range", lambda v: v < column.minimum))
    if column.maximum is not None:
        rules.append(("out_of_range", lambda v: v > column.maximum))
    if column.exclusive_minimum is not None:
        rules.append(("out_of_range", lambda v: v <= column.exclusive_minimum))
    if column.exclusive_maximum is not None:
        rules.append(("out_of_range", lambda v: v >= column.exclusive_maximum))
    return rules


@given(cases())
@settings(deadline=None, max_examples=80)
def test_the_check_equals_its_twin(case: tuple[Contract, dict[str, dict[str, list[Any]]]]) -> None:
    contract, data = case
    tables = {}
    for table in contract.tables:
        arrays = {column.name: pa.array(data[table.name][column.name], ARROW[column.type]) for column in table.columns}
        DATABASE.con.register(table.name, pa.table(arrays))
        tables[table.name] = DATABASE.table(table.name)
    report = check_tables(contract, tables)
    assert Counter((f.kind, f.table, f.column, f.count) for f in report.findings) == twin(contract, data)
