from collections.abc import Callable
from datetime import date
from typing import Any

import pyarrow as pa
import pytest

from sandkasse.contract import check_tables, draft_contract
from sandkasse.contract.load import format_contract, parse_contract
from sandkasse.core.errors import ContractInvalidError

Put = Callable[[dict[str, Any]], dict[str, Any]]


def test_drafts_what_the_tables_keep(ibis_tables: Put) -> None:
    tables = ibis_tables({
        "person": {"id": pa.array([1, 2], pa.int32()), "born": [date(1950, 1, 1), None], "case.id": ["a", "b"]},
        "test": {"value": [1.5, None], "flag": [True, False]},
    })  # fmt: skip
    contract = draft_contract("nafld", tables)
    assert [(c.name, c.type, c.physical_type, c.required) for t in contract.tables for c in t.columns] == [
        ("id", "integer", "int32", True),
        ("born", "date", "date", False),
        ("case.id", "string", "", True),
        ("value", "number", "float64", False),
        ("flag", "boolean", "boolean", True),
    ]
    assert contract.status == "draft"
    assert check_tables(contract, tables).findings == ()
    assert parse_contract(format_contract(contract)) == contract


def test_refuses_what_no_contract_can_promise(ibis_tables: Put) -> None:
    with pytest.raises(ContractInvalidError, match=r"t\.x has the type binary"):
        draft_contract("c", ibis_tables({"t": {"x": [b"raw"]}}))
