"""Compile common causes, habits, social position and interventions into the arrays that the kernels read."""

from collections.abc import Callable, Iterable, Sequence
from statistics import NormalDist
from typing import NamedTuple

import numpy as np

from sandkasse.cohort.places import Places
from sandkasse.cohort.specification import ByCohort, Exposure, General, Intervention, OddsEffect, Trait, TraitEffect
from sandkasse.cohort.tables import CALENDAR_YEAR, N_TABLE_YEARS, TABLE_YEAR, Arms, BoolArray, FloatArray, IntArray
from sandkasse.core.errors import InvalidInputError

BIRTH_YEARS = np.arange(CALENDAR_YEAR, TABLE_YEAR + N_TABLE_YEARS, dtype=np.float64)
YEAR_DAYS = 365.25
FAR = 1.0e18
NODES, WEIGHTS = np.polynomial.hermite_e.hermegauss(64)
BISECTIONS = 60
Find = Callable[[str], int]
"""Gives the number of a name, or raises an `InvalidInputError` with the nearest names."""


def by_cohort(row: ByCohort) -> FloatArray:
    """Spread a number over the years of birth, linear between those given.

    Args:
        row: The number by year of birth and sex.

    Returns:
        Values, shape (sex, year of birth from `CALENDAR_YEAR`).
    """
    return np.stack([np.interp(BIRTH_YEARS, row.born, row.men), np.interp(BIRTH_YEARS, row.born, row.women)])


class Commons(NamedTuple):
    """What the loads between traits and the places give; every trait has mean 0 and variance 1 in the population."""

    load: FloatArray  # (trait, trait) on the earlier ones
    scale: FloatArray  # (trait,) weight of its own part
    correlation: FloatArray  # (trait, trait)
    share: FloatArray  # (group of municipalities,) of the inhabitants
    mean: FloatArray  # (group of municipalities, trait) by all paths

    def within(self) -> FloatArray:
        """Give the covariances of the traits among those of one group of municipalities, shape (trait, trait)."""
        return self.correlation - self.mean.T @ (self.share[:, None] * self.mean)


def trait_correlations(traits: Sequence[Trait], places: Places | None = None) -> Commons:
    """Work out what the loads between traits and the places where persons live first give.

    Args:
        traits: The traits as written, each loading on earlier ones.
        places: Groups of municipalities with their shifts; None for none.

    Returns:
        Loads, weights of the own parts so that each variance is 1, correlations, and the groups' means.

    Raises:
        InvalidInputError: If a trait loads on one that does not stand before it, or loads and places leave nothing of
            its own.
    """
    names = [trait.name for trait in traits]
    load, scale, correlation = np.zeros((len(names),) * 2), np.ones(len(names)), np.eye(len(names))
    share, shift = (places.share, places.shift) if places else (np.ones(1), np.zeros((1, len(names))))
    mean = np.zeros_like(shift)
    for k, trait in enumerate(traits):
        for row in trait.loads:
            if row.on not in names[:k]:
                raise InvalidInputError(
                    f"the trait {trait.name!r} loads on {row.on!r}, which does not stand before it",
                    next_step="correct the name, or move that trait up in model.toml",
                )
            load[k, names.index(row.on)] += row.weight
        shared = load[k, :k] @ correlation[:k, :k]
        by_place = (share * shift[:, k]) @ mean[:, :k]  # covariance of the shift with the earlier traits
        explained = float(shared @ load[k, :k]) + float(2.0 * by_place @ load[k, :k] + share @ shift[:, k] ** 2)
        if explained >= 1.0:
            raise InvalidInputError(
                f"the loads and places of the trait {trait.name!r} explain {explained:.3f} of its variance, which "
                "leaves nothing",
                next_step="lower its weights or shifts in model.toml",
            )
        scale[k] = np.sqrt(1.0 - explained)
        correlation[k, :k] = correlation[:k, k] = shared + by_place
        mean[:, k] = shift[:, k] + mean[:, :k] @ load[k, :k]
    return Commons(load, scale, correlation, share, mean)


