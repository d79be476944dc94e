"""Contracts drawn at random, with data that keep them."""

import random
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import ibis
import pyarrow as pa
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from sandkasse.contract import (
    Code,
    Column,
    Contract,
    Key,
    Quality,
    Reference,
    Table,
    check_tables,
    compare_contracts,
    contract_sha256,
    raise_for_violations,
)
from sandkasse.contract.load import format_contract, parse_contract
from sandkasse.core.errors import ContractInvalidError, ContractViolationError

ARROW = {
    "string": pa.string(),
    "integer": pa.int64(),
    "number": pa.float64(),
    "boolean": pa.bool_(),
    "date": pa.date32(),
    "timestamp": pa.timestamp("us"),
}
TEXT = st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc")), max_size=6)
WORDS = st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc", "Z")), min_size=1, max_size=6)
INTEGERS = st.integers(-(2**63), 2**63 - 1)
FLOATS = st.floats(allow_nan=False, allow_infinity=False)
DATES = st.dates(date(1800, 1, 1), date(2200, 1, 1))
TIMES = st.datetimes(datetime(1800, 1, 1), datetime(2200, 1, 1))  # noqa: DTZ001 - columns without a zone
PATTERNS = {
    r"^\d{3}$": r"[0-9]{3}",
    "^[A-Z][0-9]+$": "[A-Z][0-9]{1,4}",
    "b|c": "[ab]?(b|c)[ab]?",
    "^(?:x.)*$": "(xy){0,3}",
}
DATABASE = ibis.duckdb.connect()

Data = dict[str, dict[str, list[Any]]]


@dataclass(frozen=True)
class Kept:
    """A contract, and data that keep it."""

    contract: Contract
    data: Data


def check(contract: Contract, data: Data, types: dict[tuple[str, str], pa.DataType] | None = None) -> Any:
    promised = {(table.name, column.name): ARROW[column.type] for table in contract.tables for column in table.columns}
    promised |= types or {}
    tables = {}
    for name, columns in data.items():
        arrays = {column: pa.array(values, promised.get((name, column))) for column, values in columns.items()}
        DATABASE.con.register(name, pa.table(arrays))
        tables[name] = DATABASE.table(name)
    return check_tables(contract, tables)


@st.composite
def promises(draw: st.DrawFn, name: str) -> tuple[Column, st.SearchStrategy[Any]]:
    """A column without key, and a strategy of the values that keep it."""
    kind = draw(
        st.sampled_from(["codes", "pattern", "length", "text", "boolean", "integer", "number", "date", "timestamp"])
    )
    required = draw(st.booleans())
    if kind == "codes":
        logical, values = draw(st.sampled_from([("string", TEXT), ("integer", INTEGERS)]))
        codes = draw(st.lists(values, min_size=1, max_size=4, unique=True))
        column = Column(name, logical, codes=tuple(Code(code, draw(TEXT)) for code in codes), required=required)
        return column, st.sampled_from(codes)
    if kind == "pattern":
        pattern, language = draw(st.sampled_from(sorted(PATTERNS.items())))
        return Column(name, "string", pattern=pattern, required=required), st.from_regex(language, fullmatch=True)
    if kind == "length":
        low = draw(st.integers(0, 3))
        column = Column(name, "string", min_length=low, max_length=low + 3, required=required)
        return column, TEXT.filter(lambda value: low <= len(value) <= low + 3)
    if kind in ("text", "boolean"):
        column = Column(name, "boolean" if kind == "boolean" else "string", required=required)
        return column, TEXT if kind == "text" else st.booleans()
    values = {"integer": INTEGERS, "number": FLOATS, "date": DATES, "timestamp": TIMES}[kind]
    low, high = sorted(draw(st.tuples(values, values)))
    column = Column(name, kind, minimum=low, maximum=high, required=required, unit=draw(WORDS))
    return column, st.builds(lambda value: min(max(value, low), high), values)


