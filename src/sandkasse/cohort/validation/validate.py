"""Validate a cohort: measure, compare, and assemble the report."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import ibis
import pandas as pd
import pyarrow as pa

from sandkasse.cohort.calibration.measure import LifeMeasures, measure_life
from sandkasse.cohort.model import load_model
from sandkasse.cohort.tables import CompiledModel
from sandkasse.cohort.validation import care
from sandkasse.cohort.validation.conditions import list_not_compared, measure_conditions
from sandkasse.cohort.validation.definitions import find_cases, read_definitions
from sandkasse.cohort.validation.headline import (
    NOT_COMPARED,
    compare_seeds,
    first_list_of,
    headline_of,
    is_met,
    list_changes,
    say_deviation,
    stricter_of,
)
from sandkasse.cohort.validation.people import (
    SEXES,
    Figure,
    Published,
    compare_people,
    describe_diabetes,
    describe_people,
    read_published,
)
from sandkasse.cohort.validation.pictures import draw_bars, draw_deviations, draw_lines, draw_matrix
from sandkasse.cohort.validation.registers import Registers, open_registers
from sandkasse.cohort.validation.report import Grid, Picture, Report, Section
from sandkasse.core.progress_bar import Progress, no_progress

CARE_YEAR, MEETING_YEAR = 2012, 2016
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


def validate_cohort(
    *, n_persons: int, seeds: Sequence[int], registers: Path | None = None, progress: Progress = no_progress
) -> Report:
    """Simulate lives, compare them with every frozen target, and look at registers if there are some.

    Args:
        n_persons: How many lives.
        seeds: Their seed; of further ones the headline alone is told.
        registers: Folder that `cohort simulate` wrote for the same model; its care is described too.
        progress: Told of simulated persons, then of sections.

    Returns:
        The report; its headline is the share of held-out figures within 15 %.

    Raises:
        InvalidInputError: If the folder holds no simulated registers.
    """
    opened = open_registers(registers) if registers else None
    model, published = load_model(), read_published()
    counts, figures = _measure(model, published, n_persons, seeds[0], progress)
    others = [(seed, _measure(model, published, n_persons, seed, progress)[1]) for seed in seeds[1:]]
    sections = [
        describe_figures(figures, [(seeds[0], figures), *others]),
        describe_people(counts, published),
        describe_diabetes(counts, published),
    ]
    if opened:
        sections += [describe_conditions(opened), describe_care(opened)]
    made = (
        f"{n_persons:,} lives with seed {seeds[0]}, of {model.persons_in_nation:,.0f} persons resident in Denmark at "
        f"any time in 1977–2024. Monte Carlo error is given as one standard error of a count."
    )
    return Report(
        "How believable is the cohort?", headline_of(figures), made, tuple(sections), second=first_list_of(figures)
    )


def _measure(
    model: CompiledModel, published: Mapping[str, Published], n_persons: int, seed: int, progress: Progress
) -> tuple[LifeMeasures, list[Figure]]:
    counts = measure_life(model, n_persons, seed=seed, progress=lambda done: progress(done, n_persons, "persons"))
    figures = compare_people(counts, published)
    figures += measure_conditions(model, n_persons, seed=seed, progress=progress)
    return counts, figures + list_not_compared()


def describe_figures(figures: Sequence[Figure], by_seed: Sequence[tuple[int, Sequence[Figure]]] = ()) -> Section:
    """List every target with its deviation, and draw them; of several seeds compare the headlines."""
    compared = [figure for figure in figures if figure.role != NOT_COMPARED]
    frame = pd.DataFrame(
        [
            (
                figure.name,
                figure.role,
                figure.ratio,
                max(figure.ratio - 2 * figure.standard_error / figure.published, 0.05),
                figure.ratio + 2 * figure.standard_error / figure.published,
            )
            for figure in compared
        ],
        columns=["name", "role", "ratio", "low", "high"],
    )
    title = "Every published figure: simulated over published, with two standard errors"
    drawn = draw_deviations(frame, title=title, source="Dashed: 15 % below, equal, 15 % above.")
    rows = tuple(
        (
            figure.name,
            _number(figure.simulated),
            _number(figure.standard_error),
            _number(figure.published),
            say_deviation(figure),
            figure.role,
            "" if is_met(figure) else "missed",
            figure.source,
        )
        for figure in compared
    )
    head = ("figure", "simulated", "error", "published", "deviation", "role", "within 15 %", "source")
    added = sum(figure.role == "held out" and figure.first_role == "added later" for figure in figures)
    words = (
        "The list was frozen before calibration. Fitted figures may be looked at while numbers are chosen; held-out "
        "figures may not. Those that were looked at all the same became fitted: a table below names them and says why. "
        f"{added} held-out ones were added later, before their simulated values were seen; several of them are parts "
        "of fitted totals.",
        "Some misses showed what the model could not say: waves within a year (COVID-19), calendars of each sex (lung "
        "cancer), survival that changes with the years of onset (heart failure, prostate cancer), treatments taken up "
        "again (antidepressants). It can now, and the new numbers are fitted to figures marked *fitted*, to newly "
        "cited ones among them, or come from their sources; but those misses were known then. The monthly counts of "
        "COVID-19 that give its waves are of the same surveillance as its two held-out figures. "
        f"{stricter_of(figures)}",
        "The expected share counts each figure with the chance that, without Monte Carlo error, it lies within 15 % "
        "(normal distribution around the simulated value; figures taken as independent); ± is its standard error.",
    )
    seeds = (compare_seeds(by_seed),) if len(by_seed) > 1 else ()
    pictures = (Picture("validation-figures", drawn, title),)
    return Section("Every figure", words, pictures, (*seeds, list_changes(figures), Grid(head, rows, "All figures")))


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def describe_conditions(registers: Registers) -> Section:
    """Count cases by the case definitions: by age and sex, by year, and together."""
    definitions = read_definitions()
    # Found once and kept: Ibis 12 cannot drop its own cached tables on DuckDB 2.0.
    cases = {
        name: ibis.memtable(find_cases(registers, definition).to_pyarrow()) for name, definition in definitions.items()
    }
    by_age, by_year = [], []
    for name, table in cases.items():
        title = definitions[name].title
        for row in care.count_by_age(registers, table, year=MEETING_YEAR).to_pylist():
            share = 100 * row["cases"] / max(row["persons"], 1)
            by_age.append((row["age_from"] + 5, share, SEXES[row["sex"] - 1], title))
        by_year += [
            (row["year"], 1000 * row["new_cases"] / max(row["at_risk"], 1), "new cases", title)
            for row in care.count_by_year(registers, table).to_pylist()
        ]
    columns = ["x", "y", "series", "panel"]
    age_title = f"Cases by age and sex, % of residents of 1 January {MEETING_YEAR}"
    year_title = "New cases by calendar year, per 1,000 residents who were no cases before"
    met = care.measure_comorbidity(registers, cases, year=MEETING_YEAR)
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
                "validation-by-year",
                draw_lines(pd.DataFrame(by_year, columns=columns), title=year_title, source=OWN, across="year", up=""),
                year_title,
            ),
            _picture_of_meeting(met, {name: row.title for name, row in definitions.items()}),
        ),
        (Grid(("condition", "diagnoses", "drugs", "definition"), rows, "Case definitions"),),
    )


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
        ("No published figures stand beside these yet; they show the shape that a learner meets.",),
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


def _grid_of_drugs(rows: Sequence[dict[str, object]]) -> Grid:
    found = {(row["atc"], row["sex"]): row["per_1000"] for row in rows}
    cells = tuple(
        (f"{atc} {title}", *(f"{found.get((atc, sex), 0.0):.0f}" for sex in (1, 2))) for atc, title in _DRUGS.items()
    )
    return Grid(("drugs", "men", "women"), cells, "Residents per 1,000 who bought in 2013")
