"""The vocabularies: which concept each Danish code stands for, and the vocabulary tables that say so.

Without a download of the user's own, only the few concepts that come with the software are known; see
`vocabulary/README.md`. Own concepts are never standard concepts: they stand in the `…_source_concept_id` columns.
"""

import csv
import io
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache
from importlib.resources import files

import pyarrow as pa

from sandkasse.contract.codes import code_title
from sandkasse.transforms.omop.concept_ids import VOCABULARY_CONCEPTS, own_concept_id
from sandkasse.transforms.omop.definitions import read_definitions
from sandkasse.transforms.omop.plan import CODES_SCHEMA

VALID_FROM, VALID_TO = date(1970, 1, 1), date(2099, 12, 31)

_DOMAINS = {
    "DK-ATC": "Drug",
    "DK-NPU": "Measurement",
    "DK-YDELSE": "Procedure",
    "DK-OPERATION": "Procedure",
    "DK-SPECIALE": "Provider",
    "DK-UNIT": "Unit",
}
_SYSTEMS = {
    "DK-ATC": ("ATC",),
    "DK-SKS": ("SKS (ICD-10 with a D in front)",),
    "DK-ICD8": ("ICD-8 until 1993, SKS (ICD-10 with a D in front) from 1994",),
    "DK-NPU": ("NPU",),
    "DK-YDELSE": ("Specialties and services of the health insurance",),
}
_BARE_ICD10 = re.compile(r"^[A-Z][0-9]{2}(\.?[0-9A-Z]{0,2})?$")
_SKS_DIAGNOSIS = re.compile(r"^D[A-Z][0-9]{2}")
_NO_CONDITIONS = "VWXYZ"  # chapters of ICD-10: external causes, and factors influencing contact with health services


@dataclass(frozen=True, slots=True)
class Concept:
    """One row of the table concept."""

    concept_id: int
    concept_name: str
    domain_id: str
    vocabulary_id: str
    concept_class_id: str
    standard_concept: str | None
    concept_code: str

    def row(self) -> dict[str, object]:
        """Give it as a row of the table."""
        return {name: getattr(self, name) for name in self.__slots__} | {
            "concept_name": self.concept_name[:255],
            "valid_start_date": VALID_FROM,
            "valid_end_date": VALID_TO,
        }


@dataclass(frozen=True)
class CodeMap:
    """What codes map to, from one source of knowledge.

    Attributes:
        version: Of the vocabularies, at most 20 characters.
        concepts: The concepts that it knows, by identifier.
        targets: The standard concepts that a code maps to, by (vocabulary, code).
        metadata: Rows of domain, concept_class and vocabulary that its concepts need, by table.
    """

    version: str
    concepts: Mapping[int, Concept]
    targets: Mapping[tuple[str, str], tuple[int, ...]]
    metadata: Mapping[str, Mapping[str, dict[str, object]]] = field(default_factory=dict)


def read_shipped() -> CodeMap:
    """Read the concepts and maps that come with the software."""
    concepts = {
        int(row["concept_id"]): Concept(
            int(row["concept_id"]),
            row["concept_name"],
            row["domain_id"],
            row["vocabulary_id"],
            row["concept_class_id"],
            row["standard_concept"] or None,
            row["concept_code"],
        )
        for row in _rows("concepts.csv")
    }
    targets: dict[tuple[str, str], tuple[int, ...]] = {}
    for row in _rows("maps.csv"):
        key = (row["vocabulary"], row["code"])
        targets[key] = (*targets.get(key, ()), int(row["concept_id"]))
    return CodeMap("Sandkasse 1", concepts, targets)


def own_domain(vocabulary: str, code: str) -> str:
    """Give the domain of a Danish code, by the chapter that it stands in."""
    if vocabulary == "DK-SKS":
        if not code.startswith("D"):
            return "Procedure"
        return "Observation" if code[1:2] in _NO_CONDITIONS else "Condition"
    return _DOMAINS.get(vocabulary, "Condition")


