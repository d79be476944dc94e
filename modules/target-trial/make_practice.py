"""Make everything of this module that comes from the cohort's model, by one command.

    python modules/target-trial/make_practice.py

It writes the practice data (`data/trials.parquet`, `data/hidden.parquet`), the numbers that exercises are graded
against (`expected.json`), puts these numbers into `module.yaml`, in the lines that end with `# made: <name>`, and the
account of an estimate's errors into `docs/explanation/target-trial.md`. Run it again whenever the model of the cohort
changes. 3,000,000 lives take about five minutes of one core.

The practice data are lives as a register without a gap would see them: the first purchase of a statin, the day on which
a doctor recognised a disease, and the event. Months are trials: who is eligible on the first day of a month is enrolled
in it, who buys a first statin within the next 30 days is a starter, and time zero is the end of these 30 days, for all
who are still eligible then. All starters are kept; of the others a sample, and `weight` says for how many a row stands.
Of those with an indication the sample takes whole blocks of families, another slice every month, so that their second
lives are cheap to make. What happens after a departure from the country is not seen.

Those with an indication live a second time, with the same luck: in it everybody starts a statin at time zero and stays
on it (`stay_day` of the hidden part). The true effect is the mean difference of the two lives of those who did not
start. With it, what an estimate misses is an exact sum: starters who stop, hidden traits, chance (`take_apart`).

Tolerances follow one rule, written before the numbers were seen: a right answer with normal error is refused once in a
thousand, which is `Z` standard errors. An estimate by the open columns is compared with the one by inverse probability
in the same rows; the standard error is that of the difference between this and standardisation over cells, since
sampling is the same for both. An interval is compared with the truth plus those parts that no analysis of the open
columns can see, stopping and hidden traits. A result with everything opened misses the truth by chance alone.
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

from sandkasse.cohort.arms import natural_arms
from sandkasse.cohort.life.families import BLOCK_PERSONS
from sandkasse.cohort.life.simulate import simulate_arms
from sandkasse.cohort.model import load_model

HERE = Path(__file__).parent
PAGE = HERE.parents[1] / "docs" / "explanation" / "target-trial.md"
SEED = 20260222
SHARD = 5_000
ENROLMENT_DAYS = 30
HORIZON_DAYS = 1_826  # five years
YEARS = range(2003, 2016)
YOUNGEST, OLDEST = 50, 79
INDICATIONS = ("dyslipidaemia", "t2d", "t1d", "ihd", "pad", "ckd")
OTHER = ("hypertension", "hf", "af", "copd")
HIDDEN = ("frailty", "cvd", "ldl")
RECENT_DAYS = 90
NEVER = 2**31 - 1
Z = 3.2905  # a right answer with normal error is refused once in 1,000: our choice
# Our choice: how far the width of a right interval may be off; 200 draws of a bootstrap miss it by 16 % once in 1,000.
WIDER = 1.3
LEDGER = ("truth", "stopping", "hidden", "chance")
FOR_EACH = ("dyslipidaemia", "ihd", "pad")  # reasons for which doctors weigh hidden traits, each in its own way
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
            "stopped": life.treatment_stop_day[:, statin],
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
    lives["departs"] = lives.left.where(lives.left != lives.death + 1, NEVER)  # the dead have not departed
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
    for number, opening in enumerate(months()):
        day = day_number(opening)
        zero = day + ENROLMENT_DAYS
        here = lives[eligible(lives, day) & (lives.event >= zero) & (lives.left > zero)]
        indication = has_indication(here, zero)
        starts = here.statin < zero
        in_slice = (here.person // BLOCK_PERSONS) % KEPT[True] == number % KEPT[True]
        kept = starts | np.where(indication, in_slice, rng.random(len(here)) * KEPT[False] < 1.0)
        weight = np.where(starts, 1, np.where(indication, KEPT[True], KEPT[False]))[kept]
        here, indication = here[kept], indication[kept]
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
        seen = here.departs - zero
        for name in ("statin", "event", "death"):
            days = here[name] - zero
            row[f"{name}_day"] = days.where((days < 2 * HORIZON_DAYS) & (days < seen)).astype("Int16")
        for name in HIDDEN:
            row[f"hidden_{name}"] = (10 * here[f"hidden_{name}"]).round().clip(-50, 50).astype("int8")
        row["seen"], row["stops"] = seen, here.stopped - zero
        rows.append(pd.DataFrame(row))
    return pd.concat(rows, ignore_index=True).sort_values(["trial", "person"], ignore_index=True)


def read(folder):
    """Read the practice data as `enrol` and `live_again` made them."""
    hidden = pd.read_parquet(folder / "hidden.parquet").add_prefix("hidden_")
    return pd.read_parquet(folder / "trials.parquet").join(hidden)


def live_again(model, trials):
    """Let those with an indication live on from time zero on a statin; give the day of their first event.

    A starter who does not stop within the horizon lives the same life, so that only the others are simulated.

    Args:
        model: The compiled model.
        trials: As `enrol` gives them.

    Returns:
        Days from time zero, missing without an event within the horizon and before a departure; one for each row.
    """
    statin = model.find("statin", "treatments")
    first_events = [model.find(name, "conditions") for name in ("mi", "stroke")]
    day = trials.event_day.astype("float64")
    day = day.where((day < HORIZON_DAYS) & trials.indication)
    is_same = (trials.statin_day < 0).fillna(False).astype(bool) & (trials.stops >= HORIZON_DAYS)
    for opening, part in trials[trials.indication & ~is_same].groupby("trial"):
        zero = day_number(opening) + ENROLMENT_DAYS
        arms = natural_arms(2, n_treatments=len(model.treatments), n_exposures=len(model.exposures))
        arms.from_day[1], arms.until[1] = zero, zero + HORIZON_DAYS
        arms.give_from[1, statin] = 0.0
        life = simulate_arms(model, part.person.to_numpy(np.int64), seed=SEED, arms=arms)
        event = np.minimum(life.death_day_under[:, 0], life.onset_day_under[:, 0, first_events].min(axis=1))
        days = pd.Series(event.astype(np.float64) - zero, index=part.index)
        day.loc[part.index] = days.where((days < HORIZON_DAYS) & (days < part.seen))
    return day.astype("Int16")


def write(trials, folder):
    """Write the practice data with small numbers of their own for the persons."""
    trials = trials.drop(columns=["seen", "stops"]).assign(person=pd.factorize(trials.person)[0].astype("int32"))
    hidden = [name for name in trials if name.startswith("hidden_")]
    open_part = trials.drop(columns=hidden)
    hidden_part = trials[hidden].rename(columns=lambda name: name.removeprefix("hidden_"))
    for name, part in (("trials", open_part), ("hidden", hidden_part)):
        table = pa.Table.from_pandas(part, preserve_index=False)
        pq.write_table(table, folder / f"{name}.parquet", compression="zstd", compression_level=19)
    return trials


# Numbers that the practice data themselves give, computed here and in `answers.py` in different ways ------------------


def logistic(x, y, weight):
    """Fit a logistic regression by Newton's method."""
    beta = np.zeros(x.shape[1])
    beta[0] = np.log(np.average(y, weights=weight))
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
        columns += [rows[name] / 10, *(rows[name] / 10 * rows[reason] for reason in FOR_EACH)]
    return np.column_stack([np.asarray(column, dtype=float) for column in columns])


