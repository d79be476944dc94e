from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import ibis
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from sandkasse.contract import (
    CheckReport,
    Code,
    Column,
    Contract,
    Key,
    Quality,
    Reference,
    Table,
    check_tables,
    keys,
    raise_for_violations,
)
from sandkasse.core.errors import ContractViolationError, CorruptDatasetError, UpstreamError

Put = Callable[[dict[str, Any]], dict[str, Any]]


def contract(*tables: Table) -> Contract:
    return Contract("c", "1.0.0", tables)


def check_column(put: Put, column: Column, values: Any) -> list[tuple[str, int | None]]:
    """Check a table of one column; its findings' kinds and counts."""
    data = put({"t": pa.table({column.name: values})})
    report = check_tables(contract(Table("t", (column,))), data)
    assert all((finding.table, finding.column) == ("t", column.name) for finding in report.findings)
    return [(finding.kind, finding.count) for finding in report.findings]


GOOD_AND_BAD: list[tuple[str, Column, Any, str, int]] = [
    ("required", Column("x", "string", required=True), ["a", None, None], "null", 2),
    ("codes", Column("x", "string", codes=(Code("A"), Code("B"))), ["A", "b", None, "", "B"], "unknown_code", 2),
    ("number codes", Column("x", "integer", codes=(Code(1), Code(2))), [1, 2, 3, None], "unknown_code", 1),
    ("boolean codes", Column("x", "boolean", codes=(Code(True),)), [True, False, None], "unknown_code", 1),
    ("quote in a code", Column("x", "string", codes=(Code("it's"),)), ["it's", "its"], "unknown_code", 1),
    ("pattern", Column("x", "string", pattern=r"^\d{3}$"), ["123", "1234", "12\n", "١٢٣", None], "pattern", 3),
    ("pattern anywhere", Column("x", "string", pattern="b.d"), ["a bad", "b\nd", "bd"], "pattern", 2),
    ("shortest", Column("x", "string", min_length=2), ["æø", "å", None], "length", 1),
    ("longest", Column("x", "string", max_length=2), ["æøå", "æø", ""], "length", 1),
    ("minimum", Column("x", "integer", minimum=0), [-1, 0, 1, None], "out_of_range", 1),
    ("maximum", Column("x", "number", maximum=1.5), [1.5, 1.6, None], "out_of_range", 1),
    ("above", Column("x", "number", exclusive_minimum=0.0), [0.0, 0.1], "out_of_range", 1),
    ("below", Column("x", "integer", exclusive_maximum=3), [3, 2], "out_of_range", 1),
    ("widest", Column("x", "integer", minimum=-(2**63), maximum=2**63 - 2), [-(2**63), 2**63 - 1], "out_of_range", 1),
    ("dates", Column("x", "date", minimum=date(2000, 1, 1)), [date(1999, 12, 31), date(2000, 1, 1)], "out_of_range", 1),
    (
        "timestamps",
        Column("x", "timestamp", maximum=datetime(2000, 1, 1, 12)),  # noqa: DTZ001
        pa.array([datetime(2000, 1, 1, 12), datetime(2000, 1, 1, 12, 0, 1)], pa.timestamp("us")),  # noqa: DTZ001
        "out_of_range",
        1,
    ),
    ("not a number", Column("x", "number"), [1.0, float("nan"), None], "not_a_number", 1),
    ("empty", Column("x", "integer", required=True, minimum=3), pa.array([], pa.int64()), "", 0),
]


@pytest.mark.parametrize(("_name", "column", "values", "kind", "count"), GOOD_AND_BAD, ids=[c[0] for c in GOOD_AND_BAD])
def test_finds_broken_values(ibis_tables: Put, _name: str, column: Column, values: Any, kind: str, count: int) -> None:
    assert check_column(ibis_tables, column, values) == ([(kind, count)] if count else [])


def test_not_a_number_breaks_one_promise_only(ibis_tables: Put) -> None:
    column = Column("x", "number", minimum=0.0, maximum=1.0, codes=(Code(0.5),))
    assert check_column(ibis_tables, column, [float("nan"), 0.5]) == [("not_a_number", 1)]


