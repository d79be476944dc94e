"""Every place that holds datasets passes this suite: the site's own store and the shipped datasets."""

from collections.abc import Callable
from pathlib import Path

import pytest

from sandkasse.catalogue.card import Card
from sandkasse.catalogue.open import open_tables
from sandkasse.catalogue.store import Store
from sandkasse.core.errors import CorruptDatasetError, DatasetNotFoundError

Place = tuple[Store, Callable[[], Card]]


@pytest.fixture
def filled(place: Place) -> tuple[Store, Card, Path]:
    store, put = place
    card = put()
    return store, card, store.folder(card)


def test_an_empty_place_lists_nothing(place: Place) -> None:
    assert place[0].list() == ()
    assert place[0].faults() == ()


def test_what_was_put_is_listed_found_and_opened(filled: tuple[Store, Card, Path]) -> None:
    store, card, folder = filled
    assert store.list() == (card,)
    assert store.card("small") == store.card("small", "1.0.0") == store.card("small@1.0.0") == card
    assert store.versions("small") == (card,)
    assert open_tables(folder).bef.count().to_pyarrow().as_py() == 3


def test_the_card_counts_and_hashes_the_files(filled: tuple[Store, Card, Path]) -> None:
    _, card, folder = filled
    assert card.rows == {"bef": 3}
    assert card.bytes == (folder / "data" / "bef.parquet").stat().st_size


def test_an_unknown_id_names_the_nearest(filled: tuple[Store, Card, Path]) -> None:
    with pytest.raises(DatasetNotFoundError) as caught:
        filled[0].card("smal")
    assert "did you mean small" in caught.value.next_step


@pytest.mark.parametrize("wanted", ["small@2.0.0", "other", "..", "small/../small", ""])
def test_what_is_not_there_is_not_found(filled: tuple[Store, Card, Path], wanted: str) -> None:
    with pytest.raises(DatasetNotFoundError):
        filled[0].card(wanted)


def test_an_untouched_dataset_verifies_and_reports_its_bytes(filled: tuple[Store, Card, Path]) -> None:
    store, card, _ = filled
    seen: list[tuple[int, int, str]] = []
    verified = store.verify("small", progress=lambda *told: seen.append(told))
    assert (verified.n_files, verified.n_bytes) == (1, card.bytes)
    assert seen[-1] == (card.bytes, card.bytes, "bytes")


def _change_one_byte(folder: Path) -> None:
    path = folder / "data" / "bef.parquet"
    path.chmod(0o644)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def _truncate(folder: Path) -> None:
    path = folder / "data" / "bef.parquet"
    path.chmod(0o644)
    path.write_bytes(path.read_bytes()[:-20])


def _remove(folder: Path) -> None:
    (folder / "data" / "bef.parquet").unlink()


def _link(folder: Path) -> None:
    path = folder / "data" / "bef.parquet"
    path.rename(folder.parent / "moved.parquet")
    path.symlink_to(folder.parent / "moved.parquet")


def _add(folder: Path) -> None:
    (folder / "data" / "more.parquet").write_bytes(b"x")


def _change_contract(folder: Path) -> None:
    path = folder / "contract.yaml"
    path.chmod(0o644)
    path.write_text(path.read_text().replace("logicalType: string", "logicalType: integer"))


def _link_data(folder: Path) -> None:
    elsewhere = folder / ".elsewhere"
    (folder / "data").rename(elsewhere)
    (folder / "data").symlink_to(elsewhere)


@pytest.mark.parametrize(
    ("harm", "named"),
    [
        (_change_one_byte, "data/bef.parquet: its checksum"),
        (_truncate, "data/bef.parquet: not the size"),
        (_remove, "data/bef.parquet: missing"),
        (_link, "data/bef.parquet: a link"),
        (_link_data, "data/bef.parquet: a link"),
        (_add, "data/more.parquet: not in the card"),
        (_change_contract, "contract.yaml: not the contract"),
    ],
)
@pytest.mark.attack
def test_a_damaged_dataset_does_not_verify(
    filled: tuple[Store, Card, Path], harm: Callable[[Path], None], named: str
) -> None:
    store, _, folder = filled
    harm(folder)
    with pytest.raises(CorruptDatasetError) as caught:
        store.verify("small")
    assert named in caught.value.message
    assert str(folder) not in caught.value.message
    assert "\n" not in caught.value.message


def test_a_broken_card_leaves_the_list_and_is_told_of(filled: tuple[Store, Card, Path]) -> None:
    store, _, folder = filled
    (folder / "card.yaml").chmod(0o644)
    (folder / "card.yaml").write_text("id: small\n")
    assert store.list() == ()
    assert [error.code for error in store.faults()] == ["corrupt-dataset"]
    with pytest.raises(CorruptDatasetError):
        store.card("small")


@pytest.mark.attack
def test_a_folder_with_another_datasets_card_is_refused(filled: tuple[Store, Card, Path]) -> None:
    store, _, folder = filled
    (folder / "card.yaml").chmod(0o644)
    (folder / "card.yaml").write_text((folder / "card.yaml").read_text().replace("id: small", "id: other"))
    assert store.list() == ()
    with pytest.raises(CorruptDatasetError, match=r"holds the card of other@1\.0\.0"):
        store.card("small")


def test_a_changed_card_is_read_again(filled: tuple[Store, Card, Path]) -> None:
    store, _, folder = filled
    (folder / "card.yaml").chmod(0o644)
    (folder / "card.yaml").write_text((folder / "card.yaml").read_text().replace("Three persons", "Three people"))
    assert store.card("small").summary == "Three people."
