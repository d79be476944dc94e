"""procedure_occurrence: operations and other procedures at hospitals, and services of primary care."""

import ibis
import ibis.expr.types as ir

from sandkasse.transforms.omop import concepts
from sandkasse.transforms.omop.registers import Inputs, union
from sandkasse.transforms.omop.shape import conform, number_rows

_COLUMNS = ("visit_occurrence_id", "person_id", "start_date", "code")


def procedure_occurrence(inputs: Inputs) -> ir.Table:
    """Build procedure_occurrence.

    - A procedure of a hospital stands on its own day, a service of primary care on the Monday of its week.
    - A code without a concept has concept 0.
    """
    made = inputs.made
    rows = union([made[name].select(*_COLUMNS) for name in ("_procedure", "_service") if name in made])
    codes = inputs.codes_of("DK-SKS", "DK-YDELSE", "DK-OPERATION")
    meanings = codes.select(
        "code",
        "source_concept_id",
        "concept_id",
        place=ibis.row_number().over(order_by=[codes.code, codes.concept_id, codes.source_concept_id]).cast("int32"),
    )
    # The largest table: its rows are put in order with one number each, and told what it stands for afterwards.
    coded = rows.inner_join(meanings.select("code", "place"), "code")
    coded = coded.select("visit_occurrence_id", "person_id", "start_date", "place")
    counted = number_rows(coded, "procedure_occurrence_id", "start_date", "visit_occurrence_id", "place")
    numbered = counted.inner_join(meanings, "place")
    return conform(
        "procedure_occurrence",
        numbered.select(
            procedure_occurrence_id=numbered.procedure_occurrence_id,
            person_id=numbered.person_id,
            procedure_concept_id=numbered.concept_id,
            procedure_date=numbered.start_date,
            procedure_type_concept_id=ibis.literal(concepts.REGISTRY),
            quantity=ibis.literal(1),
            visit_occurrence_id=numbered.visit_occurrence_id,
            procedure_source_value=numbered.code,
            procedure_source_concept_id=numbered.source_concept_id,
        ),
    )
