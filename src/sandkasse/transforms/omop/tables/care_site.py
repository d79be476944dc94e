"""care_site: departments, as far as the registers tell them apart: by specialty."""

import ibis
import ibis.expr.types as ir

from sandkasse.transforms.omop import concepts
from sandkasse.transforms.omop.registers import Inputs
from sandkasse.transforms.omop.shape import conform


def care_site(inputs: Inputs) -> ir.Table:
    """Build care_site: one row for each specialty; LPR2's codes and LPR3's texts of one specialty are one care site.

    The identifier is the specialty's own concept.
    """
    codes = inputs.codes_of("DK-SPECIALE")
    known = codes.filter(codes.source_concept_id > 0)
    sites = known.group_by("source_concept_id").aggregate(code=known.code.min(), name=known.code.max())
    return conform(
        "care_site",
        sites.select(
            care_site_id=sites.source_concept_id.cast("int64"),
            care_site_name=sites.name,
            place_of_service_concept_id=ibis.literal(concepts.NO_MATCHING),
            care_site_source_value=sites.code,
        ),
    )