def map_codes(codes: Iterable[tuple[str, str]], *mappings: CodeMap) -> pa.Table:
    """Say what each code stands for.

    Args:
        codes: (vocabulary, code) pairs.
        mappings: Where to look, the first that knows a code decides.

    Returns:
        A table of `CODES_SCHEMA`, one row for each code and concept, in the order of the codes; concept 0 where no
        mapping knows the code.
    """
    names = _names()
    texts = {(vocabulary, name): code for (vocabulary, code), (name, _, _) in names.items()}
    rows = []
    for vocabulary, code in sorted(set(codes)):
        # LPR3 writes a specialty's name where LPR2 has its code.
        known = texts.get((vocabulary, code), canonical(vocabulary, code))
        _, unit, unit_concept = names.get((vocabulary, known), ("", None, 0))
        for target, domain in _targets(vocabulary, known, mappings):
            rows.append(
                {
                    "vocabulary": vocabulary,
                    "code": code,
                    "source_concept_id": own_concept_id(vocabulary, known),
                    "concept_id": target,
                    "domain": domain,
                    "unit": unit,
                    "unit_concept_id": unit_concept,
                }
            )
    return pa.Table.from_pylist(rows, schema=CODES_SCHEMA.to_pyarrow())


def vocabulary_tables(codes: pa.Table, *mappings: CodeMap) -> dict[str, pa.Table]:
    """Build the vocabulary tables: every concept that the data name, and what is needed to say what it is.

    Args:
        codes: What `map_codes` gave.
        mappings: The same as there.
    """
    rows = codes.to_pylist()
    concepts = dict(read_shipped().concepts)
    for mapping in mappings:
        concepts.update({row["concept_id"]: mapping.concepts[row["concept_id"]] for row in rows
                         if row["concept_id"] in mapping.concepts})  # fmt: skip
    concepts.update(_own_concepts(rows))
    metadata = _metadata(concepts.values(), mappings)
    concepts.update({row.concept_id: row.concept() for row in metadata if row.concept_id})
    pairs = sorted({(row["source_concept_id"], row["concept_id"]) for row in rows
                    if row["source_concept_id"] and row["concept_id"]})  # fmt: skip
    return {
        "concept": _table("concept", [concepts[key].row() for key in sorted(concepts)]),
        "vocabulary": _table("vocabulary", [row.row("vocabulary") for row in metadata if row.kind == "vocabulary"]),
        "domain": _table("domain", [row.row("domain") for row in metadata if row.kind == "domain"]),
        "concept_class": _table(
            "concept_class", [r.row("concept_class") for r in metadata if r.kind == "concept_class"]
        ),
        "relationship": _table("relationship", [r.relationship() for r in metadata if r.kind == "relationship"]),
        "concept_relationship": _table("concept_relationship", _relations(pairs)),
        "source_to_concept_map": _table("source_to_concept_map", _source_map(rows, concepts)),
    }


@dataclass(frozen=True, slots=True)
class _Metadata:
    kind: str
    id: str
    name: str
    concept_id: int
    reference: str
    version: str

    def concept(self) -> Concept:
        kind = {"domain": "Domain", "concept_class": "Concept Class", "vocabulary": "Vocabulary"}.get(
            self.kind, "Relationship"
        )
        return Concept(self.concept_id, self.name, "Metadata", kind, kind, None, "OMOP generated")

    def row(self, table: str) -> dict[str, object]:
        found: dict[str, object] = {
            f"{table}_id": self.id,
            f"{table}_name": self.name,
            f"{table}_concept_id": self.concept_id,
        }
        if table == "vocabulary":
            found |= {"vocabulary_reference": self.reference or None, "vocabulary_version": self.version or None}
        return found

    def relationship(self) -> dict[str, object]:
        return {
            "relationship_id": self.id,
            "relationship_name": self.name,
            "is_hierarchical": "0",
            "defines_ancestry": "0",
            "reverse_relationship_id": self.reference,
            "relationship_concept_id": self.concept_id,
        }


