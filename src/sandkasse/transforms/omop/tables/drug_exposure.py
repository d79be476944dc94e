"""drug_exposure: drugs dispensed at pharmacies, and vaccinations."""

import ibis
import ibis.expr.types as ir

from sandkasse.transforms.omop import concepts
from sandkasse.transforms.omop.registers import Inputs, union, within_life
from sandkasse.transforms.omop.shape import add_days, conform, number_rows

_DAILY_DOSE, _DOSE = "DDD", "dose"


def drug_exposure(inputs: Inputs) -> ir.Table:
    """Build drug_exposure.

    - One row for each ingredient that the ATC code maps to; a code without one has concept 0.
    - The register does not say how long a pack lasts: `days_supply` counts one defined daily dose a day (`volume` times
      `apk`, rounded up), our convention, and the exposure ends then, or with the person's observation period.
    - `quantity` is in defined daily doses. A vaccination is one dose on one day.
    """
    readers = {"lmdb": _dispensed, "ddv": _vaccinated}
    given = union([read(inputs.registers[name]) for name, read in readers.items() if name in inputs.registers])
    alive = within_life(given, inputs.made["_person"], "day")
    codes = inputs.codes_of("DK-ATC").select("code", "source_concept_id", "concept_id")
    coded = alive.inner_join(codes, "code")
    numbered = number_rows(coded, "drug_exposure_id", "day", "code", "quantity", "packs", "concept_id")
    period = inputs.made["observation_period"]
    inside = numbered.inner_join(
        period.select("person_id", "observation_period_start_date", "observation_period_end_date"), "person_id"
    )
    inside = inside.filter(inside.day.between(inside.observation_period_start_date, inside.observation_period_end_date))
    days = ibis.ifelse(inside.unit == _DOSE, 1, ibis.greatest(inside.quantity.ceil().cast("int32"), 1))
    return conform(
        "drug_exposure",
        inside.select(
            drug_exposure_id=inside.drug_exposure_id,
            person_id=inside.person_id,
            drug_concept_id=inside.concept_id,
            drug_exposure_start_date=inside.day,
            drug_exposure_end_date=ibis.least(add_days(inside.day, days - 1), inside.observation_period_end_date),
            drug_type_concept_id=ibis.literal(concepts.REGISTRY),
            quantity=inside.quantity,
            days_supply=days,
            drug_source_value=inside.code,
            drug_source_concept_id=inside.source_concept_id,
            dose_unit_source_value=inside.unit,
        ),
    )


def _dispensed(lmdb: ir.Table) -> ir.Table:
    return lmdb.select(
        person_id=lmdb.pnr.cast("int64"),
        day=lmdb.eksd,
        code=lmdb.atc.upper(),
        packs=lmdb.apk.cast("int32"),
        quantity=(lmdb.volume * lmdb.apk).cast("float64"),
        unit=ibis.literal(_DAILY_DOSE),
    )


def _vaccinated(ddv: ir.Table) -> ir.Table:
    return ddv.select(
        person_id=ddv.pnr.cast("int64"),
        day=ddv.vaccinationsdato,
        code=ddv.atc.upper(),
        packs=ibis.literal(1, "int32"),
        quantity=ibis.literal(1.0),
        unit=ibis.literal(_DOSE),
    )
