"""A dataset as parts that hold the same persons in every table, so that each part can be exported alone."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from sandkasse.core.errors import ContractViolationError, CorruptDatasetError, InvalidInputError

Files = Mapping[str, tuple[Path, ...]]

# Our choice: about 400 bytes a row while a part is read; two parts of this size fit into 6 GB.
ROWS_A_PART = 8_000_000
_ROW = "_row"
_PART = "_part"
_PERSON = "pnr"
_GLOB_CHARACTERS = str.maketrans({"[": "[[]", "*": "[*]", "?": "[?]"})
# Rows below contacts name their contact, and only the contact names the person.
KEPT_UNDER = {
    "lpr_diag": ("lpr_adm", "recnum"),
    "lpr_bes": ("lpr_adm", "recnum"),
    "lpr_sksopr": ("lpr_adm", "recnum"),
    "lpr_opr": ("lpr_adm", "recnum"),
    "t_psyk_diag": ("t_psyk_adm", "recnum"),
    "t_psyk_bes": ("t_psyk_adm", "recnum"),
    "lpr3a_diagnose": ("lpr3a_kontakt", "dw_ek_kontakt"),
    "lpr3a_procregistrering": ("lpr3a_kontakt", "dw_ek_kontakt"),
    "lpr3f_diagnoser": ("lpr3f_kontakter", "dw_ek_kontakt"),
    "lpr3f_procedurer_kirurgi": ("lpr3f_kontakter", "dw_ek_kontakt"),
}


@dataclass(frozen=True)
class Part:
    """Some persons, with all their rows.

    Attributes:
        number: Which part.
        files: The Parquet files of each table.
    """

    number: int
    files: Files

    def __contains__(self, table: object) -> bool:
        return table in self.files

    def has_column(self, table: str, column: str) -> bool:
        """Say whether a table is there and has a column."""
        return table in self.files and column in _columns(self.files[table])

    def read(self, table: str, columns: Sequence[str], *, optional: Sequence[str] = ()) -> pa.Table:
        """Read columns of a table, rows in the order of the dataset.

        Args:
            table: The table's name.
            columns: What must be there.
            optional: What is read where it is there.

        Raises:
            ContractViolationError: If a column is missing.
            CorruptDatasetError: If a file cannot be read.
        """
        read = [_read_file(path, columns, optional, table) for path in self.files[table]]
        whole = pa.concat_tables(read).combine_chunks()
        return whole.sort_by(_ROW).drop_columns([_ROW]) if _ROW in whole.column_names else whole


def find_files(folder: Path) -> dict[str, tuple[Path, ...]]:
    """List the Parquet files of each table: `data/<table>.parquet`, or parts in `data/<table>/`.

    Raises:
        InvalidInputError: If there are none.
    """
    data = folder / "data"
    found: dict[str, tuple[Path, ...]] = {path.stem: (path,) for path in data.glob("*.parquet")}
    for inner in sorted(path for path in data.glob("*") if path.is_dir()):
        if parts := tuple(sorted(inner.glob("*.parquet"))):
            found[inner.name] = parts
    if not found:
        raise InvalidInputError(
            f"There are no tables in {folder}: no Parquet files in its folder data.",
            next_step="name a dataset, or the folder `registers` that `sandkasse cohort simulate` made",
        )
    return found


def split(files: Files, scratch: Path) -> tuple[Part, ...]:
    """Give the parts of a dataset; where its own files do not hold the same persons, sort it into new ones.

    Args:
        files: The Parquet files of each table.
        scratch: A folder for the new files, if they are needed.

    Returns:
        Parts in which every person has all his or her rows.

    Raises:
        CorruptDatasetError: If a file cannot be read.
    """
    try:
        parts = _own_parts(files)
        if max(_rows(part.files) for part in parts) <= ROWS_A_PART and _hold_whole_persons(files):
            return parts
        return _sort_into_parts(files, scratch)
    except (duckdb.Error, pa.ArrowInvalid) as exc:
        raise CorruptDatasetError(
            "A data file cannot be read to its end.", next_step="verify the dataset: sandkasse dataset verify"
        ) from exc


def _own_parts(files: Files) -> tuple[Part, ...]:
    names = sorted({_part_name(table, path) for table, paths in files.items() for path in paths})
    return tuple(
        Part(
            number,
            {
                table: tuple(path for path in paths if _part_name(table, path) == name)
                for table, paths in files.items()
                if any(_part_name(table, path) == name for path in paths)
            },
        )
        for number, name in enumerate(names)
    )


def _part_name(table: str, path: Path) -> str:
    return "" if path.stem == table else path.stem


def _rows(files: Files) -> int:
    return sum(pq.read_metadata(path).num_rows for paths in files.values() for path in paths)


def _hold_whole_persons(files: Files) -> bool:
    if all(len(paths) == 1 for paths in files.values()):
        return len({_part_name(table, path) for table, (path,) in files.items()}) == 1
    with duckdb.connect() as connection:
        persons = " union ".join(
            f"select {_PERSON}, {_name_of_part(table)} as part from {_scan(paths)}"  # noqa: S608
            for table, paths in files.items()
            if _PERSON in _columns(paths)
        )
        torn = f"select count(*) from (select {_PERSON} from ({persons}) group by 1 having count(*) > 1)"  # noqa: S608
        if _number(connection, torn):
            return False
        return all(not _number(connection, _strays(files, table)) for table in KEPT_UNDER if table in files)


def _strays(files: Files, table: str) -> str:
    """Ask for the rows whose contact lies in another part; rows without any contact are not strays."""
    contacts, key = KEPT_UNDER[table]
    if contacts not in files:
        return "select 0"
    return (
        f"select count(*) from (select {key}, {_name_of_part(table)} as part from {_scan(files[table])}) d "  # noqa: S608
        f"join (select {key}, min({_name_of_part(contacts)}) as part from {_scan(files[contacts])} group by 1) c "
        f"using ({key}) where d.part <> c.part"
    )


def _sort_into_parts(files: Files, scratch: Path) -> tuple[Part, ...]:
    n_parts = -(-_rows(files) // (ROWS_A_PART // 2))
    with duckdb.connect() as connection:
        connection.execute("set preserve_insertion_order = true")
        for table, paths in files.items():
            folder = scratch / table
            folder.mkdir(parents=True)
            connection.execute(
                f"copy ({_with_part(files, table, paths, n_parts)}) to {_quoted(folder)} "
                f"(format parquet, partition_by ({_PART}), compression zstd)"
            )
    return tuple(
        Part(number, {table: written for table in files if (written := _written(scratch / table, number))})
        for number in range(n_parts)
    )


def _with_part(files: Files, table: str, paths: Iterable[Path], n_parts: int) -> str:
    rows = f"select *, row_number() over () as {_ROW} from {_scan(paths)}"  # noqa: S608
    if _PERSON in _columns(files[table]):
        return f"select *, hash({_PERSON}) % {n_parts} as {_PART} from ({rows})"  # noqa: S608
    if table not in KEPT_UNDER or KEPT_UNDER[table][0] not in files:
        return f"select *, 0 as {_PART} from ({rows})"  # noqa: S608
    contacts, key = KEPT_UNDER[table]
    owner = f"select {key}, any_value({_PERSON}) as {_PERSON} from {_scan(files[contacts])} group by 1"  # noqa: S608
    return (
        f"select d.*, coalesce(hash(o.{_PERSON}) % {n_parts}, 0) as {_PART} "  # noqa: S608
        f"from ({rows}) d left join ({owner}) o using ({key})"
    )


def _written(folder: Path, number: int) -> tuple[Path, ...]:
    return tuple(sorted((folder / f"{_PART}={number}").glob("*.parquet")))


def _columns(paths: Sequence[Path]) -> list[str]:
    return list(pq.read_schema(paths[0]).names)


def _scan(paths: Iterable[Path]) -> str:
    return f"read_parquet([{', '.join(map(_quoted, paths))}], filename = true, hive_partitioning = false)"


def _name_of_part(table: str) -> str:
    stem = r"parse_filename(filename, true)"
    return f"case when {stem} = '{table}' then '' else {stem} end"


def _quoted(path: Path) -> str:
    # Only square brackets, stars and question marks mean something to DuckDB in a path.
    plain = str(path).translate(_GLOB_CHARACTERS)
    return "'" + plain.replace("'", "''") + "'"


def _number(connection: duckdb.DuckDBPyConnection, query: str) -> int:
    row = connection.execute(query).fetchone()
    assert row is not None
    return int(row[0])


def _read_file(path: Path, columns: Sequence[str], optional: Sequence[str], table: str) -> pa.Table:
    try:
        present = set(pq.read_schema(path).names)
        if missing := [name for name in columns if name not in present]:
            raise ContractViolationError(
                f"The table {table} has no column {missing[0]}.",
                next_step="hold the dataset against its contract: sandkasse dataset check",
            )
        chosen = [*columns, *(name for name in (*optional, _ROW) if name in present)]
        return pq.ParquetFile(path).read(columns=chosen)
    except (OSError, pa.ArrowInvalid) as exc:
        raise CorruptDatasetError(
            f"A file of the table {table} cannot be read to its end.",
            next_step="verify the dataset: sandkasse dataset verify",
        ) from exc