def compile_traits(
    commons: Commons, targets: Iterable[tuple[int, Sequence[TraitEffect]]], *, n_targets: int, find: Find
) -> dict[str, FloatArray | IntArray]:
    """Compile the traits and their effects.

    Args:
        commons: What the loads between traits and the places give.
        targets: Number of each trait target with its rows.
        n_targets: How many trait targets there are.
        find: Finds a trait.

    Returns:
        Fields of `LifeTables`.

    Raises:
        InvalidInputError: If a trait is unknown.
    """
    beta = np.zeros((n_targets, len(commons.scale)))
    for target, rows in targets:
        for row in rows:
            beta[target, find(row.trait)] += row.log_hazard_ratio
    at, trait = np.nonzero(beta)
    if not len(at):  # a record has no empty arrays
        at, trait = np.zeros(1, dtype=np.int64), np.zeros(1, dtype=np.int64)
    # Normal in each group of municipalities, whose means differ.
    among_groups = np.log1p(np.expm1(beta @ commons.mean.T) @ commons.share)
    return {
        "trait_load": commons.load,
        "trait_scale": commons.scale,
        "trait_log_mean": 0.5 * np.einsum("ij,jk,ik->i", beta, commons.within(), beta) + among_groups,
        "beta_target": at.astype(np.int64),
        "beta_trait": trait.astype(np.int64),
        "beta_value": beta[at, trait],
    }


def compile_exposures(
    exposures: Sequence[Exposure], commons: Commons, *, find: Find
) -> dict[str, FloatArray | IntArray]:
    """Compile the habits, so that with the traits' effects the whole population has the shares that are written.

    Args:
        exposures: The habits as written, smoking first.
        commons: What the loads between traits and the places give.
        find: Finds a trait.

    Returns:
        Fields of `LifeTables`.

    Raises:
        InvalidInputError: If smoking is not the first, or a trait is unknown.
    """
    if not exposures or exposures[0].name != "smoking":
        raise InvalidInputError(
            "expected smoking as the first of the exposures", next_step="put it first in model.toml"
        )
    within = commons.within()

    def odds(share: ByCohort, rows: Sequence[OddsEffect]) -> tuple[FloatArray, FloatArray]:
        beta = np.zeros(len(commons.scale))
        for row in rows:
            beta[find(row.trait)] += row.log_odds_ratio
        spread = float(np.sqrt(beta @ within @ beta))
        return intercepts(by_cohort(share), spread, means=commons.mean @ beta, weights=commons.share), beta

    ever = [odds(exposure.ever, exposure.traits) for exposure in exposures]
    stop = [odds(exposure.ever_stops, exposure.stop_traits) for exposure in exposures]
    return {
        "exposure_intercept": np.stack([intercept for intercept, _ in ever]),
        "exposure_beta": np.stack([beta for _, beta in ever]),
        "exposure_stop_intercept": np.stack([intercept for intercept, _ in stop]),
        "exposure_stop_beta": np.stack([beta for _, beta in stop]),
        "exposure_path": np.array(
            [
                [row.starts_at_mean, row.starts_at_sd, row.starts_at_least, row.stops_after_mean_years]
                for row in exposures
            ]
        ),
    }


def intercepts(
    shares: FloatArray, spread: float, *, means: FloatArray | None = None, weights: FloatArray | None = None
) -> FloatArray:
    """Find the log odds at mean traits with which a logistic model has given shares in the whole population.

    Args:
        shares: Shares of the population, of any shape.
        spread: Standard deviation, within a group, of what the traits add to the log odds.
        means: What they add in the mean of each group, shape (group,); None for one group.
        weights: Share of the population in each group.

    Returns:
        Log odds, of the same shape as `shares`.
    """
    aimed = np.clip(shares, 1e-9, 1.0 - 1e-9)
    if means is None or weights is None or not means.any():
        means, weights = np.zeros(1), np.ones(1)
    if spread == 0.0 and not means.any():
        return np.log(aimed / (1.0 - aimed))
    adds, weighs = (means[:, None] + spread * NODES).ravel(), (weights[:, None] * WEIGHTS).ravel()
    low, high = np.full(aimed.shape, -60.0), np.full(aimed.shape, 60.0)
    for _ in range(BISECTIONS):
        middle = (low + high) / 2.0
        share = (weighs / (1.0 + np.exp(-(middle[..., None] + adds)))).sum(axis=-1) / weighs.sum()
        low, high = np.where(share < aimed, middle, low), np.where(share < aimed, high, middle)
    found: FloatArray = (low + high) / 2.0
    return found


