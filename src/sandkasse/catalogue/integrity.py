"""Whether a dataset's files are those that were published: by the file system's entries, or by their checksums."""

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from sandkasse.catalogue.card import CONTRACT_FILE, DATA_FOLDER, Card, DatasetFile
from sandkasse.contract import contract_sha256, read_contract
from sandkasse.core.errors import CorruptDatasetError, SandkasseError
from sandkasse.core.hashing import sha256_file
from sandkasse.core.progress_bar import Progress, no_progress

_NAMED_AT_MOST = 3


@dataclass(frozen=True)
class Verified:
    """What a verification looked at; it raises when anything is wrong.

    Attributes:
        card: The dataset's card.
        n_files: Data files whose checksums were compared.
        n_bytes: Bytes that were read.
    """

    card: Card
    n_files: int
    n_bytes: int


def verify_folder(folder: Path, card: Card, *, progress: Progress = no_progress) -> Verified:
    """Compare a dataset's folder with its card: the contract, and the size, checksum and rows of every file.

    Raises:
        CorruptDatasetError: If a file is missing, too many, a link, or not what was published; names the files only.
    """
    faults = [f"{path}: not in the card" for path in find_data_files(folder) - {file.path for file in card.files}]
    faults += _contract_faults(folder, card)
    done = 0
    for file in card.files:
        fault = find_file_fault(folder, file) or _content_fault(folder, file)
        faults += [f"{file.path}: {fault}"] if fault else []
        done += file.bytes
        progress(done, card.bytes, "bytes")
    if faults:
        raise corrupt(card, sorted(faults))
    return Verified(card=card, n_files=len(card.files), n_bytes=card.bytes)


def find_file_fault(folder: Path, file: DatasetFile) -> str | None:
    """Say what is wrong with a file, from the file system's entry alone: quick, and blind to changed bytes."""
    try:
        entry = (folder / file.path).lstat()
    except OSError:
        return "missing"
    if not stat.S_ISREG(entry.st_mode) or _is_linked_folder(folder, file.path):
        return "a link, not a file"
    if entry.st_size != file.bytes:
        return "not the size that was published"
    return None


def corrupt(card: Card, faults: list[str]) -> CorruptDatasetError:
    """Build the error for a dataset whose files are not what was published."""
    shown = "; ".join(faults[:_NAMED_AT_MOST])
    more = f"; and {len(faults) - _NAMED_AT_MOST} more" if len(faults) > _NAMED_AT_MOST else ""
    return CorruptDatasetError(
        f"Dataset {card.reference} is damaged: {shown}{more}.",
        next_step="restore it from where it was published; nothing was changed",
    )


def _content_fault(folder: Path, file: DatasetFile) -> str | None:
    path = folder / file.path
    try:
        if sha256_file(path) != file.sha256:
            return "its checksum is not the published one"
        return None if count_rows(path) == file.rows else "not the number of rows that the card states"
    except pa.ArrowInvalid:
        return "not a Parquet file"
    except OSError:
        return "cannot be read"


def _contract_faults(folder: Path, card: Card) -> list[str]:
    try:
        contract = read_contract(folder / CONTRACT_FILE)
    except (SandkasseError, OSError):
        return [f"{CONTRACT_FILE}: missing, or not a contract"]
    if (folder / CONTRACT_FILE).is_symlink():
        return [f"{CONTRACT_FILE}: a link, not a file"]
    if contract_sha256(contract) != card.contract.sha256:
        return [f"{CONTRACT_FILE}: not the contract that the card names"]
    return []


def count_rows(path: Path) -> int:
    """Count the rows of a Parquet file from its footer alone."""
    return int(pq.read_metadata(path).num_rows)


def find_data_files(folder: Path) -> set[str]:
    """List what lies below a dataset's data folder, as paths relative to it; links are listed, never followed."""
    return {path.relative_to(folder).as_posix() for path in _walk(folder / DATA_FOLDER)}


def _walk(folder: Path) -> Iterator[Path]:
    # Links are given as they are, and never followed.
    if not folder.is_dir() or folder.is_symlink():
        return
    for entry in os.scandir(folder):
        if entry.is_dir(follow_symlinks=False):
            yield from _walk(Path(entry.path))
        else:
            yield Path(entry.path)


def _is_linked_folder(folder: Path, path: str) -> bool:
    parents = Path(path).parents
    return any((folder / parent).is_symlink() for parent in list(parents)[:-1])
