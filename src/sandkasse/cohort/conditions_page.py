"""The reference page of the conditions, written from the parameter files' rows."""

import re

import numpy as np

from sandkasse.cohort.specification import (
    FIRST_YEAR,
    LAST_YEAR,
    Calendar,
    Condition,
    General,
    Incidence,
    Sex,
    Specification,
    Treatment,
)

AGES = (40, 60, 80)
YEAR = 2010
HEAD = """# The conditions of the cohort

Made from `src/sandkasse/cohort/params/conditions/*.toml` and `treatments.toml`; a test holds this page to them. Every
number has its source, or the words *our choice*. What the simulated lives give beside published figures:
`python verification/cohort_conditions.py` and [Cohort validation](cohort-validation.md).

Incidence is per 1,000 person-years (or pregnancies) in the whole population, men / women, in {year}: new onsets,
whether or not anybody recognises them. The numbers behind the causes are hazard ratios beside everything else in the
model; together they leave the population's incidence as it stands here. Codes of ICD-8 are given to the best of our
knowledge; they were not compared with the Danish edition.
"""


def conditions_page(specification: Specification) -> str:
    """Write the page.

    Args:
        specification: The model as written.

    Returns:
        Markdown: a table of all conditions, a section for each, and what places do.
    """
    treatments = specification.general.treatments
    lines = [HEAD.format(year=YEAR)]
    lines += [f"| condition | group | ICD-10 (SKS) | ICD-8 | {' | '.join(f'at {age}' for age in AGES)} | recurs |"]
    lines += ["|" + "---|" * (5 + len(AGES))]
    for condition in specification.conditions:
        rates = [_rates(condition.incidence, age) for age in AGES]
        cells = [f"[{condition.title}](#{_anchor(condition.title)})", condition.group, *_codes(condition), *rates]
        lines.append("| " + " | ".join([*cells, "yes" if condition.recurs else ""]) + " |")
    for condition in specification.conditions:
        lines += ["", *_section(condition, treatments)]
    lines += _places(specification.general)
    return "\n".join([*lines, ""])


def _places(general: General) -> list[str]:
    """Say what the place where a person lives first does to the traits; nothing where the model has no places."""
    if not general.place_shifts:
        return []
    traits = [row.trait for row in general.place_shifts]
    out = ["", "## Where a person lives first", ""]
    out.append(
        "By how many standard deviations each group of municipalities moves the mean of a trait, less the mean over"
    )
    out += ["all inhabitants.", ""]
    out += [f"| group | municipalities | {' | '.join(traits)} |", "|" + "---|" * (2 + len(traits))]
    for group in general.places:
        cells = [f"{row.by.get(group.name, 0.0):+g}" for row in general.place_shifts]
        out.append(f"| {group.title} | {len(group.codes)} | {' | '.join(cells)} |")
    out.append("")
    out += [f"- **{row.trait}**: {row.source}." for row in general.place_shifts]
    sources = dict.fromkeys(group.source for group in general.places)
    return [*out, *(f"- **Groups**: {source}." for source in sources)]


def rate_per_1000(incidence: Incidence, sex: Sex, age: float, year: float) -> float:
    """Incidence as written, before calibration.

    Args:
        incidence: Rows of a condition.
        sex: `men` or `women`.
        age: In years.
        year: Calendar year.

    Returns:
        New cases per 1,000 person-years (or pregnancies); 0 for a sex that cannot have it.
    """
    rates: tuple[float, ...] = getattr(incidence, sex)
    if not rates:
        return 0.0
    level = float(np.exp(np.interp(age, incidence.ages, np.log(np.maximum(rates, 1e-9)))))
    rows = sorted(incidence.calendars_of(sex), key=lambda row: row.age)
    if rows:
        logs = [_log_ratio(row, year) for row in rows]
        level *= float(np.exp(np.interp(age, [row.age for row in rows], logs)))
    return level if level > 1e-8 else 0.0


def _log_ratio(row: Calendar, year: float) -> float:
    return float(np.interp(year, row.years, np.log(np.maximum(row.ratios, 1e-12))))


