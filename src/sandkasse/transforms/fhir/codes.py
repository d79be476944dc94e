"""The code systems that the resources name, and what the registers' own codes mean in them."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files

from sandkasse.contract.codes import code_title
from sandkasse.transforms.fhir.assemble import text


@dataclass(frozen=True)
class Codes:
    """What `codes.toml` says.

    Attributes:
        systems: Our names of the code systems, and the URIs that FHIR gives them.
        analyses: Unit of each analysis in the registers' words, by its code.
        units: The registers' words for units in UCUM.
        patient_types: Class of an encounter in v3-ActEncounterCode, by c_pattype.
        contact_types: The same by the form of a contact in LPR3, where it tells.
        civil_states: Marital status in v3-MaritalStatus, by civst.
        diagnosis_types: What the letters of diagnoses stand for.
    """

    systems: Mapping[str, str]
    analyses: Mapping[str, str]
    units: Mapping[str, str]
    patient_types: Mapping[str, Mapping[str, str]]
    contact_types: Mapping[str, Mapping[str, str]]
    civil_states: Mapping[str, Mapping[str, str]]
    diagnosis_types: Mapping[str, str]


@lru_cache(maxsize=1)
def read_codes() -> Codes:
    """Read the shipped codes."""
    shipped = tomllib.loads((files(__package__) / "codes.toml").read_text(encoding="utf-8"))
    return Codes(**shipped)


def coding(system: str, code: str, display: str | None = None) -> str:
    """Give a Coding as JSON.

    Args:
        system: Our name of the code system.
        code: The code.
        display: The system's own words for it, if it has any that we may say.
    """
    shown = f',"display":{text(display)}' if display else ""
    return f'{{"system":{text(read_codes().systems[system])},"code":{text(code)}{shown}}}'


def concept(*codings: str, words: str | None = None) -> str:
    """Give a CodeableConcept as JSON, of codings, of words, or of both."""
    members = []
    if codings:
        members.append(f'"coding":[{",".join(codings)}]')
    if words:
        members.append(f'"text":{text(words)}')
    return f"{{{','.join(members)}}}"


def absent() -> str:
    """Give, as JSON, what FHIR writes where an element must be but the register has no value."""
    return '{"extension":[{"url":"http://hl7.org/fhir/StructureDefinition/data-absent-reason","valueCode":"unknown"}]}'


def titled(system: str, code: str, of: str) -> str:
    """Give a CodeableConcept of one code, with its title as text where we have one, in our words and not the system's.

    Args:
        system: Our name of the code system.
        code: The code.
        of: The code system's name in contracts.
    """
    return concept(coding(system, code), words=code_title(of, code))
