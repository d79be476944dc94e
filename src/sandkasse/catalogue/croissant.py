"""A dataset described in Croissant 1.1, the format in which machine-learning tools exchange descriptions of data.

Specification: https://docs.mlcommons.org/croissant/docs/croissant-spec-1.1.html. Locations of files are relative to the
dataset's folder, so the description belongs beside `card.yaml`.
"""

from collections.abc import Mapping
from typing import Any

from sandkasse.catalogue.addresses import dataset_address
from sandkasse.catalogue.card import Card, DatasetFile
from sandkasse.catalogue.snippets import to_bibtex
from sandkasse.contract import Column, Contract, Table

CONFORMS_TO = ["http://mlcommons.org/croissant/1.1", "http://mlcommons.org/croissant/RAI/1.0"]
PARQUET = "application/x-parquet"

_TYPES = {
    "string": "sc:Text",
    "integer": "sc:Integer",
    "number": "sc:Float",
    "boolean": "sc:Boolean",
    "date": "sc:Date",
    "timestamp": "sc:DateTime",
    "time": "sc:Time",
}
# The context that the specification prints; validators warn when a term is missing.
_CONTEXT: dict[str, Any] = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "arrayShape": "cr:arrayShape",
    "citeAs": "cr:citeAs",
    "column": "cr:column",
    "conformsTo": "dct:conformsTo",
    "containedIn": "cr:containedIn",
    "cr": "http://mlcommons.org/croissant/",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "dct": "http://purl.org/dc/terms/",
    "description": {"@container": "@language"},
    "equivalentProperty": "cr:equivalentProperty",
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "extract": "cr:extract",
    "field": "cr:field",
    "fileObject": "cr:fileObject",
    "fileProperty": "cr:fileProperty",
    "fileSet": "cr:fileSet",
    "format": "cr:format",
    "includes": "cr:includes",
    "isArray": "cr:isArray",
    "isLiveDataset": "cr:isLiveDataset",
    "jsonPath": "cr:jsonPath",
    "key": "cr:key",
    "md5": "cr:md5",
    "name": {"@container": "@language"},
    "parentField": "cr:parentField",
    "path": "cr:path",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "recordSet": "cr:recordSet",
    "references": "cr:references",
    "regex": "cr:regex",
    "repeated": "cr:repeated",
    "replace": "cr:replace",
    "samplingRate": "cr:samplingRate",
    "sc": "https://schema.org/",
    "separator": "cr:separator",
    "source": "cr:source",
    "subField": "cr:subField",
    "transform": "cr:transform",
}


def to_croissant(card: Card, contract: Contract, *, address: str | None = None) -> dict[str, Any]:
    """Describe a dataset in Croissant 1.1.

    Tables become record sets, columns fields; keys, references and codes are kept.

    Args:
        card: The dataset's card.
        contract: The contract that it keeps.
        address: Where the catalogue is reached, `https://…`, if it is.
    """
    promised = {table.name: table for table in contract.tables}
    kept = {name: promised[name] for name in card.tables if name in promised}
    return {
        "@context": _CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": CONFORMS_TO,
        "name": card.id,
        "alternateName": card.title,
        "description": card.summary,
        "url": dataset_address(card, address),
        "version": card.version,
        "license": card.licence.url,
        "creator": {"@type": "sc:Organization", "name": card.publisher},
        "publisher": {"@type": "sc:Organization", "name": card.publisher},
        "datePublished": card.created.isoformat(),
        "keywords": list(card.keywords),
        "citeAs": to_bibtex(card),
        "isLiveDataset": False,
        "rai:dataCollection": card.how_published,
        "rai:dataLimitations": list(card.known_faults),
        "rai:personalSensitiveInformation": [card.anonymity],
        "distribution": [entry for table in card.tables for entry in _distribution(card, table)],
        "recordSet": [
            *(code_set for table in kept.values() for code_set in _code_sets(table)),
            *(_record_set(card, table, tables=kept) for table in kept.values()),
        ],
    }


