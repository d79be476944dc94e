"""How care looks in the registers: how often, how far apart, together with what, and before death."""

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import ibis
import pyarrow as pa
from ibis import _
from ibis.expr.types import Table

from sandkasse.cohort.validation.registers import Registers, list_hospital_contacts, list_residents, list_services

AGE_STEP, OLDEST = 10, 90
# Our choice: fine where contacts are close together, coarse where they are rare.
GAP_EDGES = (1, 2, 4, 8, 15, 31, 61, 91, 181, 366, 731)
MONTHS_BEFORE_DEATH = 24
DAYS_A_MONTH = 30
MOTHERS, BIRTH_STEP, BIRTH_AGES = 2, 5, (15, 45)


def _age_group(age: Any) -> Any:
    return (age.clip(upper=OLDEST) / AGE_STEP).floor().cast("int32") * AGE_STEP


def count_contacts(registers: Registers, *, year: int) -> pa.Table:
    """Count contacts per resident in a year.

    Args:
        registers: The registers.
        year: A year in which all registers run: 2005 to 2013.

    Returns:
        `kind` (general practice, other primary care, outpatient, inpatient, emergency, purchases of drugs, blood
        samples), `sex`, `age_from` (ten years), `per_person`.
    """
    residents = list_residents(registers, year).mutate(age_from=lambda t: _age_group(t.age))
    first, last = ibis.date(year, 1, 1), ibis.date(year, 12, 31)
    services = list_services(registers)
    hospital = list_hospital_contacts(registers)
    lab = registers["lab_forsker"].select("pnr", day=_.samplingdate).distinct()
    events = ibis.union(
        services.select(
            "pnr",
            day=_.week,
            kind=ibis.ifelse(services.service.startswith("80"), "general practice", "other primary care"),
        ),
        hospital.select("pnr", "day", kind=_.kind),
        registers["lmdb"].select("pnr", day=_.eksd, kind=ibis.literal("purchases of drugs")),
        lab.select("pnr", "day", kind=ibis.literal("days with blood samples")),
        distinct=False,
    ).filter(_.day.between(first, last))
    counted = events.group_by("pnr", "kind").aggregate(n=_.count()).join(residents, "pnr")
    persons = residents.group_by("sex", "age_from").aggregate(persons=_.count())
    summed = counted.group_by("kind", "sex", "age_from").aggregate(n=_.n.sum()).join(persons, ["sex", "age_from"])
    rates = summed.select("kind", "sex", "age_from", per_person=_.n / _.persons)
    return rates.order_by("kind", "sex", "age_from").to_pyarrow()


def measure_gaps(registers: Registers, *, years: tuple[int, int] = (2005, 2013)) -> pa.Table:
    """Measure the days between one day with a hospital contact or a purchase and the person's next.

    Args:
        registers: The registers.
        years: First and last year.

    Returns:
        `gap_from` (days, the lower end of each group) and `share` of all gaps.
    """
    days = ibis.union(
        list_hospital_contacts(registers).select("pnr", "day"),
        registers["lmdb"].select("pnr", day=_.eksd),
        distinct=True,
    ).filter(_.day.year().between(*years))
    gaps = days.mutate(last=_.day.lag().over(group_by="pnr", order_by="day")).filter(_.last.notnull())
    length = gaps.day.epoch_days() - gaps.last.epoch_days()
    group = ibis.cases(*((length < edge, low) for low, edge in pairwise(GAP_EDGES)), else_=GAP_EDGES[-1])
    counted = gaps.mutate(gap_from=group).group_by("gap_from").aggregate(n=_.count())
    shares = counted.mutate(share=_.n / _.n.sum().over(ibis.window()))
    return shares.select("gap_from", "share").order_by("gap_from").to_pyarrow()


