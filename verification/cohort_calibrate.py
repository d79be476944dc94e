"""Fit the cohort's numbers to the frozen targets and write them to params/fitted.

    python verification/cohort_calibrate.py [persons per late round, default 1000000] [seed, default 19770101]
"""

import sys
import tempfile
import time
from pathlib import Path

from sandkasse.cohort.calibration import fit_model, write_fit
from sandkasse.cohort.kernels import enable_cache
from sandkasse.cohort.model import PARAMS
from sandkasse.cohort.specification import read_specification


def main() -> None:
    enable_cache(Path(tempfile.gettempdir()) / "cohort-kernels")
    late = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else 19770101
    rounds = (late // 10,) * 3 + (late // 4,) * 4 + (late,) * 3
    start = time.monotonic()
    specification = read_specification(PARAMS)
    fit = fit_model(
        specification,
        rounds,
        seed=seed,
        report=lambda line: print(f"[{time.monotonic() - start:6.0f} s] {line}", flush=True),
    )
    names = (*(condition.name for condition in specification.conditions), "death")
    write_fit(fit, names, PARAMS / "fitted", command=f"python verification/cohort_calibrate.py {late} {seed}")


if __name__ == "__main__":
    main()
