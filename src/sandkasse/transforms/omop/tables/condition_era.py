"""condition_era: stretches of time in which a person has a condition."""

import ibis.expr.types as ir

from sandkasse.transforms.omop.eras import stretch
from sandkasse.transforms.omop.registers import Inputs
from sandkasse.transforms.omop.shape import conform, number_rows

PERSISTENCE_DAYS = 30
"""Occurrences of one condition that lie at most so many days apart are one era (the convention of the model)."""


def condition_era(inputs: Inputs) -> ir.Table:
    """Build condition_era from condition_occurrence, for standard concepts; concept 0 has no era."""
    rows = inputs.made["condition_occurrence"]
    mapped = rows.filter(rows.condition_concept_id != 0)
    eras = stretch(
        mapped.select(
            person_id=mapped.person_id,
            concept_id=mapped.condition_concept_id,
            start=mapped.condition_start_date,
            end=mapped.condition_end_date.coalesce(mapped.condition_start_date),
        ),
        gap_days=PERSISTENCE_DAYS,
    )
    numbered = number_rows(eras, "condition_era_id", "start", "concept_id")
    return conform(
        "condition_era",
        numbered.select(
            condition_era_id=numbered.condition_era_id,
            person_id=numbered.person_id,
            condition_concept_id=numbered.concept_id,
            condition_era_start_date=numbered.start,
            condition_era_end_date=numbered.end,
            condition_occurrence_count=numbered["n"],
        ),
    )
