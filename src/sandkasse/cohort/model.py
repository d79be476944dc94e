"""The causal model, as data: which conditions, treatments and traits there are (first, thin version)."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True)
class CompiledModel:
    """The model as the kernels read it.

    Attributes:
        conditions: Names, in the order of the columns of `LifeShard.onset_day`.
        treatments: Names, in the order of the columns of `LifeShard.treatment_day`.
        traits: Names, in the order of the columns of `LifeShard.liability`.
    """

    conditions: tuple[str, ...]
    treatments: tuple[str, ...]
    traits: tuple[str, ...]
    glycaemia: npt.NDArray[np.float64]
    """What `cohort.life.glycaemia` reads: column numbers and coefficients."""


def load_model() -> CompiledModel:
    """Load the model that the product ships.

    Returns:
        The compiled model.
    """
    return CompiledModel(
        conditions=("t1d", "t2d", "gdm", "pcos", "mi", "stroke", "hf", "ckd", "obesity"),
        treatments=("metformin", "sulfonylurea", "dpp4", "sglt2", "glp1", "insulin", "statin"),
        traits=("t1d", "t2d", "bmi", "cvd"),
        glycaemia=np.zeros(1),
    )
