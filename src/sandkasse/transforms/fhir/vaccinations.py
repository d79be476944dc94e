"""Vaccinations: Immunization."""

import pyarrow as pa
import pyarrow.compute as pc

from sandkasse.contract.codes import code_title
from sandkasse.transforms.fhir import assemble
from sandkasse.transforms.fhir.codes import absent, coding, concept
from sandkasse.transforms.fhir.contacts import columns_of
from sandkasse.transforms.fhir.parts import Part
from sandkasse.transforms.fhir.source import Rows, Source

_IMMUNIZATION = """
{"resourceType":"Immunization",
"id":"vac-${pnr}-${number}",
${meta}
"status":"completed",
"vaccineCode":${vaccine},
${given},
"patient":{"reference":"Patient/${pnr}"}}
"""


def _read(part: Part) -> Rows:
    given = part.read("ddv", ("pnr", "vaccinationsdato", "atc"), optional=("vaccine",))
    return Rows(given.append_column("number", assemble.number_within(given["pnr"].combine_chunks())))


def _write(rows: pa.Table, meta: str) -> pa.Array:
    column = columns_of(rows, "vaccine")
    # Pairs of code and name are few: each is written once.
    pairs = assemble.join(_words(column["atc"]), "\n", _words(column["vaccine"]))
    return assemble.fill(
        _IMMUNIZATION,
        meta=meta,
        pnr=column["pnr"],
        number=column["number"],
        vaccine=assemble.each_value(pairs, _vaccine),
        given=_given(column["vaccinationsdato"]),
    )


SOURCES = (Source(resource="Immunization", table="ddv", rows=_read, write=_write),)


def _words(column: pa.Array) -> pa.Array:
    return column.cast(pa.string()).fill_null("")


def _vaccine(pair: str) -> str:
    code, name = pair.split("\n", 1)
    words = name or code_title("ATC", code)
    if not code:
        return concept(words=words) if words else absent()
    return concept(coding("atc", code), words=words)


def _given(day: pa.Array) -> pa.Array:
    """Say when a vaccine was given; R4 asks for it, in words where no date is known."""
    days = assemble.write_days(day)
    written = assemble.where(days.is_valid(), '"occurrenceDateTime":"', days, '"')
    return pc.if_else(days.is_valid(), written, '"occurrenceString":"unknown"')
