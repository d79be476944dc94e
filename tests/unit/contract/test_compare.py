from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from sandkasse.contract import Code, Column, Comparison, Contract, Key, Quality, Reference, Table, compare_contracts
from sandkasse.contract.model import Provenance

COLUMN = Column("x", "integer")
TABLE = Table("t", (COLUMN, Column("y", "string")))


def contract(*tables: Table, **more: Any) -> Contract:
    return Contract("c", "1.0.0", tables, **more)


def compare_columns(old: dict[str, Any], new: dict[str, Any]) -> Comparison:
    """Compare two contracts that differ in one column."""
    kinds = {"name": "x", "type": "integer"}
    before, after = (Table("t", (Column(**(kinds | fields)),)) for fields in (old, new))
    return compare_contracts(contract(before), contract(after))


def effects(comparison: Comparison) -> list[tuple[str, str]]:
    return [(change.what, change.effect) for change in comparison.changes]


# (what, in the wider contract, in the narrower one): from narrow to wide breaks a reader, from wide to narrow does not.
ONE_WAY: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ("nulls", {}, {"required": True}),
    ("codes", {}, {"codes": (Code(1),)}),
    ("codes", {"codes": (Code(1), Code(2))}, {"codes": (Code(1),)}),
    ("labels", {"codes": (Code(1),)}, {"codes": (Code(1, "man"),)}),
    ("minimum", {}, {"minimum": 0}),
    ("minimum", {"minimum": 0}, {"minimum": 1}),
    ("minimum", {"minimum": 0}, {"exclusive_minimum": 0}),
    ("minimum", {"minimum": 0}, {"minimum": 0, "exclusive_minimum": 5}),
    ("maximum", {}, {"exclusive_maximum": 0}),
    ("maximum", {"maximum": 9}, {"maximum": 8}),
    ("maximum", {"maximum": 9}, {"exclusive_maximum": 9}),
    ("maximum", {"type": "date", "maximum": date(2020, 1, 1)}, {"type": "date", "maximum": date(2019, 1, 1)}),
    ("shortest length", {"type": "string"}, {"type": "string", "min_length": 1}),
    ("longest length", {"type": "string", "max_length": 9}, {"type": "string", "max_length": 8}),
    ("pattern", {"type": "string"}, {"type": "string", "pattern": "a"}),
    ("time zone", {"type": "timestamp"}, {"type": "timestamp", "timezone": True}),
    ("unit", {}, {"unit": "mmol/mol"}),
    ("code system", {}, {"code_system": "ATC"}),
    ("nullValues", {}, {"quality": (Quality("nullValues", at_most=5),)}),
    ("nullValues", {"quality": (Quality("nullValues", at_most=5),)}, {"quality": (Quality("nullValues", at_most=4),)}),
    (
        "nullValues",
        {"quality": (Quality("nullValues", at_most=5, unit="percent"),)},
        {"quality": (Quality("nullValues"),)},
    ),
]


@pytest.mark.parametrize(("what", "wide", "narrow"), ONE_WAY)
def test_promising_more_is_compatible_and_less_is_breaking(
    what: str, wide: dict[str, Any], narrow: dict[str, Any]
) -> None:
    assert {effect for found, effect in effects(compare_columns(wide, narrow)) if found == what} == {"narrowing"}
    assert {effect for found, effect in effects(compare_columns(narrow, wide)) if found == what} == {"breaking"}
    assert compare_columns(wide, narrow).verdict == "compatible"
    assert compare_columns(narrow, wide).verdict == "breaking"
    assert compare_columns(narrow, narrow).verdict == "equal"


@pytest.mark.parametrize(
    ("what", "old", "new"),
    [
        ("type", {"type": "number"}, {"type": "integer"}),
        ("type", {"type": "date"}, {"type": "timestamp"}),
        ("unit", {"unit": "%"}, {"unit": "mmol/mol"}),
        ("code system", {"code_system": "ICD-8"}, {"code_system": "ICD-10"}),
        ("labels", {"codes": (Code(1, "man"), Code(2, "woman"))}, {"codes": (Code(1, "woman"), Code(2, "man"))}),
        ("pattern", {"type": "string", "pattern": "a"}, {"type": "string", "pattern": "b"}),
        ("time zone", {"type": "timestamp", "timezone": True}, {"type": "timestamp", "timezone": False}),
        (
            "nullValues",
            {"quality": (Quality("nullValues", at_most=5, unit="percent"),)},
            {"quality": (Quality("nullValues", at_most=5),)},
        ),
    ],
)
def test_another_meaning_is_breaking_both_ways(what: str, old: dict[str, Any], new: dict[str, Any]) -> None:
    for comparison in (compare_columns(old, new), compare_columns(new, old)):
        assert (what, "breaking") in effects(comparison)


@pytest.mark.parametrize(
    "fields",
    [
        {"description": "Other words."},
        {"title": "X"},
        {"physical_type": "int32"},
        {"deprecated": True},
        {"described_by": "y"},
        {"provenance": Provenance(trap="Mind the gap.")},
        {"quality": (Quality("nullValues", severity="warning"),)},
    ],
)
def test_words_are_compatible_both_ways(fields: dict[str, Any]) -> None:
    for comparison in (compare_columns({}, fields), compare_columns(fields, {})):
        assert comparison.verdict == "compatible"
        assert {effect for _, effect in effects(comparison)} == {"wording"}


