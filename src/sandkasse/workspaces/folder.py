"""The learner's own folder, touched from outside the sandbox: nothing that they put there leads anywhere else (edge).

A learner can leave links and pipes in their folder, and change it while we work on it. So names are looked up relative
to an open folder, links are never followed, and a file is only ever made where nothing has its name.
"""

import errno
import os
import re
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from sandkasse.core.errors import InvalidInputError, StorageFullError

LARGEST_NOTEBOOK_BYTES = 50 << 20  # our choice: a larger one is left alone
_NAME = re.compile(r"[a-z0-9][a-z0-9._@-]{0,99}")
_HAS_RELATIVE_OPEN = os.open in os.supports_dir_fd  # not on Windows, where only administrators make links
_NO_LINKS = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
_FOLDER = os.O_RDONLY | getattr(os, "O_DIRECTORY", 0) | _NO_LINKS


def learner_folder(workspaces: Path, *, user_id: str, module_id: str) -> Path:
    """Give one person's folder for one module, made if need be, open to nobody else.

    Args:
        workspaces: Where all of them lie; only the last folder below is ever seen by a learner.
        user_id: Whose.
        module_id: For which module.

    Raises:
        InvalidInputError: If an id is not fit for a folder's name.
    """
    for name in (user_id, module_id):
        if not _NAME.fullmatch(name):
            raise InvalidInputError("An id is not fit for a folder's name.", next_step="use a-z, 0-9, '-', '.' and '_'")
    folder = workspaces / user_id / module_id
    for path in (workspaces, folder.parent, folder):
        path.mkdir(parents=True, exist_ok=True, mode=0o700)
    return folder


def copy_notebooks(own: Path, target: Path) -> None:
    """Copy the notebooks that lie directly in the learner's folder to a folder that the learner cannot reach.

    Links, pipes, folders and very large files are left out.
    """
    with _opened(own) as folder:
        for name in folder.names():
            content = folder.read(name) if name.endswith(".ipynb") else None
            if content is not None:
                (target / name).write_bytes(content)


def place_new_files(source: Path, own: Path) -> tuple[str, ...]:
    """Copy what the learner does not have yet into their folder; what has its name already is left as it is.

    Args:
        source: A folder that only we write to, without links.
        own: The learner's folder.

    Returns:
        The files that were placed, relative to the folder.

    Raises:
        StorageFullError: If a file cannot be written; nothing half-written is kept.
    """
    with _opened(own) as folder:
        return tuple(_place_all(source, folder))


def _place_all(source: Path, folder: "_Folder", prefix: str = "") -> Iterator[str]:
    for entry in sorted(source.iterdir()):
        if not entry.is_dir():
            if folder.write_new(entry.name, entry.read_bytes()):
                yield prefix + entry.name
            continue
        folder.make(entry.name)
        # Where the learner has a link or a file of that name, it is theirs to keep.
        with suppress(NotADirectoryError), _opened(entry.name, inside=folder) as inner:
            yield from _place_all(entry, inner, f"{prefix}{entry.name}/")


class _Folder:
    """An open folder; names are looked up in it, whatever its path leads to by then."""

    def __init__(self, path: Path, handle: int | None) -> None:
        self.path = path
        self.handle = handle

    def names(self) -> list[str]:
        return sorted(os.listdir(self.path if self.handle is None else self.handle))

    def open(self, name: str, flags: int) -> int:
        return os.open(self._at(name), flags | _NO_LINKS, 0o600, dir_fd=self.handle)

    def make(self, name: str) -> None:
        with suppress(FileExistsError):
            os.mkdir(self._at(name), 0o700, dir_fd=self.handle)

    def read(self, name: str) -> bytes | None:
        """Read an ordinary file that has no other name; nothing for everything else."""
        try:
            handle = self.open(name, os.O_RDONLY)
        except OSError:
            return None
        about = os.fstat(handle)
        if not stat.S_ISREG(about.st_mode) or about.st_nlink != 1 or about.st_size > LARGEST_NOTEBOOK_BYTES:
            os.close(handle)
            return None
        with os.fdopen(handle, "rb") as file:
            return file.read()

    def write_new(self, name: str, content: bytes) -> bool:
        """Write a file where nothing has its name, whole or not at all; says whether it did."""
        try:
            handle = self.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL)
        except FileExistsError:
            return False
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(content)
        except OSError as exc:
            os.unlink(self._at(name), dir_fd=self.handle)
            raise StorageFullError(
                "A lesson could not be written into the learner's folder.",
                next_step="make room on the disk of the site's store, then press Start again",
            ) from exc
        return True

    def _at(self, name: str) -> str:
        return name if self.handle is not None else str(self.path / name)


@contextmanager
def _opened(name: str | Path, *, inside: _Folder | None = None) -> Iterator[_Folder]:
    """Open a folder without following a link; where the system has no such call, by its path."""
    path = Path(name) if inside is None else inside.path / name
    if not _HAS_RELATIVE_OPEN:
        yield _Folder(path, None)
        return
    try:
        handle = os.open(name, _FOLDER) if inside is None else inside.open(str(name), _FOLDER)
    except OSError as exc:
        if exc.errno == errno.ELOOP:  # what macOS says of a link; Linux says that it is no folder
            raise NotADirectoryError(exc.errno, exc.strerror, str(path)) from exc
        raise
    try:
        yield _Folder(path, handle)
    finally:
        os.close(handle)
