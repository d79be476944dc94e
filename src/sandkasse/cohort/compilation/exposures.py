"""Compile habits, so that with the traits' effects the whole population has the shares that are written."""

from collections.abc import Sequence

import numpy as np

from sandkasse.cohort.compilation.curves import by_cohort
from sandkasse.cohort.compilation.names import Find
from sandkasse.cohort.compilation.traits import Commons
from sandkasse.cohort.specification import ByCohort, Exposure, OddsEffect
from sandkasse.cohort.tables import FloatArray, IntArray
from sandkasse.core.errors import InvalidInputError

NODES, WEIGHTS = np.polynomial.hermite_e.hermegauss(64)
BISECTIONS = 60
"""Halvings of an interval of 120 log odds: beyond them a float has no more digits."""


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
