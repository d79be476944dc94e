"""A dataset's tables as files for SAS (XPORT version 8) and Stata (.dta), part by part, so that memory stays flat."""

import errno
import os
import secrets
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from sandkasse.catalogue.integrity import corrupt
from sandkasse.catalogue.open import Dataset
from sandkasse.catalogue.partial import translate_full_disk
from sandkasse.catalogue.statistics_names import SAS, STATA, Rules, label_of, valid_names
from sandkasse.contract import Column, Contract
from sandkasse.core.errors import InvalidInputError, UpstreamError
from sandkasse.core.progress_bar import Progress, no_progress

Program = Literal["xpt", "stata"]

# Our choice: the library writes whole tables only, and so many rows of a register take about 0.3 GB.
ROWS_A_FILE = 1_000_000
ROWS_A_BATCH = 100_000
_LEAST_ROOM = 2**20  # bytes; our choice: a writer that fails with less left on the disk failed for want of room
EPOCH_DAYS = -3653  # 1960-01-01, where days begin in both programs, in days since 1970-01-01
SECONDS_A_DAY = 86_400
LARGEST_WHOLE = 2**53  # both programs hold numbers as doubles
# Stata keeps the largest values of each whole type for its missing ones.
_STATA_WHOLE = (("int8", -127, 100), ("int16", -32_767, 32_740), ("int32", -2_147_483_647, 2_147_483_620))


@dataclass(frozen=True)
class Written:
    """What was written.

    Attributes:
        folder: Where.
        files: The data files, by table.
        renamed: Columns whose names the program does not take: `table.column` to the new name.
        reader: A small program that reads the files, tables in several parts put together.
    """

    folder: Path
    files: Mapping[str, tuple[Path, ...]]
    renamed: Mapping[str, str]
    reader: Path


def write_for_program(
    dataset: Dataset,
    contract: Contract,
    program: Program,
    out: Path,
    *,
    rows_a_file: int = ROWS_A_FILE,
    progress: Progress = no_progress,
) -> Written:
    """Write every table of a dataset for SAS or Stata.

    Dates become the program's dates, times its times of day and date, missing numbers its missing value. Neither has a
    missing text: it becomes the empty one. Whole numbers beyond 2^53 are refused, as both programs would round them.

    Args:
        dataset: What to write.
        contract: Gives labels and, for Stata, the meanings of coded numbers.
        program: `xpt` (SAS transport, version 8) or `stata` (version 15).
        out: The folder to make.
        rows_a_file: A longer table is written in parts of so many rows.
        progress: Told of the rows.

    Raises:
        InvalidInputError: If `out` exists or cannot be made, or a column cannot be written; names table and column.
        StorageFullError: If the disk is full; nothing half-written is kept.
        CorruptDatasetError: If a data file cannot be read to its end.
    """
    from pyreadstat import ReadstatError  # noqa: PLC0415  slow to import, and nobody else needs it

    if out.exists():
        raise InvalidInputError(f"There is already something at {out}.", next_step="choose a new folder with --out")
    partial = out.with_name(f".{out.name}.partial-{secrets.token_hex(4)}")
    with translate_full_disk(out.name):
        try:
            partial.mkdir(parents=True)
            written = _write_all(dataset, contract, program, partial, rows_a_file=rows_a_file, progress=progress)
            partial.rename(out)
        except ReadstatError as exc:
            # The writer does not say why the operating system refused; so little room is reason enough.
            if shutil.disk_usage(partial).free < _LEAST_ROOM:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)) from exc
            raise UpstreamError(
                f"The files of {out.name!r} could not be written; nothing was kept.",
                next_step="look at the disk and its quotas, and choose another --out",
            ) from exc
        except (PermissionError, NotADirectoryError, FileNotFoundError) as exc:
            raise InvalidInputError(
                f"The folder {out} cannot be made: {exc.strerror}.", next_step="choose a folder that you may write to"
            ) from exc
        finally:
            shutil.rmtree(partial, ignore_errors=True)
    files = {table: tuple(out / path.name for path in paths) for table, paths in written.files.items()}
    return Written(out, files, written.renamed, out / written.reader.name)


