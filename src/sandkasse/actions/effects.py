"""Acts on the truth about effects: what a treatment or habit does to persons who are simulated under both courses."""

from sandkasse.cohort.causal import Effect, Estimand, Measure, Population
from sandkasse.cohort.causal import estimate_effect as simulate_effect
from sandkasse.cohort.estimands import NamedEstimand, named_estimands
from sandkasse.cohort.kernels import cache_folder, enable_cache
from sandkasse.cohort.model import load_model
from sandkasse.core.errors import NotFoundError
from sandkasse.core.progress_bar import Progress, no_progress
from sandkasse.core.settings import Settings

__all__ = [
    "Effect",
    "Estimand",
    "Measure",
    "NamedEstimand",
    "Population",
    "estimate_effect",
    "find_estimand",
    "list_interventions",
    "named_estimands",
]


def find_estimand(name: str) -> NamedEstimand:
    """Give the question of a name.

    Raises:
        NotFoundError: If there is none; names the nearest.
    """
    known = {row.name: row for row in named_estimands()}
    if name not in known:
        raise NotFoundError.among("estimand", name, known, command="sandkasse cohort estimands")
    return known[name]


def list_interventions() -> dict[str, str]:
    """List the model's named interventions with their titles."""
    return {row.name: row.title for row in load_model().specification.general.interventions}


def estimate_effect(
    estimand: Estimand,
    *,
    n_persons: int = 200_000,
    seed: int = 1,
    progress: Progress = no_progress,
    settings: Settings | None = None,
) -> Effect:
    """Estimate a true effect in the shipped model; see `cohort.causal.estimate_effect`.

    Args:
        estimand: The question.
        n_persons: How many persons of the cohort to simulate.
        seed: Seed of the cohort; with that of a simulated cohort and its number of persons, the effect among these.
        progress: Told of persons done.
        settings: Where compiled kernels are kept; without it they are compiled anew.

    Returns:
        Risks, mean times, their differences and their Monte Carlo standard errors.

    Raises:
        InvalidInputError: If the question names what the model does not have, or nobody is asked about.
    """
    if settings is not None:
        enable_cache(cache_folder(settings.kernels))
    return simulate_effect(load_model(), estimand, n_persons=n_persons, seed=seed, progress=progress)
