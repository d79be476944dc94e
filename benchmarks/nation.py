"""Everyone ever resident 1977-2024, streamed and dropped, with a log: persons and rows per second, memory, checksum.

    python benchmarks/nation.py [--persons N] [--workers 2] [--keep none] [--out FOLDER] [--log nation.log]

Half an hour on two processors. A run that was stopped goes on when the same command is given again with the same --out;
its figures are then those of the rest only, and it says so. With `--keep all` it wants room for the tables.
"""

import argparse
import os
import platform
import sys
import tempfile
import time
from pathlib import Path

from cohort import Memory, cpu_seconds, write_again

from sandkasse.actions.cohorts import CohortRequest, Engine, estimate_cohort, simulate_cohort
from sandkasse.cohort import simulate
from sandkasse.cohort.model import load_model
from sandkasse.core.settings import Settings, read_settings

LOG_EVERY_S = 60.0
SAMPLE = 20


class Log:
    """Lines on the screen and in a file, each with the seconds since the beginning."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("a", encoding="utf-8")
        self._begun = time.perf_counter()
        self._last = 0.0

    @property
    def seconds(self) -> float:
        return time.perf_counter() - self._begun

    def write(self, text: str) -> None:
        line = f"{self.seconds:8.1f} s  {text}"
        print(line, flush=True)
        print(line, file=self._file, flush=True)

    def write_seldom(self, text: str) -> None:
        if self.seconds - self._last >= LOG_EVERY_S:
            self._last = self.seconds
            self.write(text)


def main() -> None:
    """Read the arguments and measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--persons", type=int, default=round(load_model().persons_in_nation))
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--keep", choices=("none", "all"), default="none")
    parser.add_argument("--out", type=Path)
    parser.add_argument("--log", type=Path, default=Path("nation.log"))
    arguments = parser.parse_args()
    settings = read_settings(os.environ)
    log = Log(arguments.log)
    cores, load = os.cpu_count(), os.getloadavg()[0]
    log.write(f"Python {platform.python_version()}, {platform.machine()}, {cores} processors, load {load:.1f}")
    with tempfile.TemporaryDirectory() as folder:
        out = arguments.out or Path(folder) / "nation"
        request = CohortRequest(
            n_persons=arguments.persons,
            out=out,
            seed=1,
            engine=Engine(workers=arguments.workers),
            keep=arguments.keep,
        )
        measure(settings, request, log)
    compare_with_writing(settings, log)


def measure(settings: Settings, request: CohortRequest, log: Log) -> None:
    """Make the cohort once and say what it took."""
    estimate = estimate_cohort(settings, request)
    if estimate is not None:
        log.write(f"estimated: {estimate.rows:,} rows, {estimate.seconds:,.0f} s on {estimate.workers} workers")
    with Memory() as memory:
        begun, cpu, first = time.perf_counter(), cpu_seconds(), [-1]

        def tell(done: int, total: int, unit: str) -> None:
            if unit != "persons":
                return
            first[0] = done if first[0] < 0 else first[0]
            speed = (done - first[0]) / (time.perf_counter() - begun)
            log.write_seldom(f"{done:>10,} of {total:,} persons, {speed:,.0f} a second, peak {memory.look():,.0f} MiB")

        made = simulate_cohort(settings, request, progress=tell).simulated
        wall, cpu = time.perf_counter() - begun, cpu_seconds() - cpu
        peak = memory.look()
    share = 1 - made.n_continued / made.n_shards
    rows, persons = sum(made.rows.values()) * share, made.n_persons * share
    if made.n_continued:
        log.write(f"{made.n_continued:,} of {made.n_shards:,} shards had been made before; the rest:")
    log.write(f"{persons:,.0f} persons, {rows:,.0f} rows in {wall:,.1f} s and {cpu:,.1f} CPU-s")
    log.write(f"{persons / wall:,.0f} persons/s, {rows / wall:,.0f} rows/s, {persons / cpu:,.0f} persons/CPU-s")
    log.write(f"{rows / cpu:,.0f} rows/CPU-s; peak memory of all processes {peak:,.0f} MiB")
    log.write(f"checksum {made.sha256}")


def compare_with_writing(settings: Settings, log: Log) -> None:
    """Make a sample of shards and merely write their rows again; CPU-seconds of all over those of writing."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "registers" / "data").mkdir(parents=True)
        plan = simulate.Plan(SAMPLE * simulate.SHARD_PERSONS, 1)
        cpu = time.process_time()
        for task in plan.tasks():
            simulate.write_shard(simulate.ShardTask(task.number, task.persons, 1, data=folder / "registers" / "data"))
        cpu = time.process_time() - cpu
        writing = write_again(folder / "registers" / "data", folder / "again")
    log.write(f"{SAMPLE} shards: {cpu:.1f} CPU-s in all; {writing.compare(cpu)}")


if __name__ == "__main__":
    sys.exit(main())