@pytest.mark.parametrize(
    ("promised", "arrow", "fits"),
    [
        ("integer", pa.int8(), True),
        ("integer", pa.uint64(), True),
        ("integer", pa.decimal128(10, 0), True),
        ("integer", pa.decimal128(10, 2), False),
        ("integer", pa.float64(), False),
        ("integer", pa.bool_(), False),
        ("integer", pa.string(), False),
        ("number", pa.int32(), True),
        ("number", pa.float32(), True),
        ("number", pa.bool_(), False),
        ("string", pa.large_string(), True),
        ("string", pa.dictionary(pa.int32(), pa.string()), True),
        ("string", pa.int64(), False),
        ("boolean", pa.bool_(), True),
        ("boolean", pa.int8(), False),
        ("date", pa.date32(), True),
        ("date", pa.timestamp("us"), False),
        ("date", pa.string(), False),
        ("timestamp", pa.timestamp("us"), True),
        ("timestamp", pa.date32(), False),
        ("time", pa.time64("us"), True),
        ("array", pa.list_(pa.int8()), True),
        ("array", pa.string(), False),
        ("object", pa.struct([("a", pa.int8())]), True),
        ("object", pa.int8(), False),
    ],
)
def test_types_are_families(ibis_tables: Put, promised: Any, arrow: pa.DataType, *, fits: bool) -> None:
    found = check_column(ibis_tables, Column("x", promised), pa.nulls(2, arrow))
    assert found == ([] if fits else [("wrong_type", None)])


@pytest.mark.parametrize(("promised", "zone", "fits"), [
    (None, None, True), (None, "UTC", True), (True, "UTC", True), (True, None, False), (False, "UTC", False),
])  # fmt: skip
def test_time_zones(ibis_tables: Put, *, promised: bool | None, zone: str | None, fits: bool) -> None:
    column = Column("x", "timestamp", timezone=promised)
    found = check_column(ibis_tables, column, pa.nulls(1, pa.timestamp("us", tz=zone)))
    assert found == ([] if fits else [("wrong_type", None)])


def test_wrong_type_keeps_the_count_of_nulls_and_skips_values(ibis_tables: Put) -> None:
    column = Column("x", "integer", required=True, minimum=0, quality=(Quality("invalidValues", values=(1,)),))
    assert check_column(ibis_tables, column, ["a", None]) == [("wrong_type", None), ("null", 1)]


def test_quality_limits(ibis_tables: Put) -> None:
    def found(*rules: Quality) -> list[tuple[str, int | None]]:
        return check_column(ibis_tables, Column("x", "string", quality=rules), ["a", "b", "9", None])

    assert found(Quality("nullValues", at_most=25, unit="percent")) == []
    assert found(Quality("nullValues", at_most=24, unit="percent")) == [("null", 1)]
    assert found(Quality("missingValues", values=("9", "99"), at_most=1)) == []
    assert found(Quality("missingValues", values=("9", "99"))) == [("missing_value", 1)]
    assert found(Quality("invalidValues", values=("a",), at_most=1)) == [("unknown_code", 2)]
    assert found(Quality("invalidValues", pattern="[ab]")) == [("pattern", 1)]


def test_warnings_are_reported_and_do_not_break(ibis_tables: Put) -> None:
    column = Column("x", "string", quality=(Quality("nullValues", severity="warning"),))
    report = check_tables(contract(Table("t", (column,))), ibis_tables({"t": {"x": ["a", None]}}))
    assert report.passed
    assert "warning: t.x: null" in report.text()
    raise_for_violations(report)


def test_tables_and_columns_that_are_missing_or_extra(ibis_tables: Put) -> None:
    promise = contract(
        Table("a", (Column("x", "integer"), Column("y", "integer"))),
        Table("b", (Column("x", "integer"),)),
        Table("maybe", (Column("x", "integer"),), optional=True),
    )
    report = check_tables(promise, ibis_tables({"a": {"z": [1], "y": [1]}, "c": {"x": [1]}}))
    assert [(f.kind, f.table, f.column) for f in report.findings] == [
        ("missing_table", "b", None),
        ("extra_table", "c", None),
        ("missing_column", "a", "x"),
        ("extra_column", "a", "z"),
    ]


