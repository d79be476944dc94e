"""Dask clusters that we start ourselves, for one run: on this machine, or as jobs of Slurm or PBS."""

import logging
import os
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import dask
from dask_jobqueue.pbs import PBSCluster
from dask_jobqueue.slurm import SLURMCluster
from distributed import LocalCluster, Status
from distributed.deploy.spec import ProcessInterface

from sandkasse.compute.credentials import make_credentials
from sandkasse.compute.dask_client import Watch, connect, spread
from sandkasse.compute.local import available_processors
from sandkasse.core.errors import InvalidInputError, UpstreamError
from sandkasse.core.runner import Result, Task

System = Literal["slurm", "pbs"]

_HERE = "127.0.0.1"
# Dask always opens a web server beside each process: on this machine only, and without any page.
_NOT_SHOWN = f"{_HERE}:0"
_NO_PAGES: dict[str, list[str]] = {f"distributed.{role}.http.routes": [] for role in ("scheduler", "worker", "nanny")}
_QUEUE_PATIENCE_S = 7 * 24 * 3600.0
_JOB_NAME = "sandkasse"
_LOOK_EVERY_S = 5.0
_QUIET = logging.CRITICAL


@dataclass(frozen=True)
class DaskHere:
    """A Dask cluster of processes on this machine, which nobody else can reach.

    Attributes:
        workers: How many processes; 0 means one for each processor that this process may use.
        logs: Folder in which the workers note what they did.
    """

    workers: int = 0
    logs: Path | None = None

    def __post_init__(self) -> None:
        _check_workers(self.workers)

    def run(
        self, work: Callable[[Task], Result], tasks: Sequence[Task], *, prepare: Callable[[], None]
    ) -> Iterator[Result]:
        """Do every task in the cluster; see `Runner.run`."""
        with _folder(self.logs) as folder, ExitStack() as stack:
            stack.enter_context(dask.config.set(_NO_PAGES))
            security = make_credentials(folder)
            start: Any = LocalCluster
            cluster = stack.enter_context(
                start(
                    n_workers=self.workers or available_processors(),
                    threads_per_worker=1,
                    host=_HERE,
                    protocol="tls://",
                    security=security,
                    dashboard_address=_NOT_SHOWN,
                    scheduler_kwargs={"dashboard": False},
                    silence_logs=_QUIET,
                    local_directory=str(folder),
                )
            )
            client = stack.enter_context(connect(cluster.scheduler_address, security=security))
            yield from spread(client, work, tasks, prepare=prepare, watch=Watch(60.0, self.logs))


@dataclass(frozen=True)
class BatchJobs:
    """A Dask cluster whose workers are jobs of a batch system; the scheduler is in this process.

    What a site needs beside (account, network interface, partition) is said in Dask's own `jobqueue.yaml`.

    Attributes:
        system: Which batch system.
        workers: How many jobs of one processor each, at least 1.
        shared: Folder that every node reaches: credentials, the jobs' output, the workers' notes.
        queue: Queue or partition; the site's default without it.
        time_limit: Of each job, `HH:MM:SS`.
        memory: Of each job.
        interface: Network interface by which the nodes reach this machine; the machine's first without it.
    """

    system: System
    workers: int
    shared: Path
    queue: str | None = None
    time_limit: str = "02:00:00"
    memory: str = "3GB"
    interface: str | None = None

    def __post_init__(self) -> None:
        _check_workers(self.workers)
        if not re.fullmatch(r"\d{1,3}:\d{2}:\d{2}", self.time_limit):
            raise InvalidInputError(
                f"A job's time limit is written HH:MM:SS, not {self.time_limit!r}.", next_step="correct --time-limit"
            )

    def run(
        self, work: Callable[[Task], Result], tasks: Sequence[Task], *, prepare: Callable[[], None]
    ) -> Iterator[Result]:
        """Do every task in jobs; see `Runner.run`."""
        command = _COMMANDS[self.system]
        if shutil.which(command.submit) is None:
            raise UpstreamError(
                f"The command {command.submit} of {command.title} is not on this machine.",
                next_step="run this on a login node of the cluster, or choose another --engine",
            )
        with _folder(self.shared) as secret, ExitStack() as stack:
            stack.enter_context(dask.config.set(_NO_PAGES))
            refusals: list[Exception] = []
            cluster = stack.enter_context(self._start(secret, refusals))
            client = stack.enter_context(connect(cluster.scheduler_address, security=cluster.security))
            cluster.scale(self.workers or 1)
            jobs = _Jobs(cluster, command, self.shared, refusals)
            watch = Watch(_QUEUE_PATIENCE_S, self.shared, jobs.why_none)
            yield from spread(client, work, tasks, prepare=prepare, watch=watch)

    def _start(self, secret: Path, refusals: list[Exception]) -> Any:
        kind: Any = {"slurm": SLURMCluster, "pbs": PBSCluster}[self.system]
        return kind(
            job_cls=_noting(kind.job_cls, refusals),
            cores=1,
            processes=1,
            memory=self.memory,
            walltime=self.time_limit,
            queue=self.queue,
            interface=self.interface,
            job_name=_JOB_NAME,
            log_directory=str(self.shared),
            local_directory=None,
            security=make_credentials(secret),
            silence_logs=_QUIET,
            scheduler_options={"dashboard_address": _NOT_SHOWN, "dashboard": False},
            worker_extra_args=["--dashboard-address", _NOT_SHOWN],
            # The nodes' environment is this one's: the same interpreter, the same settings.
            job_script_prologue=[f"export {name}={os.environ[name]}" for name in ("PYTHONPATH",) if name in os.environ],
        )


