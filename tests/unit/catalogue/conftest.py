"""Small datasets, made where a test wants them."""

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from sandkasse.catalogue.card import Card, CardDraft, Licence
from sandkasse.catalogue.seal import seal
from sandkasse.catalogue.store import Store
from sandkasse.contract import Code, Column, Contract, Key, Table, write_contract

PERSONS = pa.table({"pnr": ["a", "b", "c"], "koen": pa.array([1, 2, 2], pa.int8())})


def build_contract(name: str = "small") -> Contract:
    koen = Column(name="koen", type="integer", required=True, codes=(Code(1, "man"), Code(2, "woman")))
    bef = Table(name="bef", columns=(Column(name="pnr", type="string"), koen), keys=(Key(("pnr",), primary=True),))
    return Contract(name=name, version="1.0.0", tables=(bef,))


def build_draft(**changes: Any) -> CardDraft:
    said: dict[str, Any] = {
        "id": "small",
        "version": "1.0.0",
        "title": "A small <dataset>",
        "summary": "Three persons.",
        "domain": "registers",
        "tier": "simulated",
        "licence": Licence(name="CC0-1.0", url="https://spdx.org/licenses/CC0-1.0.html"),
        "publisher": "The tests",
        "how_published": "Made by a test.",
        "anonymity": "No person is behind it.",
        "persons": 3,
        "created": date(2026, 1, 1),
        "how_to_get_real": "There is none.",
    }
    return CardDraft(**{**said, **changes})


def write_dataset(folder: Path, table: pa.Table = PERSONS, *, n_parts: int = 0, name: str = "small") -> None:
    (folder / "data").mkdir()
    if n_parts:
        (folder / "data" / "bef").mkdir()
        step = -(-table.num_rows // n_parts)
        for part in range(n_parts):
            rows = table.slice(part * step, step)
            pq.write_table(rows, folder / "data" / "bef" / f"part-{part:05}.parquet")
    else:
        pq.write_table(table, folder / "data" / "bef.parquet")
    write_contract(build_contract(name), folder / "contract.yaml")


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "site", tmp_path / "shipped")


@pytest.fixture
def make_draft() -> Callable[..., CardDraft]:
    return build_draft


@pytest.fixture
def write() -> Callable[..., None]:
    return write_dataset


@pytest.fixture
def make_sealed(tmp_path: Path) -> Callable[..., tuple[Path, Card]]:
    """Build a dataset's folder directly, as a shipped one lies: `make_sealed(name="x", n_parts=2, id=…)`."""

    def make(
        where: str = "sealed", *, n_parts: int = 0, table: pa.Table = PERSONS, **changes: Any
    ) -> tuple[Path, Card]:
        folder = tmp_path / where
        folder.mkdir(parents=True)
        write_dataset(folder, table, n_parts=n_parts)
        return folder, seal(folder, build_draft(**changes))

    return make
