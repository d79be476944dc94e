"""Load the causal model: parameter files and Danish figures in, arrays out."""

from pathlib import Path

from sandkasse.cohort.compilation import compile_model, read_fitted
from sandkasse.cohort.specification import read_specification
from sandkasse.cohort.tables import CompiledModel

__all__ = ["DATA", "PARAMS", "CompiledModel", "load_model"]

PARAMS = Path(__file__).resolve().parent / "params"
DATA = Path(__file__).resolve().parent / "data"


def load_model(params: Path = PARAMS, *, data: Path = DATA, calibrated: bool = True) -> CompiledModel:
    """Load and compile the model, by default the one that the product ships.

    Args:
        params: Folder of the parameter files.
        data: Folder of the Danish figures.
        calibrated: Read the fitted numbers too (`params/fitted`); False serves calibration's first round.

    Returns:
        The compiled model.

    Raises:
        InvalidInputError: If a parameter file is missing, malformed or names what does not exist.
    """
    specification = read_specification(params)
    return compile_model(specification, data=data, fitted=read_fitted(params / "fitted") if calibrated else {})
