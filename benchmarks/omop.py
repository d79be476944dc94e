"""How fast registers become OMOP, beside reading and writing the same rows alone.

    python benchmarks/omop.py --persons 20000 100000

Simulates persons into a temporary folder (before the clock starts), turns them into OMOP with the same code as
`sandkasse transform omop`, and prints persons and rows per second of the clock and of the processors, and the largest
memory of a process. Beside it stands the cost of writing the same OMOP tables again from memory, part by part: what no
transformation can save. With `--check`, the rules of a well-behaved set are counted too.
"""

import argparse
import os
import resource
import shutil
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import ibis
import pyarrow.parquet as pq

from sandkasse.cohort import simulate
from sandkasse.compute.local import LocalPool
from sandkasse.core.settings import read_settings
from sandkasse.transforms.omop.build import PARQUET, Release, build_omop
from sandkasse.transforms.omop.check import check_omop

PARTS_WRITTEN_AGAIN = 20
TODAY = datetime.now(UTC).date()
RELEASE = Release("Benchmark", "benchmark", "nobody", "Simulated persons", "benchmarks/omop.py", TODAY, TODAY)


def main() -> None:
    """Read the arguments and measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--persons", type=int, nargs="+", default=[5_000, 20_000])
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--registers", type=Path, help="Use these registers; --persons says how many they hold.")
    parser.add_argument("--check", action="store_true")
    arguments = parser.parse_args()
    print(f"Python {sys.version.split()[0]}, DuckDB {duckdb.__version__}, {arguments.workers} workers")
    for n_persons in arguments.persons:
        folder = Path(tempfile.mkdtemp(prefix="sandkasse-bench-omop-"))
        try:
            registers = arguments.registers or _simulate(folder / "registers", n_persons)
            _measure(registers, folder / "omop", n_persons, arguments.workers)
            _write_alone(folder / "omop", folder / "again")
            if arguments.check:
                _check(folder / "omop")
        finally:
            shutil.rmtree(folder)


def _simulate(out: Path, n_persons: int) -> Path:
    out.mkdir()
    kernels = read_settings(os.environ).kernels
    simulate.simulate_registers(n_persons=n_persons, seed=1, out=out, truth=None, runner=LocalPool(), cache=kernels)
    return out


def _measure(registers: Path, out: Path, n_persons: int, workers: int) -> None:
    out.mkdir()
    files = {path.name: sorted(path.glob("*.parquet")) for path in (registers / "data").iterdir()}
    begun, cpu = time.perf_counter(), _cpu()
    made = build_omop(files, out, release=RELEASE, runner=LocalPool(workers))
    wall, cpu = time.perf_counter() - begun, _cpu() - cpu
    read, rows = sum(made.read.values()), sum(made.rows.values())
    peak = max(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)) / 1024
    print(
        f"{n_persons:>9,} persons  {read:>11,} rows read  {rows:>11,} written  {wall:6.1f} s  "
        f"{n_persons / wall:>7,.0f} persons/s  {cpu:6.1f} CPU-s  {n_persons / cpu:>7,.0f} persons/CPU-s  "
        f"peak {peak:,.0f} MiB a process  load {os.getloadavg()[0]:.1f}"
    )
    shares = ", ".join(f"{name} {share:.1%}" for name, share in made.shares.items() if share is not None)
    print(f"          with a standard concept: {shares}")


def _write_alone(omop: Path, again: Path) -> None:
    """Write some parts of each table again from memory, on one thread, with the same settings; reckon the rest."""
    seconds = 0.0
    for folder in sorted(omop.iterdir()):
        (again / folder.name).mkdir(parents=True)
        parts = sorted(folder.iterdir())
        sample, spent = parts[:: max(1, len(parts) // PARTS_WRITTEN_AGAIN)], 0.0
        for part in sample:
            with duckdb.connect() as con:
                con.execute("set threads = 1")
                con.execute(f"create temp table part as select * from read_parquet('{part}')")
                begun = time.process_time()
                con.execute(f"copy part to '{again / folder.name / part.name}' ({PARQUET})")
                spent += time.process_time() - begun
        rows = [sum(pq.read_metadata(part).num_rows for part in listed) for listed in (parts, sample)]
        seconds += spent * rows[0] / max(1, rows[1])
    print(f"          writing the same tables alone: {seconds:.1f} CPU-s")


def _check(omop: Path) -> None:
    connection = ibis.duckdb.connect()
    connection.raw_sql("set enable_progress_bar = false")
    tables = {
        path.name: connection.read_parquet(str(path / "*.parquet"), table_name=path.name) for path in omop.iterdir()
    }
    begun, cpu = time.perf_counter(), time.process_time()
    report = check_omop(tables)
    print(
        f"          {report.rules} rules, {len(report.findings)} broken: "
        f"{time.perf_counter() - begun:.1f} s, {time.process_time() - cpu:.1f} CPU-s"
    )


def _cpu() -> float:
    return sum(
        usage.ru_utime + usage.ru_stime
        for usage in (resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN))
    )


if __name__ == "__main__":
    main()