def test_columns_and_tables_come_and_go() -> None:
    small, more = contract(TABLE), contract(replace(TABLE, columns=(*TABLE.columns, Column("z", "date"))))
    assert effects(compare_contracts(small, more)) == [("added column", "narrowing")]
    assert effects(compare_contracts(more, small)) == [("removed column", "breaking")]
    two = contract(TABLE, replace(TABLE, name="u"))
    assert effects(compare_contracts(small, two)) == [("added table", "narrowing")]
    assert effects(compare_contracts(two, small)) == [("removed table", "breaking")]


def test_order_is_wording_and_version_is_nothing() -> None:
    turned = contract(replace(TABLE, columns=TABLE.columns[::-1]))
    assert effects(compare_contracts(contract(TABLE), turned)) == [("order", "wording")]
    assert compare_contracts(contract(TABLE), replace(contract(TABLE), version="2.0.0")).verdict == "equal"
    assert compare_contracts(contract(TABLE), replace(contract(TABLE), name="d")).verdict == "breaking"
    assert effects(compare_contracts(contract(TABLE), contract(TABLE, usage="Free."))) == [("usage", "wording")]


def test_keys_that_imply_one_another() -> None:
    def keyed(*keys: Key) -> Contract:
        return contract(replace(TABLE, keys=keys))

    one, both = keyed(Key(("x",))), keyed(Key(("x", "y")))
    assert effects(compare_contracts(both, one)) == [("added key", "narrowing")]
    assert effects(compare_contracts(one, both)) == [("removed key", "breaking")]
    assert compare_contracts(both, keyed(Key(("y", "x")))).verdict == "equal"
    primary = keyed(Key(("x",), primary=True))
    assert effects(compare_contracts(one, primary)) == [("nulls", "narrowing"), ("primary key", "wording")]


def test_references() -> None:
    free, bound = contract(TABLE), contract(replace(TABLE, references=(Reference(("x",), "t", ("x",)),)))
    assert effects(compare_contracts(free, bound)) == [("added reference", "narrowing")]
    assert effects(compare_contracts(bound, free)) == [("removed reference", "breaking")]


def test_a_reference_is_the_columns_that_it_joins() -> None:
    wide = Table("t", (COLUMN, Column("y", "integer"), Column("z", "integer")))

    def joining(*pairs: tuple[str, str]) -> Contract:
        columns, to_columns = zip(*pairs, strict=True)
        return contract(replace(wide, references=(Reference(columns, "t", to_columns),)))

    old = joining(("x", "x"), ("y", "y"))
    assert compare_contracts(old, joining(("y", "y"), ("x", "x"))).verdict == "equal"
    assert effects(compare_contracts(old, joining(("x", "y"), ("y", "x")))) == [
        ("removed reference", "breaking"),
        ("added reference", "narrowing"),
    ]


def test_row_counts() -> None:
    free, bound = contract(TABLE), contract(replace(TABLE, min_rows=1, max_rows=10))
    assert [effect for _, effect in effects(compare_contracts(free, bound))] == ["narrowing"] * 2
    assert [effect for _, effect in effects(compare_contracts(bound, free))] == ["breaking"] * 2


OPTIONAL = replace(TABLE, optional=True)
A = replace(TABLE, name="a", alternative_group="g", alternative="a")
A2 = replace(A, name="a2")
F = replace(TABLE, name="f", alternative_group="g", alternative="f")
ALWAYS_A, ALWAYS_F = (replace(table, alternative_group="", alternative="") for table in (A, F))
OPTIONAL_A = replace(ALWAYS_A, optional=True)


@pytest.mark.parametrize(
    ("old", "new", "forth", "back"),
    [
        ([TABLE], [OPTIONAL], "breaking", "compatible"),
        ([A, F], [ALWAYS_A], "compatible", "breaking"),  # one alternative became the rule
        ([A, F], [ALWAYS_A, ALWAYS_F], "breaking", "breaking"),  # both at once: nobody expects it
        ([A, F], [A], "compatible", "breaking"),
        ([A, A2, F], [A, F], "breaking", "compatible"),  # a table of an alternative that remains
        ([A, F], [replace(A, alternative="b"), F], "breaking", "breaking"),
        ([A, F], [OPTIONAL_A, F], "breaking", "breaking"),
        ([OPTIONAL_A], [A], "compatible", "breaking"),
        ([TABLE, A, F], [TABLE], "breaking", "compatible"),  # the whole group is gone, or is new
        ([OPTIONAL, ALWAYS_A], [ALWAYS_A], "breaking", "compatible"),
    ],
)
def test_presence(old: list[Table], new: list[Table], forth: str, back: str) -> None:
    assert compare_contracts(contract(*old), contract(*new)).verdict == forth
    assert compare_contracts(contract(*new), contract(*old)).verdict == back


def test_text_and_dict_name_the_column() -> None:
    comparison = compare_columns({"unit": "%"}, {"unit": "mmol/mol"})
    assert comparison.text().splitlines() == [
        "c 1.0.0 to c 1.0.0: breaking",
        "breaking: t.x: the unit is mmol/mol instead of %",
    ]
    assert comparison.to_dict() == {
        "old": "c 1.0.0",
        "new": "c 1.0.0",
        "verdict": "breaking",
        "changes": [
            {
                "table": "t",
                "column": "x",
                "what": "unit",
                "effect": "breaking",
                "reason": "the unit is mmol/mol instead of %",
            }
        ],
    }
