"""A folder of yearly SAS files (`lmdb2019.sas7bdat`, `lmdb2020.sas7bdat`, …) as the tables of a contract."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from sandkasse.catalogue.sas_columns import SasColumn, UnfitColumnError, arrow_type, convert
from sandkasse.contract import Contract, Table, write_contract
from sandkasse.core.errors import InvalidInputError
from sandkasse.core.progress_bar import Progress, no_progress

SUFFIX = ".sas7bdat"
# Our choice. A file is read from its beginning for every part, so parts are large: about 0.5 GB while one is read.
ROWS_A_PART = 500_000
_PERIOD = re.compile(r"[_-]?(\d{4}(?:\d{2})?)?")


@dataclass(frozen=True)
class SasFile:
    """One file of a delivery.

    Attributes:
        path: Where it lies.
        table: The contract's table whose rows it holds.
        n_rows: How many, as its header says.
        columns: Its columns by the contract's names; case does not matter.
        ignored: Columns that the contract does not know.
    """

    path: Path
    table: str
    n_rows: int
    columns: Mapping[str, SasColumn]
    ignored: tuple[str, ...]


@dataclass(frozen=True)
class Delivery:
    """A folder of SAS files, looked over and found to fit a contract.

    Attributes:
        contract: What it keeps: the contract's tables that were delivered.
        files: Its files, table by table in the contract's order, the earliest period first.
        absent: The contract's tables that were not delivered.
        ignored: Files and columns that the contract does not know, one line each.
    """

    contract: Contract
    files: tuple[SasFile, ...]
    absent: tuple[str, ...]
    ignored: tuple[str, ...]

    @property
    def n_rows(self) -> int:
        """Rows of all files, as their headers say."""
        return sum(file.n_rows for file in self.files)


def look_over(folder: Path, contract: Contract) -> Delivery:
    """Look over a delivery before anything is converted: names, columns and their kinds, from the headers alone.

    Args:
        folder: Holds `<table><year>.sas7bdat` or `<table>.sas7bdat`; case, `_` and `-` before the year do not matter.
        contract: What the tables are to keep.

    Raises:
        InvalidInputError: If there is no such file, one is not readable, or its columns are not those of the contract
            and of the other years; one line a finding, each naming file and column.
    """
    found = sorted(path for path in folder.glob("*") if path.suffix.lower() == SUFFIX) if folder.is_dir() else []
    matched = {path: _table_of(path, contract) for path in found}
    if not any(matched.values()):
        raise InvalidInputError(
            f"{folder} holds no {SUFFIX} file of a table of {contract.name}.",
            next_step=f"name the files {contract.tables[0].name}2019{SUFFIX} and so on; tables: "
            + ", ".join(table.name for table in contract.tables),
        )
    files = [_read_header(path, contract.table(table)) for path, table in matched.items() if table]
    order = {table.name: number for number, table in enumerate(contract.tables)}
    files.sort(key=lambda file: (order[file.table], file.path.name.lower()))
    findings = [finding for file in files for finding in _find_unfit(file, contract.table(file.table))]
    if findings:
        raise _unfit(findings)
    ignored = [f"{path.name}: names no table of {contract.name}" for path, table in matched.items() if not table]
    ignored += [f"{file.path.name}: column {name}" for file in files for name in file.ignored]
    there = {file.table for file in files}
    return Delivery(_restrict(contract, there), tuple(files), _absent(contract, there), tuple(ignored))


def write_delivery(
    delivery: Delivery, folder: Path, *, rows_a_part: int = ROWS_A_PART, progress: Progress = no_progress
) -> None:
    """Write a delivery as a dataset's contract and Parquet parts, part by part.

    Args:
        delivery: What `look_over` found.
        folder: The dataset's folder, empty.
        rows_a_part: Rows that are in memory at a time.
        progress: Told of the rows.

    Raises:
        InvalidInputError: If a value is not what the contract promises; names file and column, and counts rows.
    """
    done = 0
    write_contract(delivery.contract, folder / "contract.yaml")
    for table in delivery.contract.tables:
        target = folder / "data" / table.name
        target.mkdir(parents=True)
        number = 0
        for file in (file for file in delivery.files if file.table == table.name):
            for part in _read_parts(file, table, rows_a_part):
                pq.write_table(part, target / f"part-{number:05}.parquet", compression="zstd")
                number, done = number + 1, done + part.num_rows
                progress(done, delivery.n_rows, "rows")


def _table_of(path: Path, contract: Contract) -> str | None:
    stem = path.stem.lower()
    names = sorted((table.name for table in contract.tables), key=len, reverse=True)
    for name in names:
        if stem.startswith(name.lower()) and _PERIOD.fullmatch(stem[len(name) :]):
            return name
    return None


def _read_header(path: Path, table: Table) -> SasFile:
    _, about = _read(path, metadataonly=True)
    ours = {column.name.lower(): column.name for column in table.columns}
    columns, ignored = {}, []
    for name in about.column_names:
        is_text = about.readstat_variable_types[name] == "string"
        column = SasColumn(name, is_text, about.original_variable_types.get(name) or "")
        if name.lower() in ours:
            columns[ours[name.lower()]] = column
        else:
            ignored.append(name)
    return SasFile(path, table.name, int(about.number_rows), columns, tuple(ignored))


def _read(path: Path, **options: Any) -> tuple[dict[str, list[Any]], Any]:
    import pyreadstat  # noqa: PLC0415  slow to import, and nobody else needs it

    try:
        return pyreadstat.read_sas7bdat(path, output_format="dict", disable_datetime_conversion=True, **options)
    except (pyreadstat.ReadstatError, pyreadstat.PyreadstatError, UnicodeDecodeError, OSError) as exc:
        raise InvalidInputError(
            f"{path.name} cannot be read as a SAS file.", next_step="copy it again from the delivery; see its size"
        ) from exc


def _find_unfit(file: SasFile, table: Table) -> Iterator[str]:
    for column in table.columns:
        if column.name not in file.columns:
            yield f"{file.path.name} has no column {column.name}"
            continue
        found = file.columns[column.name]
        try:  # no rows: only the kinds are compared
            convert([], found, column, is_required=False)
        except UnfitColumnError as exc:
            yield f"{file.path.name}, column {found.name}: {exc}"


def _read_parts(file: SasFile, table: Table, rows_a_part: int) -> Iterator[pa.Table]:
    schema = pa.schema([(column.name, arrow_type(column)) for column in table.columns])
    wanted = [found.name for found in file.columns.values()]
    offset = 0
    while offset < file.n_rows or offset == 0:
        values, _ = _read(file.path, usecols=wanted, row_offset=offset, row_limit=rows_a_part)
        n_rows = len(next(iter(values.values()), []))
        yield pa.table([_column(file, table, name, values) for name in schema.names], schema=schema)
        offset += n_rows
        if n_rows < rows_a_part:
            break
    if offset != file.n_rows:
        raise InvalidInputError(
            f"{file.path.name} ends after {offset:,} rows, and its header says {file.n_rows:,}.",
            next_step="copy it again from the delivery; see its size",
        )


def _column(file: SasFile, table: Table, name: str, values: Mapping[str, list[Any]]) -> pa.Array:
    found = file.columns[name]
    try:
        return convert(values[found.name], found, table.column(name), is_required=name in table.never_null)
    except UnfitColumnError as exc:
        raise _unfit([f"{file.path.name}, column {found.name}: {exc}"]) from exc


def _unfit(findings: list[str]) -> InvalidInputError:
    lines = "".join(f"\n- {finding}" for finding in findings)
    return InvalidInputError(
        f"The delivery does not fit the contract:{lines}",
        next_step="mend the file in SAS, or choose a contract that promises what was delivered",
    )


def _absent(contract: Contract, there: set[str]) -> tuple[str, ...]:
    """List the tables that are missed: not the optional ones, nor the other alternative of one that is there."""
    chosen = {table.alternative_group for table in contract.tables if table.name in there} - {""}
    return tuple(
        table.name
        for table in contract.tables
        if table.name not in there and not table.optional and table.alternative_group not in chosen
    )


def _restrict(contract: Contract, there: set[str]) -> Contract:
    """Keep the contract's tables that were delivered, and the references among them."""
    tables = tuple(
        replace(table, references=tuple(reference for reference in table.references if reference.to_table in there))
        for table in contract.tables
        if table.name in there
    )
    return replace(contract, tables=tables)
