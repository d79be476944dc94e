"""Runs an exercise's SQL on one dataset and its truth, and on nothing else (edge).

Each statement is one SELECT. The engine can read the files of this dataset and of its truth; every other file, the
network, extensions and settings are closed to it, and so is writing.
"""

import re
import threading
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from sandkasse.core.errors import CorruptDatasetError, ModuleInvalidError

MEMORY_LIMIT = "2GB"
NO_DEFINITIONS: Mapping[str, str] = {}
TIME_LIMIT_S = 120.0  # our choice: the slowest statement of a shipped module takes a few seconds on 1,000,000 persons


def run_statements(
    statements: Mapping[str, str],
    dataset_folder: Path,
    truth_folder: Path | None,
    *,
    definitions: Mapping[str, str] = NO_DEFINITIONS,
    time_limit_s: float = TIME_LIMIT_S,
) -> dict[str, pa.Table]:
    """Run an exercise's statements.

    Args:
        statements: Names and their SQL.
        dataset_folder: The published dataset; its tables have their own names.
        truth_folder: Its truth, if it has one; tables of the schema `truth`.
        definitions: Named SELECTs that the statements see as tables; each may use those before it. One that nothing
            uses is left alone, so that it may speak of tables that this dataset lacks.
        time_limit_s: When a statement is stopped, in seconds.

    Returns:
        Each statement's result.

    Raises:
        ModuleInvalidError: If a statement or a definition is not one SELECT, fails, or takes too long; or if a
            definition has the name of a table.
    """
    if not statements:
        return {}
    facts = {}
    with _connect(dataset_folder, truth_folder) as connection:
        for name in used_definitions(definitions, statements.values()):
            _define(connection, name, definitions[name])
        for name, sql in statements.items():
            check_is_one_select(sql, name=name)
            facts[name] = _run(connection, sql, name=name, time_limit_s=time_limit_s)
    return facts


def used_definitions(definitions: Mapping[str, str], texts: Iterable[str]) -> tuple[str, ...]:
    """List the definitions whose names stand in some SQL, or in a later definition that is used; in their order."""
    seen, used = list(texts), list[str]()
    for name in reversed(tuple(definitions)):
        if any(re.search(rf"\b{re.escape(name)}\b", text, re.IGNORECASE) for text in seen):
            used.append(name)
            seen.append(definitions[name])
    return tuple(reversed(used))


def check_is_one_select(sql: str, *, name: str) -> None:
    """Check that a text is exactly one SELECT.

    Raises:
        ModuleInvalidError: If it does not parse, or is something else.
    """
    try:
        kinds = [statement.type for statement in duckdb.extract_statements(sql)]
    except duckdb.Error as exc:
        first_line = str(exc).splitlines()[0]
        raise ModuleInvalidError(f"The SQL of {name!r} does not parse: {first_line}", next_step="mend it") from exc
    if kinds != [duckdb.StatementType.SELECT]:
        raise ModuleInvalidError(
            f"The SQL of {name!r} must be one SELECT; it is {len(kinds)} statements, or another kind.",
            next_step="write one SELECT, with common table expressions if it needs steps",
        )


def read_truth(folder: Path, *, columns: Collection[str]) -> dict[str, pa.Table]:
    """Read what graders compare with from a dataset's truth.

    Args:
        folder: `<home>/truth/<dataset-id>/<version>`.
        columns: The columns of `persons` that are needed.

    Returns:
        `persons` with those columns, and `traps`, as far as the files exist.

    Raises:
        CorruptDatasetError: If the files are not readable.
        ModuleInvalidError: If `persons` lacks a column.
    """
    try:
        truth = {"persons": _read_persons(folder / "persons.parquet", columns)}
        traps = folder / "traps.parquet"
        if traps.is_file():
            truth["traps"] = pq.read_table(traps, columns=["pnr", "trap"])
    except (OSError, pa.ArrowException) as exc:
        raise CorruptDatasetError(
            f"The truth of {folder.parent.name} {folder.name} is not readable.",
            next_step="make the dataset and its truth again",
        ) from exc
    return truth


def _read_persons(path: Path, columns: Collection[str]) -> pa.Table:
    known = pq.read_schema(path).names
    unknown = sorted(set(columns) - set(known))
    if unknown:
        raise ModuleInvalidError(
            f"The truth has no column {', '.join(unknown)}.", next_step=f"name some of {', '.join(known)}"
        )
    return pq.read_table(path, columns=sorted(columns))


@contextmanager
def _connect(dataset_folder: Path, truth_folder: Path | None) -> Iterator[duckdb.DuckDBPyConnection]:
    connection = duckdb.connect(":memory:")
    try:
        folders = [dataset_folder / "data"]
        _make_views(connection, "main", folders[0])
        if truth_folder is not None:
            folders.append(truth_folder)
            connection.execute("CREATE SCHEMA truth")
            _make_views(connection, "truth", truth_folder)
        allowed = ", ".join(_quoted(folder.resolve()) for folder in folders)
        connection.execute(f"SET memory_limit = '{MEMORY_LIMIT}'")
        connection.execute("SET temp_directory = ''")
        connection.execute(f"SET allowed_directories = [{allowed}]")
        connection.execute("SET enable_external_access = false")
        connection.execute("SET lock_configuration = true")
        yield connection
    finally:
        connection.close()


def _make_views(connection: duckdb.DuckDBPyConnection, schema: str, folder: Path) -> None:
    for path in sorted(folder.resolve().iterdir()):
        files = path / "*.parquet" if path.is_dir() else path
        if path.name.startswith(".") or files.suffix != ".parquet":
            continue
        name = path.name.removesuffix(".parquet").replace('"', '""')
        connection.execute(f'CREATE VIEW {schema}."{name}" AS SELECT * FROM read_parquet({_quoted(files)})')  # noqa: S608


def _define(connection: duckdb.DuckDBPyConnection, name: str, sql: str) -> None:
    check_is_one_select(sql, name=name)
    try:
        connection.execute(f'CREATE VIEW main."{name}" AS {sql}')
    except duckdb.Error as exc:
        raise ModuleInvalidError(
            f"The definition {name!r} fails: {_without_values(exc)}",
            next_step="mend it; it sees the tables and the definitions before it, and has a name of its own",
        ) from None


def _without_values(error: duckdb.Error) -> str:
    """Tell the engine's complaint; where it could quote a value of the data, its kind alone."""
    is_about_names = isinstance(error, duckdb.BinderException | duckdb.CatalogException | duckdb.PermissionException)
    return str(error).splitlines()[0] if is_about_names else type(error).__name__


def _quoted(path: Path) -> str:
    return "'" + str(path).replace("'", "''") + "'"


def _run(connection: duckdb.DuckDBPyConnection, sql: str, *, name: str, time_limit_s: float) -> pa.Table:
    alarm = threading.Timer(time_limit_s, connection.interrupt)
    alarm.start()
    try:
        return connection.sql(sql).to_arrow_table()
    except duckdb.InterruptException as exc:
        raise ModuleInvalidError(
            f"The SQL of {name!r} took longer than {time_limit_s:.0f} s.", next_step="make it read less"
        ) from exc
    except duckdb.Error as exc:
        raise ModuleInvalidError(f"The SQL of {name!r} fails: {_without_values(exc)}", next_step="mend it") from None
    finally:
        alarm.cancel()
