"""Simulate a cohort's registers and the truth behind them, shard by shard; a run that was stopped goes on."""

import json
import shutil
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from importlib.resources import files
from pathlib import Path

import pyarrow.parquet as pq

from sandkasse.catalogue.partial import translate_full_disk
from sandkasse.cohort.kernels import cache_folder, is_compiled
from sandkasse.cohort.run_folder import (
    CHECKSUMS_FILE,
    Keep,
    Manifest,
    RunFolder,
    describe_run,
    measure_model,
    measure_software,
    open_run,
    place_tree,
    to_checksums,
)
from sandkasse.cohort.shards import (
    Consumer,
    MadeShard,
    Options,
    ShardRecord,
    ShardTask,
    land_file,
    make_shard,
    prepare,
    write_shard,
)
from sandkasse.core.errors import (
    InvalidInputError,
    RunInterruptedError,
    SandkasseError,
    StorageFullError,
    UpstreamError,
)
from sandkasse.core.progress_bar import Progress, no_progress
from sandkasse.core.runner import Runner

__all__ = [
    "CONTRACT_NAME",
    "SHARD_PERSONS",
    "Consumer",
    "Keep",
    "MadeShard",
    "Options",
    "Plan",
    "ShardTask",
    "Simulated",
    "cache_folder",
    "contract_path",
    "make_shard",
    "prepare",
    "prepare_worker",
    "run_plan",
    "simulate_registers",
    "write_shard",
]

SHARD_PERSONS = 5_000
CONTRACT_NAME = "dk-registers"
COMPILING = "persons (compiling the simulator, once)"
_MOST_PERSONS = 50_000_000


@dataclass(frozen=True)
class Plan:
    """A cohort that is to be made.

    Attributes:
        n_persons: Number of persons, at least 1.
        seed: Seed of the cohort, in [0, 2**64); never shown.
        seed_shown: What stands for the seed in the run folder: the seed itself, or the commitment to a secret one.
        options: What was chosen.
        keep: Whether the tables are kept; their checksums always are.
        consume: Takes each shard's tables where they are made; a function of a module, or an object of its class.

    Raises:
        InvalidInputError: If a number is out of range.
    """

    n_persons: int
    seed: int = field(repr=False)
    seed_shown: str | None = None
    options: Options = field(default_factory=Options)
    keep: Keep = "all"
    consume: Consumer | None = None

    def __post_init__(self) -> None:
        if not 1 <= self.n_persons <= _MOST_PERSONS:
            raise InvalidInputError(
                f"The number of persons must lie between 1 and {_MOST_PERSONS:,}, not {self.n_persons:,}.",
                next_step="choose --persons in this range",
            )
        if not 0 <= self.seed < 2**64:
            raise InvalidInputError("The seed must lie between 0 and 2**64 - 1.", next_step="choose another --seed")
        if self.keep not in ("all", "none"):
            raise InvalidInputError(f"There is no way to keep {self.keep!r}.", next_step="choose --keep all or none")

    def to_manifest(self) -> Manifest:
        """Say what the run folder must hold to be this plan's."""
        shown = str(self.seed) if self.seed_shown is None else self.seed_shown
        return describe_run(
            self.n_persons, shard_persons=SHARD_PERSONS, seed=shown, options=self.options, keep=self.keep
        )

    def tasks(self) -> list[ShardTask]:
        """Give its shards, without folders."""
        starts = range(0, self.n_persons, SHARD_PERSONS)
        ends = (min(start + SHARD_PERSONS, self.n_persons) for start in starts)
        return [
            ShardTask(number, persons, self.seed, self.options, consume=self.consume)
            for number, persons in enumerate(zip(starts, ends, strict=True))
        ]


@dataclass(frozen=True)
class Simulated:
    """What was made.

    Attributes:
        n_persons: Number of persons.
        rows: Rows of each table, registers and truth.
        sha256: Checksum over all parts of all shards; the same for the same plan on any engine.
        n_shards: Number of shards.
        n_continued: How many of them an earlier, interrupted run had finished.
    """

    n_persons: int
    rows: Mapping[str, int] = field(default_factory=dict)
    sha256: str = ""
    n_shards: int = 0
    n_continued: int = 0


def contract_path() -> Path:
    """Give the contract that the registers keep."""
    return Path(str(files("sandkasse.cohort") / "registers" / "contract.yaml"))


@contextmanager
def run_plan(
    plan: Plan, folder: Path, *, runner: Runner, cache: Path, progress: Progress = no_progress
) -> Iterator[tuple[Simulated, RunFolder]]:
    """Make a cohort in a run folder, or finish what an interrupted run left there; bytes do not depend on which.

    The folder then holds `registers/` (contract and data) and `truth/`, if the tables are kept, and `checksums.json`.
    It stays locked until the block ends; the caller puts the files in their place and removes it.

    Args:
        plan: What is to be made.
        folder: The run folder; it need not exist.
        runner: Where the shards are made.
        cache: Where compiled kernels are kept (`Settings.kernels`); they are compiled first if they are not there.
        progress: Told of finished persons; its unit says so while the simulator is being compiled.

    Raises:
        InvalidInputError: If another plan's run is unfinished in the folder.
        RunInterruptedError: If the run was stopped or workers died; finished shards are kept.
        StorageFullError: If the disk fills up; finished shards are kept.
        StoreInUseError: If another process is at work in the folder.
    """
    with open_run(folder, plan.to_manifest()) as run:
        records = run.finished(progress=progress)
        n_continued = len(records)
        _make_missing(plan, run, records, runner=runner, cache=cache, progress=progress)
        yield _finish(plan, run, records, n_continued), run


