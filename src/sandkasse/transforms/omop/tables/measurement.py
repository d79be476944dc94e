"""measurement: results of the laboratories."""

import ibis
import ibis.expr.types as ir

from sandkasse.transforms.omop import concepts
from sandkasse.transforms.omop.registers import Inputs, within_life
from sandkasse.transforms.omop.shape import conform, number_rows


def measurement(inputs: Inputs) -> ir.Table:
    """Build measurement.

    - The NPU code names the quantity and its unit; values stay in that unit.
    - Results are linked to no visit: the register does not say who ordered them.
    """
    lab = inputs.registers["lab_forsker"]
    results = lab.select(person_id=lab.pnr.cast("int64"), day=lab.samplingdate, code=lab.analysiscode, value=lab.value)
    alive = within_life(results, inputs.made["_person"], "day")
    codes = inputs.codes_of("DK-NPU").select("code", "source_concept_id", "concept_id", "unit_concept_id", "unit")
    coded = alive.inner_join(codes, "code")
    numbered = number_rows(coded, "measurement_id", "day", "code", "value", "concept_id")
    return conform(
        "measurement",
        numbered.select(
            measurement_id=numbered.measurement_id,
            person_id=numbered.person_id,
            measurement_concept_id=numbered.concept_id,
            measurement_date=numbered.day,
            measurement_type_concept_id=ibis.literal(concepts.REGISTRY),
            value_as_number=numbered.value,
            unit_concept_id=numbered.unit_concept_id,
            measurement_source_value=numbered.code,
            measurement_source_concept_id=numbered.source_concept_id,
            unit_source_value=numbered.unit,
        ),
    )
