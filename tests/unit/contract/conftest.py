"""Builders shared by the tests of contracts."""

from collections.abc import Callable, Iterator
from typing import Any

import ibis
import pyarrow as pa
import pytest
import yaml


@pytest.fixture
def document() -> dict[str, Any]:
    """A small valid contract as plain values, to be spoilt by a test."""
    return {
        "apiVersion": "v3.2.0",
        "kind": "DataContract",
        "id": "small",
        "version": "1.0.0",
        "schema": [
            {
                "name": "person",
                "properties": [
                    {"name": "pnr", "logicalType": "string", "primaryKey": True},
                    {"name": "sex", "logicalType": "integer", "required": True, "enum": [{"value": 1}, {"value": 2}]},
                    {"name": "born", "logicalType": "date"},
                ],
            },
            {
                "name": "test",
                "properties": [
                    {"name": "pnr", "logicalType": "string", "relationships": [{"to": "person.pnr"}]},
                    {"name": "value", "logicalType": "number", "logicalTypeOptions": {"minimum": 0}},
                ],
            },
        ],
    }


@pytest.fixture
def as_text() -> Callable[[Any], str]:
    return lambda value: yaml.safe_dump(value, sort_keys=False, allow_unicode=True)


@pytest.fixture
def load(as_text: Callable[[Any], str]) -> Callable[[Any], Any]:
    """Read a contract from plain values."""
    from sandkasse.contract.load import parse_contract

    return lambda value: parse_contract(as_text(value))


@pytest.fixture
def engine() -> Iterator[Any]:
    con = ibis.duckdb.connect()
    yield con
    con.disconnect()


@pytest.fixture
def ibis_tables(engine: Any) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """Put Arrow tables, or columns of plain values, into DuckDB."""

    def put(tables: dict[str, Any]) -> dict[str, Any]:
        for name, table in tables.items():
            engine.con.register(name, table if isinstance(table, pa.Table) else pa.table(table))
        return {name: engine.table(name) for name in tables}

    return put
