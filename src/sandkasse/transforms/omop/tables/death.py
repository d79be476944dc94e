"""death: one row for each known person who died."""

import ibis
import ibis.expr.types as ir

from sandkasse.transforms.omop import concepts
from sandkasse.transforms.omop.registers import Inputs
from sandkasse.transforms.omop.shape import conform


def death(inputs: Inputs) -> ir.Table:
    """Build death: the earliest date where the register has several."""
    rows = inputs.made["_person"]
    dead = rows.filter(rows.doddato.notnull())
    return conform(
        "death",
        dead.select(
            person_id=dead.person_id,
            death_date=dead.doddato,
            death_type_concept_id=ibis.literal(concepts.REGISTRY),
        ),
    )
