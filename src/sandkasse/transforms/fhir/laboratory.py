"""Laboratory results: Observation."""

import math

import pyarrow as pa
import pyarrow.compute as pc

from sandkasse.transforms.fhir import assemble
from sandkasse.transforms.fhir.codes import absent, coding, concept, read_codes, titled
from sandkasse.transforms.fhir.contacts import columns_of
from sandkasse.transforms.fhir.parts import Part
from sandkasse.transforms.fhir.source import Rows, Source

_OBSERVATION = """
{"resourceType":"Observation",
"id":"lab-${pnr}-${number}",
${meta}
"status":"final",
"category":[${category}],
"code":${code},
${taken}
${value}
${range}
"subject":{"reference":"Patient/${pnr}"}}
"""

_LIMITS = ("referenceinterval_lowerlimit", "referenceinterval_upperlimit")


def _read(part: Part) -> Rows:
    results = part.read("lab_forsker", ["pnr", "samplingdate", "analysiscode", "value"], optional=["unit", *_LIMITS])
    return Rows(results.append_column("number", assemble.number_within(results["pnr"].combine_chunks())))


def _write(rows: pa.Table, meta: str) -> pa.Array:
    column = columns_of(rows)
    units = assemble.each_value(column["analysiscode"], lambda code: read_codes().analyses.get(code or "", ""))
    if "unit" in column:
        units = pc.coalesce(column["unit"].cast(units.type), units)
    return assemble.fill(
        _OBSERVATION,
        meta=meta,
        pnr=column["pnr"],
        number=column["number"],
        category=concept(coding("observation_category", "laboratory", "Laboratory")),
        code=assemble.each_value(column["analysiscode"], _analysis),
        taken=assemble.dated("effectiveDateTime", assemble.write_days(column["samplingdate"])),
        value=_values(column["value"], units),
        range=_ranges(column[_LIMITS[0]], column[_LIMITS[1]], units) if column.keys() >= {*_LIMITS} else "",
    )


SOURCES = (Source(resource="Observation", table="lab_forsker", rows=_read, write=_write),)


def _analysis(code: str | None) -> str:
    return titled("npu", code, "NPU") if code else absent()


def _values(values: pa.Array, units: pa.Array) -> pa.Array:
    """Make a Quantity of each value, or say why there is none."""
    there = pc.fill_null(pc.is_finite(values), False)
    return assemble.join(
        assemble.each_value(values, _beginning), pc.if_else(there, assemble.each_value(units, _end), ""), ","
    )


def _beginning(value: float | None) -> str:
    if value is not None and math.isfinite(value):
        return f'"valueQuantity":{{"value":{assemble.decimal(value)}'
    reason = (
        ("not-a-number", "Not a Number (NaN)") if value is not None and math.isnan(value) else ("unknown", "Unknown")
    )
    return f'"dataAbsentReason":{concept(coding("absent", *reason))}'


def _ranges(low: pa.Array, high: pa.Array, units: pa.Array) -> pa.Array:
    """Make a referenceRange of the laboratory's limits, in the value's unit, where there is one of them at least."""
    has_low, has_high = (pc.fill_null(pc.is_finite(limit), False) for limit in (low, high))
    end = assemble.each_value(units, _end)
    lowest = assemble.where(has_low, assemble.each_value(low, lambda limit: _limit("low", limit)), end)
    highest = assemble.where(has_high, assemble.each_value(high, lambda limit: _limit("high", limit)), end)
    between = pc.if_else(pc.and_(has_low, has_high), ",", "")
    return assemble.where(pc.or_(has_low, has_high), '"referenceRange":[{', lowest, between, highest, "}],")


def _limit(name: str, value: float | None) -> str:
    if value is None or not math.isfinite(value):
        return ""
    return f'"{name}":{{"value":{assemble.decimal(value)}'


def _end(unit: str) -> str:
    if not unit:
        return "}"
    words = f',"unit":{assemble.text(unit)}'
    code = read_codes().units.get(unit)
    if code is None:
        return words + "}"
    return f'{words},"system":{assemble.text(read_codes().systems["ucum"])},"code":{assemble.text(code)}}}'
