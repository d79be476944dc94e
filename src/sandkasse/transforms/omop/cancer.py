"""The cancer register."""

import ibis
import ibis.expr.types as ir

from sandkasse.transforms.omop.registers import Inputs, within_life


def cancers(inputs: Inputs) -> ir.Table:
    """Give cancers on their day of diagnosis, in the shape of hospital diagnoses; they belong to no contact.

    Returns:
        visit_occurrence_id (null), person_id, start_date, start_datetime (null), code, kind (null).
    """
    cancer = inputs.registers["cancer"]
    rows = cancer.select(
        visit_occurrence_id=ibis.null("int64"),
        person_id=cancer.pnr.cast("int64"),
        start_date=cancer.d_diagnosedato,
        start_datetime=ibis.null("timestamp(6)"),
        code=cancer.c_icd10.upper(),
        kind=ibis.null("string"),
    )
    return within_life(rows, inputs.made["_person"], "start_date")
