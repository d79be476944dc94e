"""How fast a contract is checked on many rows, half of them failing, inside 2 GB of DuckDB.

    python benchmarks/contract_check.py --rows 100000000
    python benchmarks/contract_check.py --rows 3000000 --pandera FOLDER

Makes a table like the national prescription register (and the persons it refers to) twice in a temporary folder, once
all good, once with every rule broken by half of the rows; checks both in one run; prints JSON; removes the folder.
CPU seconds tell more than wall seconds on a machine that does other work: divided by the cores they are the least that
the wall could show. With --pandera, pandera's Ibis checks of the same columns run beside, in a process of their own;
FOLDER is where `pip install --no-deps --target FOLDER pandera typeguard typing_inspect mypy_extensions` put it.
"""

import argparse
import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import ibis

from sandkasse.contract import CheckReport, check_tables
from sandkasse.contract.load import parse_contract

CONTRACT = """
apiVersion: v3.2.0
kind: DataContract
id: benchmark
version: "1.0.0"
schema:
  - name: persons
    properties:
      - {name: pnr, logicalType: string, primaryKey: true}
  - name: dispensings
    properties:
      - {name: recnum, logicalType: string, primaryKey: true, logicalTypeOptions: {minLength: 18, maxLength: 18}}
      - name: pnr
        logicalType: string
        required: true
        relationships: [{to: persons.pnr}]
      - name: eksd
        logicalType: date
        required: true
        logicalTypeOptions: {minimum: '1995-01-01', maximum: '2024-12-31'}
      - name: atc
        logicalType: string
        required: true
        logicalTypeOptions: {pattern: '^[A-Z][0-9]{2}[A-Z]{2}[0-9]{2}$'}
      - {name: volume, logicalType: number, logicalTypeOptions: {exclusiveMinimum: 0, maximum: 1000}}
      - {name: apk, logicalType: integer, logicalTypeOptions: {minimum: 1, maximum: 50}}
      - name: indo
        logicalType: string
        enum: [{value: '0000092'}, {value: '0000276'}, {value: '0000781'}]
"""

# In the failing table each odd row breaks every one of its promises, and repeats the record number of the row before.
ROWS = """
copy (
    select
        lpad((hash(i - {bad}) % 1000000000 * 1000000000 + i - {bad})::varchar, 18, '0') as recnum,
        case when {bad} = 1 and i % 4 = 1 then null
             else lpad(((hash(i) % {persons}) + {bad} * {persons})::varchar, 12, '0') end as pnr,
        case when {bad} = 1 then date '1960-01-01' else date '1995-01-01' end + (i % 10000)::int as eksd,
        (case when {bad} = 1 then 'a1' else 'A1' end) || (i % 10) || 'BA0' || (i % 9) as atc,
        case when {bad} = 1 then -1.0 else 0.5 + (i % 900) end::double as volume,
        (case when {bad} = 1 then 0 else 1 end + {sign} * (i % 40))::int as apk,
        case when {bad} = 1 then '0000000' when i % 3 = 0 then '0000092' when i % 3 = 1 then '0000276' end as indo
    from range({start}, {stop}) t(i)
) to '{file}' (format parquet, compression zstd)
"""


