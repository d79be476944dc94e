"""The families' arrays: what the kernels of families read, and nothing else."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]


class FamilyTables(NamedTuple):
    """Arrays of the family kernels. Weights multiply standard normals; a trait's have squares that add up to 1."""

    inherited_weight: FloatArray  # (trait,) square root of the heritability
    shared_weight: FloatArray  # (trait,) of what the children of one mother share
    own_weight: FloatArray  # (trait,)
    parity: FloatArray  # (deliveries before,) weight of a woman as mother of the next child
    ceiling: FloatArray  # (year,) highest fertility of any age times highest parity weight
    present: FloatArray  # (mother or father, year of birth) probability of being here at the window's start
    numbers: FloatArray  # see NUMBERS


NUMBERS = ("older_by_mean", "older_by_sd", "kept", "taken", "father_from", "leaves_home")
"""Names of the entries of `FamilyTables.numbers`."""
