"""A dataset described for open-data portals (DCAT-AP 3, as JSON-LD) and for search engines (schema.org).

Specification: https://semiceu.github.io/DCAT-AP/releases/3.0.0/.
"""

from typing import Any

from sandkasse.catalogue.addresses import dataset_address, dataset_urn
from sandkasse.catalogue.card import Card, DatasetFile

_EU = "http://publications.europa.eu/resource/authority"
PARQUET = "https://www.iana.org/assignments/media-types/application/vnd.apache.parquet"

_CONTEXT: dict[str, Any] = {
    "dcat": "http://www.w3.org/ns/dcat#",
    "dct": "http://purl.org/dc/terms/",
    "foaf": "http://xmlns.com/foaf/0.1/",
    "prov": "http://www.w3.org/ns/prov#",
    "rdfs": "http://www.w3.org/2000/01/rdf-schema#",
    "skos": "http://www.w3.org/2004/02/skos/core#",
    "spdx": "http://spdx.org/rdf/terms#",
    "xsd": "http://www.w3.org/2001/XMLSchema#",
}


def to_dcat(card: Card, *, address: str | None = None) -> dict[str, Any]:
    """Describe a dataset in DCAT-AP 3.

    Args:
        card: The dataset's card.
        address: Where the catalogue is reached, `https://…`.
    """
    return {"@context": _CONTEXT, **_dataset(card, address)}


def to_dcat_catalogue(
    cards: tuple[Card, ...], *, title: str, publisher: str, address: str | None = None
) -> dict[str, Any]:
    """Describe a whole catalogue in DCAT-AP 3.

    Args:
        cards: Its datasets' cards.
        title: The catalogue's name.
        publisher: Who runs the site.
        address: Where the catalogue is reached, `https://…`.
    """
    return {
        "@context": _CONTEXT,
        "@id": f"{address.rstrip('/')}/data" if address else "urn:sandkasse:catalogue",
        "@type": "dcat:Catalog",
        "dct:title": _english(title),
        "dct:description": _english("Health data that may be used for learning and for developing methods."),
        "dct:publisher": _agent(publisher),
        "dcat:dataset": [_dataset(card, address) for card in cards],
    }


def to_schema_org(card: Card, *, address: str | None = None) -> dict[str, Any]:
    """Describe a dataset for search engines, as a page about it embeds it.

    Args:
        card: The dataset's card.
        address: Where the catalogue is reached, `https://…`.
    """
    optional = {
        "temporalCoverage": card.period,
        "spatialCoverage": card.country,
        "sameAs": card.source_url,
        "citation": [item.text for item in card.citations],
        "keywords": list(card.keywords),
    }
    return {
        "@context": "https://schema.org/",
        "@type": "Dataset",
        "@id": dataset_urn(card),
        "name": card.title,
        "identifier": card.reference,
        "description": card.summary,
        "url": dataset_address(card, address),
        "version": card.version,
        "license": card.licence.url,
        "isAccessibleForFree": True,
        "datePublished": card.created.isoformat(),
        "creator": {"@type": "Organization", "name": card.publisher},
        "distribution": [
            {
                "@type": "DataDownload",
                "name": file.path,
                "encodingFormat": "application/vnd.apache.parquet",
                "contentUrl": f"{dataset_address(card, address)}#{file.path}",
                "contentSize": f"{file.bytes} B",
                "sha256": file.sha256,
            }
            for file in card.files
        ],
        **{name: value for name, value in optional.items() if value},
    }


def _dataset(card: Card, address: str | None) -> dict[str, Any]:
    where = dataset_address(card, address)
    optional: dict[str, Any] = {
        "dct:spatial": {"@type": "dct:Location", "skos:prefLabel": card.country} if card.country else None,
        "dct:temporal": {"@type": "dct:PeriodOfTime", "rdfs:label": card.period} if card.period else None,
        "dct:isReferencedBy": [{"@id": f"https://doi.org/{item.doi}"} for item in card.citations if item.doi],
        "dcat:keyword": [_english(word) for word in card.keywords],
        "dct:source": {"@id": card.source_url} if card.source_url else None,
    }
    return {
        "@id": dataset_urn(card),
        "@type": "dcat:Dataset",
        "dct:title": _english(card.title),
        "dct:description": _english(card.summary),
        "dct:identifier": card.reference,
        "dcat:version": card.version,
        "dct:issued": {"@value": card.created.isoformat(), "@type": "xsd:date"},
        "dct:publisher": _agent(card.publisher),
        "dct:accessRights": {"@id": f"{_EU}/access-right/PUBLIC", "@type": "dct:RightsStatement"},
        "dct:provenance": {"@type": "dct:ProvenanceStatement", "rdfs:label": _english(card.how_published)},
        "dct:conformsTo": {
            "@id": f"urn:sandkasse:contract:{card.contract.name}:{card.contract.version}",
            "@type": "dct:Standard",
        },
        "dcat:theme": {"@id": f"{_EU}/data-theme/HEAL", "@type": "skos:Concept"},
        "dcat:landingPage": {"@id": where, "@type": "foaf:Document"},
        "dcat:distribution": [_distribution(card, file, where) for file in card.files],
        **{name: value for name, value in optional.items() if value},
    }


def _distribution(card: Card, file: DatasetFile, where: str) -> dict[str, Any]:
    return {
        "@id": f"{dataset_urn(card)}:{file.path}",
        "@type": "dcat:Distribution",
        "dct:title": _english(file.path),
        "dct:description": _english(f"{file.rows:,} rows of the table {file.table}, as Parquet."),
        "dcat:accessURL": {"@id": where},
        "dct:license": {"@id": card.licence.url, "@type": "dct:LicenseDocument"},
        "dcat:mediaType": {"@id": PARQUET, "@type": "dct:MediaType"},
        "dcat:byteSize": {"@value": str(file.bytes), "@type": "xsd:nonNegativeInteger"},
        "spdx:checksum": {
            "@type": "spdx:Checksum",
            "spdx:algorithm": {"@id": "spdx:checksumAlgorithm_sha256"},
            "spdx:checksumValue": {"@value": file.sha256, "@type": "xsd:hexBinary"},
        },
    }


def _agent(name: str) -> dict[str, Any]:
    return {"@type": "foaf:Agent", "foaf:name": _english(name)}


def _english(text: str) -> dict[str, str]:
    return {"@value": text, "@language": "en"}
