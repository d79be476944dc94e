"""Fit the cohort's numbers to the frozen targets and write them to params/fitted.

    python verification/cohort_calibrate.py [--resume [--keep-diabetes]] [persons per late round, default 1000000] \
        [seed, default 19770101] [folder of simulated registers, their persons and seed]

With `--resume` before these the fit goes on from the numbers that are there, in half as many rounds. With
`--keep-diabetes` the onset and detection of diabetes stay as they were fitted, for which registers are needed.
With registers (written by `sandkasse cohort simulate` with the model as fitted before), the fit is to what the
publication's case definition finds in registers: for each sex and ten years of age, and for each year, the cases found
in them over the cases that the same lives detect.
"""

import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from cohort_validate import register_incidence

from sandkasse.cohort.calibration import fit_model, measure_life, write_fit
from sandkasse.cohort.compilation import read_fitted
from sandkasse.cohort.kernels import enable_cache
from sandkasse.cohort.model import PARAMS, load_model
from sandkasse.cohort.specification import read_specification
from sandkasse.cohort.validation.conditions import FittedLevels


def found_ratio(folder: Path, persons: int, seed: int) -> np.ndarray:
    """Cases found in registers over cases detected in the same lives, smooth in age, one factor a year."""
    years = slice(19, 38)
    counts = measure_life(load_model(), persons, seed=seed)
    there = register_incidence(folder) * counts.years_without
    by_age = np.ones((2, 20))
    for a in range(0, 20, 2):
        got, want = there[:, a : a + 2, years].sum(axis=(1, 2)), counts.detected[:, a : a + 2, years].sum(axis=(1, 2))
        by_age[:, a : a + 2] = ((got + 20.0) / (want + 20.0))[:, None]
    ratio = np.repeat(by_age[:, :, None], 48, axis=2)
    want_year = (counts.detected * ratio).sum(axis=(0, 1))
    by_year = (there.sum(axis=(0, 1)) + 20.0) / (want_year + 20.0)
    by_year[1:-1] = (by_year[:-2] + by_year[1:-1] + by_year[2:]) / 3.0
    return ratio * by_year


def main() -> None:
    enable_cache(Path(tempfile.gettempdir()) / "cohort-kernels")
    resume = "--resume" in sys.argv
    keep_diabetes = "--keep-diabetes" in sys.argv
    options = [option for option in sys.argv[1:] if option not in {"--resume", "--keep-diabetes"}]
    late = int(options[0]) if options else 1_000_000
    seed = int(options[1]) if len(options) > 1 else 19770101
    rounds = (*(late // 4,) * 3, *(late,) * 2)
    if not resume:
        rounds = (late // 60, late // 30, late // 15, late // 10, *rounds, late)
    found = None
    command = "python verification/cohort_calibrate.py "
    command += f"{'--resume ' * resume}{'--keep-diabetes ' * keep_diabetes}{late} {seed}"
    if len(options) > 2:
        persons, drawn = int(options[3]), int(options[4])
        found = found_ratio(Path(options[2]), persons, drawn)
        command += f" REGISTERS {persons} {drawn}"
    start = time.monotonic()
    specification = read_specification(PARAMS)
    fit = fit_model(
        specification,
        rounds,
        seed=seed,
        found=found,
        levels=FittedLevels(),
        before=read_fitted(PARAMS / "fitted") if resume else None,
        keep_diabetes=keep_diabetes,
        report=lambda line: print(f"[{time.monotonic() - start:6.0f} s] {line}", flush=True),
    )
    names = (*(condition.name for condition in specification.conditions), "death")
    write_fit(fit, names, PARAMS / "fitted", command=command)


if __name__ == "__main__":
    main()
