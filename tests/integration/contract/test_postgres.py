"""The same check on DuckDB and on a real PostgreSQL gives the same report."""

import os
import pwd
import re
import secrets
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import ibis
import pytest

from sandkasse.contract import check_tables
from sandkasse.contract.load import parse_contract
from sandkasse.contract.pattern import portable_pattern


def find_program(name: str) -> Path | None:
    """Find one of PostgreSQL's server programs, which Debian keeps off the path."""
    found = shutil.which(name)
    kept = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))
    return Path(found) if found else kept[-1] if kept else None


@pytest.fixture(scope="module")
def postgres() -> Iterator[Any]:
    """A PostgreSQL of its own on a socket of its own, stopped and removed afterwards."""
    pytest.importorskip("psycopg", reason="the PostgreSQL driver psycopg is not installed")
    initdb, control = find_program("initdb"), find_program("pg_ctl")
    if initdb is None or control is None:
        pytest.skip("PostgreSQL's initdb and pg_ctl are not installed")
    user = None
    if os.geteuid() == 0:  # PostgreSQL refuses to run as root
        try:
            user = pwd.getpwnam("postgres").pw_name
        except KeyError:
            pytest.skip("PostgreSQL does not run as root, and there is no user named postgres")
    folder = Path(tempfile.mkdtemp(prefix="sk-pg-"))
    password = secrets.token_hex(16)
    (folder / "password").write_text(password)

    def run(*command: object) -> None:
        arguments = [str(part) for part in command]
        subprocess.run(arguments, check=True, capture_output=True, timeout=120, user=user, cwd="/")

    try:
        if user:
            for path in (folder, folder / "password"):
                shutil.chown(path, user)
        run(initdb, "-D", folder / "data", "-A", "scram-sha-256", "--pwfile", folder / "password",
            "-U", "tester", "-E", "UTF8", "--locale", "C.UTF-8", "--no-sync")  # fmt: skip
        run(control, "-D", folder / "data", "-w", "-t", "60", "-l", folder / "log",
            "-o", f"-c listen_addresses='' -k {folder} -c fsync=off", "start")  # fmt: skip
        try:
            con = ibis.postgres.connect(host=str(folder), user="tester", password=password, database="postgres")
            yield con
            con.disconnect()
        finally:
            run(control, "-D", folder / "data", "-w", "-m", "immediate", "stop")
    finally:
        shutil.rmtree(folder)


@pytest.fixture
def duckdb() -> Iterator[Any]:
    con = ibis.duckdb.connect()
    yield con
    con.disconnect()


CONTRACT = r"""
apiVersion: v3.2.0
kind: DataContract
id: engines
version: "1"
schema:
  - name: person
    quality: [{metric: rowCount, mustBeGreaterThan: 50}]
    properties:
      - {name: pnr, logicalType: string, primaryKey: true, logicalTypeOptions: {pattern: '^\d{3}$', maxLength: 3}}
      - {name: sex, logicalType: integer, required: true, enum: [{value: 1}, {value: 2}]}
      - {name: born, logicalType: date, logicalTypeOptions: {minimum: '1900-01-01', exclusiveMaximum: '2025-01-01'}}
      - {name: seen, logicalType: timestamp, logicalTypeOptions: {timezone: false, maximum: '2024-12-31T12:00:00'}}
      - {name: moved, logicalType: timestamp, logicalTypeOptions: {timezone: true, maximum: '2024-12-31T12:00:00Z'}}
      - {name: woke, logicalType: time, logicalTypeOptions: {minimum: '06:00:00'}}
      - {name: alive, logicalType: boolean, enum: [{value: true}]}
      - {name: gone, logicalType: string}
      - {name: grade, logicalType: integer}
  - name: test
    relationships: [{from: [test.pnr, test.sex], to: [person.pnr, person.sex]}]
    properties:
      - name: pnr
        logicalType: string
        relationships: [{to: person.pnr}]
        quality: [{metric: missingValues, arguments: {missingValues: ['000']}, mustBe: 0, severity: warning}]
      - {name: sex, logicalType: integer}
      - {name: value, logicalType: number, logicalTypeOptions: {minimum: 0, exclusiveMaximum: 200.5}, unique: true}
      - {name: count, logicalType: integer, logicalTypeOptions: {minimum: 0}}
      - {name: code, logicalType: string, enum: [{value: "it's"}, {value: 'æ"ø'}]}
"""

