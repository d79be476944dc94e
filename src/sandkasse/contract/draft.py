"""A first contract from what tables look like, for an author to complete."""

from collections.abc import Mapping

import ibis.expr.datatypes as dt
import ibis.expr.types as ir

from sandkasse.contract.model import LOGICAL_TYPES, Column, Contract, LogicalType, Table
from sandkasse.contract.probes import fits
from sandkasse.core.errors import ContractInvalidError

# The order decides where a type fits two families: a whole number is an integer before it is a number.
_FAMILIES: tuple[LogicalType, ...] = tuple(sorted(LOGICAL_TYPES, key=lambda name: name != "integer"))


def draft_contract(name: str, tables: Mapping[str, ir.Table], *, version: str = "0.1.0") -> Contract:
    """Draft the contract that tables keep as they are: names, types, and no nulls where there are none.

    Meaning cannot be seen in data: descriptions, units, codes, ranges, keys and references are left to the author.

    Args:
        name: The contract's name.
        tables: The data by table name; each is counted once.
        version: The version to state.

    Returns:
        A contract with the status `draft`, which the tables keep.

    Raises:
        ContractInvalidError: If a column has a type that no contract can promise, such as raw bytes.
    """
    return Contract(name, version, tuple(_draft_table(table, data) for table, data in tables.items()), status="draft")


def _draft_table(name: str, data: ir.Table) -> Table:
    counted = data.aggregate(
        [data.count(where=data[column].isnull()).name(f"n{i}") for i, column in enumerate(data.columns)]
    )
    nulls = counted.to_pyarrow().to_pylist()[0]
    columns = tuple(
        Column(
            name=column,
            type=_logical_type(name, column, dtype),
            physical_type=_physical_type(dtype),
            required=nulls[f"n{i}"] == 0,
        )
        for i, (column, dtype) in enumerate(data.schema().items())
    )
    return Table(name, columns)


def _logical_type(table: str, column: str, dtype: dt.DataType) -> LogicalType:
    for family in _FAMILIES:
        if fits(Column(column, family), dtype):
            return family
    raise ContractInvalidError(
        f"The column {table}.{column} has the type {type(dtype).__name__.lower()}, which no contract can promise.",
        next_step="store it as text, a number or a date, or leave it out",
    )


def _physical_type(dtype: dt.DataType) -> str:
    """Name the width of simple types; nested ones and enumerations say it through their logical type."""
    return str(dtype).removeprefix("!") if dtype.is_primitive() and not dtype.is_string() else ""
