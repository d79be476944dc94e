"""Compile the model as written into the arrays that the kernels read.

`compile` puts together what each of the other files compiles of the rows that it is named after; `figures` are the
Danish figures, `fitted` the numbers that calibration wrote; `curves` and `names` serve all.
"""

from sandkasse.cohort.compilation.compile import compile_model
from sandkasse.cohort.compilation.fitted import FITTED_STEP, Fitted, read_fitted

__all__ = ["FITTED_STEP", "Fitted", "compile_model", "read_fitted"]
