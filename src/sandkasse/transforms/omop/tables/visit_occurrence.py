"""visit_occurrence: hospital contacts, and weeks with services of primary care."""

import ibis
import ibis.expr.types as ir

from sandkasse.transforms.omop import concepts
from sandkasse.transforms.omop.primary_care import provider_group
from sandkasse.transforms.omop.registers import Inputs, union
from sandkasse.transforms.omop.shape import conform

_KINDS = (
    ("inpatient", concepts.INPATIENT),
    ("outpatient", concepts.OUTPATIENT),
    ("emergency", concepts.EMERGENCY),
)


def visit_occurrence(inputs: Inputs) -> ir.Table:
    """Build visit_occurrence.

    - A hospital contact is a visit; its identifier is the contact's own number (LPR3's lie above 10^18).
    - A contact whose kind the register does not say has concept 0.
    - The services of one kind of provider in one week are one outpatient visit, dated on the week's Monday, as the
      register knows no day (identifiers from 2·10^18: person, week, kind of provider).
    - `care_site_id` is the department's specialty.
    """
    parts = []
    if "_contact" in inputs.made:
        parts.append(_hospital(inputs))
    if "_service" in inputs.made:
        parts.append(_primary_care(inputs.made["_service"]))
    visits = union(parts)
    return conform(
        "visit_occurrence",
        visits.mutate(
            visit_type_concept_id=ibis.literal(concepts.REGISTRY),
            visit_source_concept_id=ibis.literal(concepts.NO_MATCHING),
        ),
    )


def _hospital(inputs: Inputs) -> ir.Table:
    contact = inputs.made["_contact"]
    codes = inputs.codes_of("DK-SPECIALE")
    specialty = codes.filter(codes.source_concept_id > 0).select(specialty=codes.code, site=codes.source_concept_id)
    joined = contact.left_join(specialty, "specialty")
    return joined.select(
        visit_occurrence_id=joined.visit_occurrence_id,
        person_id=joined.person_id,
        visit_concept_id=joined.kind.cases(*_KINDS, else_=concepts.NO_MATCHING).cast("int32"),
        visit_start_date=joined.start_date,
        visit_start_datetime=joined.start_datetime,
        visit_end_date=joined.end_date,
        visit_end_datetime=joined.end_datetime,
        care_site_id=joined.site.cast("int64"),
        visit_source_value=joined.kind_source,
    )


def _primary_care(service: ir.Table) -> ir.Table:
    weeks = service.group_by("visit_occurrence_id").aggregate(
        person_id=service.person_id.min(), day=service.start_date.min()
    )
    return weeks.select(
        visit_occurrence_id=weeks.visit_occurrence_id,
        person_id=weeks.person_id,
        visit_concept_id=ibis.literal(concepts.OUTPATIENT, "int32"),
        visit_start_date=weeks.day,
        visit_start_datetime=ibis.null("timestamp(6)"),
        visit_end_date=weeks.day,
        visit_end_datetime=ibis.null("timestamp(6)"),
        care_site_id=ibis.null("int64"),
        visit_source_value=provider_group(weeks.visit_occurrence_id),
    )
