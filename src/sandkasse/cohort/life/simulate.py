"""Simulate true lives (first, thin version: simple hazards, to be replaced by the compiled model)."""

import math

import numpy as np

from sandkasse.cohort.kernels import kernel
from sandkasse.cohort.life.record import NEVER, Int64Array, LifeShard
from sandkasse.cohort.model import CompiledModel
from sandkasse.core import rng

WINDOW_START = np.int32(2557)
WINDOW_END = np.int32(20089)
_NEVER = int(NEVER)


@kernel
def _live(
    seed, person, sex, birth, start, end, muni, death, liability, bmi20, slope, smoke0, smoke1, onset, detected, treat
):  # type: ignore[no-untyped-def]  # noqa: PLR0913, PLR0912, C901
    for i in range(person.shape[0]):
        p = person[i]
        sex[i] = 1 if rng.uniform(seed, p, 1, 0) < 0.5 else 2
        birth[i] = 2557 - 32000 + int(49500 * rng.uniform(seed, p, 1, 1))
        b = birth[i]
        for k in range(4):
            liability[i, k] = rng.normal(seed, p, 2, k)
        bmi20[i] = 22.5 + 2.5 * rng.normal(seed, p, 3, 0)
        slope[i] = 0.09 + 0.06 * rng.normal(seed, p, 3, 1)
        if rng.uniform(seed, p, 4, 0) < 0.4:
            smoke0[i] = b + 6200
            if rng.uniform(seed, p, 4, 1) < 0.6:
                smoke1[i] = b + 6200 + int(365.25 * 40 * rng.uniform(seed, p, 4, 2))
        d = b + int(365.25 * (math.log(1.0 + 0.095 * rng.exponential(seed, p, 5, 0) / 3.0e-5) / 0.095))
        s = max(b, 2557)
        if d <= s:
            d = s + int(3000 * rng.uniform(seed, p, 5, 1))
        if d < 20089:
            death[i] = d
        stop = min(d + 1, 20089)
        start[i, 0] = s
        end[i, 0] = stop
        muni[i, 0] = 101 if rng.uniform(seed, p, 6, 0) < 0.5 else 751
        base = (0.004, 0.30, 0.02, 0.05, 0.08, 0.09, 0.08, 0.06, 0.10)
        for c in range(9):
            if (c == 2 or c == 3) and sex[i] == 1:
                continue
            if rng.uniform(seed, p, 7, c) < base[c]:
                age = 15.0 + 30.0 * rng.uniform(seed, p, 8, c)
                if c == 1 or (c >= 4 and c <= 7):
                    age += 30.0
                t = b + int(365.25 * age)
                if t < stop:
                    onset[i, c] = t
                    t += int((700.0 if c == 1 else 30.0) * rng.exponential(seed, p, 9, c))
                    if t < stop:
                        detected[i, c] = t
        if onset[i, 0] != _NEVER:
            onset[i, 1] = _NEVER
            detected[i, 1] = _NEVER
            if detected[i, 0] != _NEVER:
                treat[i, 5] = detected[i, 0]
        if detected[i, 1] != _NEVER:
            t = detected[i, 1]
            for k in range(7):
                if k != 0:
                    t = detected[i, 1] + int(3000 * rng.exponential(seed, p, 10, k))
                if t < stop and not (k == 2 or k == 3 or k == 4) or (t > 14000 and t < stop):
                    treat[i, k] = t


def simulate_life(model: CompiledModel, persons: Int64Array, *, seed: int) -> LifeShard:
    """Simulate the true lives of some persons.

    Args:
        model: The compiled model.
        persons: Numbers of the persons in the whole cohort, int64, shape (n_persons,).
        seed: Seed of the cohort.

    Returns:
        Their lives; each depends on the model, the seed and the person's number only.
    """
    n = persons.shape[0]

    def days(*columns: int) -> np.ndarray:  # type: ignore[type-arg]
        return np.full((n, *columns), NEVER, dtype=np.int32)

    shard = LifeShard(
        person=persons.astype(np.int64),
        sex=np.zeros(n, dtype=np.int8),
        birth_day=days(),
        residence_start=days(2),
        residence_end=days(2),
        municipality=np.zeros((n, 2), dtype=np.int16),
        death_day=days(),
        liability=np.zeros((n, len(model.traits)), dtype=np.float32),
        bmi_at_20=np.zeros(n, dtype=np.float32),
        bmi_slope_per_year=np.zeros(n, dtype=np.float32),
        smoking_start=days(),
        smoking_stop=days(),
        onset_day=days(len(model.conditions)),
        detected_day=days(len(model.conditions)),
        treatment_day=days(len(model.treatments)),
        onset_day_untreated=days(len(model.conditions)),
        death_day_untreated=days(),
        treatment_stop_day=days(len(model.treatments)),
        treatment_for=np.full((n, len(model.treatments)), -1, dtype=np.int8),
        delivery_day=days(6),
        fatal_condition=np.full(n, -1, dtype=np.int8),
        hba1c_set_point=np.zeros(n, dtype=np.float32),
    )
    _live(
        seed,
        shard.person,
        shard.sex,
        shard.birth_day,
        shard.residence_start,
        shard.residence_end,
        shard.municipality,
        shard.death_day,
        shard.liability,
        shard.bmi_at_20,
        shard.bmi_slope_per_year,
        shard.smoking_start,
        shard.smoking_stop,
        shard.onset_day,
        shard.detected_day,
        shard.treatment_day,
    )
    shard.onset_day_untreated[:] = shard.onset_day
    shard.death_day_untreated[:] = shard.death_day
    return shard