def test_names_that_may_be_a_persons_values_are_not_shown(ibis_tables: Put) -> None:
    headless = {"210125-1234": [1], "1962-05-01": [2], "x": [3]}
    report = check_tables(
        contract(Table("t", (Column("x", "integer"),))), ibis_tables({"t": headless, "9 lives": {"x": [1]}})
    )
    assert [f.column or f.table for f in report.findings] == [
        "(table 2, whose name is not shown)",
        "(column 1, whose name is not shown)",
        "(column 2, whose name is not shown)",
    ]


@pytest.mark.parametrize(
    ("present", "expected"),
    [
        ({"a1", "a2"}, []),
        ({"f1"}, []),
        ({"a1"}, [("missing_table", "a2")]),
        (set(), [("missing_alternative", "lpr3")]),
        ({"a2", "f1"}, [("several_alternatives", "lpr3")]),
    ],
)
def test_exactly_one_alternative(ibis_tables: Put, present: set[str], expected: list[tuple[str, str]]) -> None:
    column = (Column("x", "integer"),)
    promise = contract(*(Table(n, column, alternative_group="lpr3", alternative=n[0]) for n in ("a1", "a2", "f1")))
    report = check_tables(promise, ibis_tables({name: {"x": [1]} for name in sorted(present)}))
    assert [(f.kind, f.table) for f in report.findings] == expected


def test_row_counts(ibis_tables: Put) -> None:
    table = Table("t", (Column("x", "integer"),), min_rows=2, max_rows=3)
    counts = [
        [(f.kind, f.count) for f in check_tables(contract(table), ibis_tables({"t": {"x": [0] * rows}})).findings]
        for rows in (1, 2, 3, 4)
    ]
    assert counts == [[("row_count", 1)], [], [], [("row_count", 4)]]


def test_keys(ibis_tables: Put) -> None:
    columns = (Column("a", "string"), Column("b", "integer"))
    data = ibis_tables({"t": {"a": ["x", "x", "x", None, None], "b": [1, 1, 2, 1, 1]}})

    def found(key: Key) -> list[tuple[str, str | None, int | None]]:
        report = check_tables(contract(Table("t", columns, keys=(key,))), data)
        return [(f.kind, f.column, f.count) for f in report.findings]

    assert found(Key(("a",))) == [("broken_key", "a", 2)]
    assert found(Key(("b",))) == [("broken_key", "b", 3)]
    assert found(Key(("a", "b"))) == [("broken_key", "a, b", 1)]
    assert found(Key(("a",), primary=True)) == [("null", "a", 2), ("broken_key", "a", 2)]


def test_keys_of_many_rows_are_counted_exactly_by_hash(ibis_tables: Put, monkeypatch: pytest.MonkeyPatch) -> None:
    def repeats(rows: int) -> list[int]:
        return [keys.count_repeats(data, key, lambda e: e.to_pyarrow().to_pylist()[0], rows=rows)
                for key in (["a"], ["a", "b"], ["b"], ["c", "a"])]  # fmt: skip

    values = {"a": [str(i % 70) for i in range(100)], "b": list(range(100)), "c": [None, 1] * 50}
    data = ibis_tables({"t": values})["t"]
    plain = repeats(100)
    assert plain == [30, 0, 0, 15]
    assert repeats(10**9) == plain
    weak = ibis.udf.scalar.builtin(lambda value: 0, name="length", signature=(("string",), "int64"))
    monkeypatch.setattr(keys, "_hash64", weak)  # nearly all keys share a hash
    assert repeats(10**9) == plain
    monkeypatch.setattr(keys, "LOOK_AGAIN_UP_TO", 0)
    assert repeats(10**9) != plain  # so it was the second look that told them apart


def test_references(ibis_tables: Put) -> None:
    parent = Table("p", (Column("a", "string"), Column("b", "integer")))
    child = Table("c", (Column("a", "string"), Column("b", "integer")))
    data = ibis_tables({
        "p": {"a": ["x", "x", "y", None], "b": [1, 1, 2, None]},
        "c": {"a": ["x", "z", "y", None, "x"], "b": [1, 1, 1, 9, None]},
    })  # fmt: skip

    def found(*references: Reference, keys: tuple[Key, ...] = ()) -> list[tuple[str, str, str | None, int | None]]:
        promise = contract(replace(parent, keys=keys), replace(child, references=references))
        return [(f.kind, f.table, f.column, f.count) for f in check_tables(promise, data).findings]

    assert found(Reference(("a",), "p", ("a",))) == [("broken_reference", "c", "a", 1)]
    assert found(Reference(("a", "b"), "p", ("a", "b"))) == [("broken_reference", "c", "a, b", 2)]
    assert found(Reference(("b",), "c", ("b",))) == []
    assert found(Reference(("b",), "p", ("b",)), keys=(Key(("b",)),)) == [
        ("broken_key", "p", "b", 1),
        ("broken_reference", "c", "b", 1),
    ]


