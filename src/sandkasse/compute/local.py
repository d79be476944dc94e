"""Work on this machine: a pool of processes, or this very process."""

import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from multiprocessing.connection import wait as wait_for

from sandkasse.core.errors import InvalidInputError, RunInterruptedError
from sandkasse.core.runner import Result, Task

_AGAIN = "start it again; nothing half-written was kept"


@dataclass(frozen=True)
class LocalPool:
    """A pool of processes, which never outlive this one.

    They are begun anew, unless `copies` is asked for and this process can be copied safely.

    Attributes:
        workers: How many processes; 0 means one for each processor that this process may use.
        copies: Whether the processes may be copies of this one, compiled kernels and all, and so at work at once. Only
            for work before which no database was opened: DuckDB's threads do not survive in a copy, its locks do.
    """

    workers: int = 0
    copies: bool = False

    def __post_init__(self) -> None:
        if self.workers < 0:
            raise InvalidInputError(
                f"The number of workers must be 0 or more, not {self.workers}.", next_step="leave --workers out"
            )

    def run(
        self, work: Callable[[Task], Result], tasks: Sequence[Task], *, prepare: Callable[[], None]
    ) -> Iterator[Result]:
        """Do every task in the pool; see `Runner.run`."""
        n_workers = min(self.workers or available_processors(), max(1, len(tasks)))
        pool = ProcessPoolExecutor(
            n_workers,
            mp_context=multiprocessing.get_context("fork" if self.copies and can_copy_itself() else "spawn"),
            initializer=_begin,
            initargs=(prepare,),
        )
        try:
            yield from _results(pool, work, tasks, n_waiting=2 * n_workers)
            pool.shutdown()
        except BrokenProcessPool as exc:
            raise RunInterruptedError(
                "A working process was killed, perhaps for want of memory.", next_step=_AGAIN
            ) from exc
        except KeyboardInterrupt as exc:
            raise RunInterruptedError("The run was stopped.", next_step=_AGAIN) from exc
        finally:
            _stop(pool)


@dataclass(frozen=True)
class InProcess:
    """No pool: every task in this process, one after the other."""

    def run(
        self, work: Callable[[Task], Result], tasks: Sequence[Task], *, prepare: Callable[[], None]
    ) -> Iterator[Result]:
        """Do every task here; see `Runner.run`."""
        try:
            prepare()
            for task in tasks:
                yield work(task)
        except KeyboardInterrupt as exc:
            raise RunInterruptedError("The run was stopped.", next_step=_AGAIN) from exc


def available_processors() -> int:
    """Count the processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def can_copy_itself() -> bool:
    """Say whether this process may be copied safely.

    Threads of Python's own forbid it. Those of compiled libraries do not: Arrow, which has some, begins its own anew in
    the copy; but Python 3.12 and later warn of any.
    """
    if sys.platform != "linux" or threading.active_count() > 1:
        return False
    return sys.version_info < (3, 12) or len(os.listdir("/proc/self/task")) == 1


def _results(
    pool: ProcessPoolExecutor, work: Callable[[Task], Result], tasks: Sequence[Task], *, n_waiting: int
) -> Iterator[Result]:
    """Hand out a few tasks at a time, so that a million of them cost no memory."""
    left = iter(tasks)
    running: set[Future[Result]] = set()
    while True:
        while len(running) < n_waiting and (task := next(left, _NO_TASK)) is not _NO_TASK:
            running.add(pool.submit(work, task))  # type: ignore[arg-type]
        if not running:
            return
        done, running = wait(running, return_when=FIRST_COMPLETED)
        for future in done:
            yield future.result()


_NO_TASK = object()


def _begin(prepare: Callable[[], None]) -> None:
    # Ctrl-C reaches the whole group of processes; the parent alone decides what it means.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_end_with, args=(parent.sentinel,), daemon=True).start()
    prepare()


def _end_with(sentinel: int) -> None:
    wait_for([sentinel])
    os._exit(1)


def _stop(pool: ProcessPoolExecutor) -> None:
    processes = list((getattr(pool, "_processes", None) or {}).values())
    pool.shutdown(wait=False, cancel_futures=True)
    for process in processes:
        if process.is_alive():
            process.terminate()
    for process in processes:
        process.join()
