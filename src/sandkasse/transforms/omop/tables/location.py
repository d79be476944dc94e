"""location: the municipalities."""

import ibis
import ibis.expr.types as ir

from sandkasse.transforms.omop.registers import Inputs
from sandkasse.transforms.omop.shape import conform


def location(inputs: Inputs) -> ir.Table:
    """Build location: one row for each municipality in which somebody lives; the identifier is its number."""
    bef = inputs.registers["bef"]
    codes = bef.select("kom").distinct()
    return conform(
        "location",
        codes.select(
            location_id=codes.kom.cast("int64"),
            location_source_value=codes.kom,
            country_source_value=ibis.literal("DK"),
        ),
    )