@st.composite
def kept_contracts(draw: st.DrawFn) -> Kept:
    """A parent with a primary key, a child that refers to it, both with drawn columns and rows."""
    tables, data = [], {}
    ids = draw(st.lists(WORDS, max_size=6, unique=True))
    for name in ("parent", "child"):
        drawn = [draw(promises(f"c{i}")) for i in range(draw(st.integers(1, 3)))]
        rows = len(ids) if name == "parent" else draw(st.integers(0, 8))
        key = Column("id", "string")
        values: dict[str, list[Any]] = {"id": list(ids)}
        if name == "child":
            values = {"id": draw(st.lists(st.sampled_from([None, *ids]), min_size=rows, max_size=rows))}
        for column, strategy in drawn:
            cells = strategy if column.required else st.none() | strategy
            values[column.name] = draw(st.lists(cells, min_size=rows, max_size=rows))
        data[name] = values
        tables.append(Table(
            name,
            (key, *(column for column, _ in drawn)),
            description=draw(TEXT),
            keys=(Key(("id",), primary=True),) if name == "parent" else (),
            references=(Reference(("id",), "parent", ("id",)),) if name == "child" else (),
        ))  # fmt: skip
    return Kept(Contract("drawn", "1.0.0", tuple(tables), purpose=draw(TEXT)), data)


@given(kept_contracts())
@settings(deadline=None)
def test_data_drawn_to_keep_a_contract_keep_it(kept: Kept) -> None:
    report = check(kept.contract, kept.data)
    assert report.findings == ()
    for table in report.tables:
        columns = kept.data[table.table]
        assert table.rows == len(columns["id"])
        assert dict(table.nulls) == {name: values.count(None) for name, values in columns.items()}


# ------------------------------------------------------------------------------------------------------- mutations

Broken = tuple[Contract, Data, dict[tuple[str, str], pa.DataType], tuple[str, str, str | None, int | None]]


def with_values(kept: Kept, table: str, column: str, values: list[Any]) -> Data:
    return kept.data | {table: kept.data[table] | {column: values}}


def spoilt_values(column: Column) -> list[tuple[str, Any]]:
    """For each promise of a column on its values, the finding and a value that breaks this promise alone."""
    spoilt: list[tuple[str, Any]] = [("null", None)] if column.required else []
    if column.codes:
        known = [code.value for code in column.codes]
        strangers: Any = ("qq", "rr", "ss", "tt", "uu") if column.type == "string" else range(9)
        spoilt.append(("unknown_code", next(value for value in strangers if value not in known)))
    if column.pattern:
        spoilt.append(("pattern", "#"))
    if column.max_length is not None:
        spoilt.append(("length", "é" * (column.max_length + 1)))
    if column.type == "number":
        spoilt.append(("not_a_number", float("nan")))
    if column.type in ("date", "timestamp"):
        spoilt.append(("out_of_range", column.maximum + timedelta(days=1)))
    if column.type == "integer" and not column.codes and column.minimum > -(2**63):
        spoilt.append(("out_of_range", column.minimum - 1))
    return spoilt


@st.composite
def broken_contracts(draw: st.DrawFn) -> Broken:
    """Data that break a contract in one way, and the one finding that says so: kind, table, column, count."""
    kept = draw(kept_contracts())
    table = draw(st.sampled_from(kept.contract.tables))
    column = draw(st.sampled_from(table.columns[1:]))
    values = kept.data[table.name][column.name]
    where = [row for row in range(len(values)) if draw(st.booleans())]
    place = (table.name, column.name)

    def spoil(kind: str, value: Any) -> Broken:
        cells = [value if row in where else cell for row, cell in enumerate(values)]
        return kept.contract, with_values(kept, *place, cells), {}, (kind, *place, len(where))

    options: list[Any] = [
        lambda: (kept.contract, {n: d for n, d in kept.data.items() if n != table.name}, {},
                 ("missing_table", table.name, None, None)),
        lambda: (kept.contract, kept.data | {"stranger": {"x": [1]}}, {}, ("extra_table", "stranger", None, None)),
        lambda: (kept.contract, with_values(kept, table.name, "stranger", [1] * len(values)), {},
                 ("extra_column", table.name, "stranger", None)),
        lambda: (kept.contract, kept.data | {table.name: {n: v for n, v in kept.data[table.name].items()
                                                          if n != column.name}}, {},
                 ("missing_column", *place, None)),
        lambda: (kept.contract, with_values(kept, *place, [None if v is None else [] for v in values]),
                 {place: pa.list_(pa.int8())}, ("wrong_type", *place, None)),
    ]  # fmt: skip
    options += [lambda spoilt=spoilt: spoil(*spoilt) for spoilt in (spoilt_values(column) if where else [])]
    if where and table.name == "child" and len(set(kept.data["parent"]["id"])) < 5:
        ids = ["no such id" if row in where else cell for row, cell in enumerate(kept.data["child"]["id"])]
        options.append(lambda: (kept.contract, with_values(kept, "child", "id", ids), {},
                                ("broken_reference", "child", "id", len(where))))  # fmt: skip
    if kept.data["parent"]["id"]:
        rows = [0, *range(len(kept.data["parent"]["id"]))] + [0] * len(where)
        parent = {name: [cells[row] for row in rows] for name, cells in kept.data["parent"].items()}
        options.append(lambda: (kept.contract, kept.data | {"parent": parent}, {},
                                ("broken_key", "parent", "id", 1 + len(where))))  # fmt: skip
    result: Broken = draw(st.sampled_from(options))()
    return result


