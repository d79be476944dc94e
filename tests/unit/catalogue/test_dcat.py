"""The DCAT-AP and schema.org descriptions parse as JSON-LD and say what the profiles demand."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from rdflib import Graph, Literal, URIRef
from rdflib.namespace import DCAT, DCTERMS, FOAF, RDF, XSD

from sandkasse.catalogue.card import Card, Citation
from sandkasse.catalogue.dcat import to_dcat, to_dcat_catalogue, to_schema_org

# rdflib's own JSON-LD parser uses its own deprecated class: https://github.com/RDFLib/rdflib/issues
pytestmark = pytest.mark.filterwarnings("ignore:ConjunctiveGraph is deprecated:DeprecationWarning")
Made = Callable[..., tuple[Path, Card]]
SITE = "https://sandkasse.example.org/"

# DCAT-AP 3.0.0: what a class must have, and the commonest of what it should.
MANDATORY = {
    DCAT.Catalog: [DCTERMS.title, DCTERMS.description, DCTERMS.publisher],
    DCAT.Dataset: [DCTERMS.title, DCTERMS.description],
    DCAT.Distribution: [DCAT.accessURL],
    FOAF.Agent: [FOAF.name],
}
RECOMMENDED = {
    DCAT.Dataset: [DCAT.theme, DCAT.keyword, DCTERMS.publisher, DCAT.distribution, DCTERMS.spatial, DCTERMS.temporal],
    DCAT.Distribution: [DCTERMS.license, DCTERMS.description, DCAT.mediaType],
}


@pytest.fixture
def card(make_sealed: Made) -> Card:
    return make_sealed(
        n_parts=2,
        country="DK",
        period="1996",
        keywords=("diabetes",),
        citations=(Citation(text="A (2001). B. C 1:2.", doi="10.1000/182"),),
    )[1]


def parse(described: object) -> Graph:
    return Graph().parse(data=json.dumps(described), format="json-ld")


@pytest.mark.parametrize("address", [None, SITE])
def test_mandatory_and_recommended_properties_are_there(card: Card, address: str | None) -> None:
    graph = parse(to_dcat_catalogue((card,), title="Sandkasse", publisher="A site", address=address))
    for needed in (MANDATORY, RECOMMENDED):
        for kind, properties in needed.items():
            things = list(graph.subjects(RDF.type, kind))
            assert things, kind
            missing = [(thing, name) for thing in things for name in properties if not list(graph.objects(thing, name))]
            assert missing == []


def test_every_file_is_a_distribution_with_its_size_and_checksum(card: Card) -> None:
    graph = parse(to_dcat(card))
    sizes = {int(size) for size in graph.objects(None, DCAT.byteSize)}
    assert sizes == {file.bytes for file in card.files}
    assert {size.datatype for size in graph.objects(None, DCAT.byteSize)} == {XSD.nonNegativeInteger}
    sums = {str(value) for value in graph.objects(None, URIRef("http://spdx.org/rdf/terms#checksumValue"))}
    assert sums == {file.sha256 for file in card.files}


def test_the_catalogue_names_every_dataset(card: Card) -> None:
    other = card.model_copy(update={"id": "other"})
    graph = parse(to_dcat_catalogue((card, other), title="Sandkasse", publisher="A site"))
    named = set(graph.objects(None, DCAT.dataset))
    assert named == {URIRef("urn:sandkasse:dataset:small:1.0.0"), URIRef("urn:sandkasse:dataset:other:1.0.0")}


def test_terms_are_not_swallowed_by_the_context(card: Card) -> None:
    """A key that the context does not know would vanish from the graph without a word."""
    described = to_dcat(card, address=SITE)
    prefixes = tuple(f"{name}:" for name in described["@context"])

    def unknown(node: object) -> list[str]:
        if isinstance(node, dict):
            here = [key for key in node if not key.startswith(("@", *prefixes))]
            return here + [name for value in node.values() for name in unknown(value)]
        return [name for value in node for name in unknown(value)] if isinstance(node, list) else []

    assert unknown({key: value for key, value in described.items() if key != "@context"}) == []


def test_the_title_is_english_and_whole(card: Card) -> None:
    graph = parse(to_dcat(card))
    assert (
        URIRef("urn:sandkasse:dataset:small:1.0.0"),
        DCTERMS.title,
        Literal("A small <dataset>", lang="en"),
    ) in graph


def test_a_search_engine_finds_what_it_demands(card: Card) -> None:
    described = to_schema_org(card, address=SITE)
    assert described["url"] == "https://sandkasse.example.org/data/small"
    assert {"name", "description", "license", "creator", "distribution", "citation", "temporalCoverage"} <= set(
        described
    )
    assert 50 > len(described["description"]) > 0
    json.dumps(described)
