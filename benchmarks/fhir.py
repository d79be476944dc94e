"""How fast registers become FHIR R4 Bulk Data, beside one object for each resource.

    python benchmarks/fhir.py --persons 20000

Simulates persons into a temporary folder (before the clock starts), writes them as FHIR with the same code as
`sandkasse transform fhir`, and prints persons, resources and bytes per second of the clock and of the processors. Then,
on a sample of the same resources: writing the same bytes again, making them from dictionaries with orjson alone, and
making them through the models of fhir.resources, the usual way in Python.
"""

import argparse
import os
import resource
import shutil
import sys
import tempfile
import time
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path

import orjson

from sandkasse.cohort import simulate
from sandkasse.compute.local import LocalPool
from sandkasse.core.settings import read_settings
from sandkasse.transforms.fhir import FhirOptions, export_fhir

SAMPLE = 2_000

# This file must not stand in the way of the package fhir.resources.
sys.path = [entry for entry in sys.path if Path(entry or ".").resolve() != Path(__file__).resolve().parent]


def main() -> None:
    """Read the arguments and measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--persons", type=int, nargs="+", default=[2_000, 20_000])
    parser.add_argument("--workers", type=int, default=2)
    arguments = parser.parse_args()
    print(f"Python {sys.version.split()[0]}, {arguments.workers} workers, load {os.getloadavg()[0]:.1f}")
    for n_persons in arguments.persons:
        folder = Path(tempfile.mkdtemp(prefix="sandkasse-bench-fhir-"))
        try:
            _simulate(folder / "registers", n_persons)
            for compress in (False, True):
                _measure(folder, n_persons, arguments.workers, compress=compress)
            _compare(folder / "plain")
        finally:
            shutil.rmtree(folder)


def _simulate(out: Path, n_persons: int) -> None:
    out.mkdir()
    kernels = read_settings(os.environ).kernels
    simulate.simulate_registers(n_persons=n_persons, seed=1, out=out, truth=None, runner=LocalPool(), cache=kernels)


def _measure(folder: Path, n_persons: int, workers: int, *, compress: bool) -> None:
    out = folder / ("packed" if compress else "plain")
    out.mkdir()
    begun, cpu = time.perf_counter(), _cpu()
    made = export_fhir(
        folder / "registers",
        out,
        options=FhirOptions(simulated=True, compress=compress),
        runner=LocalPool(workers),
        now=datetime.now(UTC),
    )
    wall, cpu = time.perf_counter() - begun, _cpu() - cpu
    resources = sum(made.resources.values())
    print(
        f"{n_persons:>9,} persons  {resources:>11,} resources  {made.n_bytes / 2**20:>7,.0f} MiB"
        f"{' gzip' if compress else '     '}  {wall:6.1f} s  {n_persons / wall:>7,.0f} persons/s  "
        f"{resources / wall:>9,.0f} resources/s  {cpu:6.1f} CPU-s  {n_persons / cpu:>7,.0f} persons/CPU-s  "
        f"peak {resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024:,.0f} MiB a worker"
    )


def _compare(folder: Path) -> None:
    begun = time.process_time()
    for path in folder.glob("*.ndjson"):
        content = path.read_bytes()
        (folder / "again").write_bytes(content)
    spent = time.process_time() - begun
    print(f"{'':>9}  merely reading and writing the same bytes: {spent:.2f} CPU-s")
    for path in sorted(folder.glob("*.ndjson")):
        with path.open("rb") as lines:
            sample = [orjson.loads(line) for line, _ in zip(lines, range(SAMPLE), strict=False)]
        model = getattr(import_module(f"fhir.resources.R4B.{path.stem.lower()}"), path.stem)
        plain = _rate(sample, orjson.dumps)
        modelled = _rate(sample, lambda one, make=model: make.model_validate(one).model_dump_json())
        print(f"{'':>9}  {path.stem:20} orjson alone {plain:>9,.0f}/CPU-s   fhir.resources {modelled:>6,.0f}/CPU-s")


def _rate(sample: list[object], make: object) -> float:
    begun = time.process_time()
    for one in sample:
        make(one)  # type: ignore[operator]
    return len(sample) / (time.process_time() - begun)


def _cpu() -> float:
    mine, below = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    return mine.ru_utime + mine.ru_stime + below.ru_utime + below.ru_stime


if __name__ == "__main__":
    main()
