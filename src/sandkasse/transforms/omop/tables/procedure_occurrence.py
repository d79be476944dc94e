"""procedure_occurrence: services of primary care."""

import ibis
import ibis.expr.types as ir

from sandkasse.transforms.omop import concepts
from sandkasse.transforms.omop.registers import Inputs
from sandkasse.transforms.omop.shape import conform, number_rows


def procedure_occurrence(inputs: Inputs) -> ir.Table:
    """Build procedure_occurrence: one row for each service, on the Monday of its week, within its visit."""
    services = inputs.made["_service"]
    codes = inputs.codes_of("DK-YDELSE").select("code", "source_concept_id", "concept_id")
    coded = services.inner_join(codes, "code")
    numbered = number_rows(coded, "procedure_occurrence_id", "start_date", "visit_occurrence_id", "code", "concept_id")
    return conform(
        "procedure_occurrence",
        numbered.select(
            procedure_occurrence_id=numbered.procedure_occurrence_id,
            person_id=numbered.person_id,
            procedure_concept_id=numbered.concept_id,
            procedure_date=numbered.start_date,
            procedure_type_concept_id=ibis.literal(concepts.REGISTRY),
            quantity=ibis.literal(1),
            visit_occurrence_id=numbered.visit_occurrence_id,
            procedure_source_value=numbered.code,
            procedure_source_concept_id=numbered.source_concept_id,
        ),
    )
