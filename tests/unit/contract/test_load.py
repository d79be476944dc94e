from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from sandkasse.contract import Code, Key, Quality, Reference, contract_sha256, read_contract, write_contract
from sandkasse.contract.load import format_contract, parse_contract
from sandkasse.core.errors import ColumnNotFoundError, ContractInvalidError, TableNotFoundError

Load = Callable[[Any], Any]
Document = dict[str, Any]


def first_column(document: Document) -> dict[str, Any]:
    return document["schema"][0]["properties"][0]


def refused(load: Load, document: Document) -> ContractInvalidError:
    with pytest.raises(ContractInvalidError) as caught:
        load(document)
    assert "\n" not in caught.value.message
    assert caught.value.next_step
    return caught.value


def test_reads_what_a_contract_promises(load: Load, document: Document) -> None:
    contract = load(document)
    person, test = contract.tables
    assert contract.name == "small"
    assert person.keys == (Key(("pnr",), primary=True),)
    assert person.never_null == {"pnr", "sex"}
    assert person.column("sex").codes == (Code(1), Code(2))
    assert test.references == (Reference(("pnr",), "person", ("pnr",)),)
    assert test.column("value").minimum == 0


def test_writes_what_it_reads(load: Load, document: Document, tmp_path: Path) -> None:
    contract = load(document)
    write_contract(contract, tmp_path / "contract.yaml")
    assert read_contract(tmp_path / "contract.yaml") == contract


def test_example_of_the_reference_page_is_a_contract() -> None:
    page = Path(__file__).parents[3] / "docs/reference/contract-properties.md"
    example = page.read_text(encoding="utf-8").split("```yaml\n")[1].split("```")[0]
    contract = parse_contract(example)
    assert contract.alternatives == {"lpr3": {"a": ("lpr3a_kontakt",), "f": ("lpr3f_kontakter",)}}
    assert contract.table("lab_forsker").optional
    assert contract.table("lab_forsker").column("value").unit == "mmol/mol"
    assert contract.table("bef").column("koen").provenance.verified is True


def test_hash_knows_content_not_form(load: Load, document: Document) -> None:
    original = contract_sha256(load(document))
    turned = dict(reversed(document.items()))
    turned["schema"] = [dict(reversed(table.items())) for table in document["schema"]]
    first_column(turned)["deprecated"] = False  # the default, said
    assert contract_sha256(load(turned)) == original
    assert contract_sha256(parse_contract("# a comment\n" + format_contract(load(document)))) == original
    first_column(document)["description"] = "Another text."
    assert contract_sha256(load(document)) != original


def test_a_column_may_name_the_one_that_says_what_it_measures(load: Load, document: Document) -> None:
    first_column(document)["customProperties"] = [{"property": "describedBy", "value": "sex"}]
    contract = load(document)
    assert contract.tables[0].columns[0].described_by == "sex"
    assert parse_contract(format_contract(contract)) == contract


def test_valid_values_of_a_quality_rule_are_codes(load: Load, document: Document) -> None:
    by_enum = contract_sha256(load(document))
    sex = document["schema"][0]["properties"][1]
    sex["quality"] = [
        {"metric": "invalidValues", "arguments": {"validValues": [e["value"] for e in sex.pop("enum")]}, "mustBe": 0}
    ]
    assert contract_sha256(load(document)) == by_enum


def test_quality_with_a_limit(load: Load, document: Document) -> None:
    first_column(document)["quality"] = [
        {"type": "text", "description": "Mostly right."},
        {"metric": "nullValues", "mustBeLessOrEqualTo": 5, "unit": "percent", "severity": "warning"},
    ]
    assert load(document).tables[0].columns[0].quality == (
        Quality("nullValues", at_most=5, unit="percent", severity="warning"),
    )


def test_keys_of_several_columns_and_row_counts(load: Load, document: Document) -> None:
    document["schema"][0]["quality"] = [
        {"metric": "duplicateValues", "arguments": {"properties": ["sex", "born"]}, "mustBe": 0},
        {"metric": "rowCount", "mustBeGreaterThan": 9},
        {"metric": "rowCount", "mustBeBetween": [5, 100]},
    ]
    table = load(document).tables[0]
    assert table.keys == (Key(("pnr",), primary=True), Key(("sex", "born")))
    assert (table.min_rows, table.max_rows) == (10, 100)