@given(broken_contracts())
@settings(deadline=None, max_examples=100)
def test_each_mutation_is_found_at_its_column_with_its_count(broken: Broken) -> None:
    contract, data, types, expected = broken
    report = check(contract, data, types)
    assert [(f.kind, f.table, f.column, f.count) for f in report.findings] == [expected]
    assert not report.passed


# ------------------------------------------------------------------------------------------ no value in any report


@given(st.lists(st.integers(10**11, 10**12 - 1), min_size=2, max_size=5, unique=True))
@settings(deadline=None, max_examples=25)
def test_no_value_of_the_data_is_in_a_report_or_an_error(numbers: list[int]) -> None:
    day = date(1923, 7, 19)
    texts = [f"pnr{number}" for number in numbers]
    data = {
        "t": {
            "text": texts, "coded": texts, "number": numbers, "real": [float(n) + 0.5 for n in numbers],
            "day": [day] * len(numbers), "wrong": texts, texts[0]: texts, str(numbers[1]): texts,
        },
        "u": {"text": texts[:1], str(numbers[0]): texts[:1]},
    }  # fmt: skip
    names = [texts[0]]  # a name with a letter in front is shown: it is what a column is called
    promise = Contract("c", "1", (
        Table("t", (
            Column("text", "string", pattern="^a$", max_length=1, min_length=100),
            Column("coded", "string", codes=(Code("a"),), quality=(Quality("missingValues", ("b",)),)),
            Column("number", "integer", maximum=3), Column("real", "number", exclusive_maximum=3.0),
            Column("day", "date", minimum=date(2020, 1, 1)), Column("wrong", "date", required=True),
        ), references=(Reference(("text",), "u", ("text",)),)),
        Table("u", (Column("text", "string", codes=(Code("a"),)), Column("gone", "string"))),
    ))  # fmt: skip
    report = check(promise, data, {("t", "wrong"): pa.string()})
    assert len({finding.kind for finding in report.findings}) == 8
    with pytest.raises(ContractViolationError) as caught:
        raise_for_violations(report)
    said = report.text() + repr(report.to_dict()) + str(caught.value) + repr(report)
    for value in [*texts, *map(str, numbers), str(day), repr(day)]:
        assert value in names or value not in said.replace(names[0], "")


# ---------------------------------------------------------------------------------------------------- form and hash


@given(kept_contracts(), st.randoms(use_true_random=False))
@settings(deadline=None)
def test_a_contract_survives_its_file_in_any_form(kept: Kept, rng: random.Random) -> None:
    def shuffled(value: Any) -> Any:
        if isinstance(value, dict):
            items = [(key, shuffled(inner)) for key, inner in value.items()]
            rng.shuffle(items)
            return dict(items)
        return [shuffled(inner) for inner in value] if isinstance(value, list) else value

    text = format_contract(kept.contract)
    assert parse_contract(text) == kept.contract
    style = rng.choice([True, False, None])
    other = yaml.safe_dump(shuffled(yaml.safe_load(text)), default_flow_style=style, width=rng.choice([20, 200]))
    assert contract_sha256(parse_contract(other)) == contract_sha256(kept.contract)
    assert len(contract_sha256(kept.contract)) == 64


@given(kept_contracts(), kept_contracts())
@settings(deadline=None)
def test_hashes_differ_where_contracts_do(one: Kept, other: Kept) -> None:
    assert (contract_sha256(one.contract) == contract_sha256(other.contract)) == (one.contract == other.contract)


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=5)
    | st.dates()
    | st.sampled_from(["a.b", "(", "0"]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=5), inner, max_size=2),
    max_leaves=4,
)


