"""The contract `omop-cdm`, made from the official definitions."""

from collections.abc import Iterable

from sandkasse.contract import Column, Contract, Key, Reference
from sandkasse.contract import Table as ContractTable
from sandkasse.contract.model import LogicalType, Provenance
from sandkasse.transforms.omop.definitions import CDM_VERSION, Field, Table, read_definitions

CONTRACT_NAME = "omop-cdm"
_SOURCE = "OHDSI CommonDataModel 5.4, Apache-2.0, https://github.com/OHDSI/CommonDataModel"
_ALWAYS = frozenset({"person", "observation_period", "cdm_source", "concept", "vocabulary", "domain", "concept_class"})
_TYPES: dict[str, LogicalType] = {"integer": "integer", "float": "number", "date": "date", "datetime": "timestamp"}


def omop_contract(tables: Iterable[str] | None = None) -> Contract:
    """Give the contract of the OMOP Common Data Model 5.4.

    Keys, required fields, types, lengths and references between tables are promised; what a contract cannot say
    (domains, periods, eras) is `check_omop`'s.

    Args:
        tables: The tables to promise; every table of the model by default. References to others are left out.
    """
    definitions = read_definitions()
    named = set(definitions if tables is None else tables)
    return Contract(
        name=CONTRACT_NAME,
        version=f"{CDM_VERSION}.0",
        domain="registers",
        purpose="Health records in the OMOP Common Data Model 5.4, for code that runs at any OHDSI site.",
        usage="The tables and columns of the official definitions; concepts are explained in the table concept.",
        limitations="Only concepts that the records use are in the table concept.",
        provenance=Provenance(source=_SOURCE),
        tables=tuple(_table(table, named) for table in definitions.values() if table.name in named),
    )


def _table(table: Table, named: set[str]) -> ContractTable:
    keys = tuple(Key((field.name,), primary=True) for field in table.fields if field.is_primary_key)
    return ContractTable(
        name=table.name,
        columns=tuple(_column(field) for field in table.fields),
        description=_first_sentence(table.description),
        keys=keys,
        references=tuple(
            Reference((field.name,), field.refers_to[0], (field.refers_to[1],))
            for field in table.fields
            if field.refers_to and field.refers_to[0] in named
        ),
        optional=table.name not in _ALWAYS,
        provenance=Provenance(source=_SOURCE),
    )


def _column(field: Field) -> Column:
    kind = field.datatype.lower()
    return Column(
        name=field.name,
        type=_TYPES.get(kind, "string"),
        description=_first_sentence(field.guidance),
        physical_type=str(field.dtype).removeprefix("!") if kind in ("integer", "float") else "",
        required=field.required,
        max_length=field.max_length,
        code_system="OMOP concept" if field.is_concept else "",
    )


def _first_sentence(text: str) -> str:
    plain = text.replace("<br>", " ").split("\n")[0].strip()
    sentence = plain.partition(". ")[0].strip()
    return sentence if not sentence or sentence.endswith((".", ":", "?")) else f"{sentence}."
