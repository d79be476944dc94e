"""Acts on deliveries: a folder of yearly SAS files becomes a dataset that keeps a contract."""

from dataclasses import dataclass
from pathlib import Path

from sandkasse.actions.datasets import list_datasets, open_store, show_dataset
from sandkasse.catalogue.card import Card, CardDraft, Licence, Tier
from sandkasse.catalogue.sas_delivery import look_over, write_delivery
from sandkasse.contract import Contract, read_contract
from sandkasse.core.access import SANDBOX_TIERS
from sandkasse.core.clock import system_clock
from sandkasse.core.errors import DatasetNotFoundError, InvalidInputError
from sandkasse.core.progress_bar import Progress, no_progress
from sandkasse.core.settings import Settings

NOT_STATED = Licence(name="not stated: not to be passed on", url="urn:sandkasse:licence:not-stated")


@dataclass(frozen=True)
class DeliveryRequest:
    """What is said about a delivery when it is imported.

    Attributes:
        folder: Where the `.sas7bdat` files lie.
        contract: The name of a contract that a dataset of this site keeps, or an ODCS file.
        dataset_id: The new dataset's id.
        tier: Why the data may lie in a sandbox at all.
        title: One line; made from folder and contract if not said.
        version: Of the data; a published version never changes.
    """

    folder: Path
    contract: str
    dataset_id: str
    tier: Tier
    title: str = ""
    version: str = "1.0.0"


@dataclass(frozen=True)
class ImportedDelivery:
    """What became of a delivery.

    Attributes:
        card: The dataset's card.
        n_files: SAS files that were read.
        absent: Tables of the contract that were not delivered.
        ignored: Files and columns that the contract does not know, one line each.
    """

    card: Card
    n_files: int
    absent: tuple[str, ...]
    ignored: tuple[str, ...]


def import_delivery(
    settings: Settings, request: DeliveryRequest, *, progress: Progress = no_progress
) -> ImportedDelivery:
    """Turn a folder of yearly SAS files into a dataset: converted in parts, checked, published whole or not at all.

    Args:
        settings: Where the datasets are.
        request: What is imported, and what its card says.
        progress: Told of the rows.

    Raises:
        InvalidInputError: If the files are not those of the contract; one line a finding, naming file and column.
        ContractViolationError: If the rows do not keep the contract; counts only.
        DatasetNotFoundError: If no dataset of this site keeps a contract of that name.
        StorageFullError: If the disk is full; nothing half-written is kept.
    """
    if request.tier not in SANDBOX_TIERS:
        raise InvalidInputError(
            f"A sandbox holds no data of the tier {request.tier!r}.",
            next_step=f"choose one of {', '.join(sorted(SANDBOX_TIERS))}, or import it inside a secure site",
        )
    delivery = look_over(request.folder, _find_contract(settings, request.contract))
    draft = _draft(
        request, delivery.contract, absent=delivery.absent, names=[file.path.name for file in delivery.files]
    )
    card = open_store(settings).publish(
        draft, lambda folder: write_delivery(delivery, folder, progress=progress), progress=no_progress
    )
    return ImportedDelivery(card, len(delivery.files), delivery.absent, delivery.ignored)


def _find_contract(settings: Settings, wanted: str) -> Contract:
    path = Path(wanted)
    if path.suffix in {".yaml", ".yml"}:
        return read_contract(path)
    cards = list_datasets(settings)
    # The site's default holds all tables; another may be a delivery of some.
    for card in sorted(cards, key=lambda card: not card.default_for):
        if card.contract.name == wanted:
            return show_dataset(settings, card.reference).contract
    known = {card.contract.name for card in cards}
    raise DatasetNotFoundError.among(
        "dataset that keeps the contract", wanted, known, command="or name a file: --contract contract.yaml"
    )


def _draft(request: DeliveryRequest, contract: Contract, *, absent: tuple[str, ...], names: list[str]) -> CardDraft:
    delivered = ", ".join(table.name for table in contract.tables)
    faults = (f"Not delivered: {', '.join(absent)}.",) if absent else ()
    return CardDraft(
        id=request.dataset_id,
        version=request.version,
        title=request.title or f"A delivery of {contract.name}: {delivered}",
        summary=f"{len(names)} SAS files, converted under the contract {contract.name} {contract.version}.",
        domain=contract.domain or "registers",
        tier=request.tier,
        licence=NOT_STATED,
        publisher="not stated",
        how_published="Imported here from SAS files (sas7bdat).",
        anonymity="As the one who imported it states by its access tier.",
        created=system_clock().date(),
        provenance={"files": names, "converted_by": "sandkasse dataset import-sas"},
        how_to_get_real="Ask whoever delivered the files.",
        known_faults=faults,
    )
