"""Rules on what can hardly be true: a disease of the other sex, a value that no living person has."""

from collections.abc import Iterator, Mapping

import ibis.expr.types as ir

from sandkasse.transforms.omop import concepts

_WOMEN = r"^(D?(O\d|C5[1-8]|N7[0-7]|N8\d|N9[0-8]|Z3[4-79])|(18[0-4]|6[3-7]\d)\d\d$)"
_MEN = r"^(D?(C6[0-3]|N4\d|N5[01])|(18[5-7]|60[0-7])\d\d$)"
"""Diagnoses of one sex, as ICD-10 (with or without the Danish D) and Danish ICD-8 with five digits write them."""
_DIAGNOSES = {
    "condition_occurrence": ("condition_concept_id", "condition_source_value"),
    "observation": ("observation_concept_id", "observation_source_value"),
}

_MMOL_PER_L, _PER_CENT, _MMOL_PER_MOL, _UMOL_PER_L = 8753, 8554, 9579, 8749
RANGES: Mapping[tuple[int, int], tuple[float, float]] = {
    (40762352, _MMOL_PER_MOL): (5.0, 250.0),  # haemoglobin A1c
    (3004410, _PER_CENT): (2.0, 25.0),
    (3020564, _UMOL_PER_L): (5.0, 4000.0),  # creatinine
    (3023103, _MMOL_PER_L): (1.0, 15.0),  # potassium
    (3019550, _MMOL_PER_L): (90.0, 210.0),  # sodium
    (40762351, _MMOL_PER_L): (1.0, 20.0),  # haemoglobin
    (3019900, _MMOL_PER_L): (0.3, 40.0),  # cholesterol
    (concepts.BIRTH_WEIGHT, concepts.GRAM): (150.0, 7500.0),
    (concepts.GESTATIONAL_AGE, concepts.DAY): (140.0, 330.0),
}
"""Least and greatest value of a quantity in a unit (OMOP concepts) that a person can hardly pass: our choice."""


def plausible_rules(
    name: str, table: ir.Table, tables: Mapping[str, ir.Table]
) -> Iterator[tuple[ir.Table, dict[str, tuple[str, str | None]]]]:
    """Ask whether diagnoses fit the sex, and whether values can be those of a person; see `rules` for the form."""
    if name in _DIAGNOSES and "person" in tables:
        field, source = _DIAGNOSES[name]
        sexes = tables["person"].select("person_id", sex="gender_concept_id")
        rows = table.select(person_id=table.person_id, code=table[source].upper().replace(".", ""))
        known = rows.inner_join(sexes, "person_id")
        wrong = (known.code.re_search(_WOMEN) & (known.sex == concepts.MALE)) | (
            known.code.re_search(_MEN) & (known.sex == concepts.FEMALE)
        )
        yield known.aggregate(n=known.count(where=wrong)), {"n": ("other_sex", field)}
    if name == "measurement":
        outside = table.person_id.isnull()  # never
        for (concept, unit), (least, greatest) in RANGES.items():
            is_meant = (table.measurement_concept_id == concept) & (table.unit_concept_id == unit)
            outside |= is_meant & ((table.value_as_number < least) | (table.value_as_number > greatest))
        yield table.aggregate(n=table.count(where=outside)), {"n": ("implausible", "value_as_number")}
