"""What we write is Open Data Contract Standard, by the standard's own JSON Schema."""

import json
from datetime import UTC, date, datetime, time
from importlib.resources import files
from pathlib import Path
from typing import Any

import jsonschema
import open_data_contract_standard
import pytest
import yaml

from sandkasse.contract import Code, Column, Contract, Key, Quality, Reference, Table
from sandkasse.contract.load import format_contract, parse_contract
from sandkasse.contract.model import Provenance
from sandkasse.core.errors import ContractInvalidError

EVERYTHING = Contract(
    "everything", "1.2.3", id="an-id", status="draft", domain="diabetes", purpose="p", usage="u", limitations="l",
    provenance=Provenance("holder", True, "source", "trap"),
    tables=(
        Table("p", (
            Column("pnr", "string", required=True, pattern="^[0-9]{12}$", min_length=12, max_length=12),
            Column("sex", "integer", codes=(Code(1, "man"), Code(2)), physical_type="int8"),
            Column("alive", "boolean", codes=(Code(True),)),
            Column("share", "number", exclusive_minimum=0.0, maximum=1.0, unit="%", code_system="NPU"),
            Column("day", "date", minimum=date(1900, 1, 1), exclusive_maximum=date(2025, 1, 1), deprecated=True),
            Column("moment", "timestamp", timezone=True, minimum=datetime(1900, 1, 1, tzinfo=UTC)),
            Column("clock", "time", maximum=time(23, 59)),
            Column("many", "array", description="A list.", title="Many"), Column("one", "object"),
        ), keys=(Key(("pnr", "day"), primary=True), Key(("share",)), Key(("sex", "day"))), min_rows=1, max_rows=9,
            granularity="person and day", title="P", description="d", optional=True, period="1900–",
            provenance=Provenance(verified=False)),
        Table("c", (
            Column("pnr", "string", quality=(
                Quality("nullValues", at_most=5, unit="percent", severity="warning"),
                Quality("missingValues", values=("0",), at_most=2.5, unit="percent"),
                Quality("invalidValues", pattern="a", at_most=3),
            )),
            Column("day", "date"),
        ), references=(Reference(("pnr",), "p", ("pnr",)), Reference(("pnr", "day"), "p", ("pnr", "day"))),
            alternative_group="g", alternative="a"),
    ),
)  # fmt: skip


@pytest.fixture(scope="module")
def standard() -> Any:
    schema = json.loads((files(open_data_contract_standard) / "schema.json").read_text(encoding="utf-8"))
    return jsonschema.Draft201909Validator(schema)


def test_what_we_write_is_the_standard(standard: Any) -> None:
    text = format_contract(EVERYTHING)
    assert [error.message for error in standard.iter_errors(yaml.safe_load(text))] == []
    assert parse_contract(text) == EVERYTHING


def test_the_example_of_the_reference_page_is_the_standard(standard: Any) -> None:
    page = Path(__file__).parents[3] / "docs/reference/contract-properties.md"
    example = page.read_text(encoding="utf-8").split("```yaml\n")[1].split("```")[0]
    assert [error.message for error in standard.iter_errors(yaml.safe_load(example))] == []


def test_sections_that_promise_nothing_about_data_are_allowed(standard: Any) -> None:
    document = yaml.safe_load(format_contract(EVERYTHING)) | {
        "team": {"name": "Registers", "members": [{"username": "x", "role": "owner"}]},
        "servers": [{"server": "local", "type": "local", "path": "data", "format": "parquet"}],
        "support": [{"channel": "mail", "url": "mailto:x@example.org"}],
        "roles": [{"role": "reader", "access": "read"}],
        "slaProperties": [{"property": "frequency", "value": 1, "unit": "y"}],
        "tags": ["registers"],
    }
    assert [error.message for error in standard.iter_errors(document)] == []
    assert parse_contract(yaml.safe_dump(document)) == EVERYTHING


def test_a_team_as_a_list_is_allowed_and_its_keys_are_known() -> None:
    document = yaml.safe_load(format_contract(EVERYTHING)) | {"team": [{"username": "x"}]}
    assert parse_contract(yaml.safe_dump(document)) == EVERYTHING
    with pytest.raises(ContractInvalidError, match="usrname"):
        parse_contract(yaml.safe_dump(document | {"team": [{"usrname": "x"}]}))