def inverse_probability(rows, extra=()):
    """Weigh by what the design says about starting."""
    weight, start = rows.weight.to_numpy(float), (rows.statin_day < 0).fillna(False).to_numpy(bool)
    p = logistic(design(rows, extra), start.astype(float), weight)
    return weight / np.where(start, p, 1 - p)


def mean(values, weight, who):
    """Give the weighted mean among some, and each row's influence on it."""
    w = np.where(who, weight, 0.0)
    value = np.average(values, weights=w)
    return value, w * (values - value) / w.sum()


def over_cells(rows):
    """Weigh so that every cell of the covariates has all who are eligible in it, in either group."""
    year = pd.to_datetime(rows.trial).dt.year
    plain = ["recent", "koen", *INDICATIONS, "hypertension"]
    frame = rows[plain].assign(
        age=rows.age // 5, era=(year - YEARS[0]) // 5, ill=rows[["hf", "af", "copd"]].any(axis=1)
    )
    cell = frame.groupby(list(frame)).ngroup().to_numpy()
    weight, start = rows.weight.to_numpy(float), (rows.statin_day < 0).fillna(False).to_numpy(bool)
    size = np.bincount(cell, weights=weight)
    arms = np.stack([np.bincount(cell, weights=weight * (start == arm), minlength=len(size)) for arm in (False, True)])
    both = (arms > 0).all(axis=0)
    return np.where(both[cell], weight * size[cell] / arms[start.astype(int), cell], 0.0)


