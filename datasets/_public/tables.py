"""What a shipped public dataset is made of, and how its folder is made from its publisher's files."""

import csv
import os
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from sandkasse.catalogue.card import CONTRACT_FILE, Card, CardDraft
from sandkasse.catalogue.seal import seal
from sandkasse.contract import Code, Column, Contract, Key, Reference, Table, write_contract
from sandkasse.contract.model import LogicalType, Provenance

MISSING = ("NA", "NaN")
LICENCE_TEXTS = {"GPL-2.0-only": "GPL-2", "LGPL-2.0-or-later": "LGPL-2"}
CREATED = date(2026, 11, 22)
NOT_ASSESSED = (
    "Sandkasse has not assessed whether the persons are anonymous; the data are here because they are public."
)

PARSERS: dict[str, tuple[Callable[[str], Any], pa.DataType]] = {
    "string": (str, pa.string()),
    "integer": (int, pa.int32()),
    "number": (float, pa.float64()),
    "boolean": ({"0": False, "1": True}.__getitem__, pa.bool_()),
    "date": (date.fromisoformat, pa.date32()),
}


@dataclass(frozen=True)
class Taken:
    """A column, and what it was called in the published file (`#` is the row's number)."""

    source: str
    name: str
    type: LogicalType
    description: str
    unit: str = ""
    codes: dict[Any, str] = field(default_factory=dict)
    required: bool = True
    bounds: tuple[Any, Any] = (None, None)
    described_by: str = ""

    def promise(self, source_file: str) -> Column:
        """Give the column as the contract promises it."""
        origin = "the row's number in the file" if self.source == "#" else f"column {self.source}"
        return Column(
            name=self.name,
            type=self.type,
            description=self.description,
            unit=self.unit,
            codes=tuple(Code(value, label) for value, label in self.codes.items()),
            required=self.required,
            minimum=self.bounds[0],
            maximum=self.bounds[1],
            described_by=self.described_by,
            provenance=Provenance(source=f"{source_file}, {origin}"),
        )


@dataclass(frozen=True)
class TakenTable:
    """A table, and the published file that it was taken from."""

    source: str
    name: str
    description: str
    granularity: str
    columns: tuple[Taken, ...]
    keys: tuple[tuple[str, ...], ...] = ()
    references: tuple[Reference, ...] = ()

    def promise(self) -> Table:
        """Give the table as the contract promises it."""
        return Table(
            name=self.name,
            description=self.description,
            granularity=self.granularity,
            columns=tuple(column.promise(self.source) for column in self.columns),
            keys=tuple(Key(columns, primary=not index) for index, columns in enumerate(self.keys)),
            references=self.references,
            provenance=Provenance(source=self.source),
        )

    def read(self, folder: Path) -> pa.Table:
        """Read the published file: the same rows in the same order, under the new names and types."""
        with (folder / f"{self.source}.csv").open(encoding="utf-8", newline="") as handle:
            rows = list(csv.DictReader(handle))
        expected = {column.source for column in self.columns} - {"#"}
        if not rows or set(rows[0]) != expected:
            sys.exit(f"{self.source}.csv has other columns than this script expects: {sorted(set(rows[0]) ^ expected)}")
        return pa.table({column.name: _take(column, rows) for column in self.columns})


@dataclass(frozen=True)
class PublicDataset:
    """A dataset: what its card says, and its tables."""

    card: CardDraft
    tables: tuple[TakenTable, ...]

    def contract(self) -> Contract:
        """Give the contract, named as the dataset."""
        return Contract(
            name=self.card.id,
            version="1.0.0",
            id=f"sandkasse-{self.card.id}",
            domain=self.card.domain,
            purpose=self.card.summary,
            usage="Teaching and the development of methods, under the licence on the card.",
            limitations=" ".join(self.card.known_faults),
            tables=tuple(table.promise() for table in self.tables),
            provenance=Provenance(source=self.card.how_published),
        )


def import_dataset(dataset: PublicDataset, source: Path, target: Path, *, licences: Path) -> Card:
    """Make one dataset's folder; what was there before is replaced only when the new one is whole."""
    partial = target.with_name(f".{target.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    (partial / "data").mkdir(parents=True)
    for table in dataset.tables:
        pq.write_table(table.read(source), partial / "data" / f"{table.name}.parquet", compression="zstd")
    write_contract(dataset.contract(), partial / CONTRACT_FILE)
    shutil.copyfile(licences / LICENCE_TEXTS[dataset.card.licence.name], partial / "LICENCE.txt")
    card = seal(partial, dataset.card)
    shutil.rmtree(target, ignore_errors=True)
    os.rename(partial, target)
    return card


def _take(column: Taken, rows: list[dict[str, str]]) -> pa.Array:
    parse, arrow_type = PARSERS[column.type]
    if column.source == "#":
        return pa.array(range(1, len(rows) + 1), arrow_type)
    texts = (row[column.source] for row in rows)
    return pa.array([None if text in MISSING else parse(text) for text in texts], arrow_type)
