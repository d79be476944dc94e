"""visit_detail: the days on which a patient attended, within an outpatient course."""

import ibis
import ibis.expr.types as ir

from sandkasse.transforms.omop import concepts
from sandkasse.transforms.omop.hospital import attendances
from sandkasse.transforms.omop.registers import Inputs
from sandkasse.transforms.omop.shape import conform, number_rows


def visit_detail(inputs: Inputs) -> ir.Table:
    """Build visit_detail: version 2 of the patient register has one contact for a whole course of visits."""
    days = number_rows(attendances(inputs), "visit_detail_id", "day", "visit_occurrence_id")
    codes = inputs.codes_of("DK-SPECIALE")
    specialty = codes.filter(codes.source_concept_id > 0).select(specialty=codes.code, site=codes.source_concept_id)
    joined = days.left_join(specialty, "specialty")
    return conform(
        "visit_detail",
        joined.select(
            visit_detail_id=joined.visit_detail_id,
            person_id=joined.person_id,
            visit_detail_concept_id=ibis.literal(concepts.OUTPATIENT),
            visit_detail_start_date=joined.day,
            visit_detail_end_date=joined.day,
            visit_detail_type_concept_id=ibis.literal(concepts.REGISTRY),
            care_site_id=joined.site,
            visit_occurrence_id=joined.visit_occurrence_id,
        ),
    )