def test_a_reference_without_its_ends_is_no_second_finding(ibis_tables: Put) -> None:
    child = Table("c", (Column("a", "string"),), references=(Reference(("a",), "p", ("a",)),))
    promise = contract(Table("p", (Column("a", "string"),)), child)
    for parent, kind in (
        ({}, "missing_table"),
        ({"p": {"z": ["x"]}}, "missing_column"),
        ({"p": {"a": [1]}}, "wrong_type"),
    ):
        report = check_tables(promise, ibis_tables(parent | {"c": {"a": ["x"]}}))
        assert kind in {f.kind for f in report.findings} <= {kind, "extra_column"}


def test_report_counts_rows_and_nulls_and_goes_into_json(ibis_tables: Put) -> None:
    import orjson

    table = Table("t", (Column("x", "integer"), Column("y", "string", required=True)))
    report = check_tables(contract(table), ibis_tables({"t": {"x": [1, None], "y": ["a", None]}}))
    assert orjson.loads(orjson.dumps(report.to_dict())) == {
        "contract": "c",
        "version": "1.0.0",
        "passed": False,
        "tables": [{"table": "t", "rows": 2, "nulls": {"x": 1, "y": 1}}],
        "findings": [
            {
                "kind": "null",
                "table": "t",
                "column": "y",
                "count": 1,
                "rows": 2,
                "promise": "no null",
                "severity": "error",
            }
        ],
    }
    assert report.text().splitlines() == [
        "The contract c 1.0.0 is broken: 1 tables, 2 rows checked",
        "t.y: null where a value is promised in 1 of 2 rows; promised: no null",
    ]


def test_raising_names_the_first_finding_in_one_line(ibis_tables: Put) -> None:
    table = Table("t", (Column("x", "integer", minimum=0), Column("y", "string", required=True)))
    report = check_tables(contract(table), ibis_tables({"t": {"x": [-1, 0], "y": ["a", None]}}))
    with pytest.raises(ContractViolationError, match=r"t\.x: .*and 1 more") as caught:
        raise_for_violations(report)
    assert "\n" not in caught.value.message
    raise_for_violations(CheckReport("c", "1", (), ()))


def test_a_truncated_file_is_one_clear_line(tmp_path: Path, engine: Any) -> None:
    secret = ["3101621234"] * 50_000
    pq.write_table(pa.table({"pnr": [f"{value}{i}" for i, value in enumerate(secret)]}), tmp_path / "t.parquet")
    data = engine.read_parquet(tmp_path / "t.parquet", table_name="t")
    content = (tmp_path / "t.parquet").read_bytes()
    (tmp_path / "t.parquet").write_bytes(content[:1000])
    with pytest.raises(CorruptDatasetError) as caught:
        check_tables(contract(Table("t", (Column("pnr", "string", required=True),))), {"t": data})
    assert caught.value.__suppress_context__
    assert "\n" not in caught.value.message
    assert "310162" not in str(caught.value)


def test_engine_errors_pass_on_no_value(ibis_tables: Put) -> None:
    def fail(error: Exception) -> Callable[[Any], Any]:
        def run(expression: Any) -> Any:
            raise error

        return run

    class OutOfMemoryException(Exception):  # noqa: N818 - DuckDB's own name
        pass

    data = ibis_tables({"t": {"x": [1]}})
    promise = contract(Table("t", (Column("x", "integer"),)))
    for error, kind in (
        (ValueError("value 3101621234"), CorruptDatasetError),
        (OutOfMemoryException("value 3101621234"), UpstreamError),
        (OSError("value 3101621234"), UpstreamError),
    ):
        with pytest.raises(kind) as caught:
            check_tables(promise, data, run=fail(error))
        assert type(caught.value) is kind
        assert "3101621234" not in str(caught.value)


