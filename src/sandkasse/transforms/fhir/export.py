"""A dataset of the registers as FHIR R4 Bulk Data: one NDJSON file for each type of resource, and the manifest."""

import gzip
import shutil
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import IO

import orjson

from sandkasse.core.errors import InvalidInputError
from sandkasse.core.progress_bar import Progress, no_progress
from sandkasse.core.runner import Runner
from sandkasse.transforms.fhir import contacts, diagnoses, laboratory, medication, patient, procedures, vaccinations
from sandkasse.transforms.fhir.assemble import bytes_of
from sandkasse.transforms.fhir.parts import Part, find_files, split
from sandkasse.transforms.fhir.source import Source, meta

# Patients first: reading them checks every person's pseudonym, on which all other resources rely.
_KINDS = (patient, contacts, diagnoses, procedures, medication, vaccinations, laboratory)
SOURCES: tuple[Source, ...] = tuple(source for kind in _KINDS for source in kind.SOURCES)
TYPES = tuple(dict.fromkeys(source.resource for source in SOURCES))
MANIFEST = "manifest.json"
_ERRORS = "OperationOutcome"
_EVERYONE = "Patient"
# Rows that become text at a time: about 30 MB of it. Our choice.
_BATCH = 50_000
_GZIP_LEVEL = 4  # beyond it gzip takes much longer for a few per cent; our choice
_HOW_MUCH = 1 << 24


@dataclass(frozen=True)
class FhirOptions:
    """What may be chosen about an export.

    Attributes:
        simulated: Whether the persons are simulated: every resource is then marked as test data.
        compress: Whether the files are compressed with gzip.
        address: Where the files will be served; the manifest names them by file name alone without it.
        source: What the manifest says that the data are.
    """

    simulated: bool
    compress: bool = False
    address: str | None = None
    source: str = ""

    def __post_init__(self) -> None:
        if self.address is not None and not self.address.startswith(("https://", "http://")):
            raise InvalidInputError(
                f"The address must begin with https:// or http://, not {self.address!r}.",
                next_step="name the address under which the folder will be served, or leave it out",
            )

    @property
    def ending(self) -> str:
        """The ending of every file of resources."""
        return ".ndjson.gz" if self.compress else ".ndjson"


@dataclass(frozen=True)
class FhirExport:
    """What was written.

    Attributes:
        resources: Number of resources of each type.
        left_out: Number of register rows of each table of which no valid resource could be made.
        n_bytes: Size of all files.
    """

    resources: Mapping[str, int]
    left_out: Mapping[str, int] = field(default_factory=dict)
    n_bytes: int = 0


@dataclass(frozen=True)
class ExportTask:
    """One part to be written: everything that its files depend on.

    Attributes:
        part: The persons.
        options: What was chosen.
        folder: Where the part's files go.
    """

    part: Part
    options: FhirOptions
    folder: Path


@dataclass(frozen=True)
class Written:
    """One part that is written.

    Attributes:
        number: Which part.
        resources: Number of resources of each type.
        left_out: Rows left out of each table.
    """

    number: int
    resources: Mapping[str, int]
    left_out: Mapping[str, int]


def export_fhir(
    source: Path,
    out: Path,
    *,
    options: FhirOptions,
    runner: Runner,
    now: datetime,
    progress: Progress = no_progress,
) -> FhirExport:
    """Write a dataset of the registers as FHIR R4 Bulk Data.

    The resources depend on the dataset only, not on the runner; the manifest names the moment.

    Args:
        source: Folder of the dataset, with its tables in `data/`.
        out: An empty folder; receives `<type>.ndjson` or `<type>.ndjson.gz` for each type, and `manifest.json`.
        options: What was chosen.
        runner: Where the parts are written.
        now: The moment, with its time zone, that the manifest names as that of the data.
        progress: Told of finished resources' parts.

    Returns:
        How many resources were written.

    Raises:
        InvalidInputError: If there are no tables.
        ContractViolationError: If a column is missing, or a pseudonym cannot be an id of FHIR.
        CorruptDatasetError: If a file cannot be read.
        RunInterruptedError: If the run was stopped or a worker died.
    """
    scratch = out / ".parts"
    scratch.mkdir()
    parts = split(find_files(source), scratch / "sorted")
    tasks = [ExportTask(part, options, scratch / f"{part.number:05d}") for part in parts]
    resources: Counter[str] = Counter()
    left_out: Counter[str] = Counter()
    n_persons = 0
    joined = _Joined(out, scratch, options.ending)
    progress(0, len(tasks), "parts")
    for done, written in enumerate(runner.run(write_part, tasks, prepare=_nothing), start=1):
        resources.update(written.resources)
        left_out.update(written.left_out)
        n_persons += written.resources.get(_EVERYONE, 0)
        joined.add(written.number)
        progress(done, len(tasks), "parts")
    shutil.rmtree(scratch)
    _write_errors(out, left_out)
    made = {name: resources[name] for name in sorted(resources, key=TYPES.index) if resources[name]}
    _write_manifest(out, made, left_out, options, now)
    n_bytes = sum(path.stat().st_size for path in out.iterdir())
    return FhirExport(made, {table: count for table, count in sorted(left_out.items()) if count}, n_bytes)