def test_primary_key_follows_its_positions(load: Load, document: Document) -> None:
    columns = document["schema"][0]["properties"]
    columns[0]["primaryKeyPosition"] = 2
    columns[2] |= {"primaryKey": True, "primaryKeyPosition": 1}
    assert load(document).tables[0].keys == (Key(("born", "pnr"), primary=True),)
    columns[2]["primaryKeyPosition"] = 2
    assert "positions" in refused(load, document).message


def test_references_of_several_columns_and_dotted_names(load: Load, document: Document) -> None:
    document["schema"][0]["properties"].append({"name": "case.id", "logicalType": "integer"})
    document["schema"][1]["properties"].append({"name": "case.id", "logicalType": "integer"})
    document["schema"][1]["relationships"] = [
        {"from": ["test.pnr", "test.case.id"], "to": ["person.pnr", "person.case.id"]}
    ]
    assert load(document).tables[1].references[1] == Reference(("pnr", "case.id"), "person", ("pnr", "case.id"))


def test_bounds_are_of_the_columns_type(load: Load, document: Document) -> None:
    born = document["schema"][0]["properties"][2]
    born["logicalTypeOptions"] = {"minimum": date(1900, 1, 1), "exclusiveMaximum": "2025-01-01"}
    column = load(document).tables[0].column("born")
    assert (column.minimum, column.exclusive_maximum) == (date(1900, 1, 1), date(2025, 1, 1))
    born |= {"logicalType": "timestamp", "logicalTypeOptions": {"minimum": "1900-01-01T12:00:00", "timezone": True}}
    assert load(document).tables[0].column("born").minimum == datetime(1900, 1, 1, 12, tzinfo=UTC)


