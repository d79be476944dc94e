"""One shard of a cohort: made in memory, written or handed on, and remembered by its checksums."""

import hashlib
import secrets
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from dataclasses import asdict, dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from sandkasse.cohort.kernels import enable_cache, is_compiled
from sandkasse.cohort.life import simulate_life
from sandkasse.cohort.model import CompiledModel, load_model
from sandkasse.cohort.observation.care import Care, Density
from sandkasse.cohort.observation.compile_care import compile_care
from sandkasse.cohort.observation.observe import observe
from sandkasse.cohort.observation.traps import Switches, Tier, trap_switches
from sandkasse.cohort.observation.vocabulary import read_parameters
from sandkasse.cohort.registers.emit import Lpr3, Shard, emit_registers, order_by_pnr
from sandkasse.cohort.registers.truth import Names, emit_truth
from sandkasse.core.errors import InvalidInputError, UpstreamError
from sandkasse.core.lock import hold_file

Tables = dict[str, pa.Table]

# Texts that hardly repeat gain nothing from a dictionary.
_UNIQUE = ("recnum", "dw_ek_kontakt")
# Days of which many rows in a row share one: compressed best as they are.
_IN_RUNS = ("samplingdate",)


@dataclass(frozen=True)
class Options:
    """What may be chosen about a cohort's registers.

    Attributes:
        lpr3: Which delivery of the patient register from 2019 on.
        without_traps: Traps that are switched off; the lives stay the same.
        tier: `clean`, or `messy` with the faults of real deliveries besides.
        density: `light`, or `register` with every service that comes with a contact in general practice.
    """

    lpr3: Lpr3 = "a"
    without_traps: tuple[str, ...] = ()
    tier: Tier = "clean"
    density: Density = "light"

    def __post_init__(self) -> None:
        if self.lpr3 not in ("a", "f"):
            raise InvalidInputError(f"There is no delivery {self.lpr3!r} of LPR3.", next_step="choose a or f")
        if self.density not in get_args(Density):
            raise InvalidInputError(
                f"There is no density {self.density!r}.", next_step=f"choose {' or '.join(get_args(Density))}"
            )
        trap_switches(self.without_traps, tier=self.tier)

    @property
    def traps(self) -> Switches:
        """Which traps are on, in the order of `observation.traps.NAMES`."""
        return trap_switches(self.without_traps, tier=self.tier)

    def to_dict(self) -> dict[str, Any]:
        """Give the options as plain values, the same for the same choice."""
        return {**asdict(self), "without_traps": sorted(set(self.without_traps))}


@dataclass(frozen=True)
class MadeShard:
    """One shard in memory, as a consumer gets it.

    Attributes:
        number: Which shard.
        registers: The registers' tables.
        truth: The truth's tables.
    """

    number: int
    registers: Tables
    truth: Tables


Consumer = Callable[[MadeShard], None]
"""Takes each shard in the process that made it; a run that was killed may hand the same shard out twice."""


@dataclass(frozen=True)
class ShardTask:
    """One shard to be made: everything that its files depend on.

    Attributes:
        number: Which shard.
        persons: First person and the one after the last.
        seed: Seed of the cohort; it may be secret and is never shown.
        options: What was chosen.
        data: Folder of the registers' tables; none are written without it.
        truth: Folder of the truth's parts; none are written without it.
        consume: Takes the tables, whether they are written or not.
    """

    number: int
    persons: tuple[int, int]
    seed: int = field(repr=False)
    options: Options = field(default_factory=Options)
    data: Path | None = None
    truth: Path | None = None
    consume: Consumer | None = field(default=None, repr=False)


@dataclass(frozen=True)
class Part:
    """One table of one shard, as a Parquet file would hold it.

    Attributes:
        rows: Number of rows.
        bytes: Size of the file.
        sha256: Its checksum, hexadecimal.
    """

    rows: int
    bytes: int
    sha256: str


@dataclass(frozen=True)
class ShardRecord:
    """What is remembered of a finished shard.

    Attributes:
        number: Which shard.
        persons: First person and the one after the last.
        registers: Its parts by table.
        truth: The truth's parts by table.
    """

    number: int
    persons: tuple[int, int]
    registers: Mapping[str, Part]
    truth: Mapping[str, Part]

    @property
    def n_persons(self) -> int:
        """Number of persons."""
        return self.persons[1] - self.persons[0]

    def to_dict(self) -> dict[str, Any]:
        """Give the record as plain values."""
        return asdict(self)

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> "ShardRecord":
        """Read a record that `to_dict` gave.

        Raises:
            KeyError, TypeError, ValueError: If it is none.
        """
        kinds = ({name: Part(**part) for name, part in plain[kind].items()} for kind in ("registers", "truth"))
        first, after = plain["persons"]
        return cls(int(plain["number"]), (int(first), int(after)), *kinds)