@dataclass(frozen=True)
class _Command:
    title: str
    submit: str
    list_jobs: tuple[str, ...]
    over: str


_COMMANDS: dict[System, _Command] = {
    "slurm": _Command("Slurm", "sbatch", ("squeue", "--noheader", "--jobs"), "DUE TO TIME LIMIT"),
    "pbs": _Command("PBS", "qsub", ("qstat",), "exceeded limit"),
}


class _Jobs:
    """The jobs of a run, as the batch system sees them."""

    def __init__(self, cluster: Any, command: _Command, logs: Path, refusals: list[Exception]) -> None:
        self._cluster, self._command, self._logs, self._refusals = cluster, command, logs, refusals
        self._looked = time.monotonic()

    def why_none(self) -> str | None:
        """Say why no worker will come any more; None while jobs wait or run. Asks the batch system now and then.

        Raises:
            UpstreamError: If it refused a job.
        """
        if self._refusals:
            raise _refused(self._refusals[0], self._command)
        if time.monotonic() - self._looked < _LOOK_EVERY_S:
            return None
        self._looked = time.monotonic()
        ids = [job.job_id for job in self._cluster.workers.values() if getattr(job, "job_id", None)]
        if not ids or self._is_any_left(ids):
            return None
        title = self._command.title
        if any(self._command.over in path.read_text(errors="replace") for path in self._logs.glob(f"{_JOB_NAME}*")):
            return f"{title} ended the jobs at their time limit."
        return f"{title} has none of the jobs any more: they ended, failed or were cancelled."

    def _is_any_left(self, ids: list[str]) -> bool:
        for job in ids:
            done = subprocess.run(
                [*self._command.list_jobs, job], capture_output=True, text=True, check=False, timeout=60
            )
            if done.returncode == 0 and job.partition(".")[0] in done.stdout:
                return True
        return False


def _noting(kind: Any, refusals: list[Exception]) -> Any:
    """Give a kind of job that notes why it was refused; Dask itself would only log it, and wait for ever."""

    async def start(self: Any) -> None:
        try:
            await kind.start(self)
        except Exception as exc:
            refusals.append(exc)
            # Whoever waits for workers is told; to the cluster the job is one that has none.
            start_without_job: Any = ProcessInterface.start
            await start_without_job(self)

    async def close(self: Any) -> None:
        await kind.close(self)
        self.status = Status.closed

    return type(kind.__name__, (kind,), {"start": start, "close": close})


def _refused(exc: Exception, command: _Command) -> UpstreamError:
    said = re.search(r"stderr:\n(.+)", str(exc))
    return UpstreamError(
        f"{command.title} refused the job{': ' + said[1] if said else ''}.",
        next_step="look at --queue and --time-limit, and at the site's jobqueue.yaml",
    )


def _check_workers(workers: int) -> None:
    if workers < 0:
        raise InvalidInputError(
            f"The number of workers must be 0 or more, not {workers}.", next_step="leave --workers out"
        )


@contextmanager
def _folder(place: Path | None) -> Iterator[Path]:
    """Give a folder for secrets, which vanishes with the run."""
    if place is not None:
        place.mkdir(parents=True, exist_ok=True, mode=0o700)
    with tempfile.TemporaryDirectory(prefix=".cluster-", dir=place) as folder:
        yield Path(folder)
