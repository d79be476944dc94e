"""Simulate a cohort's registers and the truth behind them, shard by shard."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache, partial
from importlib.resources import files
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from sandkasse.cohort.kernels import cache_folder, enable_cache, is_compiled
from sandkasse.cohort.life import simulate_life
from sandkasse.cohort.model import CompiledModel, load_model
from sandkasse.cohort.observation.care import Care, compile_care
from sandkasse.cohort.observation.observe import observe
from sandkasse.cohort.observation.traps import Switches, trap_switches
from sandkasse.cohort.observation.vocabulary import read_parameters
from sandkasse.cohort.registers.emit import Lpr3, Shard, emit_registers, order_by_pnr
from sandkasse.cohort.registers.truth import Names, emit_truth
from sandkasse.core.errors import InvalidInputError
from sandkasse.core.progress_bar import Progress, no_progress
from sandkasse.core.runner import Runner

SHARD_PERSONS = 5_000
CONTRACT_NAME = "dk-registers"
COMPILING = "persons (compiling the simulator, once)"
_MOST_PERSONS = 50_000_000
# Texts that never repeat gain nothing from a dictionary.
_UNIQUE = ("recnum", "dw_ek_kontakt")


@dataclass(frozen=True)
class Options:
    """What may be chosen about a cohort's registers.

    Attributes:
        lpr3: Which delivery of the patient register from 2019 on.
        without_traps: Traps that are switched off; the lives stay the same.
    """

    lpr3: Lpr3 = "a"
    without_traps: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.lpr3 not in ("a", "f"):
            raise InvalidInputError(f"There is no delivery {self.lpr3!r} of LPR3.", next_step="choose a or f")
        trap_switches(self.without_traps)

    @property
    def traps(self) -> Switches:
        """Which traps are on, in the order of `observation.traps.NAMES`."""
        return trap_switches(self.without_traps)


@dataclass(frozen=True)
class ShardTask:
    """One shard to be made: everything that its files depend on.

    Attributes:
        number: Which shard.
        persons: First person and the one after the last.
        seed: Seed of the cohort.
        options: What was chosen.
        data: Folder of the registers' tables.
        truth: Folder of the truth's parts; none are written without it.
    """

    number: int
    persons: tuple[int, int]
    seed: int
    options: Options
    data: Path
    truth: Path | None


@dataclass(frozen=True)
class Simulated:
    """What was written.

    Attributes:
        n_persons: Number of persons.
        rows: Rows of each table, registers and truth.
    """

    n_persons: int
    rows: Mapping[str, int] = field(default_factory=dict)


def contract_path() -> Path:
    """Give the contract that the registers keep."""
    return Path(str(files("sandkasse.cohort") / "registers" / "contract.yaml"))


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
    """Simulate persons and write their registers, and the truth behind them, as Parquet.

    The files depend on persons, seed and options only, not on the runner.

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
    _check_numbers(n_persons, seed)
    parts = truth / ".parts" if truth else None
    tasks = _tasks(n_persons, seed, options or Options(), out / "data", parts)
    folder = cache_folder(cache)
    progress(0, n_persons, "persons" if is_compiled(cache) else COMPILING)
    prepare(folder)
    rows: Counter[str] = Counter()
    done = 0
    for task_rows, persons in runner.run(write_shard, tasks, prepare=partial(prepare, folder)):
        rows.update(task_rows)
        done += persons
        progress(done, n_persons, "persons")
    if truth and parts:
        _join_parts(parts, truth)
    (out / "contract.yaml").write_bytes(contract_path().read_bytes())
    return Simulated(n_persons=n_persons, rows=dict(sorted(rows.items())))


def prepare(folder: Path) -> None:
    """Make this process ready: take the kernels' machine code from the cache, or compile them into it.

    Every worker calls it after the parent has, so that only the parent ever compiles.

    Args:
        folder: Cache of this state of the kernels, as `kernels.cache_folder` names it.
    """
    enable_cache(folder)
    make_shard(ShardTask(0, (0, 2), 0, Options(), Path(), None))


def make_shard(task: ShardTask) -> tuple[dict[str, pa.Table], dict[str, pa.Table]]:
    """Make one shard in memory.

    Returns:
        The registers' tables, and the truth's.
    """
    model, care = _loaded()
    persons = np.arange(*task.persons, dtype=np.int64)
    life = simulate_life(model, persons, seed=task.seed)
    order, pnr = order_by_pnr(life, seed=task.seed)
    traps = task.options.traps
    seen = observe(life, care, glycaemia=model.glycaemia, seed=task.seed, traps=traps, order=order)
    shard = Shard(life=life, seen=seen, order=order, pnr=pnr, words=care.words, seed=task.seed)
    names = Names(model.conditions, model.treatments, model.traits)
    registers = emit_registers(shard, lpr3=task.options.lpr3)
    return registers, emit_truth(shard, names, traps) if task.truth else {}


def write_shard(task: ShardTask) -> tuple[dict[str, int], int]:
    """Make one shard and write its parts.

    Returns:
        Rows of each table, and the number of persons.
    """
    registers, truth = make_shard(task)
    for folder, tables in ((task.data, registers), (task.truth, truth)):
        for name, table in tables.items():
            assert folder is not None
            (folder / name).mkdir(parents=True, exist_ok=True)
            _write(table, folder / name / f"part-{task.number:05d}.parquet")
    rows = {name: table.num_rows for name, table in {**registers, **truth}.items()}
    return rows, task.persons[1] - task.persons[0]


def _write(table: pa.Table, path: Path) -> None:
    coded = [name for name in table.column_names if name not in _UNIQUE and pa.types.is_dictionary(table[name].type)]
    # Without Arrow's own schema in the file, texts are read as plain texts everywhere.
    pq.write_table(table, path, compression="zstd", use_dictionary=coded, store_schema=False)


@lru_cache(maxsize=1)
def _loaded() -> tuple[CompiledModel, Care]:
    model = load_model()
    return model, compile_care(read_parameters(), conditions=model.conditions, treatments=model.treatments)


def _tasks(n_persons: int, seed: int, options: Options, data: Path, truth: Path | None) -> list[ShardTask]:
    starts = range(0, n_persons, SHARD_PERSONS)
    return [
        ShardTask(number, (start, min(start + SHARD_PERSONS, n_persons)), seed, options, data, truth)
        for number, start in enumerate(starts)
    ]


def _check_numbers(n_persons: int, seed: int) -> None:
    if not 1 <= n_persons <= _MOST_PERSONS:
        raise InvalidInputError(
            f"The number of persons must lie between 1 and {_MOST_PERSONS:,}, not {n_persons:,}.",
            next_step="choose --persons in this range",
        )
    if not 0 <= seed < 2**64:
        raise InvalidInputError("The seed must lie between 0 and 2**64 - 1.", next_step="choose another --seed")


def _join_parts(parts: Path, truth: Path) -> None:
    """Join the parts of each truth table into one file, in the order of the shards, and remove them."""
    for folder in sorted(parts.iterdir()):
        found = sorted(folder.glob("*.parquet"))
        schema = pq.read_schema(found[0])
        with pq.ParquetWriter(
            truth / f"{folder.name}.parquet", schema, compression="zstd", store_schema=False
        ) as writer:
            for part in found:
                writer.write_table(pq.read_table(part, schema=schema))
                part.unlink()
        folder.rmdir()
    parts.rmdir()