def test_one_aggregation_per_table_one_query_per_key_one_per_reference(ibis_tables: Put) -> None:
    ran: list[Any] = []

    def run(expression: Any) -> Any:
        ran.append(expression)
        return expression.to_pyarrow().to_pylist()[0]

    wide = tuple(Column(f"x{i}", "integer", required=True, minimum=0, maximum=9) for i in range(20))
    promise = contract(
        Table("p", wide, keys=(Key(("x0",), primary=True), Key(("x1", "x2")))),
        Table("c", wide, references=(Reference(("x0",), "p", ("x0",)),)),
    )
    for value in (5, -5):  # as few queries on failing data as on good
        ran.clear()
        values = {column.name: [value] for column in wide}
        check_tables(promise, ibis_tables({"p": values, "c": values}), run=run)
        assert len(ran) == 5


@pytest.mark.parametrize("length", [2, 500])
def test_long_lists_of_codes_count_as_short_ones_do(ibis_tables: Put, length: int) -> None:
    text, whole = [f"it's {i}" for i in range(length)], list(range(length))
    rules = (Quality("missingValues", values=tuple(text[1:])), Quality("invalidValues", values=tuple(text), at_most=1))
    column = Column("x", "string", codes=tuple(map(Code, text)), quality=rules)
    found = [("unknown_code", 3), ("missing_value", 2), ("unknown_code", 3)]
    assert check_column(ibis_tables, column, [*text[:1], *text[1:2] * 2, "a", "a", "", None]) == found
    column = Column("x", "integer", codes=tuple(map(Code, whole)))
    assert check_column(ibis_tables, column, pa.array([0, 1, -1, None], pa.int8())) == [("unknown_code", 1)]
    column = Column("x", "number", codes=tuple(Code(float(i)) for i in whole))
    assert check_column(ibis_tables, column, [0.0, 0.5, None]) == [("unknown_code", 1)]


def test_widths_and_signs_compare_by_value(ibis_tables: Put) -> None:
    column = Column("x", "integer", codes=(Code(-1), Code(5)), minimum=-5, maximum=6)
    found = [("unknown_code", 2), ("out_of_range", 2)]
    assert check_column(ibis_tables, column, pa.array([5, 7, 2**64 - 1, None], pa.uint64())) == found
    wide = Column("x", "integer", minimum=-(10**9), maximum=10**9)
    assert check_column(ibis_tables, wide, pa.array([-128, 127], pa.int8())) == []
    tenth = Column("x", "number", minimum=0.1, maximum=0.1)
    assert check_column(ibis_tables, tenth, pa.array([0.1], pa.float32())) == []
    members = Column("x", "string", codes=(Code("a"), Code("other")), pattern="^a", max_length=1)
    assert check_column(ibis_tables, members, pa.array(["a", "b"]).dictionary_encode()) == [
        ("unknown_code", 1),
        ("pattern", 1),
    ]


def test_references_join_signed_and_unsigned(ibis_tables: Put) -> None:
    column = Column("a", "integer")
    promise = contract(Table("p", (column,)), Table("c", (column,), references=(Reference(("a",), "p", ("a",)),)))
    tables = {"p": {"a": pa.array([1, 2], pa.uint64())}, "c": {"a": pa.array([1, -1], pa.int8())}}
    assert [f.count for f in check_tables(promise, ibis_tables(tables)).findings] == [1]


def test_very_wide_tables_are_counted_in_parts(ibis_tables: Put, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sandkasse.contract.check.AT_ONCE", 3)
    table = Table("t", tuple(Column(f"x{i}", "integer", required=True, maximum=i) for i in range(9)))
    report = check_tables(contract(table), ibis_tables({"t": {f"x{i}": [5, None] for i in range(9)}}))
    assert [(f.column, f.count) for f in report.findings if f.kind == "out_of_range"] == [
        (f"x{i}", 1) for i in range(5)
    ]
    assert [f.count for f in report.findings if f.kind == "null"] == [1] * 9
    assert set(report.tables[0].nulls.values()) == {1}


def test_bounds_of_dates_are_whole_days(ibis_tables: Put) -> None:
    day = date(2024, 2, 29)
    column = Column("x", "date", exclusive_minimum=day, maximum=day + timedelta(days=1))
    assert check_column(ibis_tables, column, [day, day + timedelta(days=1), day + timedelta(days=2)]) == [
        ("out_of_range", 1),
        ("out_of_range", 1),
    ]
