"""The store: dataset folders on disk, the site's own and the shipped ones, published whole and verified by checksum."""

import os
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from sandkasse.catalogue.card import Card, CardDraft, card_in
from sandkasse.catalogue.integrity import Verified, verify_folder
from sandkasse.catalogue.partial import partial_folder, refuse_existing, sweep_partials
from sandkasse.catalogue.seal import seal
from sandkasse.core.errors import CorruptDatasetError, DatasetNotFoundError, InvalidInputError
from sandkasse.core.progress_bar import Progress, no_progress

LIST_COMMAND = "sandkasse dataset list"
SIMULATED_CONTRACT = "dk-registers"
_NAME = re.compile(r"[0-9A-Za-z]")


@dataclass(frozen=True)
class _Place:
    """A folder that should hold a dataset, and what its path says about it."""

    folder: Path
    dataset_id: str
    version: str | None

    def card(self) -> Card:
        card = card_in(self.folder)
        if card.id != self.dataset_id or self.version not in (None, card.version):
            raise CorruptDatasetError(
                f"The folder {self.folder.name!r} of dataset {self.dataset_id!r} holds the card of {card.reference}.",
                next_step="put the folder back where it was published, or remove it",
            )
        return card


class Store:
    """The datasets of a site.

    Args:
        site: The site's own datasets, `<id>/<version>/` each.
        shipped: The datasets that come with the software, `<id>/` each; never written.
    """

    def __init__(self, site: Path, shipped: Path) -> None:
        self._site = site
        self._shipped = shipped

    def list(self) -> tuple[Card, ...]:
        """List the newest version of every dataset, by id; a dataset whose card is broken is left out, see `faults`."""
        newest: dict[str, Card] = {}
        for place in self._places():
            with suppress(CorruptDatasetError):
                card = place.card()
                if card.id not in newest or version_key(card.version) > version_key(newest[card.id].version):
                    newest[card.id] = card
        return tuple(newest[name] for name in sorted(newest))

    def faults(self) -> tuple[CorruptDatasetError, ...]:
        """List what is wrong with the cards that `list` left out."""
        found = []
        for place in self._places():
            try:
                place.card()
            except CorruptDatasetError as error:
                found.append(error)
        return tuple(found)

    def versions(self, dataset_id: str) -> tuple[Card, ...]:
        """List every version of a dataset, the newest first.

        Raises:
            DatasetNotFoundError: If there is no such dataset.
            CorruptDatasetError: If the card of a version is broken.
        """
        cards = [place.card() for place in self._places() if place.dataset_id == dataset_id]
        if not cards:
            known = {place.dataset_id for place in self._places()}
            raise DatasetNotFoundError.among("dataset", dataset_id, known, command=LIST_COMMAND)
        return tuple(sorted(cards, key=lambda card: version_key(card.version), reverse=True))

    def card(self, dataset_id: str, version: str | None = None) -> Card:
        """Give the card of a dataset.

        Args:
            dataset_id: Its id, or `<id>@<version>`.
            version: Which version; the newest if not said.

        Raises:
            DatasetNotFoundError: If there is no such dataset or version; names the nearest.
            CorruptDatasetError: If its card is broken.
        """
        name, _, tagged = dataset_id.partition("@")
        wanted = version or tagged or None
        cards = self.versions(name)
        if wanted is None:
            return cards[0]
        for card in cards:
            if card.version == wanted:
                return card
        known = [card.reference for card in cards]
        raise DatasetNotFoundError.among("dataset", f"{name}@{wanted}", known, command=LIST_COMMAND)

    def folder(self, card: Card) -> Path:
        """Give the folder in which a dataset's files lie.

        Raises:
            DatasetNotFoundError: If it is not in this store.
        """
        for place in self._places():
            if place.dataset_id == card.id and place.card().version == card.version:
                return place.folder
        known = {place.dataset_id for place in self._places()}
        raise DatasetNotFoundError.among("dataset", card.reference, known, command=LIST_COMMAND)

    def verify(self, dataset_id: str, *, version: str | None = None, progress: Progress = no_progress) -> Verified:
        """Compare every file of a dataset with its checksum.

        Raises:
            DatasetNotFoundError: If there is no such dataset.
            CorruptDatasetError: If a file is missing, too many, a link, or not as published; names the files only.
        """
        card = self.card(dataset_id, version)
        return verify_folder(self.folder(card), card, progress=progress)

    def publish(self, draft: CardDraft, write: Callable[[Path], None], *, progress: Progress = no_progress) -> Card:
        """Publish a dataset: it appears whole, checked and hashed, or not at all.

        Args:
            draft: What the card says; the store adds contract and files.
            write: Writes `contract.yaml` and `data/` into the folder it is given.
            progress: Told of the files as they are hashed.

        Returns:
            The card as it was published.

        Raises:
            InvalidInputError: If the version exists, the id is a shipped dataset's, or what was written is no dataset.
            ContractViolationError: If the data do not keep the contract.
            StoreInUseError: If another process publishes the same dataset.
            StorageFullError: If the disk fills up.
        """
        if (self._shipped / draft.id).exists():
            raise InvalidInputError(
                f"{draft.id!r} is the id of a dataset that comes with the software.", next_step="choose another id"
            )
        target = self._site / draft.id / draft.version
        refuse_existing(target)
        with partial_folder(target) as partial:
            write(partial)
            return seal(partial, draft, progress=progress)

    def sweep(self) -> int:
        """Remove what crashed publications left behind; returns how many folders."""
        parents = [path for path in self._site.iterdir() if path.is_dir()] if self._site.is_dir() else []
        return sum(sweep_partials(parent) for parent in parents)

    def _places(self) -> Iterator["_Place"]:
        for folder in _subfolders(self._shipped):
            yield _Place(folder, dataset_id=folder.name, version=None)
        for parent in _subfolders(self._site):
            for folder in _subfolders(parent):
                yield _Place(folder, dataset_id=parent.name, version=folder.name)


def no_dataset_keeps(contract: str, known: Iterable[str]) -> DatasetNotFoundError:
    """Build the error for a contract that no dataset keeps here: how to make one, or the known names that come nearest.

    Args:
        contract: The contract's name as it was given.
        known: The contracts of which there is a dataset.
    """
    if contract == SIMULATED_CONTRACT:
        return DatasetNotFoundError(
            f"There is no dataset here that keeps the contract {contract!r}.",
            next_step="let it be simulated: sandkasse up, or sandkasse cohort make class",
        )
    return DatasetNotFoundError.among("dataset that keeps the contract", contract, known, command=LIST_COMMAND)


def version_key(version: str) -> tuple[tuple[int, int, str], ...]:
    """Give what versions are ordered by: numbers as numbers, and `1.0.0-rc1` before `1.0.0`."""
    parts = re.split(r"[.+-]", version)
    return (*((1, int(part), "") if part.isdigit() else (-1, 0, part) for part in parts), (0, 0, ""))


def _subfolders(parent: Path) -> Iterator[Path]:
    # Hidden folders are unfinished ones, a linked folder could lie anywhere.
    if not parent.is_dir():
        return
    names: tuple[str, ...] = ()
    with suppress(PermissionError), os.scandir(parent) as entries:
        names = tuple(entry.name for entry in entries if _NAME.match(entry.name) and _is_folder(entry))
    yield from (parent / name for name in sorted(names))


def _is_folder(entry: os.DirEntry[str]) -> bool:
    return entry.is_dir(follow_symlinks=False)
