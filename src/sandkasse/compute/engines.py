"""Which engine does the work, chosen by name."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from sandkasse.compute.local import LocalPool
from sandkasse.core.errors import InvalidInputError
from sandkasse.core.runner import Runner

EngineName = Literal["local", "dask", "slurm", "pbs"]


@dataclass(frozen=True)
class Engine:
    """Where work is to be done.

    Attributes:
        name: `local` processes, a `dask` cluster, or jobs of `slurm` or `pbs`.
        workers: Processes or jobs; 0 means one for each processor here, and one job.
        scheduler: Address of a Dask scheduler that runs already; for `dask` only.
        queue: Queue or partition of the jobs.
        time_limit: Of each job, `HH:MM:SS`.
        interface: Network interface by which the jobs reach this machine.
    """

    name: EngineName = "local"
    workers: int = 0
    scheduler: str | None = None
    queue: str | None = None
    time_limit: str | None = None
    interface: str | None = None

    def __post_init__(self) -> None:
        if self.name not in get_args(EngineName):
            known = ", ".join(get_args(EngineName))
            raise InvalidInputError(f"There is no engine named {self.name!r}.", next_step=f"choose one of {known}")
        if self.workers < 0:
            raise InvalidInputError(
                f"The number of workers must be 0 or more, not {self.workers}.", next_step="leave --workers out"
            )
        if self.scheduler is not None and self.name != "dask":
            raise InvalidInputError("A scheduler's address is for Dask.", next_step="add --engine dask")
        jobs_only = {"queue": self.queue, "time-limit": self.time_limit, "interface": self.interface}
        wrong = [name for name, value in jobs_only.items() if value is not None and self.name not in ("slurm", "pbs")]
        if wrong:
            raise InvalidInputError(
                f"--{wrong[0]} is for the jobs of a batch system.", next_step="add --engine slurm or --engine pbs"
            )


def choose_runner(engine: Engine, *, logs: Path) -> Runner:
    """Give the runner of an engine.

    Args:
        engine: What was chosen.
        logs: Folder for what the workers note, where they are not on this machine; every node must reach it.
    """
    if engine.name == "local":
        return LocalPool(engine.workers, copies=True)
    # Dask takes half a second to import.
    from sandkasse.compute import dask_client, dask_clusters  # noqa: PLC0415

    if engine.name == "dask":
        if engine.scheduler is not None:
            return dask_client.DaskScheduler(engine.scheduler, logs)
        return dask_clusters.DaskHere(engine.workers, logs)
    return dask_clusters.BatchJobs(
        engine.name,
        max(1, engine.workers),
        shared=logs,
        queue=engine.queue,
        interface=engine.interface,
        **({} if engine.time_limit is None else {"time_limit": engine.time_limit}),
    )
