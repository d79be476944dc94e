"""Acts on datasets: list, show, open, preview, profile, verify and export them."""

import secrets
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, get_args

import orjson
import pyarrow as pa

from sandkasse.catalogue.card import CONTRACT_FILE, Card, card_in
from sandkasse.catalogue.croissant import to_croissant
from sandkasse.catalogue.dcat import to_dcat, to_schema_org
from sandkasse.catalogue.integrity import Verified, verify_folder
from sandkasse.catalogue.open import Dataset
from sandkasse.catalogue.partial import write_new_file
from sandkasse.catalogue.profile import PROFILE_VERSION, TableProfile, from_plain, measure_profile, to_plain
from sandkasse.catalogue.resolve import Catalogue
from sandkasse.catalogue.show import CardList, describe_card
from sandkasse.catalogue.snippets import Snippets, snippets_of, to_bibtex
from sandkasse.catalogue.statistics import Program, Written, write_for_program
from sandkasse.catalogue.store import Store
from sandkasse.contract import CheckReport, Contract, check_tables, codes, read_contract
from sandkasse.core.access import AccessGuard, SandboxGuard
from sandkasse.core.errors import DatasetNotFoundError, InvalidInputError
from sandkasse.core.hashing import sha256_value
from sandkasse.core.progress_bar import Progress, no_progress
from sandkasse.core.settings import Settings

PREVIEW_ROWS_AT_MOST = 1000

ExportFormat = Literal["croissant", "dcat", "schema.org"]


@dataclass(frozen=True)
class DatasetPage:
    """Everything that a page about a dataset shows.

    Attributes:
        card: What it is.
        contract: Its tables and columns, with units and codes.
        folder: Where its files lie.
        versions: All its versions, the newest first.
    """

    card: Card
    contract: Contract
    folder: Path
    versions: tuple[str, ...]


@dataclass(frozen=True)
class Citations:
    """How to cite a dataset.

    Attributes:
        texts: References as they are printed, the data's own paper first.
        bibtex: The same for a bibliography program.
    """

    texts: tuple[str, ...]
    bibtex: str


@dataclass(frozen=True)
class ContractEntry:
    """A name that `open` understands.

    Attributes:
        name: The contract's name.
        datasets: The datasets of this site that keep it.
        bound_to: The dataset that this workspace or project was given, as `<id>@<version>`.
        default: The dataset that opens when nothing is bound.
    """

    name: str
    datasets: tuple[str, ...]
    bound_to: str | None
    default: str | None


def open_store(settings: Settings) -> Store:
    """Give the store of this installation."""
    return Store(settings.datasets, settings.content / "datasets")


def list_datasets(settings: Settings) -> CardList:
    """List the newest version of every dataset, by id; what is broken is left out, see `list_faults`."""
    return CardList(_catalogue(settings).list())


def list_faults(settings: Settings) -> tuple[str, ...]:
    """List, one line each, the datasets that `list_datasets` had to leave out."""
    return tuple(error.message for error in open_store(settings).faults())


def show_dataset(settings: Settings, dataset_id: str) -> DatasetPage:
    """Show a dataset: card, contract and versions.

    Args:
        settings: Where the datasets are.
        dataset_id: Its id, or `<id>@<version>`.

    Raises:
        DatasetNotFoundError: If there is no such dataset; names the nearest.
        CorruptDatasetError: If its card is broken.
        ContractInvalidError: If its contract is broken.
    """
    folder, card = _catalogue(settings).find(dataset_id)
    versions: tuple[str, ...] = (card.version,)
    with suppress(DatasetNotFoundError):  # a workspace sees its own datasets only, not the site's store
        versions = tuple(other.version for other in open_store(settings).versions(card.id))
    return DatasetPage(card, read_contract(folder / CONTRACT_FILE), folder, versions)


