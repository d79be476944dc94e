"""The folder of an unfinished run: what is being made, and which shards are finished.

    <run>/run.json          what is being made; another request is refused
    <run>/shards/00007.json one small file for each finished shard: rows, sizes and checksums
    <run>/registers/data/   parts of the registers' tables
    <run>/truth/.parts/     parts of the truth's tables

A shard counts once its record is there and its parts are as the record says.
"""

import json
import os
import shutil
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from platform import machine, python_version
from typing import Any, Literal

from sandkasse.cohort.shards import Options, Part, ShardRecord, land_file, part_path
from sandkasse.core.errors import InvalidInputError, StoreInUseError
from sandkasse.core.hashing import sha256_file, sha256_value
from sandkasse.core.lock import hold_file
from sandkasse.core.progress_bar import Progress, no_progress

Keep = Literal["all", "none"]

CHECKSUMS_FILE = "checksums.json"
_MANIFEST = "run.json"
_FORMAT = 1
_SOFTWARE = ("llvmlite", "numba", "numpy", "pyarrow", "sandkasse")
_SOURCES = Path(__file__).resolve().parent
_TOP = frozenset({_MANIFEST, "run.lock", "shards", "registers", "truth", "logs", CHECKSUMS_FILE})


@dataclass(frozen=True)
class Manifest:
    """What a run makes: everything that its files depend on.

    Attributes:
        n_persons: Number of persons.
        shard_persons: Persons of one shard.
        seed: The seed, or the commitment to a secret one.
        options: What was chosen.
        keep: Whether the shards' tables are kept.
        model: Checksum of the simulator: sources, parameters and figures.
        software: Versions of what can change a byte.
    """

    n_persons: int
    shard_persons: int
    seed: str
    options: Mapping[str, Any]
    keep: Keep
    model: str
    software: Mapping[str, str]


def describe_run(n_persons: int, *, shard_persons: int, seed: str, options: Options, keep: Keep) -> Manifest:
    """Say what a run makes, here and now."""
    return Manifest(n_persons, shard_persons, seed, options.to_dict(), keep, measure_model(), measure_software())


def measure_software() -> dict[str, str]:
    """Give the versions of what can change a byte, and the family of the processor."""
    versions = {name: version(name) for name in _SOFTWARE}
    return {**versions, "python": python_version(), "machine": machine()}