def measure_same_day(registers: Registers, *, year: int = 2012) -> dict[str, float]:
    """Measure how often events come together, since one visit brings several.

    Args:
        registers: The registers.
        year: A year in which the laboratories report.

    Returns:
        Shares, by what they say.
    """
    lab = registers["lab_forsker"].filter(_.samplingdate.year() == year)
    lab_days = lab.select("pnr", day=_.samplingdate).distinct()
    hospital = list_hospital_contacts(registers).select("pnr", "day").distinct()
    weeks = list_services(registers).filter(_.service.startswith("80")).select("pnr", week=_.week).distinct()
    monday = lab_days.mutate(week=_.day.truncate("W"))
    at_hospital = lab_days.semi_join(hospital, ["pnr", "day"]).count()
    at_practice = monday.semi_join(weeks, ["pnr", "week"]).count()
    together = lab.group_by("pnr", "samplingdate").aggregate(n=_.count()).n.mean()
    bought = registers["lmdb"].filter(_.eksd.year() == year)
    purchases = bought.group_by("pnr", "eksd").aggregate(n=_.count()).n.mean()
    row = ibis.memtable({"one": [1]}).select(
        lab_days=lab_days.count().as_scalar(),
        hospital=at_hospital.as_scalar(),
        practice=at_practice.as_scalar(),
        together=together.as_scalar(),
        purchases=purchases.as_scalar(),
    )
    found = row.to_pyarrow().to_pylist()[0]
    n = max(found["lab_days"], 1)
    return {
        "days with blood samples that are days of a hospital contact": found["hospital"] / n,
        "days with blood samples in a week with a service of general practice": found["practice"] / n,
        "analyses a day with blood samples": found["together"] or 0.0,
        "purchases a day with purchases": found["purchases"] or 0.0,
    }


def measure_before_death(registers: Registers, *, years: tuple[int, int] = (2000, 2018), oldest: int = 120) -> pa.Table:
    """Measure contacts in the months before death.

    Args:
        registers: The registers.
        years: First and last year of death.
        oldest: Highest age at death.

    Returns:
        `kind` (hospital contacts, purchases of drugs, services), `month` (-24 to -1 before death), `per_person`.
    """
    born = registers["bef"].select("pnr", "foed_dato").distinct()
    dead = registers["dod"].filter(_.doddato.year().between(*years)).join(born, "pnr")
    dead = dead.filter(lambda t: (t.doddato.epoch_days() - t.foed_dato.epoch_days()) / 365.25 <= oldest)
    events = ibis.union(
        list_hospital_contacts(registers).select("pnr", "day", kind=ibis.literal("hospital contacts")),
        registers["lmdb"].select("pnr", day=_.eksd, kind=ibis.literal("purchases of drugs")),
        list_services(registers).select("pnr", day=_.week, kind=ibis.literal("services of primary care")),
        distinct=False,
    ).join(dead.select("pnr", "doddato"), "pnr")
    back = ((events.doddato.epoch_days() - events.day.epoch_days()) / DAYS_A_MONTH).floor().cast("int32")
    near = events.mutate(month=-1 - back).filter(_.month.between(-MONTHS_BEFORE_DEATH, -1))
    counted = near.group_by("kind", "month").aggregate(n=_.count())
    n_dead = dead.count().as_scalar()
    return counted.select("kind", "month", per_person=_.n / n_dead).order_by("kind", "month").to_pyarrow()


def measure_drug_use(registers: Registers, *, year: int = 2013, groups: Sequence[str] = ()) -> pa.Table:
    """Measure who bought drugs in a year.

    Args:
        registers: The registers.
        year: The year.
        groups: Beginnings of ATC codes; every group of three characters if none are named.

    Returns:
        `atc`, `sex`, `per_1000` residents of 1 January who bought at least once.
    """
    residents = list_residents(registers, year)
    bought = registers["lmdb"].filter(_.eksd.year() == year)
    if groups:
        length = max(len(group) for group in groups)
        bought = bought.mutate(group=bought.atc[:length]).filter(_.group.isin(list(groups)))
    else:
        bought = bought.mutate(group=bought.atc[:3])
    buyers = bought.select("pnr", atc=_.group).distinct().join(residents, "pnr")
    persons = residents.group_by("sex").aggregate(persons=_.count())
    counted = buyers.group_by("atc", "sex").aggregate(n=_.count()).join(persons, "sex")
    return counted.select("atc", "sex", per_1000=1000 * _.n / _.persons).order_by("atc", "sex").to_pyarrow()