def _distribution(card: Card, table: str) -> list[dict[str, Any]]:
    files = card.files_of(table)
    if _is_whole(files):
        return [_file_object(files[0])]
    file_set = {
        "@type": "cr:FileSet",
        "@id": f"{table}-parts",
        "name": f"{table}-parts",
        "description": f"The {len(files)} parts of the table {table}, {sum(file.bytes for file in files)} bytes.",
        "encodingFormat": PARQUET,
        "includes": f"data/{table}/*.parquet",
    }
    return [file_set, *(_file_object(file) for file in files)]


def _file_object(file: DatasetFile) -> dict[str, Any]:
    return {
        "@type": "cr:FileObject",
        "@id": file.path,
        "name": file.path,
        "description": f"{file.rows} rows of the table {file.table}.",
        "contentUrl": file.path,
        "contentSize": f"{file.bytes} B",
        "encodingFormat": PARQUET,
        "sha256": file.sha256,
    }


def _record_set(card: Card, table: Table, *, tables: Mapping[str, Table]) -> dict[str, Any]:
    key = next((key.columns for key in table.keys if key.primary), ())
    described: dict[str, Any] = {
        "@type": "cr:RecordSet",
        "@id": table.name,
        "name": table.name,
        "description": table.description or table.title or table.name,
        "field": [_field(card, table, column, tables=tables) for column in table.columns],
    }
    return described | ({"key": [{"@id": f"{table.name}/{column}"} for column in key]} if key else {})


def _field(card: Card, table: Table, column: Column, *, tables: Mapping[str, Table]) -> dict[str, Any]:
    unit = f" Unit: {column.unit}." if column.unit else ""
    described: dict[str, Any] = {
        "@type": "cr:Field",
        "@id": f"{table.name}/{column.name}",
        "name": column.name,
        "description": f"{column.description or column.title or column.name}{unit}",
        "dataType": _TYPES.get(column.type, "sc:Text"),
        "source": _column_source(card, table.name, column.name),
    }
    referred = _referred(card, table, column, tables=tables)
    return described | ({"references": referred} if referred else {})


def _column_source(card: Card, table: str, column: str) -> dict[str, Any]:
    files = card.files_of(table)
    origin = {"fileObject": {"@id": files[0].path}} if _is_whole(files) else {"fileSet": {"@id": f"{table}-parts"}}
    return {**origin, "extract": {"column": column}}


def _referred(card: Card, table: Table, column: Column, *, tables: Mapping[str, Table]) -> dict[str, Any] | None:
    for reference in table.references:
        goal = tables.get(reference.to_table)
        # A reader joins what is referred to, so only to a column that names each row once.
        if reference.columns == (column.name,) and goal and any(k.columns == reference.to_columns for k in goal.keys):
            # The column in its file, not the field: mlcroissant 1.1.1 joins the former and fails on the latter.
            return _column_source(card, reference.to_table, reference.to_columns[0])
    return {"field": {"@id": f"{table.name}-{column.name}-codes/value"}} if column.codes else None


def _code_sets(table: Table) -> list[dict[str, Any]]:
    return [_code_set(table, column) for column in table.columns if column.codes]


def _code_set(table: Table, column: Column) -> dict[str, Any]:
    name = f"{table.name}-{column.name}-codes"
    fields = (
        ("value", _TYPES.get(column.type, "sc:Text"), f"A code of {table.name}.{column.name}."),
        ("label", "sc:Text", "What the code means."),
    )
    return {
        "@type": "cr:RecordSet",
        "@id": name,
        "name": name,
        "description": f"The codes of {table.name}.{column.name}.",
        "dataType": "sc:Enumeration",
        "key": {"@id": f"{name}/value"},
        "field": [
            {"@type": "cr:Field", "@id": f"{name}/{field}", "name": field, "description": text, "dataType": kind}
            for field, kind, text in fields
        ],
        "data": [{f"{name}/value": code.value, f"{name}/label": code.label} for code in column.codes],
    }


def _is_whole(files: tuple[DatasetFile, ...]) -> bool:
    return len(files) == 1 and files[0].path.count("/") == 1