def test_other_vendors_properties_are_left_alone(load: Load, document: Document) -> None:
    plain = contract_sha256(load(document))
    first_column(document)["customProperties"] = [{"property": "steward", "value": "x", "vendor": "atlan"}]
    assert contract_sha256(load(document)) == plain


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"requierd": True}, "requierd"),
        ({"logicalType": "text"}, "logicalType"),
        ({"logicalType": None}, "logicalType"),
        ({"name": " "}, "name"),
        ({"name": "sex"}, "twice"),
        ({"required": "often"}, "required"),
        ({"enum": [{"value": 1}]}, "type string"),
        ({"enum": [{"value": "a"}, {"value": "a"}]}, "twice"),
        ({"enum": [{"value": None}]}, "type string"),
        ({"logicalTypeOptions": {"pattern": "("}}, "regular expression"),
        ({"logicalTypeOptions": {"pattern": "(?=a)"}}, "look-around"),
        ({"logicalTypeOptions": {"pattern": 12}}, "text"),
        ({"logicalTypeOptions": {"maxLength": -1}}, "length"),
        ({"logicalTypeOptions": {"minLength": 3, "maxLength": 2}}, "above"),
        ({"logicalTypeOptions": {"minimum": 3}}, "minimum"),
        ({"logicalTypeOptions": {"format": "email"}}, "format"),
        ({"logicalType": "integer", "logicalTypeOptions": {"minimum": 10**30}}, "64 bits"),
        ({"logicalType": "integer", "logicalTypeOptions": {"minimum": True}}, "bound"),
        ({"logicalType": "integer", "logicalTypeOptions": {"minimum": 1.5}}, "bound"),
        ({"logicalType": "integer", "logicalTypeOptions": {"minimum": 3, "exclusiveMaximum": 2}}, "above"),
        ({"logicalType": "integer", "enum": [{"value": 2**63}]}, "64 bits"),
        ({"logicalType": "number", "logicalTypeOptions": {"maximum": 10**400}}, "finite"),
        ({"logicalType": "number", "logicalTypeOptions": {"maximum": float("nan")}}, "finite"),
        ({"logicalType": "date", "logicalTypeOptions": {"minimum": "1 May"}}, "ISO"),
        ({"logicalType": "date", "logicalTypeOptions": {"minimum": 19000101}}, "ISO"),
        ({"logicalType": "timestamp", "logicalTypeOptions": {"minimum": "2020-01-01T00:00:00Z"}}, "time zone"),
        ({"logicalType": "time", "logicalTypeOptions": {"minimum": "12:00+01:00"}}, "time zone"),
        ({"logicalType": "date", "enum": [{"value": "2020-01-01"}]}, "cannot list"),
        ({"customProperties": [{"property": "units", "value": "mg"}]}, "units"),
        ({"customProperties": [{"property": "unit", "value": 5}]}, "text"),
        ({"customProperties": [{"property": "describedBy", "value": "nowhere"}]}, "describedBy must name another"),
        ({"customProperties": [{"property": "describedBy", "value": "pnr"}]}, "describedBy must name another"),
        ({"customProperties": [{"property": "verified", "value": "yes"}]}, "true or false"),
        ({"customProperties": [{"property": "unit", "value": "g"}] * 2}, "twice"),
        ({"relationships": [{"to": "nowhere.pnr"}]}, "nowhere"),
        ({"relationships": [{"to": "test.nothing"}]}, "nothing"),
        ({"relationships": [{"to": "test"}]}, "table.column"),
        ({"relationships": [{"to": "test.value"}]}, "another type"),
        ({"relationships": [{"to": ["test.pnr", "test.value"]}]}, "as many"),
        ({"quality": [{"type": "sql", "query": "select 1", "mustBe": 0}]}, "library"),
        ({"quality": [{"metric": "nullValues"}]}, "mustBe"),
        ({"quality": [{"metric": "nullValues", "mustBe": 3}]}, "mustBe"),
        ({"quality": [{"metric": "nullValues", "mustBe": 0, "unit": "people"}]}, "unit"),
        ({"quality": [{"metric": "nullValues", "mustBeLessOrEqualTo": 101, "unit": "percent"}]}, "range"),
        ({"quality": [{"metric": "nullValues", "mustBe": 0, "severity": "huge"}]}, "severity"),
        ({"quality": [{"metric": "invalidValues", "mustBe": 0}]}, "list of values"),
        ({"quality": [{"metric": "duplicateValues", "mustBe": 0}]}, "unique"),
        ({"quality": [{"rule": "nullCheck", "mustBe": 0}]}, "metrics"),
    ],
)
def test_refuses_a_column_that_promises_what_is_not_checked(
    load: Load, document: Document, change: dict[str, Any], word: str
) -> None:
    document["schema"][0]["properties"][0] = {"name": "pnr", "logicalType": "string"} | change
    document["schema"][1]["properties"][0].pop("relationships")
    assert word in refused(load, document).message


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"kind": "Contract"}, "kind"),
        ({"apiVersion": "v2.2.0"}, "apiVersion"),
        ({"version": 1.0}, "version"),
        ({"version": ""}, "version"),
        ({"id": None}, "id"),
        ({"schema": []}, "schema"),
        ({"schema": [{"name": "person"}]}, "person"),
        ({"schema": {"person": {}}}, "schema"),
        ({"tables": []}, "tables"),
        ({"customProperties": [{"property": "unit", "value": "g"}]}, "unit"),
    ],
)
def test_refuses_a_document(load: Load, document: Document, change: dict[str, Any], word: str) -> None:
    assert word in refused(load, document | change).message


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"name": "test"}, "twice"),
        ({"customProperties": [{"property": "alternative", "value": "a"}]}, "together"),
        (
            {"customProperties": [{"property": name, "value": value} for name, value in
                                  (("alternative", "a"), ("alternativeGroup", "g"), ("optional", True))]},
            "not both",
        ),
        ({"quality": [{"metric": "rowCount", "mustBe": -1}]}, "rowCount"),
        ({"quality": [{"metric": "rowCount", "mustBe": "many"}]}, "rowCount"),
        ({"quality": [{"metric": "rowCount", "mustBe": []}]}, "rowCount"),
        ({"quality": [{"metric": "rowCount", "mustBe": [3, 7]}]}, "rowCount"),
        ({"quality": [{"metric": "rowCount", "mustBeLessThan": 0}]}, "less than 0"),
        ({"quality": [{"metric": "rowCount", "mustBeGreaterThan": 5, "mustBeLessThan": 3}]}, "exactly one"),
        ({"quality": [{"metric": "rowCount", "mustBeLessThan": 3}, {"metric": "rowCount", "mustBe": 7}]}, "above"),
        ({"quality": [{"metric": "rowCount", "mustBe": 3, "severity": "warning"}]}, "warning"),
        ({"quality": [{"metric": "duplicateValues", "mustBe": 0}]}, "arguments.properties"),
        ({"quality": [{"metric": "duplicateValues", "mustBe": 0, "arguments": {"properties": ["x"]}}]}, "different"),
        ({"quality": [{"metric": "duplicateValues", "mustBeLessOrEqualTo": 9,
                       "arguments": {"properties": ["sex"]}}]}, "no duplicate"),
        ({"relationships": [{"to": "test.pnr"}]}, "from"),
        ({"relationships": [{"from": "test.pnr", "to": "person.pnr"}]}, "starts from"),
        ({"relationships": [{"from": ["person.pnr", "person.pnr"], "to": ["test.pnr", "test.value"]}]}, "twice"),
        ({"relationships": [{"from": ["person.pnr", "person.sex"], "to": ["test.pnr", "person.sex"]}]}, "one table"),
    ],
)  # fmt: skip
def test_refuses_a_table(load: Load, document: Document, change: dict[str, Any], word: str) -> None:
    document["schema"][0] |= change
    assert word in refused(load, document).message