def open_dataset(
    settings: Settings, name: str, *, dataset: str | None = None, guard: AccessGuard | None = None
) -> Dataset:
    """Open a dataset by its contract's name: as it is bound, else the site's default, else the only one.

    Args:
        settings: Where the datasets are, and what is bound.
        name: The contract's name.
        dataset: One dataset's id, or `<id>@<version>`, for exploring.
        guard: Asked before anything is opened; a sandbox's by default.

    Raises:
        DatasetNotFoundError: If no dataset keeps the contract.
        AmbiguousDatasetError: If several do, and none is bound or the default.
        PolicyDeniedError: If the guard refuses.
        CorruptDatasetError: If the dataset's card is broken.
    """
    return _catalogue(settings, guard).open(name, dataset=dataset)


def contract_of(dataset: Dataset) -> Contract:
    """Give the contract that an open dataset keeps: what its columns mean.

    Raises:
        ContractInvalidError: If the file beside the data is not a contract.
    """
    return read_contract(dataset.folder / CONTRACT_FILE)


def list_known_codes(system: str) -> tuple[tuple[str, str], ...]:
    """List the codes of a code system that our data use, each with its title; nothing for one that we do not hold."""
    return codes.known_codes(system)


def verify_dataset(settings: Settings, dataset_id: str, *, progress: Progress = no_progress) -> Verified:
    """Compare every file of a dataset with its checksum.

    Raises:
        DatasetNotFoundError: If there is no such dataset.
        CorruptDatasetError: If a file is missing, too many, a link, or not what was published; names the files only.
    """
    folder, card = _catalogue(settings).find(dataset_id)
    return verify_folder(folder, card, progress=progress)


def preview_table(settings: Settings, dataset_id: str, table: str, limit: int = 20) -> pa.Table:
    """Give the first rows of a table.

    Raises:
        DatasetNotFoundError: If there is no such dataset.
        TableNotFoundError: If it has no such table; names the nearest.
        InvalidInputError: If `limit` is not between 1 and 1,000.
        CorruptDatasetError: If a file cannot be read.
    """
    if not 1 <= limit <= PREVIEW_ROWS_AT_MOST:
        raise InvalidInputError(
            f"A preview has between 1 and {PREVIEW_ROWS_AT_MOST:,} rows, not {limit:,}.",
            next_step="ask for fewer, or open the dataset for all of them",
        )
    dataset = _catalogue(settings).open_by_id(dataset_id)
    return dataset.collect(dataset[table].limit(limit))


def profile_table(settings: Settings, dataset_id: str, table: str) -> TableProfile:
    """Give the distribution of every column of a table; measured once, then kept by the files' checksums.

    Raises:
        DatasetNotFoundError: If there is no such dataset.
        TableNotFoundError: If it has no such table; names the nearest.
        CorruptDatasetError: If a file cannot be read to its end.
    """
    page = show_dataset(settings, dataset_id)
    dataset = _catalogue(settings).open_by_id(page.card.reference)
    key = sha256_value(
        [PROFILE_VERSION, table, page.card.contract.sha256, [f.sha256 for f in page.card.files_of(table)]]
    )
    kept = settings.cache / "profiles" / f"{key}.json"
    with suppress(OSError, ValueError, KeyError, TypeError):
        return from_plain(orjson.loads(kept.read_bytes()))
    profile = measure_profile(dataset, table, contract=page.contract)
    with suppress(OSError):  # a cache that cannot be written costs time, nothing else
        kept.parent.mkdir(parents=True, exist_ok=True)
        fresh = kept.with_name(f".{key}.{secrets.token_hex(4)}")
        fresh.write_bytes(orjson.dumps(to_plain(profile)))
        fresh.replace(kept)
    return profile


def write_snippets(settings: Settings, dataset_id: str) -> Snippets:
    """Write the code that opens a dataset, in Python, R and SQL.

    Raises:
        DatasetNotFoundError: If there is no such dataset.
    """
    folder, card = _catalogue(settings).find(dataset_id)
    return snippets_of(card, folder)


def cite_dataset(settings: Settings, dataset_id: str) -> Citations:
    """Say how to cite a dataset: as text, and in BibTeX.

    Raises:
        DatasetNotFoundError: If there is no such dataset.
    """
    _, card = _catalogue(settings).find(dataset_id)
    texts = tuple(f"{item.text}{f' doi:{item.doi}' if item.doi else ''}" for item in card.citations)
    return Citations(texts=texts, bibtex=to_bibtex(card))