def _write_all(
    dataset: Dataset, contract: Contract, program: Program, folder: Path, *, rows_a_file: int, progress: Progress
) -> Written:
    rules = SAS if program == "xpt" else STATA
    total, done = sum(dataset.card.rows.values()), 0
    files: dict[str, tuple[Path, ...]] = {}
    renamed: dict[str, str] = {}
    widths: dict[str, dict[str, int]] = {}
    promised = {table.name: {column.name: column for column in table.columns} for table in contract.tables}
    tables = valid_names(dataset.tables, SAS)  # members in SAS, file names for Stata, which takes any
    for table in dataset.tables:
        names = valid_names(dataset[table].columns, rules)
        renamed |= {f"{table}.{old}": new for old, new in names.items() if new != old}
        n_parts = max(1, -(-dataset.card.rows[table] // rows_a_file))
        widths[tables[table]] = {}
        paths = []
        for number, part in enumerate(_parts(dataset, table, rows_a_file), start=1):
            member = tables[table] if n_parts == 1 else f"{tables[table][:28]}_{number:03}"
            sheet = _Sheet(table, member, names, promised.get(table, {}), rules)
            paths.append(_WRITERS[program](sheet, part, folder, dataset.card.reference))
            _widen(widths[tables[table]], part, names)
            done += part.num_rows
            progress(done, total, "rows")
        files[tables[table]] = tuple(paths)
    reader = _write_reader(program, folder, files, widths, dataset.card.reference)
    return Written(folder, files, renamed, reader)


@dataclass(frozen=True)
class _Sheet:
    """One file to be written: of which table, under which names, and what is known of the columns."""

    table: str
    member: str
    names: Mapping[str, str]
    promised: Mapping[str, Column]
    rules: Rules

    def labels(self) -> dict[str, str | None]:
        return {new: label_of(self.promised.get(old), self.rules) for old, new in self.names.items()}

    def refuse(self, column: str, why: str, *, next_step: str) -> InvalidInputError:
        return InvalidInputError(f"{self.table}.{column} cannot be written: {why}.", next_step=next_step)


def _parts(dataset: Dataset, table: str, rows: int) -> Iterator[pa.Table]:
    """Read a table in parts of so many rows; an empty table is one empty part."""
    dataset[table]  # a view of its name
    # Ibis's own stream calls a name that DuckDB has dropped.
    try:
        reader = dataset.connection.con.table(table).to_arrow_reader(min(rows, ROWS_A_BATCH))
        with closing(reader):
            yield from _cut(reader, rows)
    except duckdb.Error as exc:
        raise corrupt(dataset.card, [f"{table}: a data file cannot be read to its end"]) from exc


def _cut(reader: pa.RecordBatchReader, rows: int) -> Iterator[pa.Table]:
    waiting: list[pa.RecordBatch] = []
    n_waiting, n_given = 0, 0
    for batch in reader:
        rest = batch
        while n_waiting + rest.num_rows >= rows:
            fitting = rows - n_waiting
            yield pa.Table.from_batches([*waiting, rest.slice(0, fitting)], reader.schema)
            waiting, n_waiting, n_given, rest = [], 0, n_given + 1, rest.slice(fitting)
        if rest.num_rows:
            waiting.append(rest)
            n_waiting += rest.num_rows
    if waiting or n_given == 0:
        yield pa.Table.from_batches(waiting, reader.schema)


def _write_sas(sheet: _Sheet, part: pa.Table, folder: Path, title: str) -> Path:
    import pyreadstat  # noqa: PLC0415  slow to import, and nobody else needs it

    frame, formats = _to_frame(sheet, part, is_stata=False)
    path = folder / f"{sheet.member}.xpt"
    pyreadstat.write_xport(
        frame,
        path,
        file_label=title[:40],
        column_labels=sheet.labels(),
        table_name=sheet.member,
        file_format_version=8,
        variable_format=formats,
    )
    return path


def _write_stata(sheet: _Sheet, part: pa.Table, folder: Path, title: str) -> Path:
    import pyreadstat  # noqa: PLC0415  slow to import, and nobody else needs it

    frame, formats = _to_frame(sheet, part, is_stata=True)
    path = folder / f"{sheet.member}.dta"
    meanings: dict[str, dict[int | float, str]] = {
        sheet.names[column.name]: {int(code.value): code.label for code in column.codes if code.label}
        for column in sheet.promised.values()
        if column.type == "integer" and column.codes and column.name in sheet.names
    }
    pyreadstat.write_dta(
        frame,
        path,
        file_label=title[:80],
        column_labels=sheet.labels(),
        version=15,
        variable_value_labels={name: labels for name, labels in meanings.items() if labels},
        variable_format=formats,
    )
    return path


_WRITERS: Mapping[Program, Callable[[_Sheet, pa.Table, Path, str], Path]] = {"xpt": _write_sas, "stata": _write_stata}


def _to_frame(sheet: _Sheet, part: pa.Table, *, is_stata: bool) -> tuple[Any, dict[str, str]]:
    """Turn Arrow into what the writer takes: texts and doubles (or whole numbers), and the formats of dates."""
    import pandas as pd  # noqa: PLC0415  slow to import

    day_format, time_format = ("%td", "%tc") if is_stata else ("DATE9", "DATETIME20")
    columns: dict[str, Any] = {}
    formats: dict[str, str] = {}
    for name in part.column_names:
        column, new = _plain(part.column(name)), sheet.names[name]
        kind = column.type
        if pa.types.is_string(kind):
            columns[new] = _texts(sheet, name, column)
        elif pa.types.is_date(kind):
            columns[new] = _doubles(column.cast(pa.date32()).cast(pa.int32())) - EPOCH_DAYS
            formats[new] = day_format
        elif pa.types.is_timestamp(kind):
            seconds = _doubles(column.cast(pa.timestamp("us")).cast(pa.int64())) / 1e6 - EPOCH_DAYS * SECONDS_A_DAY
            columns[new] = seconds * 1000 if is_stata else seconds
            formats[new] = time_format
        elif pa.types.is_integer(kind) or pa.types.is_boolean(kind):
            columns[new] = _whole(sheet, name, column, is_stata=is_stata)
        elif pa.types.is_floating(kind) or pa.types.is_decimal(kind):
            columns[new] = _doubles(column)
        else:
            raise sheet.refuse(
                name, f"{kind} has no counterpart there", next_step="make a dataset without the column, or with a text"
            )
    return pd.DataFrame(columns), formats


def _plain(column: pa.ChunkedArray) -> pa.ChunkedArray:
    if isinstance(column.type, pa.DictionaryType):
        column = column.cast(column.type.value_type)
    is_text = pa.types.is_large_string(column.type) or pa.types.is_time(column.type) or pa.types.is_null(column.type)
    return column.cast(pa.string()) if is_text else column


def _doubles(column: pa.ChunkedArray) -> "np.ndarray[Any, Any]":
    numbers = np.array(column.cast(pa.float64(), safe=False).fill_null(np.nan).to_numpy(), "f8")
    numbers[np.isinf(numbers)] = np.nan  # neither program has them
    return numbers


def _whole(sheet: _Sheet, name: str, column: pa.ChunkedArray, *, is_stata: bool) -> "np.ndarray[Any, Any]":
    whole = column.cast(pa.int8()) if pa.types.is_boolean(column.type) else column
    ends = pc.min_max(whole).as_py()
    low, high = ends["min"], ends["max"]
    if low is not None and max(abs(low), abs(high)) > LARGEST_WHOLE:
        raise sheet.refuse(
            name, "it holds whole numbers beyond 2^53", next_step="make a dataset with the column as a text"
        )
    if is_stata and low is not None and not whole.null_count:
        for kind, least, most in _STATA_WHOLE:
            if low >= least and high <= most:
                return np.asarray(whole.to_numpy()).astype(kind)
    return _doubles(whole)


def _texts(sheet: _Sheet, name: str, column: pa.ChunkedArray) -> Any:
    longest = pc.max(pc.binary_length(column)).as_py() or 0
    if longest > sheet.rules.text_bytes:
        raise sheet.refuse(
            name,
            f"a text has {longest:,} bytes, and {sheet.rules.text_bytes:,} is the most",
            next_step="export to Stata or Parquet, or make a dataset with shorter texts",
        )
    return column.fill_null("").to_pandas().astype(object)


def _widen(widths: dict[str, int], part: pa.Table, names: Mapping[str, str]) -> None:
    for name in part.column_names:
        column = _plain(part.column(name))
        if pa.types.is_string(column.type):
            longest = pc.max(pc.binary_length(column)).as_py() or 0
            widths[names[name]] = max(widths.get(names[name], 1), longest)


def _write_reader(
    program: Program, folder: Path, files: Mapping[str, tuple[Path, ...]], widths: dict[str, dict[str, int]], title: str
) -> Path:
    lines = _sas_lines(files, widths, title) if program == "xpt" else _stata_lines(files, title)
    path = folder / ("read.sas" if program == "xpt" else "read.do")
    path.write_text("\n".join([*lines, ""]), encoding="utf-8")
    return path


def _sas_lines(
    files: Mapping[str, tuple[Path, ...]], widths: Mapping[str, Mapping[str, int]], title: str
) -> Iterator[str]:
    yield f"/* {title}: reads the transport files into WORK. Texts are UTF-8: start SAS with -encoding utf-8. */"
    yield "%let folder = .;"
    for table, paths in files.items():
        for path in paths:
            yield f'%xpt2loc(libref=work, memlist={path.stem}, filespec="&folder/{path.name}");'
        if len(paths) > 1:
            lengths = " ".join(f"{name} ${width}" for name, width in widths[table].items())
            length = f" length {lengths};" if lengths else ""
            yield f"data {table};{length} set {' '.join(path.stem for path in paths)}; run;"


def _stata_lines(files: Mapping[str, tuple[Path, ...]], title: str) -> Iterator[str]:
    yield f"* {title}: puts tables that came in parts together. The others are read as they are: use bef"
    for table, paths in files.items():
        if len(paths) > 1:
            yield f'use "{paths[0].name}", clear'
            yield from (f'append using "{path.name}"' for path in paths[1:])
            yield f'save "{table}.dta", replace'
