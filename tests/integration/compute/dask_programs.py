"""A Dask scheduler and a worker as programs of their own, on this machine."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

_HERE = ["--host", "127.0.0.1", "--dashboard-address", "127.0.0.1:0"]


@contextmanager
def running_dask(folder: Path, *, n_workers: int = 1, tls: dict[str, Path] | None = None) -> Iterator[str]:
    """Start them, and give the scheduler's address; stop them at the end."""
    protocol = "tls" if tls else "tcp"
    secure = [word for name, path in (tls or {}).items() for word in (f"--tls-{name}", str(path))]
    with ExitStack() as stack:
        log = folder / "scheduler.log"
        command = ["distributed.cli.dask_scheduler", *_HERE, "--protocol", protocol, "--port", "0", *secure]
        scheduler = _start(stack, command, log)
        address = ""
        while not address:
            if scheduler.poll() is not None:
                raise RuntimeError(log.read_text())
            found = re.search(rf"Scheduler at: +({protocol}://\S+)", log.read_text())
            address = found[1] if found else ""
        for number in range(n_workers):
            command = ["distributed.cli.dask_worker", address, *_HERE, "--nthreads", "1", *secure]
            _start(stack, [*command, "--local-directory", str(folder)], folder / f"worker-{number}.log")
        yield address


def _start(stack: ExitStack, command: list[str], log: Path) -> subprocess.Popen[bytes]:
    # Without this, Python keeps what it writes to a file for itself for a while.
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    with log.open("wb") as out:
        process = subprocess.Popen([sys.executable, "-m", *command], stdout=out, stderr=out, env=environment)
    stack.callback(process.wait, 20)
    stack.callback(process.terminate)
    return process
