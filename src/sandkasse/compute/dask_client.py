"""Work on a Dask scheduler, whoever started it: tasks go out a few at a time, results come as they are there."""

import logging
import os
import re
import socket
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from distributed import Client, wait
from distributed.client import FutureCancelledError
from distributed.scheduler import KilledWorker
from distributed.security import Security

from sandkasse.core.errors import InvalidInputError, RunInterruptedError, UpstreamError
from sandkasse.core.runner import Result, Task

CONNECT_TIMEOUT_S = 10.0
PATIENCE_S = 60.0
_FETCH_S = 10.0
_AGAIN = "start it again"
_ADDRESS = re.compile(r"(\w+://)?(\[[^\]]+\]|[^\s:/\[\]]+):\d{1,5}/?")
# Dask's functions say nothing of their types.
_connect: Any = Client
_wait: Any = wait
_LOST = (KilledWorker, FutureCancelledError)


@dataclass(frozen=True)
class DaskScheduler:
    """Workers that somebody else started, reached through their scheduler.

    TLS is configured as Dask documents it, for addresses that begin with `tls://`.

    Attributes:
        address: Of the scheduler, for example `tls://node1:8786`.
        logs: Folder in which the workers note what they did, if they reach it.
        patience_s: How long to wait for a worker when there is none.
    """

    address: str
    logs: Path | None = None
    patience_s: float = PATIENCE_S

    def run(
        self, work: Callable[[Task], Result], tasks: Sequence[Task], *, prepare: Callable[[], None]
    ) -> Iterator[Result]:
        """Do every task on the scheduler's workers; see `Runner.run`."""
        watch = Watch(self.patience_s, self.logs)
        with connect(self.address) as client:
            yield from spread(client, work, tasks, prepare=prepare, watch=watch)


@dataclass
class Watch:
    """Decides when a lack of workers is the end of the run.

    Attributes:
        patience_s: How long there may be no worker.
        logs: Folder in which the workers note what they did.
        why_none: Says why no worker will come any more, in one sentence; None while one may.
        since: When there was last a worker.
    """

    patience_s: float
    logs: Path | None = None
    why_none: Callable[[], str | None] = lambda: None
    since: float = field(default_factory=time.monotonic)

    def look(self, n_workers: int) -> None:
        """Take note of the number of workers.

        Raises:
            RunInterruptedError: If there has been none for too long, or none will come.
        """
        now = time.monotonic()
        if n_workers:
            self.since = now
            return
        why = self.why_none()
        if why is None and now - self.since >= self.patience_s:
            why = f"No worker has been there for {self.patience_s:.0f} seconds."
        if why is not None:
            raise RunInterruptedError(f"{why}{self.place}", next_step=_AGAIN)

    @property
    def place(self) -> str:
        """Say where the workers' notes are, as a further sentence."""
        return f" The workers' notes are in {self.logs}." if self.logs else ""


@contextmanager
def connect(address: str, *, security: Security | None = None) -> Iterator[Any]:
    """Connect to a scheduler.

    Raises:
        InvalidInputError: If the address is none.
        UpstreamError: If nobody answers there.
    """
    # What goes wrong is told once, by an error; Dask's own log would tell it in many lines, on the user's screen.
    logging.getLogger("distributed").setLevel(logging.CRITICAL)
    no_address = InvalidInputError(
        f"{address!r} is no address of a Dask scheduler that this client can use.",
        next_step="give --scheduler tcp://HOST:PORT, or tls://HOST:PORT with Dask's TLS settings",
    )
    if not _ADDRESS.fullmatch(address):  # a client half made of it would complain when Python ends
        raise no_address
    try:
        client = _connect(address, timeout=CONNECT_TIMEOUT_S, security=security, set_as_default=False)
    except (ValueError, TypeError, RuntimeError) as exc:
        raise no_address from exc
    except OSError as exc:
        raise UpstreamError(
            f"No Dask scheduler answers at {address}.",
            next_step="start one with `dask scheduler` and workers with `dask worker`, and look at the address",
        ) from exc
    try:
        yield client
    finally:
        with suppress(Exception):
            client.close(timeout=5)


def spread(
    client: Any,
    work: Callable[[Task], Result],
    tasks: Sequence[Task],
    *,
    prepare: Callable[[], None],
    watch: Watch,
) -> Iterator[Result]:
    """Do every task on a client's workers; see `Runner.run`.

    A task whose worker is lost is given to another one, as often as
    Dask's `distributed.scheduler.allowed-failures` says.
    """
    left, running = iter(tasks), set[Any]()
    job: Any = _Job(cast(Any, work), prepare, watch.logs, uuid.uuid4().hex)
    try:
        while True:
            threads = client.nthreads()
            for task in _take(left, max(1, 2 * sum(threads.values())) - len(running)):
                running.add(client.submit(job, task, pure=False))
            if not running:
                return
            with suppress(TimeoutError), client.as_current():
                _wait(running, timeout=1, return_when="FIRST_COMPLETED")
            watch.look(len(threads))
            done = {future for future in running if future.done()}
            running -= done
            for future in done:
                if _is_here(future):
                    yield future.result()
                else:
                    running.add(future)
    except _LOST as exc:
        raise RunInterruptedError(
            f"Workers were lost again and again at the same piece of work, perhaps for want of memory.{watch.place}",
            next_step=_AGAIN,
        ) from exc
    except KeyboardInterrupt as exc:
        raise RunInterruptedError("The run was stopped.", next_step=_AGAIN) from exc
    except OSError as exc:
        if client.status == "running":
            raise
        raise RunInterruptedError("The Dask scheduler went away.", next_step=_AGAIN) from exc
    finally:
        with suppress(Exception):
            client.cancel(list(running), force=True)


def _is_here(future: Any) -> bool:
    """Fetch a result; False if its worker went away with it, and Dask lets another one do the task again."""
    try:
        future.result(timeout=_FETCH_S)
    except TimeoutError:
        return bool(future.status == "error")
    except Exception:
        return True  # it is raised where the result is asked for
    return True


def _take(left: Iterator[Task], n: int) -> Iterator[Task]:
    for _, task in zip(range(n), left, strict=False):
        yield task


@dataclass(frozen=True)
class _Job:
    """What a worker does with a task; shows neither in Dask's logs, as a task may hold a secret."""

    work: Callable[[object], object] = field(repr=False)
    prepare: Callable[[], None] = field(repr=False)
    logs: Path | None
    run_id: str

    def __call__(self, task: object) -> object:
        with _LOCK:
            if self.run_id not in _PREPARED:
                begun = time.monotonic()
                self.prepare()
                _PREPARED.add(self.run_id)
                self._note(f"ready after {time.monotonic() - begun:.1f} s")
        begun = time.monotonic()
        try:
            result = self.work(task)
        except BaseException as exc:
            self._note(f"failed with {type(exc).__name__}")
            raise
        self._note(f"one piece of work done in {time.monotonic() - begun:.1f} s")
        return result

    def _note(self, text: str) -> None:
        if self.logs is None:
            return
        with suppress(OSError), _note_path(self.logs).open("a", encoding="utf-8") as handle:
            handle.write(f"{time.strftime('%Y-%m-%dT%H:%M:%S')} {text}\n")


def _note_path(logs: Path) -> Path:
    return logs / f"worker-{socket.gethostname()}-{os.getpid()}.log"


_PREPARED: set[str] = set()
_LOCK = threading.Lock()