def measure_buyers(
    registers: Registers, *, atc: Sequence[str], year: int, sex: int = 0, age_from: int = 0
) -> tuple[float, float]:
    """Measure who bought some drugs in a year.

    Args:
        registers: The registers.
        atc: Beginnings of ATC codes.
        year: The year.
        sex: 1 men, 2 women, 0 both.
        age_from: Youngest age on 1 January.

    Returns:
        Residents of 1 January, per 1,000, who bought at least once, and the standard error.
    """
    residents = list_residents(registers, year).filter(_.age >= age_from)
    residents = residents.filter(_.sex == sex) if sex else residents
    bought = registers["lmdb"].filter(_.eksd.year() == year).filter(_.atc.re_search("^(" + "|".join(atc) + ")"))
    return _share_of(residents, bought, 1000.0)


def measure_practice(registers: Registers, *, year: int) -> dict[str, tuple[float, float]]:
    """Measure services of general practice: `contacts` a year per resident, and `share` with any in per cent.

    Args:
        registers: The registers.
        year: The year.

    Returns:
        Each with its standard error.
    """
    residents = list_residents(registers, year)
    services = list_services(registers).filter(_.service.startswith("80") & (_.week.year() == year))
    each = services.group_by("pnr").aggregate(n=_.count())
    n = residents.left_join(each, "pnr").select(n=_.n.coalesce(0))
    found = n.aggregate(mean=_.n.mean(), spread=_.n.std(), persons=_.count()).to_pyarrow().to_pylist()[0]
    error = (found["spread"] or 0.0) / math.sqrt(max(found["persons"], 1))
    return {"contacts": (found["mean"], error), "share": _share_of(residents, services, 100.0)}


def _share_of(residents: Table, events: Table, scale: float) -> tuple[float, float]:
    with_any = residents.semi_join(events, "pnr").count().execute()
    persons = max(residents.count().execute(), 1)
    share = with_any / persons
    return scale * share, scale * math.sqrt(share * (1.0 - share) / persons)


def count_by_age(registers: Registers, cases: Table, *, year: int) -> pa.Table:
    """Count the residents of 1 January who are cases.

    Args:
        registers: The registers.
        cases: `pnr` and `day`, one row a case.
        year: The year.

    Returns:
        `sex`, `age_from` (ten years), `persons`, `cases`.
    """
    residents = list_residents(registers, year).mutate(age_from=lambda t: _age_group(t.age))
    known = cases.filter(_.day < ibis.date(year, 1, 1)).select("pnr", case=ibis.literal(1))
    counted = residents.left_join(known, "pnr").group_by("sex", "age_from")
    return counted.aggregate(persons=_.count(), cases=_.case.sum().coalesce(0)).order_by("sex", "age_from").to_pyarrow()


def count_new_by_age(registers: Registers, cases: Table, *, years: tuple[int, int]) -> pa.Table:
    """Count new cases by age, among the residents of 1 January who were no cases before.

    Args:
        registers: The registers.
        cases: `pnr` and `day`, one row a case.
        years: First and last year.

    Returns:
        `sex`, `age_from` (ten years, on 1 January), `at_risk` (resident years), `new_cases`.
    """
    bef = registers["bef"].filter(_.referencetid.year().between(*years))
    age = (bef.referencetid.epoch_days() - bef.foed_dato.epoch_days()) / 365.25
    here = bef.select("pnr", year=_.referencetid.year(), sex=_.koen.cast("int8"), age_from=_age_group(age))
    joined = here.left_join(cases.select("pnr", found=_.day.year()), "pnr")
    at_risk = joined.filter(_.found.isnull() | (_.found >= _.year))
    counted = at_risk.mutate(new=(_.found == _.year).fill_null(False).cast("int64")).group_by("sex", "age_from")
    return counted.aggregate(at_risk=_.count(), new_cases=_.new.sum()).order_by("sex", "age_from").to_pyarrow()


