"""drug_era: stretches of time in which a person takes an ingredient."""

import ibis.expr.types as ir

from sandkasse.transforms.omop.eras import stretch
from sandkasse.transforms.omop.registers import Inputs
from sandkasse.transforms.omop.shape import conform, number_rows

PERSISTENCE_DAYS = 30
"""Exposures to one ingredient that lie at most so many days apart are one era (the convention of the model)."""


def drug_era(inputs: Inputs) -> ir.Table:
    """Build drug_era from drug_exposure, for standard ingredients.

    `gap_days` are the days of the era that no exposure covers. Only ingredients have eras: the mapping of ATC codes
    gives ingredients, and concept 0 is none.
    """
    rows = inputs.made["drug_exposure"]
    mapped = rows.filter(rows.drug_concept_id != 0)
    eras = stretch(
        mapped.select(
            person_id=mapped.person_id,
            concept_id=mapped.drug_concept_id,
            start=mapped.drug_exposure_start_date,
            end=mapped.drug_exposure_end_date,
        ),
        gap_days=PERSISTENCE_DAYS,
    )
    numbered = number_rows(eras, "drug_era_id", "start", "concept_id")
    return conform(
        "drug_era",
        numbered.select(
            drug_era_id=numbered.drug_era_id,
            person_id=numbered.person_id,
            drug_concept_id=numbered.concept_id,
            drug_era_start_date=numbered.start,
            drug_era_end_date=numbered.end,
            drug_exposure_count=numbered["n"],
            gap_days=numbered.uncovered_days,
        ),
    )