@pytest.mark.parametrize(
    "text",
    [
        "",
        "- a list",
        "just text",
        "a: [",
        "\t tabs: no",
        "a: 1\na: 2",
        "id: &x\n  self: *x",
        "when: 2020-13-45",
        "a: !!python/object/apply:os.system [ls]",
        "[" * 5000,
        "x: \x00",
    ],
)
def test_refuses_text_that_is_no_contract(text: str) -> None:
    with pytest.raises(ContractInvalidError) as caught:
        parse_contract(text)
    assert "\n" not in caught.value.message


def test_refuses_aliases_that_unfold_without_end() -> None:
    lines = ["a: &a [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"{n}: &{n} [{', '.join(['*' + p] * 10)}]" for p, n in zip("abcdefgh", "bcdefghi", strict=True)]
    with pytest.raises(ContractInvalidError, match="a million values"):
        parse_contract("\n".join(lines))


def test_refuses_files_it_cannot_read(tmp_path: Path) -> None:
    with pytest.raises(ContractInvalidError, match="cannot be read"):
        read_contract(tmp_path / "absent.yaml")
    (tmp_path / "latin.yaml").write_bytes("kind: Børn".encode("latin-1"))
    with pytest.raises(ContractInvalidError, match="UTF-8"):
        read_contract(tmp_path / "latin.yaml")
    (tmp_path / "long.yaml").write_bytes(b"#" * 10_000_001)
    with pytest.raises(ContractInvalidError, match="10000001"):
        read_contract(tmp_path / "long.yaml")
    (tmp_path / "wrong.yaml").write_text("kind: 5", encoding="utf-8")
    with pytest.raises(ContractInvalidError, match=r"wrong\.yaml"):
        read_contract(tmp_path / "wrong.yaml")


def test_near_names_are_offered(load: Load, document: Document) -> None:
    first_column(document)["requird"] = True
    assert "required" in refused(load, document).next_step
    first_column(document).pop("requird")
    contract = load({**document, "schema": document["schema"][:1]})
    with pytest.raises(TableNotFoundError) as missing:
        contract.table("persons")
    assert "person" in missing.value.next_step
    with pytest.raises(ColumnNotFoundError) as caught:
        contract.table("person").column("pn")
    assert "pnr" in caught.value.next_step