def compile_position(general: General, *, find: Find) -> tuple[FloatArray, dict[str, float]]:
    """Compile education and income, from traits that are taken for standard normal also where places shift them.

    Args:
        general: The model as written.
        find: Finds a trait.

    Returns:
        Cut points of education, shape (2, sex, year of birth), and entries of `LifeTables.numbers`; a trait of -1 says
        that the model has none.

    Raises:
        InvalidInputError: If a trait is unknown, or the shares of education add up to 1 or more.
    """
    cut = np.zeros((2, 2, len(BIRTH_YEARS)))
    education, income = general.education, general.income
    if education is not None:
        lowest, highest = by_cohort(education.lowest), by_cohort(education.highest)
        if (lowest + highest >= 1.0).any():
            raise InvalidInputError(
                "the shares of the lowest and the highest education leave nobody between",
                next_step="lower them in model.toml",
            )
        inverse = np.vectorize(NormalDist().inv_cdf)
        cut = np.stack([inverse(np.clip(share, 1e-9, 1.0 - 1e-9)) for share in (lowest, 1.0 - highest)])
    rows = {"education": education, "income": income}
    numbers: dict[str, float] = {}
    for name, row in rows.items():
        share = row.trait_share if row else 0.0
        numbers[f"{name}_trait"] = find(row.trait) if row else -1
        numbers[f"{name}_trait_weight"] = float(np.sqrt(share))
        numbers[f"{name}_own_weight"] = float(np.sqrt(1.0 - share))
    return cut, numbers


def compile_arms(
    interventions: Sequence[Intervention],
    *,
    preventive: BoolArray,
    n_exposures: int,
    find_treatment: Find,
    find_exposure: Find,
    find_condition: Find,
) -> Arms:
    """Compile the named interventions, each from birth on.

    Args:
        interventions: The interventions as written.
        preventive: Whether each treatment is marked as withheld, shape (treatment,).
        n_exposures: How many exposures there are.
        find_treatment: Finds a treatment.
        find_exposure: Finds an exposure.
        find_condition: Finds a condition.

    Returns:
        The natural course and the interventions.

    Raises:
        InvalidInputError: If a name is unknown, or an intervention both gives and withholds a treatment.
    """
    arms = natural_arms(1 + len(interventions), n_treatments=len(preventive), n_exposures=n_exposures)
    for arm, row in enumerate(interventions, start=1):
        if row.withhold == "preventive":
            arms.allow[arm] = ~preventive
        else:
            arms.allow[arm, [find_treatment(name) for name in row.withhold]] = 0
        arms.exposed[arm, [find_exposure(name) for name in row.unexposed]] = 0
        for gift in row.give:
            treatment = find_treatment(gift.treatment)
            if not arms.allow[arm, treatment]:
                raise InvalidInputError(
                    f"the intervention {row.name!r} both gives and withholds {gift.treatment!r}",
                    next_step="choose one of them in interventions.toml",
                )
            arms.give_from[arm, treatment] = gift.from_age * YEAR_DAYS
            arms.give_for[arm, treatment] = find_condition(gift.condition) if gift.condition else -1
        arms.from_day[arm] = -FAR
    return arms


def natural_arms(n_arms: int, *, n_treatments: int, n_exposures: int) -> Arms:
    """Make arms in which everything takes its natural course.

    Args:
        n_arms: How many.
        n_treatments: Treatments of the model.
        n_exposures: Exposures of the model.

    Returns:
        Arms, to be changed.
    """
    return Arms(
        allow=np.ones((n_arms, n_treatments), dtype=np.int64),
        exposed=np.ones((n_arms, n_exposures), dtype=np.int64),
        give_from=np.full((n_arms, n_treatments), FAR),
        give_for=np.full((n_arms, n_treatments), -1, dtype=np.int64),
        from_day=np.full(n_arms, FAR),
        until=np.full(n_arms, -1, dtype=np.int64),
        luck=np.zeros(n_arms, dtype=np.uint64),
    )


def choose_arms(arms: Arms, which: Sequence[int]) -> Arms:
    """Take some of the arms, in the order given."""
    rows = list(which)
    return Arms(
        allow=arms.allow[rows],
        exposed=arms.exposed[rows],
        give_from=arms.give_from[rows],
        give_for=arms.give_for[rows],
        from_day=arms.from_day[rows],
        until=arms.until[rows],
        luck=arms.luck[rows],
    )
