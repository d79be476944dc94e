"""Hospital contacts and their diagnoses, in both generations of the patient register: Encounter and Condition."""

from dataclasses import dataclass
from functools import partial
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from sandkasse.transforms.fhir import assemble
from sandkasse.transforms.fhir.codes import absent, coding, concept, read_codes, titled
from sandkasse.transforms.fhir.danish_time import with_offset
from sandkasse.transforms.fhir.parts import Part
from sandkasse.transforms.fhir.source import Rows, Source, identifier

_ENCOUNTER = """
{"resourceType":"Encounter",
"id":"${id}",
${meta}
"identifier":[${system}${key}"}],
"status":"finished",
"class":${class_},
${specialty}
${start}
"subject":{"reference":"Patient/${pnr}"}}
"""

_CONDITION = """
{"resourceType":"Condition",
"id":"${id}",
${meta}
${status}
"category":[${category}${kind}],
"code":${code},
${recorded}
"encounter":{"reference":"Encounter/${encounter}"},
"subject":{"reference":"Patient/${pnr}"}}
"""

_DIAGNOSES = "ICD-8 until 1993, SKS (ICD-10 with a D in front) from 1994"
_CON = "contact"
_WHY = "name a contact that is not there, so nobody knows whose they are"


@dataclass(frozen=True)
class Generation:
    """How one delivery of the patient register names what it holds.

    Attributes:
        prefix: Begins the ids of its encounters.
        system: Our name of the identifiers of its contacts.
        contacts: Table of contacts.
        diagnoses: Table of diagnoses.
        key: Column that both tables have.
        start: Column of the contact's beginning.
        specialty: Column of the specialty.
        specialty_is_code: Whether the specialty is a code, or words.
        patient_type: Column of the kind of contact, if the delivery has one.
        code: Column of the diagnosis.
        kind: Column of the kind of diagnosis.
        refuted: Column that says whether the diagnosis was later refuted, if the delivery has one.
    """

    prefix: str
    system: str
    contacts: str
    diagnoses: str
    key: str
    start: str
    specialty: str
    specialty_is_code: bool
    patient_type: str | None
    code: str
    kind: str
    refuted: str | None


GENERATIONS = (
    Generation(
        prefix="lpr2-",
        system="lpr2_contact",
        contacts="lpr_adm",
        diagnoses="lpr_diag",
        key="recnum",
        start="d_inddto",
        specialty="c_spec",
        specialty_is_code=True,
        patient_type="c_pattype",
        code="c_diag",
        kind="c_diagtype",
        refuted=None,
    ),
    Generation(
        prefix="lpr3-",
        system="lpr3_contact",
        contacts="lpr3a_kontakt",
        diagnoses="lpr3a_diagnose",
        key="dw_ek_kontakt",
        start="kont_starttidspunkt",
        specialty="kont_ans_hovedspec",
        specialty_is_code=False,
        patient_type=None,
        code="diag_kode",
        kind="diag_type",
        refuted="senere_afkraeftet",
    ),
    Generation(
        prefix="lpr3-",
        system="lpr3_contact",
        contacts="lpr3f_kontakter",
        diagnoses="lpr3f_diagnoser",
        key="dw_ek_kontakt",
        start="dato_start",
        specialty="hovedspeciale_ans",
        specialty_is_code=False,
        patient_type=None,
        code="diagnosekode",
        kind="diagnosetype",
        refuted="senere_afkraeftet",
    ),
)


def _read_contacts(era: Generation, part: Part) -> Rows:
    columns = ["pnr", era.key, era.start, era.specialty, *([era.patient_type] if era.patient_type else [])]
    contacts = part.read(era.contacts, columns)
    key = assemble.identifiers(contacts[era.key].combine_chunks(), what=f"{era.contacts}.{era.key}")
    # A contact that is written twice is two encounters; diagnoses belong to the first.
    number = assemble.each_value(assemble.number_within(key), lambda text: "" if text == "1" else f".{text}")
    return Rows(contacts.append_column("id", assemble.join(era.prefix, key, number)))