def prepare(folder: Path) -> None:
    """Make this process ready: take the kernels' machine code from the cache, or compile them into it.

    One process at a time does so in one folder, so that each machine compiles once, whoever comes first.

    Args:
        folder: Cache of this state of the kernels, as `kernels.cache_folder` names it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with nullcontext() if is_compiled(folder.parent) else hold_file(folder / ".compiling"):
        enable_cache(folder)
        make_shard(ShardTask(0, (0, 2), 0))


def make_shard(task: ShardTask) -> tuple[Tables, Tables]:
    """Make one shard in memory.

    Returns:
        The registers' tables, and the truth's.
    """
    model, care = _loaded(task.options.density)
    persons = np.arange(*task.persons, dtype=np.int64)
    life = simulate_life(model, persons, seed=task.seed)
    order, pnr = order_by_pnr(life, seed=task.seed)
    traps = task.options.traps
    seen = observe(life, care, glycaemia=model.glycaemia, seed=task.seed, traps=traps, order=order)
    shard = Shard(life=life, seen=seen, order=order, pnr=pnr, words=care.words, seed=task.seed)
    names = Names(model.conditions, model.treatments, model.traits)
    return emit_registers(shard, lpr3=task.options.lpr3), emit_truth(shard, names, traps)


def write_shard(task: ShardTask) -> ShardRecord:
    """Make one shard, write its parts if the task names folders, and hand it to the task's consumer.

    A part appears whole or not at all.

    Raises:
        UpstreamError: If this process does not see the run's folder.
    """
    registers, truth = make_shard(task)
    record = ShardRecord(
        number=task.number,
        persons=task.persons,
        registers={name: _keep(table, task.data, part_path(name, task.number)) for name, table in registers.items()},
        truth={name: _keep(table, task.truth, part_path(name, task.number)) for name, table in truth.items()},
    )
    if task.consume:
        task.consume(MadeShard(task.number, registers, truth))
    return record


def part_path(table: str, number: int) -> Path:
    """Name the file of one shard's table, within the folder of all tables."""
    return Path(table) / f"part-{number:05d}.parquet"


def parquet_settings(table: pa.Table) -> dict[str, Any]:
    """Choose how each column is encoded, by its type alone; arguments of `pyarrow.parquet.write_table`.

    Measured on a shard: the smallest and extremes of texts in a dictionary cost as much as writing them, and with
    persons in random order no reader can skip anything by them. Repeated measurements and packs want a dictionary, days
    their differences.

    Args:
        table: Its texts may be plain or in dictionaries.
    """
    texts = {name for name in table.column_names if _is_text(table.schema.field(name).type)}
    unique = {name for name in texts if name in _UNIQUE}
    floats = {field.name for field in table.schema if pa.types.is_floating(field.type)}
    days = {field.name for field in table.schema if pa.types.is_temporal(field.type)} - {*_IN_RUNS}
    coded = (texts - unique) | floats
    return {
        "compression": "zstd",
        "use_dictionary": sorted(coded),
        "column_encoding": dict.fromkeys(sorted(days), "DELTA_BINARY_PACKED")
        | dict.fromkeys(sorted(unique), "DELTA_LENGTH_BYTE_ARRAY"),
        "write_statistics": [name for name in table.column_names if name not in texts | floats],
        # Without Arrow's own schema in the file, texts are read as plain texts everywhere.
        "store_schema": False,
    }


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_dictionary(kind) or pa.types.is_string(kind))


def encode_table(table: pa.Table) -> pa.Buffer:
    """Give a table as the bytes of a Parquet file."""
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, **parquet_settings(table))
    return sink.getvalue()


def land_file(content: bytes | pa.Buffer, path: Path) -> None:
    """Write a file, or replace it; it appears whole or not at all."""
    beside = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        beside.write_bytes(content)
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)


def _keep(table: pa.Table, folder: Path | None, name: Path) -> Part:
    content = encode_table(table)
    if folder is not None:
        if not folder.is_dir():
            raise UpstreamError(
                "A worker does not see the folder that the cohort is written to.",
                next_step="choose an --out on a disk that every worker reaches, or --keep none",
            )
        (folder / name.parent).mkdir(exist_ok=True)
        land_file(content, folder / name)
    return Part(rows=table.num_rows, bytes=content.size, sha256=hashlib.sha256(content).hexdigest())


@lru_cache(maxsize=2)
def _loaded(density: Density) -> tuple[CompiledModel, Care]:
    model = load_model()
    care = compile_care(
        read_parameters(),
        conditions=model.conditions,
        treatments=model.treatments,
        recurring=model.recurring,
        traits=model.traits,
        density=density,
    )
    return model, care