def measure_model() -> str:
    """Give the checksum of the simulator: every source, parameter and figure that a cohort depends on."""
    paths = [path for path in _SOURCES.rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    paths.append(_SOURCES.parent / "core" / "rng.py")
    return sha256_value({str(path.relative_to(_SOURCES.parent)): sha256_file(path) for path in paths})


@dataclass(frozen=True)
class RunFolder:
    """An open run folder; `open_run` gives it.

    Attributes:
        folder: Where it is.
        manifest: What it makes.
    """

    folder: Path
    manifest: Manifest

    @property
    def data(self) -> Path:
        """Parts of the registers' tables."""
        return self.folder / "registers" / "data"

    @property
    def parts(self) -> Path:
        """Parts of the truth's tables."""
        return self.folder / "truth" / ".parts"

    @property
    def logs(self) -> Path:
        """What the workers write down."""
        return self.folder / "logs"

    def remember(self, record: ShardRecord) -> None:
        """Write down that a shard is finished."""
        land_file(json.dumps(record.to_dict()).encode(), self._record_path(record.number))

    def finished(self, *, progress: Progress = no_progress) -> dict[int, ShardRecord]:
        """Give the finished shards by number, after comparing their parts with their checksums.

        Args:
            progress: Told of checked shards.
        """
        found: dict[int, ShardRecord] = {}
        paths = sorted((self.folder / "shards").glob("[0-9]*.json"))
        for done, path in enumerate(paths, start=1):
            record = _read_record(path)
            if record is not None and path == self._record_path(record.number) and self._is_whole(record):
                found[record.number] = record
            progress(done, len(paths), "finished shards checked")
        return found

    def clean(self, records: Mapping[int, ShardRecord]) -> None:
        """Remove every part that belongs to no finished shard."""
        kept = {path for record in records.values() for path, _ in self._files(record)}
        for folder in (self.data, self.parts):
            for path in folder.rglob("*"):
                if path.is_file() and path not in kept:
                    path.unlink()

    def remove(self) -> None:
        """Remove the folder and all in it."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _record_path(self, number: int) -> Path:
        return self.folder / "shards" / f"{number:05d}.json"

    def _files(self, record: ShardRecord) -> Iterator[tuple[Path, Part]]:
        if self.manifest.keep == "all":
            for folder, tables in ((self.data, record.registers), (self.parts, record.truth)):
                yield from ((folder / part_path(name, record.number), part) for name, part in tables.items())

    def _is_whole(self, record: ShardRecord) -> bool:
        return all(
            path.is_file() and path.stat().st_size == part.bytes and sha256_file(path) == part.sha256
            for path, part in self._files(record)
        )


@contextmanager
def open_run(folder: Path, manifest: Manifest) -> Iterator[RunFolder]:
    """Make a run folder, or go on with one that was left unfinished; one process at a time.

    Raises:
        InvalidInputError: If another run is unfinished there, or the folder is none of a run.
        StoreInUseError: If another process is at work there.
    """
    _make(folder)
    busy = StoreInUseError(
        f"Another process is simulating into {folder} at this moment.", next_step="wait until it has finished"
    )
    with hold_file(folder / "run.lock", busy=busy):
        kept, is_begun = read_manifest(folder), any((folder / "shards").glob("[0-9]*.json"))
        if kept is None:
            _refuse_strangers(folder)
        elif is_begun:
            _refuse_another(folder, kept, _plain(manifest))
        if kept is None or not is_begun:  # what was stopped before its first shard, say by its engine, is nothing yet
            land_file(json.dumps(_plain(manifest), indent=2).encode(), folder / _MANIFEST)
        run = RunFolder(folder, manifest)
        for path in (folder / "shards", run.data, run.logs):
            path.mkdir(parents=True, exist_ok=True)
        (folder / "truth").mkdir(mode=0o700, exist_ok=True)
        run.parts.mkdir(exist_ok=True)
        yield run


def read_manifest(folder: Path) -> dict[str, Any] | None:
    """Read what an unfinished run makes, as plain values; None if there is no run."""
    try:
        kept = json.loads((folder / _MANIFEST).read_bytes())
    except (OSError, ValueError):
        return None
    return kept if isinstance(kept, dict) else None


def to_checksums(manifest: Manifest, records: Mapping[int, ShardRecord]) -> dict[str, Any]:
    """Give the checksums of a finished run as plain values: rows and sha256 by shard and table, and one over all.

    They do not depend on whether the tables were kept, nor on where and in which order the shards were made.
    """
    shards = [records[number].to_dict() for number in sorted(records)]
    made = {name: value for name, value in _plain(manifest).items() if name != "keep"}
    return {**made, "sha256": sha256_value(shards), "shards": shards}


def _plain(manifest: Manifest) -> dict[str, Any]:
    return {"format": _FORMAT, **json.loads(json.dumps(asdict(manifest)))}


def _make(folder: Path) -> None:
    try:
        # A secret seed's truth lies below.
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as exc:
        raise InvalidInputError(
            f"The folder {folder} cannot be made: {exc.strerror}.", next_step="choose another --out"
        ) from exc


def _refuse_strangers(folder: Path) -> None:
    strange = {path.name for path in folder.iterdir()} - _TOP
    if strange or (folder / "shards").exists():
        raise InvalidInputError(
            f"{folder} is no folder of an unfinished run.", next_step="remove it, or choose another --out"
        )


def _refuse_another(folder: Path, kept: Mapping[str, Any], wanted: Mapping[str, Any]) -> None:
    different = sorted(name for name in {*kept, *wanted} if kept.get(name) != wanted.get(name))
    if not different:
        return
    words = {
        "n_persons": "the number of persons",
        "model": "the version of the simulator",
        "software": "the versions of the software",
        "shard_persons": "the size of a shard",
    }
    what = ", ".join(words.get(name, f"the {name}") for name in different)
    raise InvalidInputError(
        f"An unfinished run in {folder} differs in {what}.",
        next_step=f"give the same command as then, or remove {folder} to begin anew, or choose another --out",
    )


def _read_record(path: Path) -> ShardRecord | None:
    try:
        return ShardRecord.from_dict(json.loads(path.read_bytes()))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def place_tree(source: Path, target: Path, *, leaving: Collection[str] = ()) -> None:
    """Put every file below `source` at the same place below `target`, without copying a byte.

    A file is linked where the disk can, so that the source stays whole until the target is; else it is moved.

    Args:
        source: A folder.
        target: A folder; the folders in it are made as they are needed.
        leaving: Names of files and folders that stay behind, as do all hidden ones.
    """
    for path in sorted(source.rglob("*")):
        place = path.relative_to(source)
        if path.is_dir() or any(name.startswith(".") or name in leaving for name in place.parts):
            continue
        goal = target / place
        goal.parent.mkdir(parents=True, exist_ok=True)
        try:
            os.link(path, goal)
        except OSError:
            path.replace(goal)
