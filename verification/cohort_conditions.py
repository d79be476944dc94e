"""Compare simulated lives with the published figures of `data/condition_targets.csv`.

    python verification/cohort_conditions.py [persons, default 200000] [seed, default 1] [--params FOLDER]

Each target is counted in the lives under the publication's own definition as far as the row can say it: recognised
since a date, of an age and a sex, on a treatment, dead within some days. Monte Carlo error is that of a count.
"""

import argparse
import csv
import math
import sys
import tempfile
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np

from sandkasse.cohort.kernels import enable_cache
from sandkasse.cohort.life.record import NEVER, LifeShard
from sandkasse.cohort.life.simulate import simulate_life
from sandkasse.cohort.model import DATA, PARAMS, load_model
from sandkasse.cohort.tables import CompiledModel

TARGETS = DATA / "condition_targets.csv"
SHARD = 25_000
YEAR_DAYS = 365.25
SHARES = ("prevalence", "true_prevalence", "treated", "dead_within")


@dataclass
class Count:
    """What the shards add up to for one target."""

    events: float = 0.0
    base: float = 0.0


def day_number(text: str) -> int:
    """Days since 1970-01-01 of an ISO date."""
    return (date.fromisoformat(text) - date(1970, 1, 1)).days


def residents(life: LifeShard, day: int) -> np.ndarray:
    """Who is resident on a day."""
    return ((life.residence_start <= day) & (day < life.residence_end)).any(axis=1)


def of_age(life: LifeShard, row: dict[str, str], day: np.ndarray | int) -> np.ndarray:
    """Who has the target's sex and, on a day, its age."""
    age = (day - life.birth_day) / YEAR_DAYS
    sex = int(row["sex"])
    kept: np.ndarray = (age >= float(row["age_from"])) & (age < float(row["age_below"]))
    return kept & ((life.sex == sex) if sex else True)


def onsets_of(life: LifeShard, model: CompiledModel, name: str) -> tuple[np.ndarray, np.ndarray]:
    """All onsets and detections of a condition, shape (person, occurrence)."""
    column = model.conditions.index(name)
    return life.onset_day[:, [column]].astype(np.int64), life.detected_day[:, [column]].astype(np.int64)


def first_found(life: LifeShard, model: CompiledModel, row: dict[str, str], *, onset: bool = False) -> np.ndarray:
    """First day of detection (or onset) of any of the target's conditions, since the target's date if it has one."""
    days = []
    for name in row["condition"].split("|"):
        every = onsets_of(life, model, name)[0 if onset else 1]
        if row["detected_since"]:
            every = np.where(every >= day_number(row["detected_since"]), every, NEVER)
        days.append(every.min(axis=1))
    found: np.ndarray = np.min(days, axis=0)
    return found


def on_treatment(life: LifeShard, model: CompiledModel, name: str, day: int) -> np.ndarray:
    """Who takes a treatment on a day."""
    t = model.treatments.index(name)
    first = (life.treatment_day[:, t] <= day) & (day < life.treatment_stop_day[:, t])
    again: np.ndarray = life.treatment_again_day[:, t] <= day
    return first | again


def count(life: LifeShard, model: CompiledModel, row: dict[str, str], out: Count) -> None:  # noqa: C901, PLR0912
    """Add a shard to a target's count."""
    measure, begin = row["measure"], day_number(row["date_from"])
    end = day_number(row["date_to"]) if row["date_to"] else begin + 1
    if measure in {"living", "prevalence", "true_prevalence", "treated"}:
        base = residents(life, begin) & of_age(life, row, begin)
        if measure == "treated":
            hit = on_treatment(life, model, row["treatment"], begin)
        else:
            hit = first_found(life, model, row, onset=measure == "true_prevalence") <= begin
        out.events += float((base & hit).sum())
        out.base += float(base.sum())
    elif measure in {"cases", "rate", "rate_all", "median_age", "dead_within"}:
        repeats = measure == "rate_all" or "fracture" in row["condition"]
        if repeats:
            every = np.concatenate([onsets_of(life, model, name)[1] for name in row["condition"].split("|")], axis=1)
        else:
            every = first_found(life, model, row)[:, None]
        inside = (every >= begin) & (every < end)
        for k in range(every.shape[1]):
            hit = inside[:, k] & of_age(life, row, every[:, k])
            there = np.array([False] * len(hit)) if not hit.any() else hit
            there = there & ((life.residence_start <= every[:, [k]]) & (every[:, [k]] < life.residence_end)).any(axis=1)
            if measure == "dead_within":
                out.base += float(there.sum())
                out.events += float((there & (life.death_day - every[:, k] <= float(row["within_days"]))).sum())
            elif measure == "median_age":
                out.ages.extend(((every[there, k] - life.birth_day[there]) / YEAR_DAYS).tolist())
            else:
                out.events += float(there.sum())
        if measure in {"rate", "rate_all"}:
            first = every.min(axis=1)
            for year in range(date.fromisoformat(row["date_from"]).year, date.fromisoformat(row["date_to"]).year):
                middle = day_number(f"{year}-07-01")
                base = residents(life, middle) & of_age(life, row, middle)
                out.base += float((base & (repeats | (first >= middle))).sum())
    elif measure == "acute_deaths":
        column = model.conditions.index(row["condition"])
        dead = (life.death_day >= begin) & (life.death_day < end) & (life.fatal_condition == column)
        out.events += float(dead.sum())


