"""death: one row for each known person who died."""

import ibis
import ibis.expr.types as ir

from sandkasse.transforms.omop import concepts
from sandkasse.transforms.omop.registers import Inputs, union
from sandkasse.transforms.omop.shape import conform

CAUSES = (
    ("dodsaars", "c_dod1"),
    ("dodsaasg", "c_dodtilgrundl_acme"),
    ("dodsaarsager", "doedsaarsag_tilgrundliggende"),
)
"""The registers of causes of death, and their column with the underlying cause."""


def death(inputs: Inputs) -> ir.Table:
    """Build death.

    - The earliest date where the register has several.
    - The underlying cause, where a register of causes is there; of several concepts the one with the lowest number, as
      a person dies once.
    """
    rows = inputs.made["_person"]
    dead = rows.filter(rows.doddato.notnull()).select("person_id", "doddato")
    causes = [
        table.select(person_id=table.pnr.cast("int64"), code=table[column].upper())
        for name, column in CAUSES
        if name in inputs.registers
        for table in (inputs.registers[name],)
    ]
    if not causes:
        return conform(
            "death",
            dead.select(
                person_id=dead.person_id,
                death_date=dead.doddato,
                death_type_concept_id=ibis.literal(concepts.REGISTRY),
            ),
        )
    found = union(causes)
    known = dead.left_join(found.group_by("person_id").aggregate(code=found.code.min()), "person_id")
    codes = inputs.codes_of("DK-SKS", "DK-ICD8")
    meaning = codes.group_by("code").aggregate(
        concept=codes.concept_id.min(), source_concept=codes.source_concept_id.min()
    )
    coded = known.left_join(meaning, "code")
    return conform(
        "death",
        coded.select(
            person_id=coded.person_id,
            death_date=coded.doddato,
            death_type_concept_id=ibis.literal(concepts.REGISTRY),
            cause_concept_id=coded.concept,
            cause_source_value=coded.code,
            cause_source_concept_id=coded.source_concept,
        ),
    )
