"""What every table is made from: the Danish registers that are there, and the persons in them."""

from collections.abc import Container, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import reduce

import ibis
import ibis.expr.types as ir

from sandkasse.core.errors import InvalidInputError

REGISTERS = (
    "bef",
    "vnds",
    "dod",
    "dodsaars",
    "dodsaasg",
    "dodsaarsager",
    "lmdb",
    "ddv",
    "lpr_adm",
    "lpr_diag",
    "lpr_bes",
    "lpr_opr",
    "lpr_sksopr",
    "t_psyk_adm",
    "t_psyk_diag",
    "t_psyk_bes",
    "lpr3a_kontakt",
    "lpr3a_diagnose",
    "lpr3a_procregistrering",
    "lpr3f_kontakter",
    "lpr3f_diagnoser",
    "lpr3f_procedurer_kirurgi",
    "cancer",
    "mfr",
    "sysi",
    "sssy",
    "lab_forsker",
)
"""The register tables that are read, where they are there."""


@dataclass(frozen=True)
class Inputs:
    """What a table is made from.

    Attributes:
        registers: The register tables that are there, by name.
        codes: What each code means: columns vocabulary, code, source_concept_id, concept_id, domain, unit,
            unit_concept_id; one row for each concept that a code stands for.
        first_day: First day of which any register tells.
        first_status: First day on which the population register says who is resident.
        last_status: The last such day.
        made: What was made before: shapes of the registers under `_<name>`, and OMOP tables under their own names.
    """

    registers: Mapping[str, ir.Table]
    codes: ir.Table
    first_day: date
    first_status: date
    last_status: date
    made: Mapping[str, ir.Table] = field(default_factory=dict)

    @property
    def last_day(self) -> date:
        """The day on which observation ends: the last of the year of the last status."""
        return self.last_status.replace(month=12, day=31)

    def codes_of(self, *vocabularies: str) -> ir.Table:
        """Give the meaning of the codes of some vocabularies."""
        return self.codes.filter(self.codes.vocabulary.isin(vocabularies))


def check_population(present: Container[str]) -> None:
    """Check that the population register is among the registers.

    Raises:
        InvalidInputError: If it is not.
    """
    if "bef" not in present:
        raise InvalidInputError(
            "There is no table bef: without it nobody's sex and date of birth are known.",
            next_step="give a dataset that keeps the contract dk-registers",
        )


def union(tables: list[ir.Table]) -> ir.Table:
    """Put the rows of tables with the same columns one below the other."""
    return reduce(lambda one, other: one.union(other), tables)


def persons(inputs: Inputs) -> ir.Table:
    """Give everybody of whom sex and date of birth are known.

    The population register repeats them each year; the earliest row counts, and the latest for the municipality. Who
    was never in it (dead or gone before it begins) cannot be described, and is left out, as the convention has it.

    Returns:
        person_id, pnr, koen, foed_dato, kom, doddato.
    """
    bef = inputs.registers["bef"]
    known = bef.group_by("pnr").aggregate(
        koen=bef.koen.argmin(bef.referencetid),
        foed_dato=bef.foed_dato.min(),
        kom=bef.kom.argmax(bef.referencetid),
    )
    if "dod" in inputs.registers:
        dod = inputs.registers["dod"]
        deaths = dod.group_by("pnr").aggregate(doddato=dod.doddato.min())
        known = known.left_join(deaths, "pnr").drop("pnr_right")
    else:
        known = known.mutate(doddato=ibis.null("date"))
    return known.mutate(person_id=known.pnr.cast("int64")).select(
        "person_id", "pnr", "koen", "foed_dato", "kom", "doddato"
    )


def within_life(rows: ir.Table, person: ir.Table, day: str) -> ir.Table:
    """Keep the rows of known persons that lie between birth and death.

    Args:
        rows: Any rows with `person_id`.
        person: What `persons` gave.
        day: The column with their date.
    """
    columns = rows.columns
    joined = rows.inner_join(person.select("person_id", "foed_dato", "doddato"), "person_id")
    kept = joined.filter(joined[day] >= joined.foed_dato, joined.doddato.isnull() | (joined[day] <= joined.doddato))
    return kept.select(*columns)
