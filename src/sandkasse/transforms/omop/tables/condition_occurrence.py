"""condition_occurrence: diagnoses of hospitals and of the cancer register, of the domain Condition."""

import ibis
import ibis.expr.types as ir

from sandkasse.transforms.omop import concepts
from sandkasse.transforms.omop.registers import Inputs, union
from sandkasse.transforms.omop.shape import conform, number_rows


def condition_occurrence(inputs: Inputs) -> ir.Table:
    """Build condition_occurrence.

    - One row for each standard condition that a diagnosis maps to; a diagnosis without one has concept 0.
    - Codes of other domains (reasons for contact, say) go to observation.
    - The day is that of the contact. `condition_status_concept_id` says main (A) or secondary (B) diagnosis; referral
      and additional diagnoses keep their letter only.
    """
    found = coded_diagnoses(inputs)
    kept = found.filter(found.domain == "Condition")
    numbered = number_rows(
        kept, "condition_occurrence_id", "start_date", "visit_occurrence_id", "code", "kind", "concept_id"
    )
    return conform(
        "condition_occurrence",
        numbered.select(
            condition_occurrence_id=numbered.condition_occurrence_id,
            person_id=numbered.person_id,
            condition_concept_id=numbered.concept_id,
            condition_start_date=numbered.start_date,
            condition_start_datetime=numbered.start_datetime,
            condition_type_concept_id=ibis.literal(concepts.REGISTRY),
            condition_status_concept_id=numbered.kind.cases(
                ("A", concepts.PRIMARY_DIAGNOSIS),
                ("B", concepts.SECONDARY_DIAGNOSIS),
                else_=concepts.NO_MATCHING,
            ),
            visit_occurrence_id=numbered.visit_occurrence_id,
            condition_source_value=numbered.code,
            condition_source_concept_id=numbered.source_concept_id,
            condition_status_source_value=numbered.kind,
        ),
    )


def coded_diagnoses(inputs: Inputs) -> ir.Table:
    """Give each diagnosis with what its code means; one row for each concept."""
    codes = inputs.codes_of("DK-SKS", "DK-ICD8")
    found = union([inputs.made[name] for name in ("_diagnosis", "_cancer") if name in inputs.made])
    return found.inner_join(codes.select("code", "source_concept_id", "concept_id", "domain"), "code")
