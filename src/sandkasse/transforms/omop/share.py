"""How much of the data speaks the common language: records with a standard concept."""

MAIN_CONCEPTS = {
    "visit_occurrence": "visit_concept_id",
    "condition_occurrence": "condition_concept_id",
    "drug_exposure": "drug_concept_id",
    "procedure_occurrence": "procedure_concept_id",
    "measurement": "measurement_concept_id",
    "observation": "observation_concept_id",
}
"""The field of each event table that holds the standard concept; 0 says that there is none."""
