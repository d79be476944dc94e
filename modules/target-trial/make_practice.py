"""Make everything of this module that comes from the cohort's model, by one command.

    python modules/target-trial/make_practice.py

It writes the practice data (`data/trials.parquet`, `data/hidden.parquet`), the numbers that exercises are graded
against (`expected.json`), and puts these numbers into `module.yaml`, in the lines that end with `# made: <name>`. Run
it again whenever the model of the cohort changes. 3,000,000 lives take about eight minutes of one core.

The practice data are lives as a register without a gap would see them: the first purchase of a statin, the day on which
a doctor recognised a disease, and the event. Months are trials: who is eligible on the first day of a month is enrolled
in it, who buys a first statin within the next 30 days is a starter, and time zero is the end of these 30 days, for all
who are still eligible then. All starters are kept; of the others a sample, and `weight` says for how many a row stands.
What happens after a departure from the country is not seen.

The true effect comes from `simulate_arms`: the same persons live on from time zero under two courses, with the same
luck: everybody starts and stays on the drug, or usual care.
"""

import argparse
import json
import re
from datetime import date
from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from sandkasse.cohort.causes import natural_arms
from sandkasse.cohort.life.families import BLOCK_PERSONS
from sandkasse.cohort.life.simulate import simulate_arms
from sandkasse.cohort.model import load_model

HERE = Path(__file__).parent
SEED = 20260222
SHARD = 5_000
ENROLMENT_DAYS = 30
STOPPING_TAKES = 0.1  # share of the effect, since starters spend nine tenths of five years on the drug
HORIZON_DAYS = 1_826  # five years
YEARS = range(2003, 2016)
YOUNGEST, OLDEST = 50, 79
INDICATIONS = ("dyslipidaemia", "t2d", "t1d", "ihd", "pad", "ckd")
OTHER = ("hypertension", "hf", "af", "copd")
HIDDEN = ("frailty", "cvd", "ldl")
RECENT_DAYS = 90
TRUTH_SLICES = 40  # each month's truth is simulated in one of so many slices of the persons
KEPT = {True: 60, False: 4_000}  # one in so many of those who do not start, with an indication and without


def day_number(day):
    """Days since 1970-01-01."""
    return (day - date(1970, 1, 1)).days


