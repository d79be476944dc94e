"""How much a patient prober learns about one person from a day's worth of verdicts.

The prober knows the halves, half of those who have it, and one person whom they wonder about. They hand in pairs of
answers, with and without that person, each pair about another random part of those they know, and add up how the shown
figures differ. Prints the share of persons judged rightly.

Run: `python verification/training_probing.py [--targets 200]`
"""

import argparse
from datetime import date

import numpy as np
import pyarrow as pa

from sandkasse.training.coarse import is_in_feedback_half
from sandkasse.training.grading import PreparedExercise, grade_prepared, prepare_exercise
from sandkasse.training.policies import TRIES_PER_DAY
from sandkasse.training.spec import Exercise

KEY = bytes(range(32))
N_PERSONS, PREVALENCE = 12_000, 0.08
ONSET = date(2010, 1, 1)


def make_exercise() -> Exercise:
    """Make an exercise that asks for persons with an onset."""
    return Exercise.model_validate(
        {
            "id": "who",
            "part": "one",
            "title": "Who",
            "prompt": "Who?",
            "contract": "made-up",
            "grader": "classification",
            "parameters": {
                "population": {"words": "everyone"},
                "positive": [{"column": "diabetes_onset", "missing": False}],
                "pass_at": 0.85,
            },
        }
    )


def shown(prepared: PreparedExercise, pnr: np.ndarray, rows: np.ndarray) -> tuple[float, float]:
    """Hand in an answer, and give what is shown: sensitivity and predictive value, in points."""
    graded = grade_prepared(prepared, pa.table({"pnr": pnr[rows].tolist()}))
    values = {measure.name: measure.value for measure in graded.verdict.measures if measure.group is None}
    return 100 * (values["Sensitivity"] or 0.0), 100 * (values["Predictive value"] or 0.0)


def main() -> None:
    """Probe persons one by one, each with a day's worth of answers."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--targets", type=int, default=200)
    n_targets = parser.parse_args().targets
    rng = np.random.default_rng(20240101)
    has_it = rng.random(N_PERSONS) < PREVALENCE
    pnr = np.array([f"{number:012d}" for number in range(N_PERSONS)], dtype=object)
    persons = pa.table({"pnr": pnr.tolist(), "diabetes_onset": [ONSET if has else None for has in has_it]})
    prepared = prepare_exercise(make_exercise(), {"persons": persons}, key=KEY, facts={})
    half = is_in_feedback_half(persons["pnr"], key=KEY)
    right = rng.permutation(np.flatnonzero(has_it & half))
    wrong = rng.permutation(np.flatnonzero(~has_it & half))
    known, candidates = right[: len(right) // 2], right[len(right) // 2 :]
    targets = np.concatenate([candidates[: n_targets // 2], wrong[: n_targets // 2]])
    n_rightly = 0
    for target in targets:
        evidence = 0.0
        for _ in range(TRIES_PER_DAY // 2):
            base = rng.permutation(known)[: len(known) - rng.integers(0, 40)]
            without, with_target = (shown(prepared, pnr, rows) for rows in (base, np.append(base, target)))
            step = 100 / (has_it & half).sum()
            loss = 100 / (len(base) + 1)
            # Half-way between what a right and what a wrong person would change.
            evidence += (with_target[0] - without[0] - step / 2) / step
            evidence += (with_target[1] - without[1] + loss / 2) / loss
        n_rightly += (evidence > 0) == has_it[target]
    share = n_rightly / len(targets)
    error = np.sqrt(share * (1 - share) / len(targets))
    print(f"{len(targets)} persons, {TRIES_PER_DAY} answers each: judged rightly {share:.0%} ± {2 * error:.0%}")


if __name__ == "__main__":
    main()
