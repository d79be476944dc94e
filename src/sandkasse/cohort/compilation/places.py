"""Compile where a person lives first as a cause: groups of municipalities that shift traits."""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from sandkasse.cohort.specification import PlaceGroup, PlaceShift
from sandkasse.core.errors import InvalidInputError

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
N_CODES = 1000
"""Codes of municipalities have three digits."""


class Places(NamedTuple):
    """Groups of municipalities and what they do to the traits; a model without groups has one that does nothing."""

    group: IntArray  # (code,) number of the group of each municipality code, 0 where there is none
    share: FloatArray  # (group,) share of the inhabitants
    shift: FloatArray  # (group, trait) in standard deviations, of mean 0 over the inhabitants


def compile_places(
    groups: Sequence[PlaceGroup],
    shifts: Sequence[PlaceShift],
    *,
    inhabitants: Mapping[int, float],
    n_traits: int,
    find: Callable[[str], int],
) -> Places:
    """Compile the groups of municipalities.

    Args:
        groups: The groups as written, perhaps none.
        shifts: What they do to traits.
        inhabitants: Inhabitants of each municipality by its code, in any unit.
        n_traits: How many traits the model has.
        find: Finds a trait.

    Returns:
        The groups, with their shifts centred so that the inhabitants' mean of every trait stays 0.

    Raises:
        InvalidInputError: If a group names a municipality that does not exist, a municipality stands in no group or in
            two, or a shift names an unknown trait or group.
    """
    unwritable = [code for code in inhabitants if not 0 <= code < N_CODES]
    if unwritable:
        raise InvalidInputError(
            f"a municipality has the code {unwritable[0]}, which is not of three digits",
            next_step="correct the code in municipalities.csv",
        )
    names = [group.name for group in groups]
    for row in shifts:
        for name in row.by:
            if name not in names:
                raise InvalidInputError(
                    f"the shift of the trait {row.trait!r} names the group of municipalities {name!r}, which the model "
                    f"does not have; it has {', '.join(names) or 'none'}",
                    next_step="correct the name in model.toml",
                )
    if not groups:
        return Places(np.zeros(N_CODES, dtype=np.int64), np.ones(1), np.zeros((1, n_traits)))
    _check_codes(groups, inhabitants)
    of_code = np.zeros(N_CODES, dtype=np.int64)
    share, shift = np.zeros(len(groups)), np.zeros((len(groups), n_traits))
    for g, group in enumerate(groups):
        of_code[list(group.codes)] = g
        share[g] = sum(inhabitants[code] for code in group.codes)
    share /= share.sum()
    for row in shifts:
        shift[:, find(row.trait)] += [row.by.get(name, 0.0) for name in names]
    return Places(of_code, share, shift - share @ shift)


def _check_codes(groups: Sequence[PlaceGroup], inhabitants: Mapping[int, float]) -> None:
    seen: dict[int, str] = {}
    for group in groups:
        for code in group.codes:
            if code not in inhabitants:
                raise InvalidInputError(
                    f"the group of municipalities {group.name!r} names the code {code}, which no municipality has",
                    next_step="correct the code in model.toml, or add the municipality to municipalities.csv",
                )
            if code in seen:
                raise InvalidInputError(
                    f"the municipality {code} stands in two groups, {seen[code]!r} and {group.name!r}",
                    next_step="leave it in one of them in model.toml",
                )
            seen[code] = group.name
    missing = sorted(set(inhabitants) - set(seen))
    if missing:
        raise InvalidInputError(
            f"expected every municipality in a group, got none for {', '.join(map(str, missing[:5]))}"
            + (f" and {len(missing) - 5} more" if len(missing) > 5 else ""),
            next_step="add it to a group's codes in model.toml",
        )
