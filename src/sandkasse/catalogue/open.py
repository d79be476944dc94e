"""Opening a dataset: its tables as Ibis expressions on DuckDB, read when asked and not before."""

from functools import cached_property
from pathlib import Path
from typing import Any

import duckdb
import ibis
import pyarrow as pa
from ibis.backends.duckdb import Backend
from ibis.expr.types import Table

from sandkasse.catalogue.card import CONTRACT_FILE, Card, card_in
from sandkasse.catalogue.integrity import corrupt, find_file_fault
from sandkasse.catalogue.named_tables import NamedTables, UnknownNameError
from sandkasse.catalogue.show import show_html, show_text
from sandkasse.contract import read_contract
from sandkasse.core.errors import ColumnNotFoundError, SandkasseError, TableNotFoundError

_GLOB_CHARACTERS = str.maketrans({"[": "[[]", "*": "[*]", "?": "[?]"})


class DatasetTable(Table):  # type: ignore[misc]  # Ibis ships no types
    """An Ibis table that knows its columns' nearest names; what is derived from it is a plain Ibis table."""

    __slots__ = ()

    def __getattr__(self, key: str, /) -> Any:
        if not key.startswith("_") and key not in self.columns:
            raise UnknownNameError(str(_unknown_column(self, key)), name=key, obj=self)
        return super().__getattr__(key)

    def __getitem__(self, what: Any, /) -> Any:
        if isinstance(what, str) and what not in self.columns:
            raise _unknown_column(self, what)
        return super().__getitem__(what)


class Dataset(NamedTables[DatasetTable]):
    """An open dataset: `ds.bef` or `ds["bef"]` is a table, `ds.tables` lists them, `ds` alone shows the card.

    Args:
        folder: Where the files lie.
        card: What it says about them.
    """

    def __init__(self, folder: Path, card: Card) -> None:
        self._folder = folder
        self._card = card
        self._connection: Backend | None = None
        self._opened: dict[str, DatasetTable] = {}

    @property
    def card(self) -> Card:
        """What the dataset is, where it comes from, how to cite it."""
        return self._card

    @property
    def folder(self) -> Path:
        """Where the files lie, for tools that read Parquet themselves."""
        return self._folder

    @property
    def tables(self) -> tuple[str, ...]:
        """Names of the tables."""
        return self._card.tables

    @property
    def connection(self) -> Backend:
        """The Ibis connection to DuckDB behind the tables."""
        if self._connection is None:
            self._connection = ibis.duckdb.connect()
        return self._connection

    def collect(self, expression: Any) -> pa.Table:
        """Compute an expression over this dataset's tables.

        Args:
            expression: An Ibis table.

        Raises:
            CorruptDatasetError: If a file cannot be read to its end. DuckDB's own words could quote a value.
        """
        try:
            return expression.to_pyarrow()
        except duckdb.Error as exc:
            raise corrupt(self._card, ["a data file cannot be read to its end"]) from exc

    def sql(self, query: str) -> pa.Table:
        """Ask in SQL, DuckDB's own: `ds.sql("select koen, count(*) from bef group by koen")`.

        For looking around; what is to run on another site's database is written with the tables and Ibis.

        Args:
            query: One query over the dataset's tables.

        Returns:
            The answer as an Arrow table.
        """
        for table in self.tables:
            self[table]  # a view of its name
        return self.connection.con.sql(query).to_arrow_table()

    def __getitem__(self, table: str) -> DatasetTable:
        """Give a table.

        Raises:
            TableNotFoundError: If there is no such table; names the nearest.
            CorruptDatasetError: If its files are missing or not of the published size.
        """
        if table not in self.tables:
            raise TableNotFoundError.among(
                f"table in {self._card.id}", table, self.tables, command=f"sandkasse dataset show {self._card.id}"
            )
        if table not in self._opened:
            self._opened[table] = self._read(table)
        return self._opened[table]

    def __repr__(self) -> str:
        return show_text(self._card, self._holds)

    def _repr_html_(self) -> str:
        return show_html(self._card, self._holds)

    @cached_property
    def _holds(self) -> dict[str, str]:
        """Say what each table holds and from when to when, as the contract has it; nothing where it cannot be read."""
        try:
            tables = read_contract(self._folder / CONTRACT_FILE).tables
        except (SandkasseError, OSError):
            return {}
        said = {table.name: ", ".join(part for part in (table.title, table.period) if part) for table in tables}
        return {name: words for name, words in said.items() if words}

    def _read(self, table: str) -> DatasetTable:
        files = self._card.files_of(table)
        faults = [f"{file.path}: {fault}" for file in files if (fault := find_file_fault(self._folder, file))]
        if faults:
            raise corrupt(self._card, faults)
        paths = [str(self._folder / file.path).translate(_GLOB_CHARACTERS) for file in files]
        try:
            # No table name but our own, no option: only the first file's footer is read here.
            opened = self.connection.read_parquet(paths, table_name=table)
        except Exception as exc:
            raise corrupt(self._card, [f"{files[0].path}: cannot be read as Parquet"]) from exc
        return DatasetTable(opened.op())


def open_tables(folder: Path, *, card: Card | None = None) -> Dataset:
    """Open the dataset in a folder.

    Nothing but the card is read here, and nothing but the first file's schema when a table is first named.

    Args:
        folder: The dataset's folder: `card.yaml`, `contract.yaml`, `data/`.
        card: Its card, if it was read already.

    Raises:
        CorruptDatasetError: If there is no card, or it is not one.
    """
    return Dataset(folder, card or card_in(folder))


def _unknown_column(table: Table, name: str) -> ColumnNotFoundError:
    error = ColumnNotFoundError.among(
        f"column in {table.get_name()}", name, table.columns, command=f"columns: {', '.join(table.columns)}"
    )
    return ColumnNotFoundError(error.message, next_step=error.next_step)
