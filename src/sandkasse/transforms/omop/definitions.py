"""The official definitions of the OMOP Common Data Model 5.4: its tables and fields, as records."""

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files

import ibis
import ibis.expr.datatypes as dt

CDM_VERSION = "5.4"
_ABSENT = ("", "NA")


@dataclass(frozen=True, slots=True)
class Field:
    """A field of the model.

    Attributes:
        table: The table that it belongs to.
        name: Its name.
        required: Whether it may not be null.
        datatype: The type as the definitions have it: `integer`, `varchar(50)`, …
        is_primary_key: Whether its values occur once.
        refers_to: (table, field) whose values it takes, if any.
        domains: The domains that a standard concept in it may have; empty where the definitions name none.
        concept_class: The class that a concept in it must have, if any.
        guidance: What the definitions say to a user.
    """

    table: str
    name: str
    required: bool
    datatype: str
    is_primary_key: bool
    refers_to: tuple[str, str] | None
    domains: tuple[str, ...]
    concept_class: str | None
    guidance: str

    @property
    def max_length(self) -> int | None:
        """How many characters a text may have; None for other types and for `varchar(MAX)`."""
        inner = self.datatype.partition("(")[2].rstrip(")")
        return int(inner) if inner.isdigit() else None

    @property
    def dtype(self) -> dt.DataType:
        """The column's type here: identifiers have 64 bits, as twelve digits of a person do not fit in 32."""
        kind = self.datatype.lower()
        if kind.startswith("varchar"):
            return dt.string
        if kind == "integer":
            return dt.int64 if self.is_identifier else dt.int32
        return {"date": dt.date, "datetime": dt.Timestamp(scale=6), "float": dt.float64}[kind]

    @property
    def is_identifier(self) -> bool:
        """Whether it names a row of this data set, not a concept or a number."""
        return self.name.endswith("_id") and not self.name.endswith("concept_id") and self.datatype.lower() == "integer"

    @property
    def is_concept(self) -> bool:
        """Whether it holds a concept."""
        return self.refers_to == ("concept", "concept_id")


@dataclass(frozen=True, slots=True)
class Table:
    """A table of the model.

    Attributes:
        name: Its name.
        schema: `CDM`, `VOCAB` or `RESULTS`.
        required: Whether every data set has it.
        description: What it holds.
        fields: Its fields in their order.
    """

    name: str
    schema: str
    required: bool
    description: str
    fields: tuple[Field, ...]

    def field(self, name: str) -> Field:
        """Give the field of this name.

        Raises:
            KeyError: If there is none.
        """
        return {field.name: field for field in self.fields}[name]

    @property
    def ibis_schema(self) -> ibis.Schema:
        """Its columns and their types, in the official order."""
        return ibis.schema({field.name: field.dtype for field in self.fields})


@lru_cache(maxsize=1)
def read_definitions() -> dict[str, Table]:
    """Read the official definitions: tables by name, in the official order."""
    fields: dict[str, list[Field]] = {}
    for row in _rows("OMOP_CDMv5.4_Field_Level.csv"):
        fields.setdefault(row["cdmTableName"].lower(), []).append(_field(row))
    return {
        name: Table(
            name, row["schema"], row["isRequired"] == "Yes", _text(row["tableDescription"]), tuple(fields[name])
        )
        for row in _rows("OMOP_CDMv5.4_Table_Level.csv")
        for name in (row["cdmTableName"].lower(),)
    }


def _field(row: dict[str, str]) -> Field:
    refers = (row["fkTableName"].lower(), row["fkFieldName"].lower())
    return Field(
        table=row["cdmTableName"].lower(),
        name=row["cdmFieldName"].lower(),
        required=row["isRequired"] == "Yes",
        datatype=row["cdmDatatype"],
        is_primary_key=row["isPrimaryKey"] == "Yes",
        refers_to=refers if row["isForeignKey"] == "Yes" else None,
        domains=tuple(part.strip() for part in _text(row["fkDomain"]).split(",") if part.strip()),
        concept_class=_text(row["fkClass"]) or None,
        guidance=_text(row["userGuidance"]),
    )


def _rows(name: str) -> Iterator[dict[str, str]]:
    text = (files("sandkasse.transforms.omop") / "official" / name).read_text(encoding="utf-8")
    yield from csv.DictReader(io.StringIO(text))


def _text(value: str) -> str:
    return "" if value in _ABSENT else value