def simulate_registers(  # noqa: PLR0913
    *,
    n_persons: int,
    seed: int,
    out: Path,
    truth: Path | None,
    runner: Runner,
    cache: Path,
    options: Options | None = None,
    progress: Progress = no_progress,
) -> Simulated:
    """Simulate persons and write their registers, and the truth behind them, as Parquet, all or nothing.

    The files depend on persons, seed and options only, not on the runner. A run that can be continued is `run_plan`.

    Args:
        n_persons: Number of persons, at least 1.
        seed: Seed of the cohort, in [0, 2**64).
        out: An empty folder; receives `contract.yaml` and `data/<table>/part-00000.parquet`, ….
        truth: A folder; receives `persons.parquet`, `events.parquet` and `traps.parquet`.
        runner: Where the shards are made.
        cache: Where compiled kernels are kept (`Settings.kernels`); they are compiled first if they are not there.
        options: What was chosen; the defaults otherwise.
        progress: Told of finished persons; its unit says so while the simulator is being compiled.

    Returns:
        How many rows were written.

    Raises:
        InvalidInputError: If a number is out of range.
        RunInterruptedError: If the run was stopped or a worker died.
    """
    plan = Plan(n_persons, seed, options=options or Options())
    folder = out.parent / f".{out.name}.run"
    try:
        with run_plan(plan, folder, runner=runner, cache=cache, progress=progress) as (made, run):
            place_tree(run.folder / "registers", out)
            if truth:
                place_tree(run.folder / "truth", truth)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return made


def _make_missing(
    plan: Plan, run: RunFolder, records: dict[int, ShardRecord], *, runner: Runner, cache: Path, progress: Progress
) -> None:
    missing = _missing(plan, run, records)
    if not missing:
        return
    done = sum(record.n_persons for record in records.values())
    folder = cache_folder(cache)
    try:
        with translate_full_disk(run.folder.name):
            progress(done, plan.n_persons, "persons" if is_compiled(cache) else COMPILING)
            prepare(folder)
            for record in runner.run(write_shard, missing, prepare=partial(prepare_worker, folder, run.manifest)):
                run.remember(record)
                records[record.number] = record
                done += record.n_persons
                progress(done, plan.n_persons, "persons")
    except (KeyboardInterrupt, RunInterruptedError, StorageFullError) as exc:
        raise _interruption(exc, run, len(records), len(plan.tasks())) from exc


def prepare_worker(folder: Path, manifest: Manifest) -> None:
    """Make a worker ready, on whatever machine, and see that it would make the same bytes.

    Raises:
        UpstreamError: If it has another version of the simulator or of what it stands on.
    """
    here = replace(manifest, model=measure_model(), software=measure_software())
    if here != manifest:
        raise UpstreamError(
            "A worker has another version of Sandkasse or of the software that it stands on.",
            next_step="give every worker the same environment as the machine that starts the run",
        )
    prepare(folder)


def _missing(plan: Plan, run: RunFolder, records: Mapping[int, ShardRecord]) -> Sequence[ShardTask]:
    tasks = [task for task in plan.tasks() if task.number not in records]
    return [replace(task, data=run.data, truth=run.parts) for task in tasks] if plan.keep == "all" else tasks


def _interruption(exc: BaseException, run: RunFolder, n_finished: int, n_shards: int) -> SandkasseError:
    kept = f"{n_finished:,} of {n_shards:,} shards are finished and kept in {run.folder}"
    if isinstance(exc, StorageFullError):
        return StorageFullError(
            f"The disk is full; {kept}.", next_step="make room and give the same command again, or use --keep none"
        )
    cause = exc.message if isinstance(exc, SandkasseError) else "The run was stopped."
    return RunInterruptedError(f"{cause} {kept}.", next_step="give the same command again: it continues from there")


def _finish(plan: Plan, run: RunFolder, records: Mapping[int, ShardRecord], n_continued: int) -> Simulated:
    rows: Counter[str] = Counter()
    for record in records.values():
        for name, part in {**record.registers, **record.truth}.items():
            rows[name] += part.rows
    checksums = to_checksums(run.manifest, records)
    with translate_full_disk(run.folder.name):
        if plan.keep == "all":
            run.clean(records)
            _join_parts(run.parts, run.folder / "truth")
            land_file(contract_path().read_bytes(), run.folder / "registers" / "contract.yaml")
        land_file(json.dumps(checksums).encode(), run.folder / CHECKSUMS_FILE)
    return Simulated(plan.n_persons, dict(sorted(rows.items())), checksums["sha256"], len(records), n_continued)


def _join_parts(parts: Path, truth: Path) -> None:
    """Join the parts of each truth table into one file, in the order of the shards; the parts stay."""
    for folder in sorted(parts.iterdir()):
        found = sorted(folder.glob("*.parquet"))
        schema = pq.read_schema(found[0])
        beside = truth / f".{folder.name}.joining"
        with pq.ParquetWriter(beside, schema, compression="zstd", store_schema=False) as writer:
            for part in found:
                writer.write_table(pq.read_table(part, schema=schema))
        beside.replace(truth / f"{folder.name}.parquet")