def list_contracts(settings: Settings) -> tuple[ContractEntry, ...]:
    """List the contracts that can be opened here, each with the datasets that keep it."""
    bound = {name: card_in(folder) for name, folder in settings.bindings.items()}
    kept: dict[str, list[Card]] = {}
    for card in list_datasets(settings):
        kept.setdefault(card.contract.name, []).append(card)
    return tuple(
        ContractEntry(
            name=name,
            datasets=tuple(card.id for card in kept.get(name, ())),
            bound_to=bound[name].reference if name in bound else None,
            default=next((card.id for card in kept.get(name, ()) if card.default_for), None),
        )
        for name in sorted({*kept, *bound})
    )


def check_dataset(settings: Settings, dataset_id: str) -> CheckReport:
    """Hold a dataset's tables against its contract again; counts only, never a value.

    Raises:
        DatasetNotFoundError: If there is no such dataset.
        CorruptDatasetError: If its files cannot be read.
    """
    page = show_dataset(settings, dataset_id)
    dataset = _catalogue(settings).open_by_id(page.card.reference)
    return check_tables(page.contract, {name: dataset[name] for name in dataset.tables})


def export_dataset(
    settings: Settings,
    dataset_id: str,
    format: ExportFormat,  # noqa: A002  the word that users know
    out: Path,
    *,
    address: str | None = None,
) -> Path:
    """Write a description of a dataset for other catalogues.

    Args:
        settings: Where the datasets are.
        dataset_id: Its id, or `<id>@<version>`.
        format: `croissant` (1.1), `dcat` (DCAT-AP 3, JSON-LD) or `schema.org`.
        out: The file to write; it must not exist.
        address: Where this site's catalogue is reached, `https://…`, if it is.

    Returns:
        The file.

    Raises:
        DatasetNotFoundError: If there is no such dataset.
        InvalidInputError: If the format is unknown, or the file exists or cannot be made.
        StorageFullError: If the disk is full; no half file is left.
    """
    page = show_dataset(settings, dataset_id)
    describe: dict[str, Callable[[], dict[str, Any]]] = {
        "croissant": lambda: to_croissant(page.card, page.contract, address=address),
        "dcat": lambda: to_dcat(page.card, address=address),
        "schema.org": lambda: to_schema_org(page.card, address=address),
    }
    if format not in describe:
        raise InvalidInputError(
            f"There is no export format {format!r}.",
            next_step=f"choose one of {', '.join((*describe, *get_args(Program)))}",
        )
    write_new_file(out, orjson.dumps(describe[format](), option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))
    return out


def export_tables(
    settings: Settings, dataset_id: str, program: Program, out: Path, *, progress: Progress = no_progress
) -> Written:
    """Write a dataset's tables for SAS (`xpt`) or Stata (`stata`), with labels, dates and a program that reads them.

    Args:
        settings: Where the datasets are.
        dataset_id: Its id, or `<id>@<version>`.
        program: `xpt` or `stata`.
        out: The folder to make.
        progress: Told of the rows.

    Raises:
        DatasetNotFoundError: If there is no such dataset.
        InvalidInputError: If the folder exists or cannot be made, or a column cannot be written.
        StorageFullError: If the disk is full; nothing half-written is kept.
        CorruptDatasetError: If a data file cannot be read to its end.
    """
    page = show_dataset(settings, dataset_id)
    dataset = _catalogue(settings).open_by_id(page.card.reference)
    return write_for_program(dataset, page.contract, program, out, progress=progress)


def describe_page(page: DatasetPage) -> dict[str, Any]:
    """Give a dataset's page as plain values, for JSON."""
    return {
        **page.card.model_dump(mode="json"),
        "versions": list(page.versions),
        "tables": [asdict(table) for table in page.contract.tables],
    }


def format_page(page: DatasetPage) -> list[str]:
    """Give a dataset's card as lines of text."""
    return describe_card(page.card)


def _catalogue(settings: Settings, guard: AccessGuard | None = None) -> Catalogue:
    return Catalogue(open_store(settings), bindings=settings.bindings, guard=guard or SandboxGuard())
