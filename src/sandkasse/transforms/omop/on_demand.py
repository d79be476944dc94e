"""OMOP where the registers are open already: each table is made in memory when it is first asked for.

For looking and learning, with a cohort that fits into memory; `build_omop` writes files, part by part.
"""

from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path

import ibis
import ibis.expr.operations as ops
import ibis.expr.types as ir
import pyarrow as pa
import sqlglot
from ibis.backends.duckdb import Backend

from sandkasse.catalogue.named_tables import NamedTables
from sandkasse.core.errors import TableNotFoundError
from sandkasse.transforms.omop.build import Release, source_table
from sandkasse.transforms.omop.plan import build_expressions, unbound
from sandkasse.transforms.omop.registers import REGISTERS, check_population
from sandkasse.transforms.omop.source import find_codes, find_days
from sandkasse.transforms.omop.vocabulary import map_codes, read_shipped, vocabulary_tables

_CODES = "_codes"


class OmopTables(NamedTables[ir.Table]):
    """The OMOP form of open registers: `omop.person` or `omop["person"]` is an Ibis table, `omop.tables` lists them.

    The tables live in the registers' own engine, so one query may ask both. They are temporary: nothing is written.

    Args:
        registers: The open register tables by name, all of one engine.
        files: Their files, to be searched for codes.
        release: What cdm_source says.

    Raises:
        InvalidInputError: If there is no population register.
    """

    def __init__(
        self, registers: Mapping[str, ir.Table], files: Mapping[str, Sequence[Path]], *, release: Release
    ) -> None:
        present = {name: registers[name] for name in REGISTERS if name in registers}
        check_population(present)
        self._engine: Backend = present["bef"].get_backend()
        self._registers = tuple(registers)
        read = {name: files[name] for name in present}
        maps = read_shipped()
        codes = map_codes(list(find_codes(read)), maps)
        inputs = unbound({name: table.schema() for name, table in present.items()}, **find_days(read))
        self._expressions = build_expressions(inputs)
        self._ready: dict[str, pa.Table] = {_CODES: codes, "cdm_source": source_table(release, maps.version)}
        self._ready |= vocabulary_tables(codes, maps)
        self._made: set[str] = set()

    @property
    def tables(self) -> tuple[str, ...]:
        """Names of the tables."""
        return tuple(sorted(name for name in {*self._expressions, *self._ready} if not name.startswith("_")))

    def sql(self, query: str) -> pa.Table:
        """Ask in SQL, DuckDB's own; the query may name OMOP tables and registers.

        Args:
            query: One query.

        Returns:
            The answer as an Arrow table.
        """
        # DuckDB's own list of a query's tables fails on views of files.
        for table in sqlglot.parse_one(query, dialect="duckdb").find_all(sqlglot.exp.Table):
            if table.name.lower() in self.tables:
                self._make(table.name.lower())
        return self._engine.con.sql(query).to_arrow_table()

    def __getitem__(self, table: str) -> ir.Table:
        """Give a table.

        Raises:
            TableNotFoundError: If there is no such table; names the nearest.
        """
        if table not in self.tables:
            raise TableNotFoundError.among(
                "OMOP table", table, self.tables, command=f"tables: {', '.join(self.tables)}"
            )
        self._make(table)
        return self._engine.table(table)

    def __repr__(self) -> str:
        return f"OMOP CDM 5.4, made from the registers when asked for: {', '.join(self.tables)}"

    def _repr_html_(self) -> str:
        names = " ".join(f"<code>{escape(name)}</code>" for name in self.tables)
        return (
            "<div style='border-left:4px solid #0f766e;padding:.2em 0 .2em 1em;max-width:72ch'>"
            "<p style='margin:0;font-size:1.15em;font-weight:600'>OMOP Common Data Model 5.4</p>"
            "<p style='margin:.2em 0 .6em'>Made from the open registers; each table when it is first asked for.</p>"
            f"<p style='margin:0'>{names}</p></div>"
        )

    def _make(self, name: str) -> None:
        """Make a table, and before it those that it reads."""
        if name in self._made:
            return
        if name in self._ready:
            self._engine.con.register(name, self._ready[name])
        else:
            expression = self._expressions[name]
            for read in expression.op().find(ops.UnboundTable):
                if read.name not in self._registers:
                    self._make(read.name)
            query = ibis.to_sql(expression, dialect="duckdb")
            self._engine.raw_sql(f'create or replace temp table "{name}" as {query}')
        self._made.add(name)
