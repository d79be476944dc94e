"""What the report says first: how many figures that calibration never saw are met, and how sure that count is."""

import math
from collections.abc import Sequence
from statistics import NormalDist

from sandkasse.cohort.validation.people import Figure
from sandkasse.cohort.validation.report import Grid

WITHIN = 0.15
HELD_OUT, NOT_COMPARED = "held out", "cannot be compared"

REPAIRED = (
    "hf, cases, 2011",
    "depression or anxiety, treated, with antidepressant",
    "prostate cancer, living, men, 1980",
    "prostate cancer, cases, men, 2020",
    "lung cancer, cases, women, 2020",
    "cirrhosis, prevalence",
    "covid19, cases, 2020-01-01 to 2022",
    "covid19, acute deaths",
    "heart and vessels, cause deaths, 2010",
)
"""Beginnings of the names of held-out figures whose misses were known when what they show was repaired."""


def is_met(figure: Figure) -> bool:
    """Whether a figure was compared and lies within 15 % of the published one."""
    return abs(figure.ratio - 1.0) <= WITHIN


def chance_within(figure: Figure) -> float:
    """Chance that the figure without Monte Carlo error lies within 15 %.

    Args:
        figure: A figure with its standard error.

    Returns:
        Between 0 and 1, from a normal distribution around the simulated value; 0 if it was not compared.
    """
    if math.isnan(figure.ratio):
        return 0.0
    error = figure.standard_error / figure.published
    if error <= 0.0:
        return float(is_met(figure))
    around = NormalDist(figure.ratio, error)
    return around.cdf(1.0 + WITHIN) - around.cdf(1.0 - WITHIN)


def expect_share(figures: Sequence[Figure]) -> tuple[float, float]:
    """Give the expected share of figures within 15 %, and its standard error.

    Args:
        figures: Figures, whose Monte Carlo errors are taken as independent.

    Returns:
        Share and standard error, between 0 and 1.
    """
    chances = [chance_within(figure) for figure in figures]
    n = max(len(chances), 1)
    return sum(chances) / n, math.sqrt(sum(chance * (1.0 - chance) for chance in chances)) / n


def list_held_out(figures: Sequence[Figure], *, first: bool = False) -> list[Figure]:
    """List the figures that are held out, or that were when the list was first frozen."""
    return [figure for figure in figures if (figure.first_role if first else figure.role) == HELD_OUT]


def headline_of(figures: Sequence[Figure]) -> str:
    """Say how many of the figures that calibration never saw are met."""
    held = list_held_out(figures)
    met = sum(map(is_met, held))
    return (
        f"{met} of {len(held)} held-out figures ({_percent(met, held)}) lie within 15 % of what was published "
        f"(goal: 80 %). Without Monte Carlo error {_say(expect_share(held))} are expected to."
    )


def first_list_of(figures: Sequence[Figure]) -> str:
    """Say how many of the figures held out when the list was first frozen are met, whatever they are now."""
    held = list_held_out(figures, first=True)
    met = sum(map(is_met, held))
    lost = sum(figure.role == NOT_COMPARED for figure in held)
    changed = sum(figure.role == "fitted" for figure in held)
    return (
        f"Of the {len(held)} figures held out in the first list, {met} ({_percent(met, held)}) lie within 15 %, "
        f"whatever their role now: {changed} are fitted today, and {lost} cannot be compared and count as missed."
    )


def stricter_of(figures: Sequence[Figure]) -> str:
    """Say how many held-out figures lie within the limit, without those whose misses led to a repair."""
    other = [figure for figure in list_held_out(figures) if not figure.name.startswith(REPAIRED)]
    met = sum(map(is_met, other))
    return f"Without all held-out figures that led to a repair, {met} of {len(other)} lie within the limit."


def list_changes(figures: Sequence[Figure]) -> Grid:
    """List every figure whose role is not the one it had when the list was first frozen, and why."""
    rows = tuple(
        (
            figure.name,
            figure.first_role,
            figure.role,
            "—" if math.isnan(figure.ratio) else say_deviation(figure),
            figure.why,
        )
        for figure in figures
        if figure.first_role not in (figure.role, "added later")
    )
    return Grid(("figure", "first", "now", "deviation", "why"), rows, "Figures that changed their role")


def compare_seeds(by_seed: Sequence[tuple[int, Sequence[Figure]]]) -> Grid:
    """Give the headline of each seed.

    Args:
        by_seed: Seeds with the figures of their lives.

    Returns:
        A row a seed.
    """
    rows = []
    for seed, figures in by_seed:
        held, first = list_held_out(figures), list_held_out(figures, first=True)
        counts = [f"{sum(map(is_met, some))} of {len(some)}" for some in (held, first)]
        rows.append((str(seed), counts[0], _say(expect_share(held)), counts[1], _say(expect_share(first))))
    head = ("seed", "held out, within 15 %", "expected", "held out in the first list, within 15 %", "expected ")
    return Grid(head, tuple(rows), "The same from other chance")


def say_deviation(figure: Figure) -> str:
    """The deviation in whole per cent, with its sign."""
    return f"{round(100 * (figure.ratio - 1)):+d} %".replace("+0 %", "0 %")


def _say(share: tuple[float, float]) -> str:
    return f"{100 * share[0]:.0f} ± {100 * share[1]:.0f} %"


def _percent(met: int, among: Sequence[Figure]) -> str:
    return f"{100 * met / max(len(among), 1):.0f} %"