def error_of(influence, rows):
    """Give a standard error; rows of one person are not independent."""
    return float(np.sqrt((pd.Series(influence).groupby(rows.person.to_numpy()).sum() ** 2).sum()))


def take_apart(rows, lived, stayed, weights, opened, cells):
    """Say what an adjusted estimate is made of: the truth, starters who stop, hidden traits, and chance.

    Args:
        rows: Those with an indication.
        lived: The outcome as it was, shape (rows,).
        stayed: The outcome had everybody started and stayed on the drug.
        weights: By the open covariates.
        opened: By the open covariates and the hidden traits.
        cells: By cells of the open covariates.

    Returns:
        Each part with its standard error; `estimate` is the sum of `truth`, `stopping`, `hidden` and `chance`, and
        `honest` the first three.
    """
    start = (rows.statin_day < 0).fillna(False).to_numpy(bool)
    sampled = rows.weight.to_numpy(float)
    was, stays, others = mean(lived, weights, start), mean(stayed, weights, start), mean(lived, weights, ~start)
    was_cells, others_cells = mean(lived, cells, start), mean(lived, cells, ~start)
    stays_opened, others_opened = mean(stayed, opened, start), mean(lived, opened, ~start)
    truth = mean(stayed - lived, sampled, ~start)
    parts = {
        "estimate": [one - other for one, other in zip(was, others, strict=True)],
        "cells": [one - other for one, other in zip(was_cells, others_cells, strict=True)],
        "truth": truth,
        "stopping": [one - other for one, other in zip(was, stays, strict=True)],
        "hidden": [a - b - c + d for a, b, c, d in zip(stays, others, stays_opened, others_opened, strict=True)],
        "chance": [a - b - c for a, b, c in zip(stays_opened, others_opened, truth, strict=True)],
        "opened": [one - other for one, other in zip(stays_opened, others_opened, strict=True)],
    }
    found = {name: {"value": float(value), "standard_error": error_of(i, rows)} for name, (value, i) in parts.items()}
    honest = found["estimate"]["value"] - found["chance"]["value"]
    apart = error_of(parts["estimate"][1] - parts["cells"][1], rows)
    return {
        **found,
        "honest": {"value": honest, "standard_error": found["chance"]["standard_error"]},
        "adjusted": {"value": found["estimate"]["value"], "standard_error": apart},
    }


def crude(rows, start, outcome):
    """Weighted risk difference without any adjustment."""
    start = np.asarray(start, dtype=bool)
    weight = rows.weight.to_numpy(float)
    return np.average(outcome[start], weights=weight[start]) - np.average(outcome[~start], weights=weight[~start])


def expected(trials):
    """Give all numbers that the module is graded against."""
    had = (trials.event_day < HORIZON_DAYS).fillna(False).to_numpy(float)
    free = np.minimum(trials.event_day.fillna(HORIZON_DAYS).to_numpy(float), HORIZON_DAYS)
    start = (trials.statin_day < 0).fillna(False).to_numpy()
    ever = (trials.statin_day < HORIZON_DAYS).fillna(False).to_numpy()
    sick = trials.indication.to_numpy()
    among, had_among, free_among = trials[sick].reset_index(drop=True), had[sick], free[sick]
    stayed = among.hidden_stay_day.notna().to_numpy(float)
    free_stayed = np.minimum(among.hidden_stay_day.fillna(HORIZON_DAYS).to_numpy(float), HORIZON_DAYS)
    weights = inverse_probability(among)
    opened = inverse_probability(among, [f"hidden_{name}" for name in HIDDEN])
    cells = over_cells(among)
    risk = take_apart(among, had_among, stayed, weights, opened, cells)
    days = take_apart(among, free_among, free_stayed, weights, opened, cells)
    weight = trials.weight.to_numpy(float)
    no_death = trials[sick & ((trials.death_day >= HORIZON_DAYS) | trials.death_day.isna()).to_numpy()]
    width = 2 * 1.959964 * risk["estimate"]["standard_error"]
    others = ~start[sick]
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
        **risk,
        **{f"{name}-days": value for name, value in days.items()},
        "interval": {"value": risk["honest"]["value"], "narrowest": width / WIDER, "widest": width * WIDER},
        "risk-start": {"value": np.average(stayed[others], weights=among.weight[others])},
        "risk-usual": {"value": np.average(had_among[others], weights=among.weight[others])},
        "ledger": {"value": [100 * risk[name]["value"] for name in LEDGER]},
        "ledger-shares": {"value": [risk[name]["value"] for name in LEDGER]},
        "ledger-turned": {
            "value": [100 * sign * risk[name]["value"] for name, sign in zip(LEDGER, (1, -1, -1, -1), strict=True)]
        },
    }


