"""observation: diagnosis codes that are no conditions, such as reasons for a contact."""

import ibis
import ibis.expr.types as ir

from sandkasse.transforms.omop import concepts
from sandkasse.transforms.omop.registers import Inputs
from sandkasse.transforms.omop.shape import conform, number_rows
from sandkasse.transforms.omop.tables.condition_occurrence import coded_diagnoses


def observation(inputs: Inputs) -> ir.Table:
    """Build observation: one row for each concept outside the domain Condition that a diagnosis code stands for."""
    found = coded_diagnoses(inputs)
    kept = found.filter(found.domain != "Condition")
    numbered = number_rows(kept, "observation_id", "start_date", "visit_occurrence_id", "code", "kind", "concept_id")
    return conform(
        "observation",
        numbered.select(
            observation_id=numbered.observation_id,
            person_id=numbered.person_id,
            observation_concept_id=numbered.concept_id,
            observation_date=numbered.start_date,
            observation_datetime=numbered.start_datetime,
            observation_type_concept_id=ibis.literal(concepts.REGISTRY),
            visit_occurrence_id=numbered.visit_occurrence_id,
            observation_source_value=numbered.code,
            observation_source_concept_id=numbered.source_concept_id,
            qualifier_source_value=numbered.kind,
        ),
    )
