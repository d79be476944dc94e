"""What a run will need, before it begins: rows, room on the disk and time, from one shard that is made and measured."""

import time
from dataclasses import dataclass, replace

from sandkasse.cohort.shards import encode_table, make_shard
from sandkasse.cohort.simulate import Plan
from sandkasse.core.errors import StorageFullError

_GIB = 2**30
# A cohort's shards differ by a few per cent, and the truth lies on the disk twice while its parts are joined.
_MARGIN = 1.1


@dataclass(frozen=True)
class Estimate:
    """What a run will need.

    Attributes:
        n_persons: Number of persons.
        rows: Rows of all tables.
        bytes: Room on the disk for tables; none if they are not kept.
        seconds: Time, on workers as quick as this machine is now.
        workers: How many processes were counted with.
    """

    n_persons: int
    rows: int
    bytes: int
    seconds: float
    workers: int


def estimate_run(plan: Plan, *, workers: int) -> Estimate:
    """Estimate what a plan needs, from its middle shard; the compiled kernels are ready.

    Args:
        plan: What is to be made.
        workers: How many processes will work.
    """
    tasks = plan.tasks()
    pilot = replace(tasks[len(tasks) // 2], consume=None)
    begun = time.perf_counter()
    registers, truth = make_shard(pilot)
    sizes = [encode_table(table).size for table in (*registers.values(), *truth.values())]
    took = time.perf_counter() - begun
    share = plan.n_persons / (pilot.persons[1] - pilot.persons[0])
    rows = sum(table.num_rows for table in (*registers.values(), *truth.values()))
    return Estimate(
        n_persons=plan.n_persons,
        rows=round(rows * share),
        bytes=round(sum(sizes) * share) if plan.keep == "all" else 0,
        seconds=took * share / min(workers, len(tasks)),
        workers=min(workers, len(tasks)),
    )


def check_room(estimate: Estimate, *, free: int, present: int = 0) -> None:
    """Refuse a run that the disk cannot hold.

    Args:
        estimate: What the run needs.
        free: Free bytes on the disk.
        present: Bytes that an interrupted run has written already.

    Raises:
        StorageFullError: If there is too little room; says how much is wanted.
    """
    wanted = estimate.bytes * _MARGIN - present
    if wanted > free:
        raise StorageFullError(
            f"{estimate.n_persons:,} persons need about {wanted / _GIB:,.1f} GiB; {free / _GIB:,.1f} GiB are free.",
            next_step="choose another --out on a larger disk, or --keep none to keep the checksums only",
        )