def write_tables(folder: Path, *, rows: int, failing: bool) -> None:
    """Write both tables as Parquet, in parts of at most ten million rows."""
    persons = max(rows // 20, 1)
    (folder / "dispensings").mkdir(parents=True)
    with duckdb.connect() as con:
        con.execute(
            f"copy (select lpad(i::varchar, 12, '0') as pnr from range({persons}) t(i)) to '{folder}/persons.parquet'"
        )
        for part, start in enumerate(range(0, rows, 10_000_000)):
            con.execute(
                ROWS.format(
                    bad="(i % 2)" if failing else "0",
                    sign="(case when i % 2 = 1 then -1 else 1 end)" if failing else "1",
                    persons=persons,
                    start=start,
                    stop=min(start + 10_000_000, rows),
                    file=folder / "dispensings" / f"part-{part:05d}.parquet",
                )
            )


def measure_check(folder: Path, spill: Path, *, values_only: bool = False) -> tuple[dict[str, float], CheckReport]:
    """Check both tables inside 2 GB; seconds of wall and processor, and the report."""
    contract = parse_contract(CONTRACT)
    if values_only:
        contract = replace(contract, tables=(replace(contract.tables[1], keys=(), references=()),))
    con = ibis.duckdb.connect(memory_limit="2GB", temp_directory=str(spill))
    tables: dict[str, Any] = {
        "persons": con.read_parquet(folder / "persons.parquet", table_name="persons"),
        "dispensings": con.read_parquet(folder / "dispensings" / "*.parquet", table_name="dispensings"),
    }
    wall, cpu = time.perf_counter(), time.process_time()
    report = check_tables(contract, {table.name: tables[table.name] for table in contract.tables})
    seconds = {"seconds": time.perf_counter() - wall, "cpu_seconds": time.process_time() - cpu}
    con.disconnect()
    return {name: round(value, 2) for name, value in seconds.items()}, report


PANDERA = """
import json, resource, sys, time, warnings
warnings.simplefilter("ignore")
import ibis
import ibis.expr.datatypes as dt
import pandera.ibis as pa

con = ibis.duckdb.connect(memory_limit="2GB")
data = con.read_parquet(sys.argv[1] + "/dispensings/*.parquet", table_name="dispensings")
schema = pa.DataFrameSchema({
    "recnum": pa.Column(dt.string, pa.Check.str_length(18, 18)),
    "pnr": pa.Column(dt.string, nullable=False),
    "eksd": pa.Column(dt.date, pa.Check.in_range(__import__("datetime").date(1995, 1, 1),
                                                __import__("datetime").date(2024, 12, 31)), nullable=False),
    "atc": pa.Column(dt.string, pa.Check.str_matches("^[A-Z][0-9]{2}[A-Z]{2}[0-9]{2}$"), nullable=False),
    "volume": pa.Column(dt.float64, [pa.Check.gt(0), pa.Check.le(1000)], nullable=True),
    "apk": pa.Column(dt.int32, pa.Check.in_range(1, 50), nullable=True),
    "indo": pa.Column(dt.string, pa.Check.isin(["0000092", "0000276", "0000781"]), nullable=True),
})
wall, cpu, text = time.perf_counter(), time.process_time(), ""
try:
    schema.validate(data, lazy=True)
except pa.errors.SchemaErrors as error:
    text = str(error)
print(json.dumps({
    "seconds": round(time.perf_counter() - wall, 2), "cpu_seconds": round(time.process_time() - cpu, 2),
    "passed": not text, "error_characters": len(text), "error_quotes_values": "a11BA01" in text,
    "peak_rss_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024}))
"""


def measure_pandera(folder: Path, pandera: Path) -> dict[str, Any]:
    """Check the same columns with pandera, in a process of its own."""
    result = subprocess.run(
        [sys.executable, "-c", PANDERA, str(folder)],
        env={**os.environ, "PYTHONPATH": str(pandera)},
        capture_output=True,
        text=True,
        check=False,
    )
    last = result.stdout.strip().splitlines()[-1:] or result.stderr.strip().splitlines()[-1:]
    return json.loads(last[0]) if result.returncode == 0 else {"failed": last}


def main() -> int:
    """Measure, print JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=100_000_000)
    parser.add_argument("--folder", type=Path, help="where the temporary folder is made")
    parser.add_argument("--pandera", type=Path, help="where pandera is installed, to run beside")
    arguments = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the temporary folder goes, too
    result: dict[str, Any] = {"rows": arguments.rows, "cpus": os.cpu_count(), "memory_limit": "2GB"}
    with tempfile.TemporaryDirectory(dir=arguments.folder, prefix="contract-benchmark-") as name:
        for kind in ("good", "failing"):
            folder = Path(name) / kind
            write_tables(folder, rows=arguments.rows, failing=kind == "failing")
            load = round(os.getloadavg()[0], 1)
            seconds, report = measure_check(folder, Path(name) / "spill")
            result[kind] = {
                "load_before": load,
                **seconds,
                "passed": report.passed,
                "findings": {f"{f.column} {f.kind}": f.count for f in report.findings},
            }
            if arguments.pandera:
                result[kind]["values_only"] = measure_check(folder, Path(name) / "spill", values_only=True)[0]
                result[kind]["pandera"] = measure_pandera(folder, arguments.pandera)
            shutil.rmtree(folder)
    result["failing_over_good"] = round(result["failing"]["cpu_seconds"] / result["good"]["cpu_seconds"], 2)
    result["peak_rss_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(json.dumps(result, indent=2))
    return 0 if result["good"]["passed"] and not result["failing"]["passed"] else 1


if __name__ == "__main__":
    sys.exit(main())