def write_part(task: ExportTask) -> Written:
    """Write one part's resources, one file for each type.

    Returns:
        How many there are.
    """
    task.folder.mkdir(parents=True)
    resources: Counter[str] = Counter()
    left_out: Counter[str] = Counter()
    begin = meta(simulated=task.options.simulated)
    for source in SOURCES:
        if source.resource != _EVERYONE and source.table not in task.part:
            continue
        rows = source.rows(task.part)
        left_out[source.table] += rows.left_out
        resources[source.resource] += len(rows.table)
        with _open(task.folder / (source.resource + task.options.ending), task.options) as file:
            for start in range(0, len(rows.table), _BATCH):
                file.write(bytes_of(source.write(rows.table.slice(start, _BATCH), begin)))
    return Written(task.part.number, dict(resources), {name: count for name, count in left_out.items() if count})


class _Joined:
    """Puts the parts' files together in the order of the parts, each as soon as those before it are there."""

    def __init__(self, out: Path, scratch: Path, ending: str) -> None:
        self._out, self._scratch, self._ending = out, scratch, ending
        self._waiting: set[int] = set()
        self._next = 0

    def add(self, number: int) -> None:
        self._waiting.add(number)
        while self._next in self._waiting:
            folder = self._scratch / f"{self._next:05d}"
            for path in sorted(folder.iterdir()):
                self._append(path)
            folder.rmdir()
            self._waiting.remove(self._next)
            self._next += 1

    def _append(self, path: Path) -> None:
        whole = self._out / path.name
        if whole.exists():  # members of gzip, one after the other, are gzip again
            with path.open("rb") as part, whole.open("ab") as file:
                shutil.copyfileobj(part, file, _HOW_MUCH)
            path.unlink()
        else:
            path.rename(whole)


def _nothing() -> None:
    """Make no preparation."""


@contextmanager
def _open(path: Path, options: FhirOptions) -> Iterator[IO[bytes]]:
    with path.open("ab") as plain:
        if not options.compress:
            yield plain
            return
        # Without name and moment, so that the same data give the same bytes.
        with gzip.GzipFile("", "wb", compresslevel=_GZIP_LEVEL, fileobj=plain, mtime=0) as packed:
            yield packed  # type: ignore[misc]


def _write_errors(out: Path, left_out: Mapping[str, int]) -> None:
    lines = [
        {
            "resourceType": _ERRORS,
            "issue": [
                {
                    "severity": "error",
                    "code": "not-found",
                    "diagnostics": f"{count} rows of {source.table} are left out: they {source.why_left_out}.",
                }
            ],
        }
        for source in SOURCES
        if (count := left_out.get(source.table, 0))
    ]
    if lines:
        (out / f"{_ERRORS}.ndjson").write_bytes(b"".join(orjson.dumps(line) + b"\n" for line in lines))


def _write_manifest(
    out: Path, made: Mapping[str, int], left_out: Mapping[str, int], options: FhirOptions, now: datetime
) -> None:
    base = f"{options.address.rstrip('/')}/" if options.address else ""
    n_errors = sum(1 for count in left_out.values() if count)
    errors = [{"type": _ERRORS, "url": f"{base}{_ERRORS}.ndjson", "count": n_errors}] if n_errors else []
    for name in TYPES:
        if name not in made:
            (out / (name + options.ending)).unlink(missing_ok=True)
    manifest = {
        "transactionTime": now.isoformat(timespec="seconds"),
        "request": f"{base}$export?_outputFormat=application/fhir+ndjson&_type={','.join(made)}",
        "requiresAccessToken": False,
        "output": [
            {"type": name, "url": f"{base}{name}{options.ending}", "count": count} for name, count in made.items()
        ],
        "error": errors,
        "extension": {"source": options.source, "simulated": options.simulated},
    }
    (out / MANIFEST).write_bytes(orjson.dumps(manifest, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))
