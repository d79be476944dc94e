"""The report's sections on registers: conditions by case definition, and care."""

import tomllib
from collections.abc import Iterable, Sequence
from importlib.resources import files
from typing import Any

import ibis
import pandas as pd
import pyarrow as pa

from sandkasse.cohort.validation import care, extrapolation
from sandkasse.cohort.validation.definitions import CaseDefinition, find_cases, read_definitions
from sandkasse.cohort.validation.people import SEXES
from sandkasse.cohort.validation.pictures import draw_bars, draw_lines, draw_matrix
from sandkasse.cohort.validation.registers import Registers
from sandkasse.cohort.validation.report import Grid, Picture, Section

CARE_YEAR, MEETING_YEAR = 2012, 2016
NEW_CASES = (2014, 2023)
BIRTHS = "Births, of 1,000 women"
PARTS = ("t1d", "t2d")
"""Definitions whose cases are all cases of diabetes; they do not meet it by chance."""
OWN = "Simulated registers; nothing published beside them."
_DRUGS = {
    "A10": "glucose-lowering drugs",
    "B01": "antithrombotic drugs",
    "C03": "diuretics",
    "C07": "beta blockers",
    "C08": "calcium channel blockers",
    "C09": "renin-angiotensin drugs",
    "C10": "lipid-lowering drugs",
    "J01": "antibiotics",
    "M05": "drugs for bones",
    "N02": "analgesics",
    "N03": "antiepileptics",
    "N05": "psycholeptics",
    "N06": "antidepressants and others",
    "R03": "drugs for airways",
}


def describe_conditions(registers: Registers) -> Section:
    """Count cases by the case definitions: by age and sex, by year, and together."""
    definitions = read_definitions()
    # Found once and kept: Ibis 12 cannot drop its own cached tables on DuckDB 2.0.
    cases = {
        name: ibis.memtable(find_cases(registers, definition).to_pyarrow()) for name, definition in definitions.items()
    }
    by_age, by_year = [], []
    new = [row for name, table in cases.items() for row in _new_by_age(registers, definitions[name], table)]
    for name, table in cases.items():
        title = definitions[name].title
        for row in _drop_empty(care.count_by_age(registers, table, year=definitions[name].year), "cases"):
            share = 100 * row["cases"] / max(row["persons"], 1)
            by_age.append((row["age_from"] + 5, share, SEXES[row["sex"] - 1], title))
        by_year += [
            (row["year"], 1000 * row["new_cases"] / max(row["at_risk"], 1), "new cases", title)
            for row in care.count_by_year(registers, table).to_pylist()
        ]
    if "mfr" in registers:
        rows = care.count_births(registers, years=NEW_CASES).to_pylist()
        new += [(row["age_from"] + 2.5, 1000 * row["births"] / max(row["women"], 1), SEXES[1], BIRTHS) for row in rows]
    columns = ["x", "y", "series", "panel"]
    other = ", ".join(f"{row.title}: {_span(row.new)}" for row in definitions.values() if row.new != NEW_CASES)
    age_title = (
        f"Cases by age and sex, % of residents of 1 January {MEETING_YEAR} ({_other_years(definitions.values())})"
    )
    new_title = f"New cases by age and sex, a year per 1,000 who were none before, {_span(NEW_CASES)} ({other})"
    year_title = "New cases by calendar year, per 1,000 residents who were no cases before"
    met = care.measure_comorbidity(
        registers, {name: table for name, table in cases.items() if name not in PARTS}, year=MEETING_YEAR
    )
    rows = tuple(
        (row.title, ", ".join(row.diagnoses), ", ".join(row.drugs), row.source) for row in definitions.values()
    )
    return Section(
        "Conditions, as case definitions find them in the registers",
        ("Registers begin and change: jumps by year belong to them, not to disease.",),
        (
            Picture(
                "validation-by-age",
                draw_lines(pd.DataFrame(by_age, columns=columns), title=age_title, source=OWN, across="age", up="%"),
                age_title,
            ),
            Picture(
                "validation-new-by-age",
                draw_lines(
                    pd.DataFrame(new, columns=columns), title=new_title, source=OWN, across="age", up="per 1,000"
                ),
                new_title,
            ),
            Picture(
                "validation-by-year",
                draw_lines(
                    pd.DataFrame(by_year, columns=columns),
                    title=year_title,
                    source=f"{OWN} {extrapolation.SHADED}",
                    across="year",
                    up="",
                    shaded_from=extrapolation.FIRST_YEAR,
                ),
                year_title,
            ),
            _picture_of_meeting(met, {name: row.title for name, row in definitions.items()}),
        ),
        (Grid(("condition", "diagnoses", "drugs", "definition"), rows, "Case definitions"),),
    )


def _span(years: tuple[int, int]) -> str:
    return f"{years[0]}–{years[1]}"


def _other_years(definitions: Iterable[CaseDefinition]) -> str:
    return ", ".join(f"{row.title}: {row.year}" for row in definitions if row.year != MEETING_YEAR)


def _new_by_age(
    registers: Registers, definition: CaseDefinition, cases: ibis.Table
) -> list[tuple[float, float, str, str]]:
    counted = _drop_empty(care.count_new_by_age(registers, cases, years=definition.new), "new_cases")
    return [
        (row["age_from"] + 5, 1000 * row["new_cases"] / max(row["at_risk"], 1), SEXES[row["sex"] - 1], definition.title)
        for row in counted
    ]


