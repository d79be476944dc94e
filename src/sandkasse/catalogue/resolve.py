"""Which dataset a contract's name stands for: what is bound, else the site's default, else an error that lists them."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path

from sandkasse.catalogue.card import Card, card_in
from sandkasse.catalogue.open import Dataset, open_tables
from sandkasse.catalogue.store import LIST_COMMAND, Store, no_dataset_keeps
from sandkasse.core.access import AccessGuard
from sandkasse.core.errors import AmbiguousDatasetError, CorruptDatasetError, DatasetNotFoundError


class Catalogue:
    """What a site, a workspace or a project can open.

    Args:
        store: The datasets that the site offers.
        bindings: Contract name to dataset folder, where somebody has already chosen.
        guard: Asked before anything is opened.
    """

    def __init__(self, store: Store, *, bindings: Mapping[str, Path], guard: AccessGuard) -> None:
        self._store = store
        self._bindings = bindings
        self._guard = guard

    def open(self, name: str, *, dataset: str | None = None) -> Dataset:
        """Open a dataset by its contract's name.

        Args:
            name: The contract's name.
            dataset: A dataset's id, or `<id>@<version>`, for exploring; a project may not use it.

        Raises:
            DatasetNotFoundError: If no dataset keeps the contract, or `dataset` is none of those that do.
            AmbiguousDatasetError: If several do, and none is bound or the default; lists them.
            PolicyDeniedError: If the guard refuses.
            CorruptDatasetError: If the dataset's card is broken.
        """
        return self._open(*(self._explore(name, dataset) if dataset else self._resolve(name)))

    def open_by_id(self, dataset_id: str) -> Dataset:
        """Open one dataset by its own name, for pages about it.

        Args:
            dataset_id: Its id, or `<id>@<version>`.

        Raises:
            DatasetNotFoundError: If there is no such dataset or version; names the nearest.
            PolicyDeniedError: If the guard refuses.
            CorruptDatasetError: If its card is broken.
        """
        return self._open(*self.find(dataset_id))

    def list(self) -> tuple[Card, ...]:
        """List what can be opened here: the store's datasets and what is bound, each id once."""
        cards = {card.id: card for card in self._store.list()}
        for _, card in self._bound():
            cards.setdefault(card.id, card)
        return tuple(cards[name] for name in sorted(cards))

    def find(self, dataset_id: str) -> tuple[Path, Card]:
        """Find one dataset: among what is bound, else in the store.

        Args:
            dataset_id: Its id, or `<id>@<version>`.

        Raises:
            DatasetNotFoundError: If there is no such dataset or version; names the nearest.
            CorruptDatasetError: If its card is broken.
        """
        for folder, card in self._bound():
            if dataset_id in (card.id, card.reference):
                return folder, card
        card = self._store.card(dataset_id)
        return self._store.folder(card), card

    def _open(self, folder: Path, card: Card) -> Dataset:
        self._guard.check_may_open(card.id, version=card.version, tier=card.tier)
        return open_tables(folder, card=card)

    def _resolve(self, name: str) -> tuple[Path, Card]:
        if name in self._bindings:
            return self._bindings[name], card_in(self._bindings[name])
        candidates = self._candidates(name)
        chosen = tuple(card for card in candidates if card.default_for) or candidates
        if len(chosen) > 1:
            listed = ", ".join(card.id for card in chosen)
            raise AmbiguousDatasetError(
                f"{len(chosen)} datasets keep the contract {name!r}, and none is bound to it: {listed}.",
                next_step=f'explore one of them: open("{name}", dataset="{chosen[0].id}")',
            )
        return self._store.folder(chosen[0]), chosen[0]

    def _explore(self, name: str, dataset: str) -> tuple[Path, Card]:
        bound = {card.id: (folder, card) for folder, card in self._bound() if card.contract.name == name}
        if dataset in bound:
            return bound[dataset]
        wanted, _, _version = dataset.partition("@")
        candidates = self._candidates(name)
        if wanted not in {card.id for card in candidates}:
            known = {card.id for card in candidates} | set(bound)
            raise DatasetNotFoundError.among(f"dataset of the contract {name!r}", dataset, known, command=LIST_COMMAND)
        card = self._store.card(dataset)
        return self._store.folder(card), card

    def _candidates(self, name: str) -> tuple[Card, ...]:
        cards = self._store.list()
        found = tuple(card for card in cards if card.contract.name == name)
        if not found:
            self._lead_from_dataset_to_contract(name, cards)
            known = {card.contract.name for card in cards} | set(self._bindings)
            raise no_dataset_keeps(name, known)
        return found

    def _lead_from_dataset_to_contract(self, name: str, cards: Iterable[Card]) -> None:
        for card in cards:
            if card.id == name:
                raise DatasetNotFoundError(
                    f"{name!r} is a dataset, not a contract.",
                    next_step=f'open it by its contract: open("{card.contract.name}", dataset="{card.id}")',
                )

    def _bound(self) -> Iterator[tuple[Path, Card]]:
        # What is bound and broken says so when it is opened by its contract; it must not hide the others.
        for folder in self._bindings.values():
            with suppress(CorruptDatasetError):
                yield folder, card_in(folder)
