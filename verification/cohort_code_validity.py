"""Measure how often a first hospital code is right, beside the values of params_observation/errors.toml, as Markdown.

python verification/cohort_code_validity.py [persons, default 200000] [seed, default 1] [--fit]

`--fit` also says which share of contacts would give the published value, from the counts measured: run it, write the
shares down, and run it again.
"""

import argparse
import os
import sys

import numpy as np

from sandkasse.cohort.kernels import cache_folder, enable_cache
from sandkasse.cohort.life import simulate_life
from sandkasse.cohort.model import load_model
from sandkasse.cohort.observation.compile_care import compile_care
from sandkasse.cohort.observation.observe import observe
from sandkasse.cohort.observation.traps import trap_switches
from sandkasse.cohort.observation.vocabulary import read_parameters
from sandkasse.cohort.validation.codes import count_first_codes
from sandkasse.core.settings import read_settings

SHARD = 5000


def measure(n_persons, seed, told):
    """Count right and wrong first codes of each condition that can be coded falsely, from 1995 on."""
    parameters, model = read_parameters(), load_model()
    care = compile_care(
        parameters,
        conditions=model.conditions,
        treatments=model.treatments,
        recurring=model.recurring,
        traits=model.traits,
    )
    traps = trap_switches(())
    counts = {}
    for first in range(0, n_persons, SHARD):
        life = simulate_life(model, np.arange(first, first + SHARD, dtype=np.int64), seed=seed)
        order = np.arange(SHARD, dtype=np.int64)
        seen = observe(life, care, glycaemia=model.glycaemia, seed=seed, traps=traps, order=order)
        for name, found in count_first_codes(life, seen, order, care.words).items():
            counts[name] = counts.get(name, 0) + np.array(found)
        told(first + SHARD)
    return parameters["miscoded"], counts


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("persons", type=int, nargs="?", default=200_000)
    parser.add_argument("seed", type=int, nargs="?", default=1)
    parser.add_argument("--fit", action="store_true")
    options = parser.parse_args()
    enable_cache(cache_folder(read_settings(os.environ).kernels))
    rows, counts = measure(options.persons, options.seed, lambda n: print(f"{n:,} persons", file=sys.stderr))
    print(
        "| condition | published | simulated | standard error | first codes |",
        "| --- | --- | --- | --- | --- |",
        sep="\n",
    )
    for row in rows:
        right, wrong = counts[row["condition"]]
        n, target = right + wrong, row["predictive"]
        value = right / n
        line = f"| {row['condition']} | {target} | {value:.3f} | {np.sqrt(value * (1 - value) / n):.3f} | {n} |"
        if options.fit:
            line += f" {row['share']} -> {row['share'] * right * (1 - target) / target / max(wrong, 1):.3g}"
        print(line)


if __name__ == "__main__":
    main()
