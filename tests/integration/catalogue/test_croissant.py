"""Every shipped dataset's Croissant description is valid, and mlcroissant reads the rows that we published."""

import json
import os
import subprocess
from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from sandkasse.actions.datasets import export_dataset, list_datasets, show_dataset
from sandkasse.catalogue.card import CardDraft, Licence
from sandkasse.catalogue.croissant import to_croissant
from sandkasse.catalogue.seal import seal
from sandkasse.contract import Code, Column, Contract, Key, Reference, Table, read_contract, write_contract
from sandkasse.core.settings import read_settings

pytestmark = pytest.mark.slow
SETTINGS = read_settings({"SANDKASSE_HOME": "/nonexistent"})
READ = """
import json, sys
import mlcroissant
dataset = mlcroissant.Dataset(sys.argv[1])
issues = dataset.metadata.ctx.issues
rows = {} if len(sys.argv) < 3 else {
    records.id: sum(1 for _ in dataset.records(records.id)) for records in dataset.metadata.record_sets
}
print(json.dumps({
    "errors": sorted(issues.errors), "warnings": sorted(issues.warnings),
    "version": dataset.metadata.ctx.conforms_to.value, "rows": rows,
}))
"""


def validate(validator: Path, description: Path, *, read: bool = False) -> dict[str, object]:
    command = [str(validator), "-c", READ, str(description), *(["read"] if read else [])]
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
        env={**os.environ, "CROISSANT_CACHE": str(description.parent / "cache"), "PYTHONPATH": ""},
    )
    assert done.returncode == 0, done.stderr[-2000:]
    result: dict[str, object] = json.loads(done.stdout.splitlines()[-1])
    return result


@pytest.mark.parametrize("dataset", [card.id for card in list_datasets(SETTINGS)])
def test_a_shipped_dataset_is_described_validly(validator: Path, tmp_path: Path, dataset: str) -> None:
    out = export_dataset(SETTINGS, dataset, "croissant", tmp_path / "croissant.json")
    found = validate(validator, out)
    assert found == {"errors": [], "warnings": [], "version": "http://mlcommons.org/croissant/1.1", "rows": {}}


@pytest.mark.parametrize("dataset", ["steno-2", "salmonella-1996"])
def test_the_validator_reads_the_published_rows(validator: Path, tmp_path: Path, dataset: str) -> None:
    page = show_dataset(SETTINGS, dataset)
    (tmp_path / "data").symlink_to(SETTINGS.content / "datasets" / dataset / "data")
    out = export_dataset(SETTINGS, dataset, "croissant", tmp_path / "croissant.json")
    rows = validate(validator, out, read=True)["rows"]
    assert isinstance(rows, dict)
    assert {table: rows[table] for table in page.card.tables} == page.card.rows


def test_a_table_in_parts_and_a_reference_are_read(validator: Path, tmp_path: Path) -> None:
    (tmp_path / "data" / "visits").mkdir(parents=True)
    persons = pa.table({"pnr": ["a", "b"], "koen": pa.array([1, 2], pa.int8())})
    visits = pa.table({"pnr": ["a", "a", "b", "b"], "value": [1.0, 2.0, 3.0, None]})
    pq.write_table(persons, tmp_path / "data" / "persons.parquet")
    for part in range(2):
        pq.write_table(visits.slice(2 * part, 2), tmp_path / "data" / "visits" / f"part-{part:05}.parquet")
    pnr = Column(name="pnr", type="string", required=True)
    koen = Column(name="koen", type="integer", codes=(Code(1, "man"), Code(2, "woman")))
    tables = (
        Table(name="persons", columns=(pnr, koen), keys=(Key(("pnr",), primary=True),)),
        Table(
            name="visits",
            columns=(pnr, Column(name="value", type="number", unit="mmol/L")),
            references=(Reference(("pnr",), "persons", ("pnr",)),),
        ),
    )
    write_contract(Contract(name="parts", version="1.0.0", tables=tables), tmp_path / "contract.yaml")
    draft = CardDraft(
        id="parts",
        version="1.0.0",
        title="Parts",
        summary="A table in two parts.",
        domain="registers",
        tier="simulated",
        licence=Licence(name="CC0-1.0", url="https://spdx.org/licenses/CC0-1.0.html"),
        publisher="The tests",
        how_published="Made by a test.",
        anonymity="No person is behind it.",
        created=date(2026, 1, 1),
        how_to_get_real="There is none.",
    )
    card = seal(tmp_path, draft)
    described = to_croissant(card, read_contract(tmp_path / "contract.yaml"))
    (tmp_path / "croissant.json").write_text(json.dumps(described))
    found = validate(validator, tmp_path / "croissant.json", read=True)
    assert found["errors"] == []
    assert found["rows"] == {"persons": 2, "visits": 4, "persons-koen-codes": 2}


def test_the_validator_can_say_no(validator: Path, tmp_path: Path) -> None:
    out = export_dataset(SETTINGS, "rotterdam", "croissant", tmp_path / "croissant.json")
    described = json.loads(out.read_text())
    described["recordSet"][-1]["field"][0]["source"]["fileObject"]["@id"] = "data/nowhere.parquet"
    out.write_text(json.dumps(described))
    command = [str(validator), "-c", READ, str(out)]
    assert subprocess.run(command, capture_output=True, check=False, timeout=300).returncode != 0
