from collections.abc import Callable
from pathlib import Path

import pytest

from sandkasse.catalogue.card import Card, CardDraft
from sandkasse.catalogue.resolve import Catalogue
from sandkasse.catalogue.store import Store
from sandkasse.core.access import AccessGuard, SandboxGuard
from sandkasse.core.errors import AmbiguousDatasetError, DatasetNotFoundError, PolicyDeniedError

Made = Callable[..., tuple[Path, Card]]


@pytest.fixture
def publish(store: Store, make_draft: Callable[..., CardDraft], write: Callable[..., None]) -> Callable[..., Card]:
    """Publish a dataset that keeps the contract `small`, unless another is named."""

    def put(*, contract: str = "small", **changes: object) -> Card:
        return store.publish(make_draft(**changes), lambda folder: write(folder, name=contract))

    return put


def catalogue(store: Store, *, guard: AccessGuard | None = None, **bindings: Path) -> Catalogue:
    return Catalogue(store, bindings=bindings, guard=guard or SandboxGuard())


def test_the_only_dataset_of_a_contract_is_opened(store: Store, publish: Callable[..., Card]) -> None:
    card = publish()
    assert catalogue(store).open("small").card == card


def test_the_default_dataset_wins(store: Store, publish: Callable[..., Card]) -> None:
    publish(id="mini")
    publish(id="nation", default_for=True)
    assert catalogue(store).open("small").card.id == "nation"


def test_several_without_a_default_are_listed(store: Store, publish: Callable[..., Card]) -> None:
    publish(id="mini")
    publish(id="nation")
    with pytest.raises(AmbiguousDatasetError, match="mini, nation") as caught:
        catalogue(store).open("small")
    assert 'dataset="mini"' in caught.value.next_step


def test_two_defaults_are_ambiguous(store: Store, publish: Callable[..., Card]) -> None:
    publish(id="mini", default_for=True)
    publish(id="nation", default_for=True)
    publish(id="other")
    with pytest.raises(AmbiguousDatasetError, match=r"2 datasets .* mini, nation"):
        catalogue(store).open("small")


def test_what_is_bound_comes_first(store: Store, publish: Callable[..., Card], make_sealed: Made) -> None:
    publish(id="nation", default_for=True)
    folder, bound = make_sealed("bound", id="bound")
    assert catalogue(store, small=folder).open("small").card == bound
    assert catalogue(store, small=folder).open("small", dataset="bound").card == bound
    assert catalogue(store, small=folder).open("small", dataset="nation").card.id == "nation"


def test_a_workspace_without_a_store_opens_what_is_bound(tmp_path: Path, make_sealed: Made) -> None:
    folder, bound = make_sealed("data/bound", id="bound")
    nothing = Store(tmp_path / "none", tmp_path / "none-either")
    assert catalogue(nothing, small=folder).open("small").card == bound


def test_an_unknown_contract_names_the_nearest(store: Store, publish: Callable[..., Card]) -> None:
    publish()
    with pytest.raises(DatasetNotFoundError, match="did you mean small"):
        catalogue(store).open("smal")


def test_simulated_registers_that_are_not_there_yet_say_how_to_make_them(store: Store) -> None:
    with pytest.raises(DatasetNotFoundError, match="dk-registers") as caught:
        catalogue(store).open("dk-registers")
    assert "sandkasse up" in caught.value.next_step


def test_a_datasets_own_name_is_led_to_its_contract(store: Store, publish: Callable[..., Card]) -> None:
    publish(id="mini")
    with pytest.raises(DatasetNotFoundError) as caught:
        catalogue(store).open("mini")
    assert caught.value.next_step == 'open it by its contract: open("small", dataset="mini")'


def test_exploring_names_one_dataset(store: Store, publish: Callable[..., Card]) -> None:
    publish(id="mini")
    publish(id="nation", version="1.0.0")
    publish(id="nation", version="2.0.0")
    explored = catalogue(store)
    assert explored.open("small", dataset="mini").card.id == "mini"
    assert explored.open("small", dataset="nation").card.version == "2.0.0"
    assert explored.open("small", dataset="nation@1.0.0").card.version == "1.0.0"
    with pytest.raises(DatasetNotFoundError, match="did you mean nation@2"):
        explored.open("small", dataset="nation@3.0.0")
    with pytest.raises(DatasetNotFoundError, match="did you mean mini"):
        explored.open("small", dataset="minni")


def test_a_dataset_of_another_contract_is_not_opened_under_this_one(store: Store, publish: Callable[..., Card]) -> None:
    publish(id="mini")
    publish(id="other", contract="large")
    with pytest.raises(DatasetNotFoundError):
        catalogue(store).open("small", dataset="other")


class Refusing:
    """A guard that lets nobody in, and remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str, str]] = []

    def check_may_open(self, dataset_id: str, *, version: str, tier: str) -> None:
        self.asked.append((dataset_id, version, tier))
        raise PolicyDeniedError("No.", next_step="Ask.")


@pytest.mark.attack
@pytest.mark.parametrize("dataset", [None, "nation", "nation@1.0.0"])
def test_every_road_asks_the_guard(store: Store, publish: Callable[..., Card], dataset: str | None) -> None:
    publish(id="nation")
    guard = Refusing()
    with pytest.raises(PolicyDeniedError):
        catalogue(store, guard=guard).open("small", dataset=dataset)
    assert guard.asked == [("nation", "1.0.0", "simulated")]


@pytest.mark.attack
def test_a_page_about_a_dataset_asks_the_guard(store: Store, publish: Callable[..., Card]) -> None:
    publish(id="nation")
    guard = Refusing()
    with pytest.raises(PolicyDeniedError):
        catalogue(store, guard=guard).open_by_id("nation")
    assert guard.asked == [("nation", "1.0.0", "simulated")]


@pytest.mark.attack
def test_the_guard_is_asked_for_what_is_bound_too(store: Store, make_sealed: Made) -> None:
    folder, _ = make_sealed("bound", id="bound")
    guard = Refusing()
    with pytest.raises(PolicyDeniedError):
        catalogue(store, guard=guard, small=folder).open("small")
    assert guard.asked == [("bound", "1.0.0", "simulated")]


def test_a_sandbox_refuses_a_tier_that_is_none() -> None:
    with pytest.raises(PolicyDeniedError, match="pseudonymised"):
        SandboxGuard().check_may_open("real", version="1", tier="pseudonymised")