def _metadata(concepts: Iterable[Concept], mappings: Iterable[CodeMap]) -> list[_Metadata]:
    """List the domains, classes, vocabularies and relationships: the shipped ones and those that concepts need."""
    found = {
        (kind, row["id"]): _Metadata(
            kind,
            row["id"],
            row["name"],
            VOCABULARY_CONCEPTS[row["id"]] if row["kind"] == "own" else int(row["concept_id"]),
            row["reference"],
            row["version"],
        )
        for row in _rows("metadata.csv")
        for kind in ("vocabulary" if row["kind"] == "own" else row["kind"],)
    }
    needed = {(kind, value) for concept in concepts
              for kind, value in (("domain", concept.domain_id), ("vocabulary", concept.vocabulary_id),
                                  ("concept_class", concept.concept_class_id))}  # fmt: skip
    for kind, name in sorted(needed - set(found)):
        given = next((m.metadata[kind][name] for m in mappings if name in m.metadata.get(kind, {})), {})
        found[kind, name] = _Metadata(
            kind,
            name,
            str(given.get("name") or name),
            int(str(given.get("concept_id") or 0)),
            str(given.get("reference") or ""),
            str(given.get("version") or ""),
        )
    return [found[key] for key in sorted(found)]


def _own_concepts(rows: Iterable[Mapping[str, object]]) -> dict[int, Concept]:
    """Describe our own concepts: the codes that the data hold, under their canonical spelling."""
    names = _names()
    codes_by_name = {(vocabulary, name): code for (vocabulary, code), (name, _, _) in names.items()}
    found = {}
    for row in rows:
        number, vocabulary, code = int(str(row["source_concept_id"])), str(row["vocabulary"]), str(row["code"])
        if number:
            known = codes_by_name.get((vocabulary, code), canonical(vocabulary, code))
            name = names.get((vocabulary, known), ("", None, 0))[0] or _title(vocabulary, known)
            found[number] = Concept(number, name, own_domain(vocabulary, known), vocabulary, "Undefined", None, known)
    return found


def canonical(vocabulary: str, code: str) -> str:
    """Give a code as our vocabulary has it: registers of deaths and cancers leave out the D in front of ICD-10."""
    if vocabulary == "DK-SKS" and _BARE_ICD10.match(code) and not _SKS_DIAGNOSIS.match(code):
        return f"D{code.replace('.', '')}"
    return code


def _title(vocabulary: str, code: str) -> str:
    """Name a code in words; the title may be that of the group that it belongs to, so that the code stands with it."""
    for system in _SYSTEMS.get(vocabulary, ()):
        if title := code_title(system, code):
            return f"{title} ({code})"
    return f"{vocabulary} {code}"


def _targets(vocabulary: str, code: str, mappings: Iterable[CodeMap]) -> list[tuple[int, str]]:
    for mapping in mappings:
        found = mapping.targets.get((vocabulary, code), ())
        if found:
            return [(target, mapping.concepts[target].domain_id) for target in found]
    return [(0, own_domain(vocabulary, code))]


def _relations(pairs: Iterable[tuple[int, int]]) -> list[dict[str, object]]:
    return [
        {
            "concept_id_1": one,
            "concept_id_2": other,
            "relationship_id": name,
            "valid_start_date": VALID_FROM,
            "valid_end_date": VALID_TO,
        }
        for own, target in pairs
        for one, other, name in ((own, target, "Maps to"), (target, own, "Mapped from"))
    ]


def _source_map(rows: Iterable[Mapping[str, object]], concepts: Mapping[int, Concept]) -> list[dict[str, object]]:
    return [
        {
            "source_code": row["code"],
            "source_concept_id": row["source_concept_id"],
            "source_vocabulary_id": row["vocabulary"],
            "target_concept_id": row["concept_id"],
            "target_vocabulary_id": concepts[int(str(row["concept_id"]))].vocabulary_id,
            "valid_start_date": VALID_FROM,
            "valid_end_date": VALID_TO,
        }
        for row in rows
        if row["vocabulary"] in VOCABULARY_CONCEPTS
    ]


def _table(name: str, rows: list[dict[str, object]]) -> pa.Table:
    return pa.Table.from_pylist(rows, schema=read_definitions()[name].ibis_schema.to_pyarrow())


@lru_cache(maxsize=1)
def _names() -> dict[tuple[str, str], tuple[str, str | None, int]]:
    return {
        (row["vocabulary"], row["code"]): (row["name"], row["unit"] or None, int(row["unit_concept_id"] or 0))
        for row in _rows("names.csv")
    }


def _rows(name: str) -> list[dict[str, str]]:
    text = (files("sandkasse.transforms.omop") / "vocabulary" / name).read_text(encoding="utf-8")
    return list(csv.DictReader(io.StringIO(text)))