def _write_encounters(era: Generation, rows: pa.Table, meta: str) -> pa.Array:
    column = _columns(rows)
    return assemble.fill(
        _ENCOUNTER,
        meta=meta,
        id=column["id"],
        system=identifier(era.system),
        key=column[era.key],
        class_=assemble.each_value(column[era.patient_type], _class_of) if era.patient_type else _class_of(None),
        specialty=assemble.member("serviceType", column[era.specialty], partial(_specialty, era)),
        start=assemble.member("period", _moments(column[era.start]), lambda moment: f'{{"start":"{moment}"}}'),
        pnr=column["pnr"],
    )


def _read_diagnoses(era: Generation, part: Part) -> Rows:
    optional = [era.refuted] if era.refuted else []
    diagnoses = part.read(era.diagnoses, [era.key, era.code, era.kind, *optional])
    if era.contacts not in part:
        return Rows(diagnoses.slice(0, 0), left_out=len(diagnoses))
    contacts = part.read(era.contacts, ["pnr", era.key, era.start])
    key = diagnoses[era.key].combine_chunks()
    at = pc.index_in(key, value_set=contacts[era.key].combine_chunks())
    known = at.is_valid()
    diagnoses, at, key = diagnoses.filter(known), at.drop_null(), key.filter(known)
    for name in ("pnr", era.start):
        diagnoses = diagnoses.append_column(f"{_CON}_{name}", contacts[name].combine_chunks().take(at))
    number = assemble.number_within(key)
    return Rows(diagnoses.append_column("number", number), left_out=len(known) - len(at))


def _write_conditions(era: Generation, rows: pa.Table, meta: str) -> pa.Array:
    column = _columns(rows)
    encounter = assemble.join(era.prefix, column[era.key])
    return assemble.fill(
        _CONDITION,
        meta=meta,
        id=assemble.join(encounter, "-", column["number"]),
        status=assemble.each_value(column[era.refuted], _status_of) if era.refuted else "",
        category=concept(coding("condition_category", "encounter-diagnosis", "Encounter Diagnosis")),
        kind=assemble.each_value(column[era.kind], _kind_of),
        code=assemble.each_value(column[era.code], _diagnosis),
        recorded=assemble.member("recordedDate", _moments(column[f"{_CON}_{era.start}"]), assemble.text),
        encounter=encounter,
        pnr=column[f"{_CON}_pnr"],
    )


SOURCES = tuple(
    source
    for era in GENERATIONS
    for source in (
        Source("Encounter", era.contacts, partial(_read_contacts, era), partial(_write_encounters, era)),
        Source("Condition", era.diagnoses, partial(_read_diagnoses, era), partial(_write_conditions, era), _WHY),
    )
)


def _class_of(patient_type: str | None) -> str:
    known = read_codes().patient_types.get(patient_type or "")
    if known is None:  # R4 asks for a class; the register does not tell it
        return coding("null_flavor", "UNK", "unknown")
    return coding("act_code", known["code"], known["display"])


def _specialty(era: Generation, value: str) -> str:
    if not era.specialty_is_code:
        return concept(words=value)
    return titled("lpr_specialty", value, "SKS specialty codes")


def _status_of(refuted: str | None) -> str:
    # "Later refuted by further examination" is FHIR's refuted; an error in writing would be entered-in-error, which no
    # register tells. "No" does not say that the diagnosis was confirmed: nothing is said then.
    if refuted != "Ja":
        return ""
    return f'"verificationStatus":{concept(coding("condition_status", "refuted", "Refuted"))},'


def _kind_of(letter: str | None) -> str:
    if letter is None:
        return ""
    return "," + concept(coding("lpr_diagnosis_type", letter, read_codes().diagnosis_types.get(letter)))


def _diagnosis(code: str | None) -> str:
    if not code:
        return absent()
    return titled("sks" if code[0].isalpha() else "icd8", code, _DIAGNOSES)


def _moments(column: pa.Array) -> pa.Array:
    return with_offset(column) if pa.types.is_timestamp(column.type) else pc.cast(column, pa.string())


def _columns(rows: pa.Table) -> dict[str, Any]:
    return {name: rows[name].combine_chunks() for name in rows.column_names}
