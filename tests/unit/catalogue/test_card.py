from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from sandkasse.catalogue.card import Card, is_data_path, read_card, write_card
from sandkasse.core.errors import CorruptDatasetError


@pytest.fixture
def card(make_sealed: Callable[..., tuple[Path, Card]]) -> Card:
    return make_sealed()[1]


def test_a_card_is_read_back_as_it_was_written(card: Card, tmp_path: Path) -> None:
    write_card(card, tmp_path / "card.yaml")
    assert read_card(tmp_path / "card.yaml") == card


@pytest.mark.parametrize(
    "path",
    [
        "../secret.parquet",
        "data/../../secret.parquet",
        "/etc/passwd",
        "data/bef/../../../x.parquet",
        "data/.bef.parquet",
        "data/bef/.hidden.parquet",
        "data/lmdb.parquet",
        "data/bef/deeper/part.parquet",
        "data\\bef.parquet",
        "data/bef/part.csv",
        "data/bef/part*.parquet",
        "data/bef/pa'rt.parquet",
        "",
        "card.yaml",
    ],
)
@pytest.mark.attack
def test_a_card_that_points_elsewhere_is_refused(card: Card, tmp_path: Path, path: str) -> None:
    content = card.model_dump(mode="json")
    content["files"][0]["path"] = path
    (tmp_path / "card.yaml").write_text(yaml.safe_dump(content))
    assert not is_data_path(path, "bef")
    with pytest.raises(CorruptDatasetError, match=r"files\.0"):
        read_card(tmp_path / "card.yaml")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("id", "../x"),
        ("id", "Upper"),
        ("version", "../1"),
        ("version", "latest"),
        ("tier", "sensitive"),
        ("unknown", "something"),
        ("persons", -17),
    ],
)
def test_a_wrong_field_is_named_and_its_value_is_not(card: Card, tmp_path: Path, field: str, value: object) -> None:
    (tmp_path / "card.yaml").write_text(yaml.safe_dump({**card.model_dump(mode="json"), field: value}))
    with pytest.raises(CorruptDatasetError, match=field) as caught:
        read_card(tmp_path / "card.yaml")
    assert str(value) not in caught.value.message


@pytest.mark.attack
def test_a_licence_text_outside_the_dataset_is_refused(card: Card, tmp_path: Path) -> None:
    content = card.model_dump(mode="json")
    content["licence"]["file"] = "../../etc/passwd"
    (tmp_path / "card.yaml").write_text(yaml.safe_dump(content))
    with pytest.raises(CorruptDatasetError, match="licence"):
        read_card(tmp_path / "card.yaml")


def test_the_same_file_twice_is_refused(card: Card, tmp_path: Path) -> None:
    content = card.model_dump(mode="json")
    content["files"] *= 2
    (tmp_path / "card.yaml").write_text(yaml.safe_dump(content))
    with pytest.raises(CorruptDatasetError):
        read_card(tmp_path / "card.yaml")


@pytest.mark.parametrize("content", [b"", b"- 1\n- 2\n", b"a: [", b"\xff\xfe\x00", b"!!python/object:os.system {}"])
def test_what_is_no_card_is_refused_in_one_line(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "card.yaml").write_bytes(content)
    with pytest.raises(CorruptDatasetError) as caught:
        read_card(tmp_path / "card.yaml")
    assert "\n" not in caught.value.message


def test_a_missing_card_is_said_to_be_missing(tmp_path: Path) -> None:
    with pytest.raises(CorruptDatasetError, match="missing"):
        read_card(tmp_path / "card.yaml")


@pytest.mark.attack
def test_a_linked_card_is_refused(card: Card, tmp_path: Path) -> None:
    write_card(card, tmp_path / "real.yaml")
    (tmp_path / "card.yaml").symlink_to(tmp_path / "real.yaml")
    with pytest.raises(CorruptDatasetError, match="link"):
        read_card(tmp_path / "card.yaml")


@pytest.mark.attack
@pytest.mark.parametrize("where", ["title", "summary", "provenance"])
def test_a_card_that_would_command_the_terminal_is_refused(card: Card, tmp_path: Path, where: str) -> None:
    hostile = "\x1b]0;owned\x07"
    content = card.model_dump(mode="json") | {where: {"by": hostile} if where == "provenance" else hostile}
    (tmp_path / "card.yaml").write_text(yaml.safe_dump(content))
    with pytest.raises(CorruptDatasetError) as caught:
        read_card(tmp_path / "card.yaml")
    assert "\x1b" not in str(caught.value)
