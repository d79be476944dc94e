"""Acts on OMOP: turn registers into it, and hold any OMOP data set against the rules of a well-behaved set."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

import ibis

from sandkasse.actions.datasets import open_store, show_dataset
from sandkasse.actions.transforms import REGISTERS, Source, find_source
from sandkasse.catalogue.card import DATA_FOLDER, Card, CardDraft, Citation
from sandkasse.catalogue.open import Dataset
from sandkasse.catalogue.partial import partial_folder
from sandkasse.compute.local import LocalPool
from sandkasse.contract import write_contract
from sandkasse.core.clock import Clock, system_clock
from sandkasse.core.errors import InvalidInputError
from sandkasse.core.hashing import sha256_file
from sandkasse.core.progress_bar import Progress, no_progress
from sandkasse.core.provenance import record_provenance
from sandkasse.core.settings import Settings
from sandkasse.transforms.omop.athena import read_athena
from sandkasse.transforms.omop.build import Built, Release, build_omop
from sandkasse.transforms.omop.check import Finding, OmopReport, check_omop
from sandkasse.transforms.omop.contract import omop_contract
from sandkasse.transforms.omop.on_demand import OmopTables
from sandkasse.transforms.omop.source import count_persons
from sandkasse.transforms.omop.vocabulary import CodeMap

_PACKAGES = ("duckdb", "ibis-framework", "pyarrow")
_CITATION = Citation(
    text="Observational Health Data Sciences and Informatics. OMOP Common Data Model, version 5.4, "
    "https://ohdsi.github.io/CommonDataModel/cdm54.html"
)
_PAGE = "docs/reference/omop.md"


@dataclass(frozen=True)
class OmopRequest:
    """A transformation to OMOP that somebody wants.

    Attributes:
        source: A dataset's id, `<id>@<version>`, or a folder with `contract.yaml` and `data/`.
        out: Folder to be made; none if it is published only.
        athena: The user's own download of the vocabularies.
        publish: Whether the result goes into the catalogue, beside its source.
        workers: Number of processes, 0 for one a processor.
    """

    source: str
    out: Path | None = None
    athena: Path | None = None
    publish: bool = False
    workers: int = 0


@dataclass(frozen=True)
class OmopResult:
    """What was made.

    Attributes:
        built: Rows, and the share of records with a standard concept.
        folder: Where it lies.
        card: Its card, if it was published.
    """

    built: Built
    folder: Path
    card: Card | None


def transform_to_omop(
    settings: Settings, request: OmopRequest, *, progress: Progress = no_progress, clock: Clock = system_clock
) -> OmopResult:
    """Turn registers into the OMOP Common Data Model 5.4, in a new folder or a new dataset, whole or not at all.

    Raises:
        DatasetNotFoundError: If there is no such dataset or folder.
        InvalidInputError: If it is not a dataset of the registers, the folder exists, neither a folder nor `publish` is
            asked for, or the Athena download cannot be used.
        RunInterruptedError: If the run was stopped; nothing is left then.
        StorageFullError: If the disk fills up; nothing is left then.
    """
    source = find_source(settings, request.source)
    if request.publish == (request.out is not None):
        raise InvalidInputError(
            "Say where the tables go: a folder, or the catalogue.", next_step="give either --out FOLDER or --publish"
        )
    made: list[Built] = []
    write = partial(_write, source, request, clock().date(), progress, made)
    if request.out is not None:
        out = request.out.expanduser().absolute()
        if out.exists():
            raise InvalidInputError(
                "The folder of --out exists already.", next_step="name a folder that does not exist yet"
            )
        with partial_folder(out) as folder:
            write(folder)
        return OmopResult(made[0], out, None)
    if source.card is None:
        raise InvalidInputError(
            "Only a dataset of the catalogue can have its OMOP form published beside it.",
            next_step="publish the registers first, or give --out FOLDER",
        )
    store = open_store(settings)
    draft = _draft(source, source.card, request, clock().date())
    card = store.publish(draft, write)
    return OmopResult(made[0], store.folder(card), card)


def open_as_omop(registers: Dataset, *, clock: Clock = system_clock) -> OmopTables:
    """See open registers as OMOP, each table made in memory when it is first asked for.

    Raises:
        InvalidInputError: If it is not a dataset of the registers.
    """
    card = registers.card
    if card.contract.name != REGISTERS:
        raise InvalidInputError(
            f"This dataset keeps the contract {card.contract.name!r}, not {REGISTERS!r}.",
            next_step=f'open the registers first: sandkasse.open("{REGISTERS}")',
        )
    files = {name: [registers.folder / file.path for file in card.files_of(name)] for name in registers.tables}
    source = Source(registers.folder, card, card.reference)
    return OmopTables(
        {name: registers[name] for name in registers.tables}, files, release=_release(source, clock().date())
    )


def check_omop_dataset(settings: Settings, name: str, *, progress: Progress = no_progress) -> OmopReport:
    """Hold an OMOP data set against the official definitions and the rules of a well-behaved set.

    Args:
        settings: Where the datasets are.
        name: A dataset's id, `<id>@<version>`, or a folder: with `data/`, or with the tables themselves.
        progress: Told of finished tables.

    Raises:
        DatasetNotFoundError: If there is no such dataset or folder.
        InvalidInputError: If there are no tables in it.
    """
    folder = Path(name).expanduser().absolute()
    if not folder.is_dir():
        folder = show_dataset(settings, name).folder
    data = folder / DATA_FOLDER if (folder / DATA_FOLDER).is_dir() else folder
    connection = ibis.duckdb.connect()
    connection.raw_sql("set enable_progress_bar = false")  # it would draw over ours, and into JSON
    tables = {}
    for table, files in _table_files(data).items():
        tables[table.lower()] = connection.read_parquet([str(file) for file in files], table_name=table.lower())
    if not tables:
        raise InvalidInputError(
            "There are no Parquet tables in this folder.",
            next_step="name the folder that sandkasse transform omop made",
        )
    return check_omop(tables, progress=progress)


def describe_result(result: OmopResult) -> dict[str, Any]:
    """Give what was made as plain values, for JSON."""
    return {
        "folder": str(result.folder),
        "dataset": result.card.reference if result.card else None,
        "vocabulary_version": result.built.vocabulary_version,
        "read": dict(result.built.read),
        "rows": dict(result.built.rows),
        "standard_concept_share": result.built.shares,
    }


def share_rows(result: OmopResult) -> list[tuple[str, int, str]]:
    """List each table with its rows and the share of them with a standard concept, for a person to read."""
    shares = result.built.shares
    rows = []
    for table, count in result.built.rows.items():
        share = shares.get(table)
        rows.append((table, count, f"{share:.1%}" if share is not None else ""))
    return rows


def format_finding(finding: Finding) -> str:
    """Say a broken rule in one line."""
    return finding.text()


def _write(
    source: Source, request: OmopRequest, today: date, progress: Progress, made: list[Built], folder: Path
) -> None:
    data = folder / DATA_FOLDER
    data.mkdir()
    reader = partial(_read_athena, request.athena) if request.athena else None
    built = build_omop(
        _table_files(source.folder / DATA_FOLDER),
        data,
        release=_release(source, today),
        runner=LocalPool(request.workers),
        read_codes=reader,
        progress=progress,
    )
    write_contract(omop_contract(), folder / "contract.yaml")
    made.append(built)


def _read_athena(path: Path, codes: Iterable[tuple[str, str]]) -> CodeMap:
    return read_athena(path.expanduser().absolute(), codes)


def _table_files(data: Path) -> dict[str, list[Path]]:
    """List the Parquet files of each table: `<table>.parquet`, or the parts in a folder of its name."""
    found: dict[str, list[Path]] = {}
    for entry in sorted(data.iterdir()):
        if entry.is_dir():
            parts = sorted(entry.glob("*.parquet"))
            if parts:
                found[entry.name] = parts
        elif entry.suffix == ".parquet":
            found[entry.stem] = [entry]
    return found


def _release(source: Source, today: date) -> Release:
    card = source.card
    return Release(
        name=card.title if card else source.name,
        abbreviation=(card.id if card else source.name)[:25],
        holder=card.publisher if card else "not stated",
        description=card.summary if card else f"Danish registers in the folder {source.name}",
        reference=f"Sandkasse, {_PAGE}",
        source_date=card.created if card else today,
        cdm_date=today,
    )


def _draft(source: Source, card: Card, request: OmopRequest, today: date) -> CardDraft:
    parameters: dict[str, Any] = {
        "source": card.reference,
        "source_contract": card.contract.model_dump(),
        "athena_sha256": sha256_file(_vocabulary_file(request.athena)) if request.athena else None,
    }
    return CardDraft(
        **{
            **{name: getattr(card, name) for name in CardDraft.model_fields},
            "id": f"{card.id}-omop",
            "title": f"{card.title}, in OMOP",
            "summary": f"{card.summary} In the OMOP Common Data Model 5.4, made from {card.reference}.",
            "how_published": f"Made on this site from {card.reference}; {_PAGE} has the rules.",
            "citations": (_CITATION, *card.citations),
            "created": today,
            "persons": count_persons(_table_files(source.folder / DATA_FOLDER)),
            "licence": card.licence.model_copy(update={"file": None}),
            "provenance": record_provenance("transform omop", parameters, packages=_PACKAGES).to_dict(),
            "keywords": (*card.keywords, "OMOP", "CDM 5.4"),
            "known_faults": (
                *card.known_faults,
                "Persons who were never in the population register, and their records, are left out.",
                *(() if request.athena else ("Diagnoses have no standard concept: SNOMED CT may not be passed on.",)),
            ),
        }
    )


def _vocabulary_file(athena: Path) -> Path:
    path = athena.expanduser().absolute()
    return path / "VOCABULARY.csv" if path.is_dir() else path