def _anchor(title: str) -> str:
    return re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")


def _rates(incidence: Incidence, age: int) -> str:
    sexes: tuple[Sex, ...] = ("men", "women")
    both = [rate_per_1000(incidence, sex, age, YEAR) if getattr(incidence, sex) else None for sex in sexes]
    return " / ".join("–" if rate is None else f"{rate:.2g}" for rate in both)


def _codes(condition: Condition) -> tuple[str, str]:
    return ", ".join(condition.codes.get("icd10", ())), ", ".join(condition.codes.get("icd8", ())) or "–"


def _span(first: float, last: float) -> str:
    if first > 0.0 and last < float("inf"):
        return f", days {first:g}–{last:g}"
    if first > 0.0:
        return f", from day {first:g}"
    return f", to day {last:g}" if last < float("inf") else ""


def _of(row: Calendar) -> str:
    return f"{row.only}, " if row.only else ""


def _years(first: int, last: int) -> str:
    if first <= FIRST_YEAR and last >= LAST_YEAR:
        return ""
    if first <= FIRST_YEAR:
        return f", until {last}"
    if last >= LAST_YEAR:
        return f", from {first} on"
    return f", in {first}" if first == last else f", {first}–{last}"


def _section(condition: Condition, treatments: tuple[Treatment, ...]) -> list[str]:
    icd10, icd8 = _codes(condition)
    out = [
        f"## {condition.title}",
        "",
        f"`{condition.name}`: {icd10}; ICD-8 {icd8}.",
        "",
    ]
    incidence = condition.incidence
    out.append(f"- **Incidence**: {incidence.source}.")
    if incidence.among == "reference":
        out.append("- **Among** persons without any of the causes below, not the whole population.")
    out += [f"- **Calendar** ({_of(row)}at {row.age:g} years): {row.source}." for row in incidence.calendar]
    out += [f"- **Season**{_years(row.from_year, row.to_year)}: {row.source}." for row in incidence.season]
    out += [f"- **Comes again** after {row.after_days:g} days: {row.source}." for row in [condition.recurs] if row]
    causes = [
        f"{row.trait} ×{np.exp(row.log_hazard_ratio):.2f} a standard deviation ({row.source})"
        for row in condition.traits
    ]
    if condition.body_mass is not None:
        causes.append(f"body mass ({condition.body_mass.source})")
    causes += [
        f"{row.of.replace('detected:', 'recognised ')} ×{row.hazard_ratio:g}{_span(row.from_days, row.to_days)} "
        f"({row.source})"
        for row in condition.raised_by
    ]
    if causes:
        out.append("- **Causes**: " + "; ".join(causes) + ".")
    deaths = [
        f"×{row.hazard_ratio:g} at 60 years{_span(row.from_days, row.to_days)}"
        f"{_years(row.from_year, row.to_year)} ({row.source})"
        for row in condition.death
    ]
    if condition.acute is not None:
        acute = condition.acute
        shares = f"{100 * min(acute.fatality):.2g}–{100 * max(acute.fatality):.2g} %"
        deaths.insert(0, f"{shares} within {acute.within_days:g} days, by age ({acute.source})")
    out.append("- **Death**: " + ("; ".join(deaths) if deaths else "no effect of its own") + ".")
    detection = condition.detection
    out.append(f"- **Recognised** at {detection.rate_per_year:g} a year: {detection.source}.")
    out += _treatments(condition.name, treatments)
    return out


def _treatments(name: str, treatments: tuple[Treatment, ...]) -> list[str]:
    out = []
    begun = [
        f"{treatment.title} ({', '.join(treatment.atc)}; {row.source})"
        for treatment in treatments
        for row in treatment.start
        if row.condition == name
    ]
    if begun:
        out.append("- **Treatments begun**: " + "; ".join(begun) + ".")
    changed = [
        f"{treatment.title} ×{row.hazard_ratio:g}{_span(row.from_days, row.to_days)} ({row.source})"
        for treatment in treatments
        for row in treatment.lowers
        if row.of == name
    ]
    if changed:
        out.append("- **Changed by**: " + "; ".join(changed) + ".")
    return out
