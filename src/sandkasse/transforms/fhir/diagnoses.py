"""Diagnoses of hospital contacts: Condition."""

from dataclasses import dataclass
from functools import partial

import pyarrow as pa

from sandkasse.transforms.fhir import assemble
from sandkasse.transforms.fhir.codes import absent, coding, concept, read_codes, titled
from sandkasse.transforms.fhir.contacts import (
    CONTACT,
    LPR2,
    LPR3_A,
    LPR3_F,
    PSYCHIATRY,
    WHY_LEFT_OUT,
    Generation,
    columns_of,
    moments,
    read_below,
)
from sandkasse.transforms.fhir.parts import Part
from sandkasse.transforms.fhir.source import Rows, Source

_CONDITION = """
{"resourceType":"Condition",
"id":"${encounter}-${number}",
${meta}
${status}
"category":[${category}${kind}],
"code":${code},
${recorded}
"encounter":{"reference":"Encounter/${encounter}"},
"subject":{"reference":"Patient/${pnr}"}}
"""
_SYSTEM = "ICD-8 until 1993, SKS (ICD-10 with a D in front) from 1994"
_YES = "Ja"


@dataclass(frozen=True)
class _Diagnoses:
    """A table of diagnoses: whose contacts they belong to, and what its columns are called."""

    era: Generation
    table: str
    code: str
    kind: str
    refuted: str | None = None


_TABLES = (
    _Diagnoses(LPR2, "lpr_diag", "c_diag", "c_diagtype"),
    _Diagnoses(PSYCHIATRY, "t_psyk_diag", "c_diag", "c_diagtype"),
    _Diagnoses(LPR3_A, "lpr3a_diagnose", "diag_kode", "diag_type", "senere_afkraeftet"),
    _Diagnoses(LPR3_F, "lpr3f_diagnoser", "diagnosekode", "diagnosetype", "senere_afkraeftet"),
)


def _read(of: _Diagnoses, part: Part) -> Rows:
    return read_below(of.era, part, of.table, (of.code, of.kind, *([of.refuted] if of.refuted else [])))


def _write(of: _Diagnoses, rows: pa.Table, meta: str) -> pa.Array:
    column = columns_of(rows)
    return assemble.fill(
        _CONDITION,
        meta=meta,
        encounter=column["encounter"],
        number=column["number"],
        status=assemble.each_value(column[of.refuted], _status) if of.refuted else "",
        category=concept(coding("condition_category", "encounter-diagnosis", "Encounter Diagnosis")),
        kind=assemble.each_value(column[of.kind], _kind),
        code=assemble.each_value(column[of.code], _code),
        # The registers date a diagnosis by its contact alone.
        recorded=assemble.dated("recordedDate", moments(column[CONTACT + of.era.start])),
        pnr=column["pnr"],
    )


SOURCES = tuple(Source("Condition", of.table, partial(_read, of), partial(_write, of), WHY_LEFT_OUT) for of in _TABLES)


def _status(refuted: str | None) -> str:
    # "Later refuted by further examination" is FHIR's refuted; an error in writing would be entered-in-error, which no
    # register tells. "No" does not say that the diagnosis was confirmed: nothing is said then.
    if refuted != _YES:
        return ""
    return f'"verificationStatus":{concept(coding("condition_status", "refuted", "Refuted"))},'


def _kind(letter: str | None) -> str:
    if letter is None:
        return ""
    return "," + concept(coding("lpr_diagnosis_type", letter, read_codes().diagnosis_types.get(letter)))


def _code(code: str | None) -> str:
    if not code:
        return absent()
    return titled("sks" if code[0].isalpha() else "icd8", code, _SYSTEM)