def fill_in(numbers, path):
    """Put the numbers into the lines of `module.yaml` that end with `# made: <name>`."""

    def line(match):
        number = numbers[match["name"]]

        def column(found):
            value = number[found["column"]]
            text = str([round(one, 4) for one in value]) if isinstance(value, list) else f"{value:.6f}"
            return f"{text}{found['between']} AS {found['column']}"

        pattern = r"(?:-?[0-9.]+|\[[-0-9., ]+\])(?P<between>\)?) AS (?P<column>value|standard_error|narrowest|widest)"
        return re.sub(pattern, column, match["sql"]) + match["end"]

    pattern = r"(?P<sql>sql: SELECT [^\n]*?)(?P<end>\}?  # made: (?P<name>[a-z-]+))"
    path.write_text(re.sub(pattern, line, path.read_text()))


ACCOUNT = {
    "truth": "mean difference of the two lives of those who did not start",
    "stopping": "starters who do not stay on the drug",
    "hidden": "frailty, liability to heart disease and to high cholesterol, which the weights do not know",
    "chance": "who happened to be among these persons",
    "estimate": "inverse probability weights by the open columns: the sum",
}


def tell(numbers, path):
    """Put the account into the page that tells of the module, between its two marks."""
    lines = ["| part | points | standard error | what it is |", "|---|---|---|---|"]
    for name, words in ACCOUNT.items():
        value, error = (100 * numbers[name][key] for key in ("value", "standard_error"))
        lines.append(f"| {name} | {value:.2f} | {error:.2f} | {words} |")
    first, last = "<!-- account -->", "<!-- end of account -->"
    head, rest = path.read_text().split(first)
    path.write_text("\n".join([head + first, "", *lines, "", last + rest.split(last)[1]]))


def put_down(trials, n_lives):
    """Compute all numbers and write them down where they are graded, and where they are told."""
    numbers = {
        name: {key: np.round(value, 6).tolist() for key, value in number.items()}
        for name, number in expected(trials).items()
    }
    about = {"lives": n_lives, "rows": len(trials), "seed": SEED}
    (HERE / "expected.json").write_text(json.dumps({"about": about, "numbers": numbers}, indent=1) + "\n")
    fill_in(numbers, HERE / "module.yaml")
    if PAGE.exists():
        tell(numbers, PAGE)
    print(json.dumps(about), json.dumps(numbers, indent=1))


def main():
    """Make all."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--persons", type=int, default=3_000_000)
    parser.add_argument("--keep", type=Path, help="keep the lives in this file, or take them from it")
    parser.add_argument("--numbers", action="store_true", help="the numbers alone, from the data as they are")
    options = parser.parse_args()
    if options.numbers:
        return put_down(read(HERE / "data"), json.loads((HERE / "expected.json").read_text())["about"]["lives"])
    model = load_model()
    if options.keep and options.keep.exists():
        lives = pd.read_parquet(options.keep)
    else:
        lives = live(model, options.persons)
        if options.keep:
            lives.to_parquet(options.keep)
    trials = enrol(lives, rng=np.random.default_rng(SEED))
    trials = write(trials.assign(hidden_stay_day=live_again(model, trials)), HERE / "data")
    return put_down(trials, options.persons)


if __name__ == "__main__":
    main()
