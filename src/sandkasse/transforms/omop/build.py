"""Running the plan on DuckDB: part by part, each part's persons whole, straight from Parquet to Parquet."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path

import duckdb
import ibis
import pyarrow as pa
import pyarrow.parquet as pq

from sandkasse.core.errors import InvalidInputError
from sandkasse.core.progress_bar import Progress, no_progress
from sandkasse.core.runner import Runner
from sandkasse.transforms.omop import concepts
from sandkasse.transforms.omop.definitions import CDM_VERSION, read_definitions
from sandkasse.transforms.omop.plan import STEPS, Query, compile_queries, unbound
from sandkasse.transforms.omop.registers import REGISTERS, check_population
from sandkasse.transforms.omop.rules import SPANS
from sandkasse.transforms.omop.share import MAIN_CONCEPTS
from sandkasse.transforms.omop.source import connect, divide, find_codes, find_days, name_files
from sandkasse.transforms.omop.vocabulary import CodeMap, canonical, map_codes, read_shipped, vocabulary_tables


@dataclass(frozen=True)
class Release:
    """What cdm_source says about the data.

    Attributes:
        name: Of the source, at most 255 characters.
        abbreviation: At most 25 characters.
        holder: Who holds the data.
        description: What they are.
        reference: Where the transformation is described.
        source_date: Day on which the source was released.
        cdm_date: Day on which this was made.
    """

    name: str
    abbreviation: str
    holder: str
    description: str
    reference: str
    source_date: date
    cdm_date: date


@dataclass(frozen=True)
class Built:
    """What was made.

    Attributes:
        read: Rows of each register table.
        rows: Rows of each OMOP table.
        mapped: Rows of each event table whose concept is a standard concept, that is, not 0.
        vocabulary_version: Of the vocabularies.
    """

    read: Mapping[str, int]
    rows: Mapping[str, int]
    mapped: Mapping[str, int]
    vocabulary_version: str

    @property
    def shares(self) -> dict[str, float | None]:
        """The share of records with a standard concept, of each event table; None for an empty one."""
        return {name: self.mapped[name] / self.rows[name] if self.rows[name] else None for name in self.mapped}


@dataclass(frozen=True)
class PartTask:
    """One part to be made: its files, and the queries that make its tables.

    Attributes:
        number: Which part.
        files: Files of each register table; none where the part has no rows of it.
        schemas: An empty table of each register, for those without files.
        queries: How its tables are made, in order.
        codes: The meaning of the codes.
        out: Where the tables are written.
        threads: How many threads; 0 for all.
    """

    number: int
    files: Mapping[str, tuple[Path, ...]]
    schemas: Mapping[str, pa.Table]
    queries: tuple[Query, ...]
    codes: pa.Table
    out: Path
    threads: int = 1


@dataclass(frozen=True)
class PartResult:
    """Rows of a part's tables, and how many of them have a standard concept."""

    rows: Mapping[str, int]
    mapped: Mapping[str, int] = field(default_factory=dict)


PARQUET = "format parquet, compression zstd, compression_level 1, parquet_version v2"
"""How DuckDB writes every table."""
CodeReader = Callable[[Iterable[tuple[str, str]]], CodeMap]


def build_omop(
    files: Mapping[str, Sequence[Path]],
    out: Path,
    *,
    release: Release,
    runner: Runner,
    read_codes: CodeReader | None = None,
    progress: Progress = no_progress,
) -> Built:
    """Turn register files into the tables of the OMOP Common Data Model 5.4.

    The result is the same however the registers are divided into parts, as long as each person's rows are in one part.

    Args:
        files: Parquet files of each register table; tables that OMOP does not read are passed over.
        out: An empty folder; receives `<table>/part-00000.parquet`, ….
        release: What cdm_source says.
        runner: Where the parts are made.
        read_codes: Reads what codes map to from a user's own vocabularies; the shipped ones alone otherwise.
        progress: Told of finished parts.

    Raises:
        InvalidInputError: If there is no population register, or a person's rows lie in several parts.
    """
    present = {name: tuple(files[name]) for name in REGISTERS if files.get(name)}
    check_population(present)
    found = list(find_codes(present))
    asked = [(vocabulary, canonical(vocabulary, code)) for vocabulary, code in found]
    maps = ([read_codes(asked)] if read_codes else []) + [read_shipped()]
    tasks, once = _tasks(present, map_codes(found, *maps), out)
    rows: Counter[str] = Counter()
    mapped: Counter[str] = Counter()
    progress(0, len(tasks), "parts")
    for done, result in enumerate(runner.run(make_part, tasks, prepare=_nothing), start=1):
        rows.update(result.rows)
        mapped.update(result.mapped)
        progress(done, len(tasks), "parts")
    _check_persons_whole(out)
    rows.update(make_part(once).rows)
    tables = vocabulary_tables(once.codes, *maps) | {"cdm_source": source_table(release, maps[0].version)}
    for name, table in tables.items():
        (out / name).mkdir(parents=True)
        pq.write_table(table, out / name / "part-00000.parquet", compression="zstd", store_schema=False)
        rows[name] = table.num_rows
    read = {name: sum(pq.read_metadata(path).num_rows for path in paths) for name, paths in present.items()}
    return Built(read, dict(sorted(rows.items())), {n: mapped[n] for n in MAIN_CONCEPTS if n in rows}, maps[0].version)


