"""Medicines that pharmacies dispensed: MedicationStatement."""

import pyarrow as pa
import pyarrow.compute as pc

from sandkasse.transforms.fhir import assemble
from sandkasse.transforms.fhir.codes import absent, coding, concept, titled
from sandkasse.transforms.fhir.contacts import columns_of
from sandkasse.transforms.fhir.parts import Part
from sandkasse.transforms.fhir.source import Rows, Source

# A dispensing does not tell whether the medicine was taken: status unknown. FHIR's statement has no place for what was
# handed over, so the two numbers are extensions.
_STATEMENT = """
{"resourceType":"MedicationStatement",
"id":"rx-${pnr}-${number}",
${meta}
${handed_over}
"status":"unknown",
"medicationCodeableConcept":${drug},
${bought}
${reason}
"subject":{"reference":"Patient/${pnr}"}}
"""


def _read(part: Part) -> Rows:
    bought = part.read("lmdb", ["pnr", "eksd", "atc"], optional=["volume", "apk", "indo"])
    return Rows(bought.append_column("number", assemble.number_within(bought["pnr"].combine_chunks())))


def _write(rows: pa.Table, meta: str) -> pa.Array:
    column = columns_of(rows, "volume", "apk", "indo")
    return assemble.fill(
        _STATEMENT,
        meta=meta,
        pnr=column["pnr"],
        number=column["number"],
        handed_over=_handed_over(column["volume"], column["apk"]),
        drug=assemble.each_value(column["atc"], _drug),
        bought=assemble.dated("effectiveDateTime", assemble.write_days(column["eksd"])),
        reason=assemble.each_value(column["indo"], _reason),
    )


SOURCES = (Source(resource="MedicationStatement", table="lmdb", rows=_read, write=_write),)


def _handed_over(doses: pa.Array, packs: pa.Array) -> pa.Array:
    both = pc.and_(doses.is_valid(), packs.is_valid())
    written = assemble.join(assemble.each_value(doses, _doses), assemble.each_value(packs, _packs))
    return pc.if_else(both, written, "")


def _doses(value: float | None) -> str:
    number = assemble.decimal(value or 0)
    return f'"extension":[{{"url":"urn:sandkasse:defined-daily-doses-per-pack","valueDecimal":{number}}},'


def _packs(value: int | None) -> str:
    return f'{{"url":"urn:sandkasse:packs","valueInteger":{value}}}],'


def _drug(code: str | None) -> str:
    return titled("atc", code, "ATC") if code else absent()


def _reason(code: str | None) -> str:
    return f'"reasonCode":[{concept(coding("lmdb_indication", code))}],' if code else ""