def _drop_empty(counted: pa.Table, what: str) -> list[dict[str, Any]]:
    """Leave out a sex that has none at all: no line at zero for men with breast cancer, or pregnant."""
    rows = counted.to_pylist()
    there = {row["sex"] for row in rows if row[what] > 0}
    return [row for row in rows if row["sex"] in there]


def _picture_of_meeting(met: pa.Table, titles: dict[str, str]) -> Picture:
    rows = []
    for row in met.to_pylist():
        one, other = titles[row["one"]], titles[row["other"]]
        ratio = max(row["ratio"], 0.05)
        rows += [(one, other, ratio), (other, one, ratio)]
    title = "Conditions that meet in the same persons, more (orange) or less often than chance within age and sex"
    drawn = draw_matrix(pd.DataFrame(rows, columns=["one", "other", "ratio"]), title=title, source=OWN)
    return Picture("validation-comorbidity", drawn, title)


def describe_care(registers: Registers) -> Section:
    """Describe contacts, gaps, days, drugs and the last months of life."""
    contacts = care.count_contacts(registers, year=CARE_YEAR).to_pandas()
    contacts = pd.DataFrame(
        {
            "x": contacts.age_from + 5,
            "y": contacts.per_person,
            "series": [SEXES[sex - 1] for sex in contacts.sex],
            "panel": contacts.kind,
        }
    )
    gaps = care.measure_gaps(registers).to_pandas()
    gaps = pd.DataFrame({"x": [_gap(low) for low in gaps.gap_from], "y": 100 * gaps.share})
    before = care.measure_before_death(registers).to_pandas()
    before = pd.DataFrame({"x": before.month, "y": before.per_person, "series": before.kind})
    drugs = care.measure_drug_use(registers, groups=tuple(_DRUGS)).to_pylist()
    together = care.measure_same_day(registers, year=CARE_YEAR)
    return Section(
        "Care: how often, how far apart, together with what, and before death",
        (
            "Published figures stand in the two tables that have a column for them; *fitted* ones were looked at when "
            "levels of treatments were chosen. The pictures, and what meets on one day, have none: they show the shape "
            "that a learner meets.",
        ),
        (
            _lines(contacts, "validation-contacts", f"Contacts a year per resident in {CARE_YEAR}", "age", "a year"),
            Picture(
                "validation-gaps",
                draw_bars(
                    gaps,
                    title="Days from one hospital contact or purchase to the person's next, 2005–2013",
                    source=OWN,
                    across="days",
                    up="% of gaps",
                ),
                "Days between contacts",
            ),
            _lines(before, "validation-before-death", "Contacts in the last two years of life", "month", "a month"),
        ),
        (
            _grid_of_buyers(registers),
            _grid_of_practice(registers),
            _grid_of_drugs(drugs),
            Grid(
                ("what", "value"),
                tuple((says, f"{value:.2f}") for says, value in together.items()),
                f"Together on one day, {CARE_YEAR}",
            ),
        ),
    )


def _lines(rows: pd.DataFrame, name: str, title: str, across: str, up: str) -> Picture:
    return Picture(name, draw_lines(rows, title=title, source=OWN, across=across, up=up), title)


def _gap(low: int) -> str:
    after = [edge for edge in care.GAP_EDGES if edge > low]
    return f"{low}" if after and after[0] == low + 1 else f"{low}–{after[0] - 1}" if after else f"{low} or more"


def _read_published() -> dict[str, Any]:
    return tomllib.loads((files("sandkasse.cohort.validation") / "published_care.toml").read_text(encoding="utf-8"))


def _grid_of_buyers(registers: Registers) -> Grid:
    rows = []
    for row in _read_published()["buyers"]:
        got, error = care.measure_buyers(
            registers, atc=row["atc"], year=row["year"], sex=row.get("sex", 0), age_from=row.get("age_from", 0)
        )
        want = row["per_1000"]
        off = f"{100 * (got / want - 1):+.0f} %"
        cells = (row["title"], str(row["year"]), f"{got:.3g}", f"{error:.2g}", f"{want:g}", off)
        rows.append((*cells, row["role"], row["source"]))
    head = ("who bought", "year", "simulated", "error", "published", "deviation", "role", "source")
    return Grid(head, tuple(rows), "Residents per 1,000 who bought in the year, beside published users")


def _grid_of_practice(registers: Registers) -> Grid:
    published = _read_published()["practice"]
    found = care.measure_practice(registers, year=published["year"])
    titles = {
        "contacts": "contacts with general practice a year per resident",
        "share": "residents with any in the year, %",
    }
    rows = tuple(
        (title, f"{found[name][0]:.3g}", f"{found[name][1]:.2g}", f"{published[name]:g}", published["source"])
        for name, title in titles.items()
    )
    head = ("what", "simulated", "error", "published", "source")
    return Grid(head, rows, f"General practice in {published['year']}")


def _grid_of_drugs(rows: Sequence[dict[str, object]]) -> Grid:
    found = {(row["atc"], row["sex"]): row["per_1000"] for row in rows}
    cells = tuple(
        (f"{atc} {title}", *(f"{found.get((atc, sex), 0.0):.0f}" for sex in (1, 2))) for atc, title in _DRUGS.items()
    )
    return Grid(("drugs", "men", "women"), cells, "Residents per 1,000 who bought in 2013, by sex")