@dataclass
class Result:
    """A target with what was simulated and its standard error."""

    row: dict[str, str]
    simulated: float
    error: float


def compare(model: CompiledModel, n_persons: int, seed: int, path: Path = TARGETS) -> list[Result]:
    """Simulate and count every target that lives can answer."""
    with path.open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["measure"] != "cause_deaths"]
    rows = [row for row in rows if all(name in model.conditions for name in row["condition"].split("|"))]
    rows = [row for row in rows if not row["treatment"] or row["treatment"] in model.treatments]
    counts = [Count() for _ in rows]
    for tally in counts:
        tally.ages = []  # type: ignore[attr-defined]
    for first in range(0, n_persons, SHARD):
        persons = np.arange(first, min(first + SHARD, n_persons), dtype=np.int64)
        life = simulate_life(model, persons, seed=seed)
        for row, tally in zip(rows, counts, strict=True):
            count(life, model, row, tally)
        print(f"{persons[-1] + 1} persons", file=sys.stderr)
    share = n_persons / model.persons_in_nation
    return [finish(row, tally, share) for row, tally in zip(rows, counts, strict=True)]


def finish(row: dict[str, str], tally: Count, share: float) -> Result:
    """Turn counts into the target's unit, with the standard error of a count."""
    measure, events, base = row["measure"], tally.events, max(tally.base, 1.0)
    if measure == "median_age":
        ages = tally.ages  # type: ignore[attr-defined]
        middle = float(np.median(ages)) if ages else math.nan
        return Result(row, middle, 1.2533 * float(np.std(ages)) / math.sqrt(max(len(ages), 1)) if ages else math.nan)
    if measure in SHARES:
        p = events / base
        return Result(row, 100.0 * p, 100.0 * math.sqrt(max(p * (1.0 - p), 0.0) / base))
    if measure in {"rate", "rate_all"}:
        return Result(row, 1e5 * events / base, 1e5 * math.sqrt(events) / base)
    return Result(row, events / share, math.sqrt(events) / share)


def lines(results: list[Result]) -> list[str]:
    """The comparison as a Markdown table, and the headline."""
    out = [
        "| condition | measure | date | published | simulated | standard error | deviation | role |",
        "|" + " --- |" * 8,
    ]
    inside: dict[str, list[bool]] = {"fitted": [], "held out": []}
    for result in results:
        row, want = result.row, float(result.row["value"])
        off = result.simulated / want - 1.0
        inside[row["role"]].append(abs(off) <= 0.15)
        what = row["measure"] + (f" ({row['treatment']})" if row["treatment"] else "")
        what += {"0": "", "1": ", men", "2": ", women"}[row["sex"]]
        if (row["age_from"], row["age_below"]) != ("0", "120"):
            what += f", {row['age_from']} to {row['age_below']} years"
        what += f", {row['within_days']} days" if row["within_days"] else ""
        when = row["date_from"] + (f" to {row['date_to']}" if row["date_to"] else "")
        digits = 0 if want >= 1000 else 2
        out.append(
            f"| {row['condition'].replace('|', ' or ')} | {what} | {when} | {want:,.{digits}f} {row['unit']} | "
            f"{result.simulated:,.{digits}f} | {result.error:,.{digits}f} | {100 * off:+.0f} % | {row['role']} |"
        )
    out.append("")
    for role, flags in inside.items():
        if flags:
            out.append(f"{role}: {sum(flags)} of {len(flags)} within 15 %.")
    return out


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("persons", type=int, nargs="?", default=200_000)
    parser.add_argument("seed", type=int, nargs="?", default=1)
    parser.add_argument("--params", type=Path, default=PARAMS)
    options = parser.parse_args()
    enable_cache(Path(tempfile.gettempdir()) / "cohort-kernels")
    print("\n".join(lines(compare(load_model(options.params), options.persons, options.seed))))


if __name__ == "__main__":
    main()
