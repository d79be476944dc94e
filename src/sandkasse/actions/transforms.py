"""Acts that turn a dataset of the registers into an international form."""

import os
from dataclasses import dataclass
from pathlib import Path

from sandkasse.actions.datasets import show_dataset
from sandkasse.catalogue.card import CARD_FILE, CONTRACT_FILE, Card, card_in
from sandkasse.catalogue.partial import partial_folder
from sandkasse.compute.local import LocalPool
from sandkasse.contract import read_contract
from sandkasse.core.access import AccessGuard, SandboxGuard
from sandkasse.core.clock import Clock, system_clock
from sandkasse.core.errors import DatasetNotFoundError, InvalidInputError
from sandkasse.core.progress_bar import Progress, no_progress
from sandkasse.core.settings import Settings
from sandkasse.transforms.fhir import FhirExport, FhirOptions, export_fhir

REGISTERS = "dk-registers"
_WRITTEN = "registers"  # beside the truth, in the folder that a simulation makes
_NOBODY = frozenset({"simulated", "twin"})


@dataclass(frozen=True)
class Source:
    """Registers that are to be transformed.

    Attributes:
        folder: Where their tables lie, in `data/`.
        card: What the catalogue says of them; none for a folder that was never published.
        name: What to call them: `<id>@<version>`, or the folder's own name.
    """

    folder: Path
    card: Card | None
    name: str


@dataclass(frozen=True)
class FhirRequest:
    """An export to FHIR that somebody wants.

    Attributes:
        source: A dataset's id, `<id>@<version>`, or a folder with `contract.yaml` and `data/`.
        out: Folder to be made.
        simulated: Whether nobody stands behind the rows; asked only where no card tells.
        compress: Whether to compress with gzip.
        address: Where the files will be served, `https://…`.
        workers: Number of processes, 0 for one a processor.
    """

    source: str
    out: Path
    simulated: bool | None = None
    compress: bool = False
    address: str | None = None
    workers: int = 0


def find_source(settings: Settings, source: str, *, guard: AccessGuard | None = None) -> Source:
    """Find the registers that a person named.

    Args:
        settings: Where the datasets are.
        source: A dataset's id, `<id>@<version>`, or a folder with `contract.yaml` and `data/`.
        guard: Asked before a dataset is opened; a sandbox's by default.

    Raises:
        DatasetNotFoundError: If there is no such dataset or folder.
        InvalidInputError: If it is not a dataset of the registers.
        PolicyDeniedError: If the guard refuses.
        CorruptDatasetError: If the dataset's card is broken.
    """
    folder, card = Path(source).expanduser().absolute(), None
    if not (folder / CONTRACT_FILE).is_file():
        _refuse_folder(source, folder)
        page = show_dataset(settings, source)
        folder, card = page.folder, page.card
    elif (folder / CARD_FILE).is_file():
        card = card_in(folder)
    if card is not None:
        (guard or SandboxGuard()).check_may_open(card.id, version=card.version, tier=card.tier)
    kept = card.contract.name if card else read_contract(folder / CONTRACT_FILE).name
    if kept != REGISTERS:
        raise InvalidInputError(
            f"This dataset keeps the contract {kept!r}, not {REGISTERS!r}.",
            next_step="name a dataset of the registers: sandkasse dataset list",
        )
    return Source(folder, card, card.reference if card else folder.name)


def _refuse_folder(source: str, folder: Path) -> None:
    """Raise if what was named can only be a folder, and is none of registers."""
    if (folder / _WRITTEN / CONTRACT_FILE).is_file():
        raise InvalidInputError(
            f"The folder {source} holds the registers in a folder of their own.",
            next_step=f"name that one: {Path(source) / _WRITTEN}",
        )
    if folder.is_dir() or "/" in source or os.sep in source:
        what = f"has no {CONTRACT_FILE} and data/" if folder.is_dir() else "does not exist"
        raise DatasetNotFoundError(
            f"The folder {source} {what}.",
            next_step="name a folder that `sandkasse cohort simulate` made, or a dataset: sandkasse dataset list",
        )


def transform_to_fhir(
    settings: Settings, request: FhirRequest, *, progress: Progress = no_progress, clock: Clock = system_clock
) -> FhirExport:
    """Write registers as FHIR R4 Bulk Data into a new folder, which appears whole or not at all.

    Raises:
        DatasetNotFoundError: If there is no such dataset or folder.
        InvalidInputError: If it is not a dataset of the registers, the folder of `out` exists, or it is not known
            whether persons stand behind the rows.
        ContractViolationError: If the data cannot be written as FHIR.
        CorruptDatasetError: If a file cannot be read.
        RunInterruptedError: If the run was stopped; nothing is left then.
        StorageFullError: If the disk fills up; nothing is left then.
    """
    source = find_source(settings, request.source)
    options = FhirOptions(
        simulated=_is_simulated(source, request.simulated),
        compress=request.compress,
        address=request.address,
        source=source.name,
    )
    out = request.out.expanduser().absolute()
    if out.exists():
        raise InvalidInputError(
            "The folder of --out exists already.", next_step="name a folder that does not exist yet"
        )
    with partial_folder(out) as partial:
        return export_fhir(
            source.folder, partial, options=options, runner=LocalPool(request.workers), now=clock(), progress=progress
        )


def _is_simulated(source: Source, said: bool | None) -> bool:
    if source.card is not None:
        return source.card.tier in _NOBODY
    if said is None:
        raise InvalidInputError(
            f"The folder {source.name!r} has no card that says whether persons stand behind its rows.",
            next_step="add --simulated (resources are marked as test data), or --real",
        )
    return said
