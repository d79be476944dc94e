"""The words behind the numbers in observed events: codes, names, units."""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

Parameters = Mapping[str, Any]

ERAS = ("before_1981", "before_1989", "before_1996", "sks")
"""Classifications of operations, in order of time."""
SOURCES = (
    "places",
    "diagnoses",
    "drugs",
    "laboratory",
    "primary",
    "hospital",
    "errors",
    "care",
    "care_conditions",
    "operations",
    "society",
    "mess",
)


@dataclass(frozen=True)
class Vocabulary:
    """The words behind the numbers in observed events; a number is a position in its tuple.

    Attributes:
        diagnoses: Diagnosis codes.
        sets: Names of the sets of diagnosis codes.
        specialties: (c_spec, text as in LPR3), in the order of `specialty_names`.
        specialty_names: Our names of the specialties.
        classes: Our names of the drug classes.
        products: (ATC code, defined daily doses in a pack); those under their former codes come last.
        indications: Indication codes.
        analyses: (NPU code, unit, decimals), in the order of `analysis_names`.
        analysis_names: Our names of the analyses.
        panels: Our names of the panels.
        operations: Operation codes of all classifications.
        services: Five-digit service codes, in the order of `service_names`.
        service_names: Our names of the services.
        regions: Our names of the regions.
        conditions: The life's conditions, in column order.
        treatments: The life's treatments, in column order.
    """

    diagnoses: tuple[str, ...]
    sets: tuple[str, ...]
    specialties: tuple[tuple[str, str], ...]
    specialty_names: tuple[str, ...]
    classes: tuple[str, ...]
    products: tuple[tuple[str, float], ...]
    indications: tuple[str, ...]
    analyses: tuple[tuple[str, str, int], ...]
    analysis_names: tuple[str, ...]
    panels: tuple[str, ...]
    operations: tuple[str, ...]
    services: tuple[str, ...]
    service_names: tuple[str, ...]
    regions: tuple[str, ...]
    conditions: tuple[str, ...] = ()
    treatments: tuple[str, ...] = ()


@cache
def read_parameters() -> dict[str, Any]:
    """Read the shipped parameter files into one mapping, tables of one name joined."""
    folder = files("sandkasse.cohort") / "params_observation"
    parameters: dict[str, Any] = {}
    for name in SOURCES:
        for key, entry in tomllib.loads((folder / f"{name}.toml").read_text(encoding="utf-8")).items():
            if isinstance(entry, list):
                parameters[key] = [*parameters.get(key, []), *entry]
            else:
                parameters[key] = {**parameters.get(key, {}), **entry}
    return parameters


def make_vocabulary(
    parameters: Parameters, *, conditions: Sequence[str] = (), treatments: Sequence[str] = ()
) -> Vocabulary:
    """List the words that the parameters name, and the columns of the life."""
    sets = code_sets(parameters)
    return Vocabulary(
        diagnoses=tuple(dict.fromkeys(code for eras in sets.values() for codes in eras for code in codes)),
        sets=tuple(sets),
        specialties=tuple((entry["c_spec"], entry["text"]) for entry in parameters["specialties"].values()),
        specialty_names=tuple(parameters["specialties"]),
        classes=tuple(parameters["classes"]),
        products=tuple((product["atc"], float(product["pack_ddd"])) for product in all_products(parameters)),
        indications=tuple(parameters["indications"].values()),
        analyses=tuple((entry["npu"], entry["unit"], entry["decimals"]) for entry in parameters["analyses"].values()),
        analysis_names=tuple(parameters["analyses"]),
        panels=tuple(parameters["panels"]),
        operations=tuple(
            dict.fromkeys(code for entry in parameters["operations"].values() for era in ERAS for code in entry[era])
        ),
        services=tuple(parameters["services"].values()),
        service_names=tuple(parameters["services"]),
        regions=tuple(parameters["regions"]),
        conditions=tuple(conditions),
        treatments=tuple(treatments),
    )


def code_sets(parameters: Parameters) -> dict[str, tuple[list[str], list[str]]]:
    """Give the ICD-8 and the ICD-10 codes of each set: first the conditions', then those of the other causes.

    The codes that a cause keeps where the life has conditions for the others stand under its name and `_else`.
    """
    listed = parameters["sets"] | parameters["causes"]
    sets = {name: (entry.get("icd8", []), entry.get("icd10", [])) for name, entry in listed.items()}
    for name, entry in parameters["causes"].items():
        if "unless" in entry:
            sets[f"{name}_else"] = (entry["icd8_else"], entry["icd10_else"])
    return sets


def all_products(parameters: Parameters) -> list[Mapping[str, Any]]:
    """List the products of all classes in order, then the same packs under their codes until 2016."""
    current = current_products(parameters)
    former = [{**product, "atc": product["atc_until_2016"]} for product in current if "atc_until_2016" in product]
    return current + former


def current_products(parameters: Parameters) -> list[Mapping[str, Any]]:
    """List the products of all classes in order."""
    return [product for entry in parameters["classes"].values() for product in entry["products"]]