@given(st.data())
@settings(deadline=None, max_examples=100)
def test_any_spoilt_document_is_a_contract_or_one_clear_line(data: st.DataObject) -> None:
    page = Path(__file__).parents[3] / "docs/reference/contract-properties.md"
    document = yaml.safe_load(page.read_text(encoding="utf-8").split("```yaml\n")[1].split("```")[0])
    place = document
    while True:
        key = data.draw(st.sampled_from(sorted(place) if isinstance(place, dict) else range(len(place))))
        if not isinstance(place[key], dict | list) or not place[key] or data.draw(st.integers(0, 5)) == 0:
            break
        place = place[key]
    place[key] = data.draw(JSON)
    error = None
    try:
        contract = parse_contract(yaml.safe_dump(document))
    except ContractInvalidError as caught:
        error = caught
    if error is None:
        assert parse_contract(format_contract(contract)) == contract
        assert len(contract_sha256(contract)) == 64
    else:
        assert "\n" not in error.message
        assert error.next_step


# ------------------------------------------------------------------------------------------------------ comparison


@st.composite
def edited(draw: st.DrawFn, contract: Contract) -> Contract:
    """A contract a few edits away."""
    tables = list(contract.tables)
    for _ in range(draw(st.integers(0, 3))):
        at = draw(st.integers(0, 1))
        table = tables[at]
        position = draw(st.integers(1, len(table.columns) - 1)) if len(table.columns) > 1 else 0
        column = table.columns[position]
        options: list[Any] = [
            lambda t, c: replace(t, columns=(*t.columns, Column("added", "string"))),
            lambda t, c: replace(t, columns=tuple(o for o in t.columns if o != c or o.name == "id")),
            lambda t, c: replace(t, columns=(t.columns[0], *t.columns[:0:-1])),
            lambda t, c: replace(t, description="Other words."),
            lambda t, c: replace(t, optional=not t.optional),
            lambda t, c: replace(t, references=()),
            lambda t, c: replace(t, keys=()),
            lambda t, c: replace(t, min_rows=3, max_rows=6),
            lambda t, c: with_column(t, c, required=not c.required),
            lambda t, c: with_column(t, c, codes=c.codes[1:]),
            lambda t, c: with_column(t, c, codes=more_codes(c)),
            lambda t, c: with_column(t, c, unit="other"),
            lambda t, c: with_column(t, c, pattern=None if c.pattern else c.pattern),
            lambda t, c: with_column(t, c, minimum=None),
            lambda t, c: with_column(t, c, minimum=c.maximum),
            lambda t, c: with_column(t, c, exclusive_maximum=c.maximum, maximum=None),
            lambda t, c: with_column(t, c, max_length=None if c.max_length is None else c.max_length + 1),
            lambda t, c: with_column(t, c, quality=(Quality("nullValues", at_most=draw(st.integers(0, 3))),)),
        ]  # fmt: skip
        edit = draw(st.sampled_from(options))
        if not (edit is options[0] and any(o.name == "added" for o in table.columns)):
            tables[at] = edit(table, column)
    return replace(contract, tables=tuple(tables))


def more_codes(column: Column) -> tuple[Code, ...]:
    return (*column.codes, Code("new" if column.type == "string" else 17)) if column.codes else ()


def with_column(table: Table, column: Column, **fields: Any) -> Table:
    columns = tuple(replace(o, **fields) if o.name == column.name and o.name != "id" else o for o in table.columns)
    return replace(table, columns=columns)


@given(st.data())
@settings(deadline=None, max_examples=100)
def test_comparison_is_reflexive_and_antisymmetric(data: st.DataObject) -> None:
    one = data.draw(kept_contracts()).contract
    other = data.draw(edited(one))
    assert compare_contracts(one, one).verdict == "equal"
    forth, back = compare_contracts(one, other), compare_contracts(other, one)
    assert (forth.verdict == "equal") == (back.verdict == "equal")
    if "breaking" not in (forth.verdict, back.verdict):
        assert {change.effect for change in (*forth.changes, *back.changes)} <= {"wording"}


@given(st.data())
@settings(deadline=None, max_examples=100)
def test_data_that_keep_a_compatible_contract_keep_the_old_one(data: st.DataObject) -> None:
    new = data.draw(kept_contracts())
    old = data.draw(edited(new.contract))
    if compare_contracts(old, new.contract).verdict == "breaking":
        return
    known = {table.name: {column.name for column in table.columns} for table in old.tables}
    seen = {
        name: {column: values for column, values in columns.items() if column in known[name]}
        for name, columns in new.data.items()
        if name in known
    }
    assert check(old, seen).passed