def _tasks(files: Mapping[str, tuple[Path, ...]], codes: pa.Table, out: Path) -> tuple[list[PartTask], PartTask]:
    """Plan the parts, and what is made once for all of them."""
    schemas = {name: pq.read_schema(paths[0]).empty_table() for name, paths in files.items()}
    inputs = unbound(
        {name: ibis.Schema.from_pyarrow(table.schema) for name, table in schemas.items()}, **find_days(files)
    )
    plan = compile_queries(inputs, dialect="duckdb")
    common = {step.name for step in STEPS if step.once}
    queries = tuple(query for query in plan if query.name not in common)
    parts = divide(files)
    threads = 1 if len(parts) > 1 else 0
    tasks = [PartTask(number, part, schemas, queries, codes, out, threads) for number, part in enumerate(parts)]
    once = tuple(query for query in plan if query.name in common)
    return tasks, PartTask(0, files, schemas, once, codes, out, 0)


def make_part(task: PartTask) -> PartResult:
    """Make one part's tables and write them.

    Returns:
        Their rows, and how many of them have a standard concept.
    """
    rows: dict[str, int] = {}
    mapped: dict[str, int] = {}
    with connect() as con:
        if task.threads:
            con.execute(f"set threads = {task.threads}")
        _register(con, task)
        for done, query in enumerate(task.queries, start=1):
            name, sql = query.name, query.sql
            # What no later table reads goes straight to its file.
            if not query.is_omop or any(f'"{name}"' in later.sql for later in task.queries[done:]):
                con.execute(f'create temp table "{name}" as {sql}')
                sql = f'select * from "{name}"'  # noqa: S608  our own names
            if query.is_omop:
                rows[name], known = _write(con, replace(query, sql=sql), task)
                if known is not None:
                    mapped[name] = known
    return PartResult(rows, mapped)


def _write(con: duckdb.DuckDBPyConnection, query: Query, task: PartTask) -> tuple[int, int | None]:
    """Write a part of a table; gives its rows, and how many of them have a standard concept, if it has such a field."""
    table = query.name
    folder = task.out / table
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"part-{task.number:05d}.parquet"
    place = str(path).replace("'", "''")
    con.execute(f"copy ({_ordered(query)}) to '{place}' ({PARQUET})")
    concept = MAIN_CONCEPTS.get(table)
    if concept is None:
        return pq.read_metadata(path).num_rows, None
    name_files(con, "_written", [path])
    counts = f'select count(*), count(*) filter ("{concept}" <> 0) from _written'  # noqa: S608  our own names
    n_rows, n_mapped = con.execute(counts).fetchall()[0]
    return n_rows, n_mapped


def _ordered(query: Query) -> str:
    """Give the query with its rows in order; what is the same in every row is added after the sort."""
    names = [field.name for field in read_definitions()[query.name].fields]
    sorted_ = ", ".join(name for name in names if name not in query.constants)
    shown = ", ".join(f"{query.constants[name]} as {name}" if name in query.constants else name for name in names)
    order = ", ".join(row_order(query.name))
    return f"select {shown} from (select {sorted_} from ({query.sql}) order by {order})"  # noqa: S608  our own names


def row_order(table: str) -> tuple[str, ...]:
    """Give the columns that order a written table: person, first day, key.

    Threads finish in any order; files with the same rows are to have the same bytes.
    """
    fields = read_definitions()[table].fields
    names = [field.name for field in fields]
    keys = [field.name for field in fields if field.is_primary_key]
    first = SPANS.get(table, (None, None))[0]
    wanted = ["person_id" if "person_id" in names else None, first, *keys]
    return tuple(dict.fromkeys(name for name in wanted if name))


def source_table(release: Release, vocabulary_version: str) -> pa.Table:
    """Build cdm_source: its one row."""
    row = {
        "cdm_source_name": release.name[:255],
        "cdm_source_abbreviation": release.abbreviation[:25],
        "cdm_holder": release.holder[:255],
        "source_description": release.description,
        "cdm_etl_reference": release.reference[:255],
        "source_release_date": release.source_date,
        "cdm_release_date": release.cdm_date,
        "cdm_version": CDM_VERSION,
        "cdm_version_concept_id": concepts.CDM_54,
        "vocabulary_version": vocabulary_version[:20],
    }
    return pa.Table.from_pylist([row], schema=read_definitions()["cdm_source"].ibis_schema.to_pyarrow())


def _register(con: duckdb.DuckDBPyConnection, task: PartTask) -> None:
    """Give the registers their names; a register without rows in this part is there, and empty."""
    con.register("_codes", task.codes)
    for name, empty in task.schemas.items():
        paths = task.files.get(name, ())
        if paths:
            name_files(con, name, paths)
        else:
            con.register(name, empty)


def _check_persons_whole(out: Path) -> None:
    with connect() as con:
        name_files(con, "persons", sorted((out / "person").iterdir()))
        found = con.execute("select count(*) - count(distinct person_id) from persons").fetchall()
    if found[0][0]:
        raise InvalidInputError(
            "Rows of one person lie in several parts of the registers.",
            next_step="write each register as one file, or divide all of them by person",
        )


def _nothing() -> None:
    """Workers need no preparation."""
