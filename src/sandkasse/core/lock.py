"""One process at a time serves a store (edge: the operating system's file locks)."""

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from sandkasse.core.errors import SandkasseError, StoreInUseError, UpstreamError


@contextmanager
def hold_store(folder: Path) -> Iterator[Callable[[str], None]]:
    """Hold the lock of the store whose run folder is `folder`, until the block ends or the process dies.

    Yields:
        A function that takes the address at which the holder serves the store, so that a second holder can be told.

    Raises:
        StoreInUseError: If another process holds it.
        UpstreamError: If the folder cannot be made or written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        handle = (folder / "site.lock").open("a+", encoding="utf-8")
    except OSError as exc:
        raise UpstreamError(
            f"The store {folder.parent} cannot be written: {exc.strerror}.",
            next_step="choose a folder that you may write to: up --home FOLDER, or set SANDKASSE_HOME",
        ) from exc
    with handle:
        try:
            _lock(handle)
        except OSError as exc:
            handle.seek(0)
            process, _, address = handle.read().strip().partition(" ")
            where = f"open {address}, " if address else ""
            raise StoreInUseError(
                f"The store {folder.parent} is already served by process {process or 'unknown'}.",
                next_step=f"{where}stop it with Ctrl-C, or choose another store: up --home FOLDER",
            ) from exc

        def write(address: str) -> None:
            handle.seek(0)
            handle.truncate()
            handle.write(f"{os.getpid()} {address}")
            handle.flush()

        write("")
        yield write


@contextmanager
def hold_file(path: Path, *, busy: SandkasseError | None = None) -> Iterator[None]:
    """Hold a file's lock until the block ends or the process dies; the file is made if it is missing, and stays.

    Args:
        path: The file; its folder is there.
        busy: Raised if another process holds it; without it, this one waits.
    """
    with path.open("a+", encoding="utf-8") as handle:
        try:
            _lock(handle) if busy else _wait(handle)
        except OSError as exc:
            if busy is None:
                raise
            raise busy from exc
        yield


def read_address(folder: Path) -> str:
    """Give the address at which the holder of a store's lock serves it; empty if it said none.

    Args:
        folder: The store's run folder.
    """
    try:
        text = (folder / "site.lock").read_text(encoding="utf-8")
    except OSError:  # Windows lets nobody else open it at some moments
        return ""
    return text.strip().partition(" ")[2]


if sys.platform == "win32":
    import msvcrt

    def _lock(handle: IO[str]) -> None:
        # The byte lies far behind the process number, which others may still read.
        handle.seek(1 << 20)
        msvcrt.locking(handle.fileno(), msvcrt.LK_NBLCK, 1)

    def _wait(handle: IO[str]) -> None:
        handle.seek(1 << 20)
        while True:
            with suppress(OSError):  # gives up after ten seconds
                return msvcrt.locking(handle.fileno(), msvcrt.LK_LOCK, 1)

else:
    import fcntl

    def _lock(handle: IO[str]) -> None:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def _wait(handle: IO[str]) -> None:
        fcntl.flock(handle, fcntl.LOCK_EX)
