"""Patients: everyone who has a row in any register of the dataset."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from sandkasse.contract.codes import code_title
from sandkasse.transforms.fhir import assemble
from sandkasse.transforms.fhir.codes import coding, concept, read_codes
from sandkasse.transforms.fhir.contacts import columns_of
from sandkasse.transforms.fhir.parts import Part
from sandkasse.transforms.fhir.source import Rows, Source, identifier

_SEX = {1: "male", 2: "female"}
_MUNICIPALITY = "http://hl7.dk/fhir/core/StructureDefinition/dk-core-municipalityCodes"
_STATUS_COLUMNS = ("koen", "foed_dato", "kom", "referencetid")

_PATIENT = """
{"resourceType":"Patient",
"id":"${pnr}",
${meta}
${gender}
${birth}
${death}
${address}
${marital}
"identifier":[${system}${pnr}"}]}
"""


def _read(part: Part) -> Rows:
    """List the persons of a part in the order of their pseudonyms, with their latest status and their day of death."""
    persons = _everyone(part)
    table = pa.table({"pnr": persons})
    if "bef" in part:
        table = _look_up(table, _latest_status(part), persons)
    if "dod" in part:
        deaths = part.read("dod", ["pnr", "doddato"])
        table = _look_up(table, deaths, persons)
    return Rows(table)


def _write(rows: pa.Table, meta: str) -> pa.Array:
    column = columns_of(rows, *_ALL)
    return assemble.fill(
        _PATIENT,
        meta=meta,
        pnr=column["pnr"],
        gender=assemble.member("gender", column["koen"], lambda sex: assemble.text(_SEX.get(sex, "unknown"))),
        birth=assemble.dated("birthDate", assemble.write_days(column["foed_dato"])),
        death=assemble.dated("deceasedDateTime", assemble.write_days(column["doddato"])),
        address=_addresses(column),
        marital=assemble.member("maritalStatus", column["civst"], _marital_status),
        system=identifier("pnr"),
    )


_ALL = ("civst", "koen", "foed_dato", "kom", "since", "until", "doddato")

SOURCES = (Source(resource="Patient", table="persons of all tables", rows=_read, write=_write),)


def _everyone(part: Part) -> pa.Array:
    found = [
        assemble.identifiers(part.read(table, ["pnr"])["pnr"].combine_chunks().unique(), what=f"{table}.pnr")
        for table in part.files
        if part.has_column(table, "pnr")
    ]
    everyone = pa.chunked_array(found, pa.string()).unique() if found else pa.array([], pa.string())
    return everyone.take(pc.array_sort_indices(everyone))


def _latest_status(part: Part) -> pa.Table:
    """Give each person's last row of the population register, and the first 1 January there without a move between."""
    bef = part.read("bef", ["pnr", *_STATUS_COLUMNS], optional=["civst"])
    bef = bef.sort_by([("pnr", "ascending"), ("referencetid", "ascending")])
    if not len(bef):
        return bef.drop_columns("referencetid")
    person = _codes(bef["pnr"])
    place = _codes(bef["kom"])
    starts_person = np.r_[True, person[1:] != person[:-1]]
    starts_stay = starts_person | np.r_[True, place[1:] != place[:-1]]
    last = np.flatnonzero(np.r_[starts_person[1:], True])
    first_of_stay = np.maximum.accumulate(np.where(starts_stay, np.arange(len(bef)), 0))[last]
    days = bef["referencetid"].combine_chunks()
    status = bef.take(pa.array(last)).drop_columns("referencetid")
    latest = pc.max(days)
    until = days.take(pa.array(last))
    # Whoever is in the register's last year may live there still: no end.
    return status.append_column("since", days.take(pa.array(first_of_stay))).append_column(
        "until", pc.if_else(pc.equal(until, latest), pa.scalar(None, until.type), until)
    )


def _look_up(table: pa.Table, of: pa.Table, persons: pa.Array) -> pa.Table:
    at = pc.index_in(persons, value_set=of["pnr"].combine_chunks())
    for name in of.column_names:
        if name != "pnr":
            table = table.append_column(name, of[name].combine_chunks().take(at))
    return table


def _addresses(column: dict[str, pa.Array]) -> pa.Array:
    since, until = assemble.write_days(column["since"]), assemble.write_days(column["until"])
    return assemble.where(
        column["kom"].is_valid(),
        assemble.each_value(column["kom"], _municipality),
        assemble.where(since.is_valid(), '"start":"', since, '"'),
        assemble.where(until.is_valid(), ',"end":"', until, '"'),
        "}}],",
    )


def _marital_status(civst: str) -> str:
    known = read_codes().civil_states.get(civst)
    international = [coding("marital_status", known["code"], known["display"])] if known else []
    return concept(*international, coding("civil_status", civst))


def _municipality(code: str | None) -> str:
    if code is None:
        return ""
    words = concept(coding("municipality", code.rjust(4, "0")), words=code_title("Municipality codes of 2007", code))
    return f'"address":[{{"extension":[{{"url":"{_MUNICIPALITY}","valueCodeableConcept":{words}}}],"period":{{'


def _codes(column: Any) -> npt.NDArray[np.int32]:
    codes: npt.NDArray[np.int32] = column.combine_chunks().dictionary_encode().indices.to_numpy()
    return codes
