"""Folders that appear whole or not at all: written beside their place, flushed to the disk, then renamed."""

import errno
import os
import secrets
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from sandkasse.core.errors import InvalidInputError, StorageFullError, StoreInUseError, UpstreamError

_LOCK = ".publishing.lock"
_MARK = ".partial-"
_FULL = (errno.ENOSPC, errno.EDQUOT)
_FORBIDDEN = (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR, errno.EEXIST)


@contextmanager
def partial_folder(target: Path) -> Iterator[Path]:
    """Give an empty folder beside `target` that becomes `target` when the block ends well, and else vanishes.

    One process at a time writes below one parent; what an earlier process left there half-written is swept first.

    Raises:
        InvalidInputError: If `target` exists, before or after the block.
        StoreInUseError: If another process is writing below the same parent.
        StorageFullError: If the disk fills up inside the block.
        UpstreamError: If this user may not write there.
    """
    with translate_full_disk(target.name):
        _make_parent(target.parent)
        with _hold(target.parent):
            _sweep(target.parent)
            refuse_existing(target)
            partial = target.parent / f".{target.name}{_MARK}{secrets.token_hex(4)}"
            partial.mkdir()
            try:
                yield partial
                _flush(partial)
                _rename(partial, target)
            finally:
                shutil.rmtree(partial, ignore_errors=True)


def write_new_file(path: Path, content: bytes) -> None:
    """Write a file that does not exist yet; it appears whole or not at all.

    Raises:
        InvalidInputError: If there is something at `path`, or its folder cannot be written.
        StorageFullError: If the disk fills up.
    """
    if os.path.lexists(path):
        raise InvalidInputError(f"There is already a file {path}.", next_step="remove it, or choose another name")
    partial = path.with_name(f".{path.name}{_MARK}{secrets.token_hex(4)}")
    with translate_full_disk(path.name):
        try:
            partial.write_bytes(content)
            _flush_entry(partial)
            partial.rename(path)
        except (FileNotFoundError, NotADirectoryError, PermissionError) as exc:
            raise InvalidInputError(
                f"The file {path} cannot be written: {exc.strerror}.", next_step="choose a folder that you may write to"
            ) from exc
        finally:
            partial.unlink(missing_ok=True)


def sweep_partials(parent: Path) -> int:
    """Remove what crashed processes left below `parent`, unless somebody is writing there now; returns how many."""
    if not any(parent.glob(f".*{_MARK}*")):
        return 0
    try:
        with _hold(parent):
            return _sweep(parent)
    except (StoreInUseError, OSError):
        return 0  # being written, or a store that this user may only read


def refuse_existing(target: Path) -> None:
    """Raise if there is something at `target` already."""
    if os.path.lexists(target):
        raise InvalidInputError(
            f"There is already a version {target.name} of {target.parent.name}, and published versions never change.",
            next_step="publish it under the next version",
        )


@contextmanager
def translate_full_disk(what: str) -> Iterator[None]:
    """Turn the many ways in which libraries say that the disk is full into one error."""
    try:
        yield
    except Exception as exc:
        if _says_full(exc):
            raise StorageFullError(
                f"The disk is full; nothing of {what!r} was kept.",
                next_step="make room, or set SANDKASSE_HOME to a folder on a larger disk, and do it again",
            ) from exc
        raise


def _make_parent(parent: Path) -> None:
    try:
        parent.mkdir(parents=True, exist_ok=True)
        (parent / _LOCK).touch()
    except OSError as exc:
        if exc.errno not in _FORBIDDEN:
            raise
        raise UpstreamError(
            f"This user may not write to {parent}: {exc.strerror}.",
            next_step="ask the operator of this machine for the right to write there, or set SANDKASSE_HOME",
        ) from exc


def _says_full(exc: BaseException) -> bool:
    # DuckDB and Arrow wrap the operating system's error in their own, some with the number, some with its text only.
    seen: set[int] = set()
    waiting: list[BaseException | None] = [exc]
    while waiting:
        current = waiting.pop()
        if current is None or id(current) in seen:
            continue
        seen.add(id(current))
        if getattr(current, "errno", None) in _FULL or os.strerror(errno.ENOSPC) in str(current):
            return True
        waiting += [current.__cause__, current.__context__]
    return False


def _sweep(parent: Path) -> int:
    stale = list(parent.glob(f".*{_MARK}*"))
    for folder in stale:
        shutil.rmtree(folder, ignore_errors=True)
    return len(stale)


def _rename(partial: Path, target: Path) -> None:
    refuse_existing(target)
    partial.rename(target)
    _flush_entry(target.parent)


def _flush(folder: Path) -> None:
    for path in sorted(folder.rglob("*"), reverse=True):
        _flush_entry(path)
    _flush_entry(folder)


def _flush_entry(path: Path) -> None:
    if sys.platform == "win32" and path.is_dir():
        return  # directories cannot be opened there
    descriptor = os.open(path, os.O_RDONLY)
    try:
        with suppress(
            PermissionError
        ):  # Windows wants a writable descriptor; a file that is closed is safe enough there
            os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def _hold(parent: Path) -> Iterator[None]:
    path = parent / _LOCK
    with _open_locked(path, parent):
        try:
            yield
        finally:
            # Taken away while it is held: whoever has the old file open finds out below. Windows keeps it: no harm.
            with suppress(OSError):
                path.unlink()


def _open_locked(path: Path, parent: Path) -> IO[bytes]:
    while True:
        handle = path.open("a+b")
        try:
            _lock(handle)
        except OSError as exc:
            handle.close()
            raise StoreInUseError(
                f"Another process is writing to {parent.name} at this moment.",
                next_step="wait until it has finished, then look at `sandkasse dataset list`",
            ) from exc
        with suppress(OSError):
            if os.path.samestat(os.fstat(handle.fileno()), path.stat()):
                return handle
        handle.close()


if sys.platform == "win32":
    import msvcrt

    def _lock(handle: IO[bytes]) -> None:
        msvcrt.locking(handle.fileno(), msvcrt.LK_NBLCK, 1)

else:
    import fcntl

    def _lock(handle: IO[bytes]) -> None:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
