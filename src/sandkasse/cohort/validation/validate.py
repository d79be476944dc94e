"""Validate a cohort: measure, compare, and assemble the report."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from sandkasse.cohort.calibration.measure import LifeMeasures, measure_life
from sandkasse.cohort.model import load_model
from sandkasse.cohort.tables import CompiledModel
from sandkasse.cohort.validation.conditions import list_not_compared, measure_conditions
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
    Figure,
    Published,
    compare_people,
    describe_diabetes,
    describe_people,
    read_published,
)
from sandkasse.cohort.validation.pictures import draw_deviations
from sandkasse.cohort.validation.registers import open_registers
from sandkasse.cohort.validation.report import Grid, Picture, Report, Section
from sandkasse.cohort.validation.sections import describe_care, describe_conditions
from sandkasse.core.progress_bar import Progress, no_progress


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
