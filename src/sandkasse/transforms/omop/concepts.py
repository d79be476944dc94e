"""The concepts that the transformations name themselves. Each is a fact of the OMOP vocabularies, none is invented."""

NO_MATCHING = 0

MALE, FEMALE = 8507, 8532
INPATIENT, OUTPATIENT, EMERGENCY = 9201, 9202, 9203
REGISTRY = 32879
"""Type concept: where a record comes from."""
PRIMARY_DIAGNOSIS, SECONDARY_DIAGNOSIS = 32902, 32908
BIRTH_WEIGHT, GESTATIONAL_AGE = 3011043, 3012266
GRAM, DAY = 8504, 8512
CDM_54 = 756265
"""The concept of version 5.4.0 of the model."""
