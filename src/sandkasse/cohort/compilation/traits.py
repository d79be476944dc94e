"""Compile common causes: how traits hang together, and what they do to every hazard."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from sandkasse.cohort.compilation.names import Find
from sandkasse.cohort.compilation.places import Places
from sandkasse.cohort.specification import Specification, Trait, TraitEffect
from sandkasse.cohort.tables import FloatArray, IntArray
from sandkasse.core.errors import InvalidInputError


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
    commons: Commons, targets: Sequence[Sequence[TraitEffect]], *, find: Find
) -> dict[str, FloatArray | IntArray]:
    """Compile the traits and their effects.

    Args:
        commons: What the loads between traits and the places give.
        targets: The rows of each trait target.
        find: Finds a trait.

    Returns:
        Fields of `LifeTables`.

    Raises:
        InvalidInputError: If a trait is unknown.
    """
    beta = np.zeros((len(targets), len(commons.scale)))
    for target, rows in enumerate(targets):
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


def trait_targets(specification: Specification) -> list[Sequence[TraitEffect]]:
    """Give the traits' effects by target, in the order of the trait targets of `LifeTables`."""
    conditions, general = specification.conditions, specification.general
    return [
        *(condition.traits for condition in conditions),
        general.mortality.traits,
        *(condition.detection.traits for condition in conditions),
        *(start.traits for treatment in general.treatments for start in treatment.start),
    ]