def count_births(registers: Registers, *, years: tuple[int, int]) -> pa.Table:
    """Count births by the mother's age, among the women resident on 1 January of the year.

    Args:
        registers: The registers, with the medical birth register.
        years: First and last year.

    Returns:
        `age_from` (five years, 15 to 45), `women` (resident years), `births`.
    """
    bef = registers["bef"].filter(_.referencetid.year().between(*years)).filter(_.koen == MOTHERS)
    age = (bef.referencetid.epoch_days() - bef.foed_dato.epoch_days()) / 365.25
    group = (age / BIRTH_STEP).floor().cast("int32") * BIRTH_STEP
    women = bef.select("pnr", year=_.referencetid.year(), age_from=group).filter(_.age_from.between(*BIRTH_AGES))
    births = registers["mfr"].select(pnr=_.cpr_moder, year=_.foedselsdato.year())
    born = births.join(women, ["pnr", "year"]).group_by("age_from").aggregate(births=_.count())
    there = women.group_by("age_from").aggregate(women=_.count())
    joined = there.left_join(born, "age_from")
    return joined.select("age_from", "women", births=_.births.coalesce(0)).order_by("age_from").to_pyarrow()


def count_by_year(registers: Registers, cases: Table) -> pa.Table:
    """Count new cases among residents by calendar year.

    Args:
        registers: The registers.
        cases: `pnr` and `day`, one row a case.

    Returns:
        `year`, `at_risk` (residents of 1 January who were no cases before), `new_cases` among all.
    """
    bef = registers["bef"].select("pnr", year=_.referencetid.year())
    joined = bef.left_join(cases.select("pnr", found=_.day.year()), "pnr")
    at_risk = joined.filter(_.found.isnull() | (_.found >= _.year)).group_by("year").aggregate(at_risk=_.count())
    new = cases.group_by(year=_.day.year()).aggregate(new_cases=_.count())
    return (
        at_risk.left_join(new, "year")
        .select("year", "at_risk", new_cases=_.new_cases.coalesce(0))
        .order_by("year")
        .to_pyarrow()
    )


def measure_comorbidity(registers: Registers, cases: dict[str, Table], *, year: int) -> pa.Table:
    """Measure which conditions meet in the same persons.

    Args:
        registers: The registers.
        cases: `pnr` and `day` by condition.
        year: Residents of 1 January of this year.

    Returns:
        `one`, `other`, `observed` persons with both, and `ratio` to those expected if conditions were independent
        within sex and ten years of age.
    """
    residents = list_residents(registers, year).mutate(age_from=lambda t: _age_group(t.age))
    day = ibis.date(year, 1, 1)
    marked = ibis.union(
        *(table.filter(_.day < day).select("pnr", name=ibis.literal(name)) for name, table in cases.items()),
        distinct=False,
    ).join(residents.select("pnr", "sex", "age_from"), "pnr")
    strata = residents.group_by("sex", "age_from").aggregate(persons=_.count())
    alone = marked.group_by("name", "sex", "age_from").aggregate(n=_.count())
    left = alone.rename(one="name", n_one="n").join(strata, ["sex", "age_from"])
    pairs = left.join(alone.rename(other="name", n_other="n"), ["sex", "age_from"]).filter(_.one < _.other)
    expected = pairs.group_by("one", "other").aggregate(expected=(_.n_one * _.n_other / _.persons).sum())
    first = marked.select("pnr", one=_.name)
    both = first.join(marked.select("pnr", other=_.name), "pnr").filter(_.one < _.other)
    observed = both.group_by("one", "other").aggregate(observed=_.count())
    table = expected.left_join(observed, ["one", "other"])
    return (
        table.select("one", "other", observed=_.observed.coalesce(0), ratio=_.observed.coalesce(0) / _.expected)
        .order_by("one", "other")
        .to_pyarrow()
    )
