"""The two places where a dataset may lie, each able to hold one."""

from collections.abc import Callable
from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from sandkasse.catalogue.card import Card, CardDraft, Licence
from sandkasse.catalogue.seal import seal
from sandkasse.catalogue.store import Store
from sandkasse.contract import Column, Contract, Table, write_contract


def _draft(version: str) -> CardDraft:
    return CardDraft(
        id="small",
        version=version,
        title="Small",
        summary="Three persons.",
        domain="registers",
        tier="simulated",
        licence=Licence(name="CC0-1.0", url="https://spdx.org/licenses/CC0-1.0.html"),
        publisher="The tests",
        how_published="Made by a test.",
        anonymity="No person is behind it.",
        created=date(2026, 1, 1),
        how_to_get_real="There is none.",
    )


def _write(folder: Path) -> None:
    (folder / "data").mkdir()
    pq.write_table(pa.table({"pnr": ["a", "b", "c"]}), folder / "data" / "bef.parquet")
    bef = Table(name="bef", columns=(Column(name="pnr", type="string"),))
    write_contract(Contract(name="small", version="1.0.0", tables=(bef,)), folder / "contract.yaml")


@pytest.fixture(params=["site", "shipped"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Store, Callable[[], Card]]:
    """A store, and how the dataset `small` gets into it in this place."""
    store = Store(tmp_path / "site", tmp_path / "shipped")

    def put_on_site() -> Card:
        return store.publish(_draft("1.0.0"), _write)

    def put_in_shipment() -> Card:
        folder = tmp_path / "shipped" / "small"
        folder.mkdir(parents=True)
        _write(folder)
        return seal(folder, _draft("1.0.0"))

    return store, {"site": put_on_site, "shipped": put_in_shipment}[request.param]
