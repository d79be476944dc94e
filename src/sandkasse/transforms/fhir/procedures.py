"""Operations of hospital contacts: Procedure."""

from dataclasses import dataclass
from functools import partial

import pyarrow as pa

from sandkasse.transforms.fhir import assemble
from sandkasse.transforms.fhir.codes import absent, coding, concept
from sandkasse.transforms.fhir.contacts import (
    LPR2,
    LPR3_A,
    LPR3_F,
    WHY_LEFT_OUT,
    Generation,
    columns_of,
    moments,
    read_below,
)
from sandkasse.transforms.fhir.parts import Part
from sandkasse.transforms.fhir.source import Rows, Source

_PROCEDURE = """
{"resourceType":"Procedure",
"id":"${encounter}-${letter}${number}",
${meta}
"status":"completed",
${category}
"code":${code},
${performed}
"encounter":{"reference":"Encounter/${encounter}"},
"subject":{"reference":"Patient/${pnr}"}}
"""


@dataclass(frozen=True)
class _Operations:
    """A table of operations: whose contacts they belong to, what its columns are called, and which codes it has."""

    era: Generation
    table: str
    code: str
    day: str
    kind: str | None
    system: str
    letter: str


_TABLES = (
    _Operations(LPR2, "lpr_sksopr", "c_opr", "d_odto", "c_oprart", "sks", "p"),
    _Operations(LPR2, "lpr_opr", "c_opr", "d_odto", None, "lpr_operation", "o"),
    _Operations(LPR3_A, "lpr3a_procregistrering", "proc_kode", "proc_starttidspunkt", "proc_kode_type", "sks", "p"),
    _Operations(LPR3_F, "lpr3f_procedurer_kirurgi", "procedurekode", "dato_start", "proceduretype", "sks", "p"),
)


def _read(of: _Operations, part: Part) -> Rows:
    return read_below(of.era, part, of.table, (of.code, of.day), optional=(of.kind,) if of.kind else ())


def _write(of: _Operations, rows: pa.Table, meta: str) -> pa.Array:
    column = columns_of(rows, of.kind or "")
    return assemble.fill(
        _PROCEDURE,
        meta=meta,
        encounter=column["encounter"],
        letter=of.letter,
        number=column["number"],
        category=assemble.each_value(column[of.kind or ""], _kind),
        code=assemble.each_value(column[of.code], partial(_code, of.system)),
        performed=assemble.dated("performedDateTime", moments(column[of.day])),
        pnr=column["pnr"],
    )


SOURCES = tuple(Source("Procedure", of.table, partial(_read, of), partial(_write, of), WHY_LEFT_OUT) for of in _TABLES)


def _kind(letter: str | None) -> str:
    return f'"category":{concept(coding("lpr_operation_kind", letter))},' if letter else ""


def _code(system: str, code: str | None) -> str:
    return concept(coding(system, code)) if code else absent()