def live(model, n_persons):
    """Simulate lives; return one row for each person who can be in a trial."""
    natural = natural_arms(1, n_treatments=len(model.treatments), n_exposures=len(model.exposures))
    statin = model.find("statin", "treatments")
    frames = []
    for first in range(0, n_persons, SHARD):
        persons = np.arange(first, min(first + SHARD, n_persons), dtype=np.int64)
        life = simulate_arms(model, persons, seed=SEED, arms=natural)
        columns = {
            "person": life.person,
            "koen": life.sex,
            "born": life.birth_day,
            "death": life.death_day,
            "arrived": life.residence_start.min(axis=1),
            "left": np.where(life.residence_end <= life.residence_start, -(2**31), life.residence_end).max(axis=1),
            "statin": life.treatment_day[:, statin],
            "mi": life.onset_day[:, model.find("mi", "conditions")],
            "stroke": life.onset_day[:, model.find("stroke", "conditions")],
        }
        for name in (*INDICATIONS, *OTHER):
            columns[f"known_{name}"] = life.detected_day[:, model.find(name, "conditions")]
        for name in HIDDEN:
            columns[f"hidden_{name}"] = life.liability[:, model.find(name, "traits")]
        frame = pd.DataFrame(columns)
        opening = day_number(date(YEARS[0], 1, 1))
        closing = day_number(date(YEARS[-1] + 1, 1, 1))
        frames.append(
            frame[
                (frame.death > opening)
                & (frame.statin >= opening)
                & (frame.born < closing - YOUNGEST * 365.25)
                & (frame.born > opening - (OLDEST + 2) * 365.25)
            ]
        )
        if (first // SHARD) % 20 == 19:
            print(f"{first + SHARD:,} of {n_persons:,} lives", flush=True)
    lives = pd.concat(frames, ignore_index=True)
    lives["event"] = lives[["death", "mi", "stroke"]].min(axis=1)
    return lives


def eligible(lives, day):
    """Say who is eligible on a day."""
    age = np.floor((day - lives.born) / 365.25)
    return (
        age.between(YOUNGEST, OLDEST)
        & (lives.arrived <= day)
        & (lives.left > day)
        & (lives.event >= day)
        & (lives.statin >= day)
    )


def has_indication(lives, day):
    """Say who has a recognised disease for which statins are given."""
    return (lives[[f"known_{name}" for name in INDICATIONS]] < day).any(axis=1)


def months():
    """Give the first day of each trial."""
    return [date(year, month, 1) for year in YEARS for month in range(1, 13)]


def enrol(lives, *, rng):
    """Run all trials: one row for each starter, and for a sample of the others."""
    rows = []
    for opening in months():
        day = day_number(opening)
        zero = day + ENROLMENT_DAYS
        here = lives[eligible(lives, day) & (lives.event >= zero) & (lives.left > zero)]
        indication = has_indication(here, zero)
        starts = here.statin < zero
        one_in = np.where(indication, KEPT[True], KEPT[False])
        kept = starts | (rng.random(len(here)) * one_in < 1.0)
        weight = np.where(starts, 1, one_in)[kept]
        here, indication = here[kept], indication[kept]
        seen = here.left - zero
        row = {
            "person": here.person,
            "trial": opening,
            "weight": weight.astype("int16"),
            "koen": here.koen,
            "age": np.floor((day - here.born) / 365.25).astype("int8"),
            "indication": indication,
        }
        for name in (*INDICATIONS, *OTHER):
            row[name] = here[f"known_{name}"] < zero
        known = here[[f"known_{name}" for name in INDICATIONS]]
        row["recent"] = ((known < zero) & (known >= zero - RECENT_DAYS)).any(axis=1)
        for name in ("statin", "event", "death"):
            days = here[name] - zero
            row[f"{name}_day"] = days.where((days < 2 * HORIZON_DAYS) & (days < seen)).astype("Int16")
        for name in HIDDEN:
            row[f"hidden_{name}"] = (10 * here[f"hidden_{name}"]).round().clip(-50, 50).astype("int8")
        rows.append(pd.DataFrame(row))
    return pd.concat(rows, ignore_index=True).sort_values(["trial", "person"], ignore_index=True)


def write(trials, folder):
    """Write the practice data with small numbers of their own for the persons."""
    trials = trials.assign(person=pd.factorize(trials.person)[0].astype("int32"))
    hidden = [name for name in trials if name.startswith("hidden_")]
    open_part = trials.drop(columns=hidden)
    hidden_part = trials[hidden].rename(columns=lambda name: name.removeprefix("hidden_"))
    for name, part in (("trials", open_part), ("hidden", hidden_part)):
        table = pa.Table.from_pandas(part, preserve_index=False)
        pq.write_table(table, folder / f"{name}.parquet", compression="zstd", compression_level=19)
    return trials


def true_effect(model, lives):
    """Live on from time zero under two courses: start a statin and stay on it, or usual care.

    Returns:
        For each measure its value and Monte Carlo standard error, by independent blocks of families.
    """
    statin = model.find("statin", "treatments")
    first_events = [model.find(name, "conditions") for name in ("mi", "stroke")]
    had, lived, blocks = [], [], []
    for number, opening in enumerate(months()):
        zero = day_number(opening) + ENROLMENT_DAYS
        end = zero + HORIZON_DAYS
        part = lives[(lives.person // BLOCK_PERSONS) % TRUTH_SLICES == number % TRUTH_SLICES]
        part = part[eligible(part, zero)]
        persons = np.sort(part.person[has_indication(part, zero)].to_numpy(dtype=np.int64))
        arms = natural_arms(3, n_treatments=len(model.treatments), n_exposures=len(model.exposures))
        arms.from_day[1:], arms.until[1:] = zero, end
        arms.give_from[1, statin] = 0.0
        life = simulate_arms(model, persons, seed=SEED, arms=arms)
        event = np.minimum(life.death_day_under, life.onset_day_under[:, :, first_events].min(axis=2)).astype(np.int64)
        had.append(event < end)
        lived.append(np.minimum(event, end) - zero)
        blocks.append(persons // BLOCK_PERSONS)
    had, lived, block = np.concatenate(had).astype(float), np.concatenate(lived).astype(float), np.concatenate(blocks)
    measures = {
        "risk-start": had[:, 0],
        "risk-usual": had[:, 1],
        "true-difference": had[:, 0] - had[:, 1],
        "true-days": lived[:, 0] - lived[:, 1],
    }
    out = {"persons": len(had)}
    for name, values in measures.items():
        sums = np.bincount(np.unique(block, return_inverse=True)[1], weights=values - values.mean())
        out[name] = {"value": values.mean(), "monte_carlo_error": float(np.sqrt((sums**2).sum())) / len(values)}
    return out


# Numbers that the practice data themselves give, computed here and in `answers.py` in different ways ------------------


def logistic(x, y, weight):
    """Fit a logistic regression by Newton's method."""
    beta = np.zeros(x.shape[1])
    for _ in range(25):
        p = 1 / (1 + np.exp(-x @ beta))
        step = np.linalg.solve((x.T * (weight * p * (1 - p))) @ x, x.T @ (weight * (y - p)))
        beta += step
        if np.abs(step).max() < 1e-9:
            break
    return 1 / (1 + np.exp(-x @ beta))


def design(rows, extra=()):
    """Covariates of the propensity model: age and its square, sex, year, recognised diseases."""
    age = (rows.age.to_numpy() - 65) / 10
    year = pd.to_datetime(rows.trial).dt.year.to_numpy() - 2009
    columns = [np.ones(len(rows)), age, age**2, rows.koen == 2, year / 5, (year / 5) ** 2]
    columns += [rows[name] for name in (*INDICATIONS, *OTHER)]
    pairs = combinations(("dyslipidaemia", "t2d", "ihd", "pad", "ckd", "recent"), 2)
    columns += [rows.recent, *(rows[one] & rows[other] for one, other in pairs)]
    for name in extra:  # doctors weigh what they see differently for each reason
        columns += [rows[name] / 10, *(rows[name] / 10 * rows[reason] for reason in ("dyslipidaemia", "ihd", "pad"))]
    return np.column_stack([np.asarray(column, dtype=float) for column in columns])


def weighted_difference(rows, outcome, extra=()):
    """Compare by inverse probability; give the difference and its standard error by persons."""
    weight, start = rows.weight.to_numpy(float), (rows.statin_day < 0).fillna(False).to_numpy(float)
    p = logistic(design(rows, extra), start, weight)
    parts = []
    for arm, chance in ((start, p), (1 - start, 1 - p)):
        w = weight * arm / chance
        mean = np.average(outcome, weights=w)
        parts.append((mean, w * (outcome - mean) / w.sum()))
    influence = pd.Series(parts[0][1] - parts[1][1]).groupby(rows.person.to_numpy()).sum()
    return parts[0][0] - parts[1][0], float(np.sqrt((influence**2).sum()))


def crude(rows, start, outcome):
    """Weighted risk difference without any adjustment."""
    start = np.asarray(start, dtype=bool)
    weight = rows.weight.to_numpy(float)
    return np.average(outcome[start], weights=weight[start]) - np.average(outcome[~start], weights=weight[~start])


def expected(trials, truth):
    """Give all numbers that the module is graded against."""
    had = (trials.event_day < HORIZON_DAYS).fillna(False).to_numpy(float)
    free = np.minimum(trials.event_day.fillna(HORIZON_DAYS).to_numpy(float), HORIZON_DAYS)
    start = (trials.statin_day < 0).fillna(False).to_numpy()
    ever = (trials.statin_day < HORIZON_DAYS).fillna(False).to_numpy()
    sick = trials.indication.to_numpy()
    among, had_among, free_among = trials[sick].reset_index(drop=True), had[sick], free[sick]
    seen, error = weighted_difference(among, had_among)
    days, days_error = weighted_difference(among, free_among)
    hidden = weighted_difference(among, had_among, [name for name in trials if name.startswith("hidden_")])[0]
    hidden_days = weighted_difference(among, free_among, [name for name in trials if name.startswith("hidden_")])[0]
    weight = trials.weight.to_numpy(float)
    no_death = trials[sick & ((trials.death_day >= HORIZON_DAYS) | trials.death_day.isna()).to_numpy()]
    return {
        "naive": {"value": crude(trials, start, had)},
        "naive-unweighted": {"value": had[start].mean() - had[~start].mean()},
        "indication": {"value": crude(among, start[sick], had_among)},
        "immortal": {"value": crude(among, ever[sick], had_among)},
        "immortal-all": {"value": crude(trials, ever, had)},
        "survivors": {
            "value": crude(
                no_death,
                (no_death.statin_day < 0).fillna(False),
                (no_death.event_day < HORIZON_DAYS).fillna(False).to_numpy(float),
            )
        },
        "positivity": {"value": 1000 * np.average(start[~sick], weights=weight[~sick])},
        "positivity-unweighted": {"value": 1000 * start[~sick].mean()},
        "positivity-indicated": {"value": 1000 * np.average(start[sick], weights=weight[sick])},
        "adjusted": {"value": seen, "standard_error": error},
        "adjusted-days": {"value": days, "standard_error": days_error},
        "adjusted-hidden": {"value": hidden, "standard_error": error},
        "true-difference": allow(truth["true-difference"], error, hidden - seen),
        "true-days": allow(truth["true-days"], days_error, hidden_days - days),
        "risk-start": truth["risk-start"],
        "risk-usual": truth["risk-usual"],
    }


def allow(truth, sampling_error, hidden_bias):
    """Put together what an honest answer misses: chance, the truth's own error, stopping, what no register knows."""
    parts = (sampling_error, truth["monte_carlo_error"], STOPPING_TAKES * truth["value"], hidden_bias)
    return {**truth, "standard_error": float(np.sqrt(np.square(parts).sum()))}


def fill_in(numbers, path):
    """Put the numbers into the lines of `module.yaml` that end with `# made: <name>`."""

    def line(match):
        number = numbers[match["name"]]
        error = f", {number['standard_error']:.6f} AS standard_error" if match["error"] else ""
        return f"{match['head']}SELECT {number['value']:.6f} AS value{error}{match['tail']}  # made: {match['name']}"

    pattern = (
        r"(?P<head>sql: )SELECT [-0-9.]+ AS value(?P<error>, [-0-9.]+ AS standard_error)?"
        r"(?P<tail>\}?)  # made: (?P<name>[a-z-]+)"
    )
    path.write_text(re.sub(pattern, line, path.read_text()))


def main():
    """Make all."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--persons", type=int, default=3_000_000)
    parser.add_argument("--keep", type=Path, help="keep the lives in this file, or take them from it")
    options = parser.parse_args()
    model = load_model()
    if options.keep and options.keep.exists():
        lives = pd.read_parquet(options.keep)
    else:
        lives = live(model, options.persons)
        if options.keep:
            lives.to_parquet(options.keep)
    trials = write(enrol(lives, rng=np.random.default_rng(SEED)), HERE / "data")
    truth = true_effect(model, lives)
    numbers = {
        name: {key: float(f"{value:.6f}") for key, value in number.items()}
        for name, number in expected(trials, truth).items()
    }
    about = {"lives": options.persons, "rows": len(trials), "persons_of_the_truth": truth["persons"], "seed": SEED}
    (HERE / "expected.json").write_text(json.dumps({"about": about, "numbers": numbers}, indent=1) + "\n")
    if (HERE / "module.yaml").exists():
        fill_in(numbers, HERE / "module.yaml")
    print(json.dumps(about), json.dumps(numbers, indent=1))


if __name__ == "__main__":
    main()
