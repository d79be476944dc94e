"""Case definitions: what publications count as having a condition, read in the registers."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files

import ibis
from ibis import _
from ibis.expr.types import Table

from sandkasse.cohort.validation.registers import Registers, list_diagnoses, list_services


@dataclass(frozen=True)
class CaseDefinition:
    """Who counts as a case, from the earliest of several kinds of evidence on.

    Attributes:
        name: Its name; that of the condition.
        title: For people.
        diagnoses: Beginnings of codes; one hospital diagnosis is enough.
        drugs: Beginnings of ATC codes.
        purchases: Which purchase of such drugs counts; 0 if drugs do not.
        services: Beginnings of services of primary care; one is enough.
        source: Who defines it so.
        year: On whose 1 January cases are counted by age.
        new: First and last year of the new cases that are counted by age.
    """

    name: str
    title: str
    diagnoses: tuple[str, ...] = ()
    drugs: tuple[str, ...] = ()
    purchases: int = 0
    services: tuple[str, ...] = ()
    source: str = "our choice"
    year: int = 2016
    new: tuple[int, int] = (2014, 2023)


def read_definitions() -> Mapping[str, CaseDefinition]:
    """Read the case definitions, by name."""
    text = (files("sandkasse.cohort.validation") / "definitions.toml").read_text(encoding="utf-8")
    return {
        name: CaseDefinition(
            name,
            row["title"],
            diagnoses=tuple(row.get("diagnoses", ())),
            drugs=tuple(row.get("drugs", ())),
            purchases=row.get("purchases", 0),
            services=tuple(row.get("services", ())),
            source=row["source"],
            year=row.get("year", CaseDefinition.year),
            new=(row["new"][0], row["new"][1]) if "new" in row else CaseDefinition.new,
        )
        for name, row in tomllib.loads(text).items()
    }


def find_cases(registers: Registers, definition: CaseDefinition) -> Table:
    """Find the cases.

    Args:
        registers: Where to look.
        definition: What counts.

    Returns:
        One row a case: `pnr`, `day` of the earliest evidence.
    """
    evidence = []
    if definition.diagnoses:
        diagnoses = list_diagnoses(registers)
        evidence.append(diagnoses.filter(_begins(diagnoses.code, definition.diagnoses)).select("pnr", "day"))
    if definition.drugs and definition.purchases:
        lmdb = registers["lmdb"]
        bought = lmdb.filter(_begins(lmdb.atc, definition.drugs)).select("pnr", day=_.eksd)
        nth = bought.mutate(nth=ibis.row_number().over(group_by="pnr", order_by="day") + 1)
        evidence.append(nth.filter(_.nth == definition.purchases).select("pnr", "day"))
    if definition.services:
        services = list_services(registers)
        evidence.append(services.filter(_begins(services.service, definition.services)).select("pnr", day=_.week))
    every = ibis.union(*evidence, distinct=False) if len(evidence) > 1 else evidence[0]
    return every.group_by("pnr").aggregate(day=_.day.min())


def _begins(column: ibis.expr.types.StringColumn, beginnings: tuple[str, ...]) -> ibis.expr.types.BooleanValue:
    return column.re_search("^(" + "|".join(beginnings) + ")")
