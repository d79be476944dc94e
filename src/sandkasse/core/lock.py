"""One process at a time serves a store (edge: the operating system's file locks)."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from sandkasse.core.errors import StoreInUseError


@contextmanager
def hold_store(folder: Path, *, address: str = "") -> Iterator[None]:
    """Hold the lock of the store whose run folder is `folder`, until the block ends or the process dies.

    Args:
        folder: The store's run folder; made if needed.
        address: Where the holder serves it, so that a second holder can be told.

    Raises:
        StoreInUseError: If another process holds it.
    """
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    path = folder / "site.lock"
    with path.open("a+", encoding="ascii") as handle:
        try:
            _lock(handle)
        except OSError as exc:
            handle.seek(0)
            process, _, served_at = handle.read().strip().partition(" ")
            raise StoreInUseError(
                f"The store {folder.parent} is already served by process {process or 'unknown'}.",
                next_step=f"{f'open {served_at}, ' if served_at else ''}stop it with Ctrl-C, or: up --home ANOTHER-FOLDER",
            ) from exc
        handle.seek(0)
        handle.truncate()
        handle.write(f"{os.getpid()} {address}")
        handle.flush()
        yield


if sys.platform == "win32":
    import msvcrt

    def _lock(handle: IO[str]) -> None:
        # The byte lies far behind the process number, which others may still read.
        handle.seek(1 << 20)
        msvcrt.locking(handle.fileno(), msvcrt.LK_NBLCK, 1)

else:
    import fcntl

    def _lock(handle: IO[str]) -> None:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
