"""The maintainers' import keeps every value, and is the script that made what is shipped."""

import csv
import importlib
import sys
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from types import ModuleType
from typing import Any

import pyarrow.parquet as pq
import pytest

from sandkasse.contract import contract_sha256, read_contract

SHIPPED = Path(__file__).parents[3] / "datasets"


@pytest.fixture(scope="module")
def script() -> Iterator[ModuleType]:
    """Give the script, imported as Python imports what it runs: with its folder on the path."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(SHIPPED))
        patch.setattr(sys, "dont_write_bytecode", True)
        yield importlib.import_module("import_public")
    for name in [name for name in sys.modules if name == "import_public" or name.partition(".")[0] == "_public"]:
        del sys.modules[name]


@pytest.fixture(scope="module")
def tables(script: ModuleType) -> ModuleType:
    return sys.modules[script.import_dataset.__module__]


def as_text(value: Any) -> str:
    if value is None:
        return "NA"
    if isinstance(value, bool):
        return "1" if value else "0"
    return value.isoformat() if isinstance(value, date) else repr(value) if isinstance(value, float) else str(value)


def write_back(script: ModuleType, table: Any, folder: Path, source: Path) -> None:
    """Write a shipped table as the file that it was taken from."""
    rows = pq.read_table(folder / "data" / f"{table.name}.parquet").to_pylist()
    columns = [column for column in table.columns if column.source != "#"]
    with (source / f"{table.source}.csv").open("w", encoding="utf-8", newline="") as handle:
        writer = csv.writer(handle)
        writer.writerow([column.source for column in columns])
        writer.writerows([as_text(row[column.name]) for column in columns] for row in rows)


def test_the_script_makes_what_is_shipped(script: ModuleType, tables: ModuleType, tmp_path: Path) -> None:
    """Shipped tables written back as comma-separated files and imported again give the same bytes."""
    licences = tmp_path / "licences"
    licences.mkdir()
    for dataset in script.DATASETS:
        source, target = tmp_path / f"{dataset.card.id}-source", tmp_path / dataset.card.id
        source.mkdir()
        shipped = SHIPPED / dataset.card.id
        for table in dataset.tables:
            write_back(script, table, shipped, source)
        (licences / tables.LICENCE_TEXTS[dataset.card.licence.name]).write_bytes((shipped / "LICENCE.txt").read_bytes())
        card = script.import_dataset(dataset, source, target, licences=licences)
        assert {table: pq.read_table(target / "data" / f"{table}.parquet") for table in card.tables} == {
            table: pq.read_table(shipped / "data" / f"{table}.parquet") for table in card.tables
        }
        assert contract_sha256(read_contract(target / "contract.yaml")) == contract_sha256(
            read_contract(shipped / "contract.yaml")
        )
        said, shipped_says = (
            (folder / "card.yaml").read_text().partition("\nfiles:\n")[0] for folder in (target, shipped)
        )
        assert said == shipped_says


def test_a_file_with_other_columns_is_refused(script: ModuleType, tmp_path: Path) -> None:
    (tmp_path / "DMlate.csv").write_text("sex,other\nF,1\n")
    with pytest.raises(SystemExit, match="other columns"):
        script.DATASETS[0].tables[0].read(tmp_path)


def test_values_are_taken_as_they_stand(script: ModuleType, tmp_path: Path) -> None:
    header = "sex,dobth,dodm,dodth,dooad,doins,dox\n"
    (tmp_path / "DMlate.csv").write_text(header + "F,1940.2559890486,1998.91718001369,NA,NA,NA,2009.99726214921\n")
    rows = script.DATASETS[0].tables[0].read(tmp_path).to_pylist()
    assert rows == [
        {
            "person_id": 1,
            "sex": "F",
            "birth_year": 1940.2559890486,
            "inclusion_year": 1998.91718001369,
            "death_year": None,
            "oral_drug_year": None,
            "insulin_year": None,
            "exit_year": 2009.99726214921,
        }
    ]