# Both engines read the same script.
SCRIPT = """
create table person (pnr text, sex smallint, born date, seen timestamp, moved timestamp with time zone, woke time,
    alive boolean, grade double precision, spare integer);
create table test (pnr text, sex integer, value double precision, count numeric(12, 0), code text);
insert into person values
    ('001', 1, date '1950-01-01', timestamp '2024-12-31 12:00:00', timestamptz '2024-12-31 12:00:00+00', '07:00',
        true, 1, 1),
    ('001', 3, date '1899-12-31', timestamp '2024-12-31 12:00:01', timestamptz '2024-12-31 13:00:01+01', '05:59',
        false, 1, 1),
    ('x1', null, date '2025-01-01', null, timestamptz '2024-12-31 12:59:59+01', null, null, null, null),
    (null, 2, null, null, null, null, null, null, null),
    ('0001', 2, null, null, null, null, null, null, null);
insert into test values
    ('001', 1, 0, 0, 'it''s'), ('001', 2, 200.5, -1, 'its'), ('002', 1, -0.5, 5, 'æ"ø'), (null, 1, 'NaN', null, null),
    ('000', null, 3.5, 1, ''), ('001', 1, 3.5, 1, null);
create table empty (x integer);
"""


def run_script(con: Any, script: str) -> None:
    for statement in script.split(";"):
        if statement.strip():
            con.raw_sql(statement).close() if con.name == "postgres" else con.raw_sql(statement)
    if con.name == "postgres":
        con.con.commit()


def test_both_engines_find_the_same(duckdb: Any, postgres: Any) -> None:
    reports = []
    for con in (duckdb, postgres):
        run_script(con, SCRIPT)
        reports.append(check_tables(parse_contract(CONTRACT), {n: con.table(n) for n in ("person", "test", "empty")}))
    assert reports[0] == reports[1]
    found = {(f.kind, f.column or f.table, f.count) for f in reports[0].findings}
    assert found == {
        ("extra_table", "empty", None),
        ("row_count", "person", 5),
        ("null", "pnr", 1),
        ("pattern", "pnr", 2),
        ("length", "pnr", 1),
        ("broken_key", "pnr", 1),
        ("null", "sex", 1),
        ("unknown_code", "sex", 1),
        ("out_of_range", "born", 1),
        ("out_of_range", "seen", 1),
        ("out_of_range", "moved", 1),
        ("out_of_range", "woke", 1),
        ("unknown_code", "alive", 1),
        ("missing_column", "gone", None),
        ("wrong_type", "grade", None),
        ("extra_column", "spare", None),
        ("broken_reference", "pnr", 2),
        ("missing_value", "pnr", 1),
        ("broken_reference", "pnr, sex", 2),
        ("not_a_number", "value", 1),
        ("out_of_range", "value", 1),
        ("broken_key", "value", 1),
        ("out_of_range", "count", 1),
        ("unknown_code", "code", 2),
    }


PATTERNS = [r"^\d+$", r"\w", r"^\s*$", "a.b", "^a|b$", "[^a]", r"^[\d.]+$", "^$", r"\D", "(?:ab){2,3}", r"^\W$",
            "a{2}", "æ+", r"\$", "[.*+]", "^(a|b)*$", r"\n", "[a-c-]", "x?y+?z*?"]  # fmt: skip
TEXTS = ["", "1", "١", "a", "æ", "b", "a\nb", "axb", "\n", "1\n", "ab", "abab", "abababab", "1.5", " ", "\u00a0", "aa",
         "$", "*", "-", "A", "it's", "\\", "yz", "xyyz", "٣٤", "_", "a b"]  # fmt: skip


def test_patterns_mean_the_same_on_every_engine(duckdb: Any, postgres: Any) -> None:
    rows = ", ".join(f"({i}, '{text.replace(chr(39), chr(39) * 2)}')" for i, text in enumerate(TEXTS))
    script = f"create table words (i integer, word text); insert into words values {rows}"
    for con in (duckdb, postgres):
        run_script(con, script)
    for pattern in PATTERNS:
        portable = portable_pattern(pattern)
        python = [bool(re.search(portable, text)) and not trailing(portable, text) for text in TEXTS]
        for con in (duckdb, postgres):
            words = con.table("words")
            table = words.select("i", found=words.word.re_search(portable)).order_by("i").to_pyarrow()
            assert table["found"].to_pylist() == python, (pattern, con.name)


def trailing(pattern: str, text: str) -> bool:
    """Say whether Python alone finds a match, by letting $ stand before a last line end."""
    return not re.search(pattern.replace("$", r"\Z") if not pattern.startswith("\\$") else pattern, text)
