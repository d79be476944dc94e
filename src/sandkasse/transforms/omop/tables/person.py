"""person: everybody of whom sex and date of birth are known."""

import ibis
import ibis.expr.types as ir

from sandkasse.transforms.omop import concepts
from sandkasse.transforms.omop.registers import Inputs
from sandkasse.transforms.omop.shape import conform


def person(inputs: Inputs) -> ir.Table:
    """Build person.

    - `person_id` is the number that the twelve digits of the pseudonym make.
    - Race and ethnicity are in no Danish register: concept 0.
    - `location_id` is the latest municipality.
    """
    rows = inputs.made["_person"]
    return conform(
        "person",
        rows.select(
            person_id=rows.person_id,
            gender_concept_id=rows.koen.cases((1, concepts.MALE), (2, concepts.FEMALE), else_=concepts.NO_MATCHING),
            year_of_birth=rows.foed_dato.year(),
            month_of_birth=rows.foed_dato.month(),
            day_of_birth=rows.foed_dato.day(),
            birth_datetime=rows.foed_dato.cast("timestamp(6)"),
            race_concept_id=ibis.literal(concepts.NO_MATCHING),
            ethnicity_concept_id=ibis.literal(concepts.NO_MATCHING),
            location_id=rows.kom.cast("int64"),
            person_source_value=rows.pnr,
            gender_source_value=rows.koen.cast("string"),
            gender_source_concept_id=ibis.literal(concepts.NO_MATCHING),
        ),
    )
