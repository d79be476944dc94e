"""measurement: results of the laboratories, and what is measured at birth."""

import ibis
import ibis.expr.types as ir

from sandkasse.transforms.omop import concepts
from sandkasse.transforms.omop.registers import Inputs, union, within_life
from sandkasse.transforms.omop.shape import conform, number_rows

_LIMITS = ("referenceinterval_lowerlimit", "referenceinterval_upperlimit")
_COLUMNS = (
    "person_id",
    "day",
    "code",
    "value",
    "range_low",
    "range_high",
    "source_concept_id",
    "concept_id",
    "unit_concept_id",
    "unit",
)


def measurement(inputs: Inputs) -> ir.Table:
    """Build measurement.

    - The NPU code names the quantity and its unit; where the register has a unit of its own, that counts. Values stay
      in their unit.
    - The laboratory's reference limits, where the register has them, are the range, in the value's own unit.
    - Weight and gestational age at birth stand at the child, on its day of birth.
    - Results are linked to no visit: the register does not say who ordered them.
    """
    parts = []
    if "lab_forsker" in inputs.registers:
        parts.append(_results(inputs))
    if "mfr" in inputs.registers:
        parts += _at_birth(inputs.registers["mfr"])
    alive = within_life(union(parts), inputs.made["_person"], "day")
    numbered = number_rows(alive, "measurement_id", "day", "code", "value", "unit", "concept_id")
    return conform(
        "measurement",
        numbered.select(
            measurement_id=numbered.measurement_id,
            person_id=numbered.person_id,
            measurement_concept_id=numbered.concept_id,
            measurement_date=numbered.day,
            measurement_type_concept_id=ibis.literal(concepts.REGISTRY),
            value_as_number=numbered.value,
            range_low=numbered.range_low,
            range_high=numbered.range_high,
            unit_concept_id=numbered.unit_concept_id,
            measurement_source_value=numbered.code,
            measurement_source_concept_id=numbered.source_concept_id,
            unit_source_value=numbered.unit,
        ),
    )


def _results(inputs: Inputs) -> ir.Table:
    lab = inputs.registers["lab_forsker"]
    has_unit = "unit" in lab.columns
    limits = {
        name: lab[column].cast("float64") if column in lab.columns else ibis.null("float64")
        for name, column in (("range_low", _LIMITS[0]), ("range_high", _LIMITS[1]))
    }
    results = lab.select(
        person_id=lab.pnr.cast("int64"),
        day=lab.samplingdate,
        code=lab.analysiscode.upper(),
        value=lab.value.cast("float64"),
        stated=lab.unit if has_unit else ibis.null("string"),
        **limits,
    )
    codes = inputs.codes_of("DK-NPU").select("code", "source_concept_id", "concept_id", "unit_concept_id", "unit")
    coded = results.inner_join(codes, "code")
    if has_unit:
        units = inputs.codes_of("DK-UNIT")
        units = units.select(stated=units.code, stated_concept_id=units.unit_concept_id)
        coded = coded.left_join(units, "stated")
        coded = coded.mutate(
            unit_concept_id=ibis.ifelse(
                coded.stated.isnull(), coded.unit_concept_id, coded.stated_concept_id.coalesce(concepts.NO_MATCHING)
            ).cast("int32"),
            unit=coded.stated.coalesce(coded.unit),
        )
    return coded.select(*_COLUMNS)


def _at_birth(mfr: ir.Table) -> list[ir.Table]:
    return [
        mfr.filter(mfr[column].notnull()).select(
            person_id=mfr.cpr_barn.cast("int64"),
            day=mfr.foedselsdato,
            code=ibis.literal(column),
            value=mfr[column].cast("float64"),
            range_low=ibis.null("float64"),
            range_high=ibis.null("float64"),
            source_concept_id=ibis.literal(concepts.NO_MATCHING, "int32"),
            concept_id=ibis.literal(concept, "int32"),
            unit_concept_id=ibis.literal(unit_concept, "int32"),
            unit=ibis.literal(unit),
        )
        for column, concept, unit_concept, unit in (
            ("vaegt_barn", concepts.BIRTH_WEIGHT, concepts.GRAM, "g"),
            ("gestationsalder_dage", concepts.GESTATIONAL_AGE, concepts.DAY, "d"),
        )
        if column in mfr.columns
    ]
