"""Make everything of this module that comes from the cohort's model, by one command.

    python modules/dynamic-risk-prediction/make_practice.py

It writes the practice data (`data/*.parquet`), the numbers that exercises are graded against (`expected.json`), and
puts these numbers into `module.yaml`, in the lines that end with `# made: <name>`. Run it again whenever the model of
the cohort changes. It takes about four minutes of one core.

The practice data are lives as a register without a gap would see them: the day on which a doctor recognised a disease,
the first and last day of a treatment, and the first infarction or stroke. The true risk of a person on 1 January 2015
is the share of possible futures with an event: the life up to that day is kept, and all that follows is lived again and
again with new luck. `cohort.causal.true_risk` does the same for one condition; here the outcome is either of two.
"""

import argparse
import json
import re
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from sandkasse.cohort.causal import GOLDEN
from sandkasse.cohort.arms import natural_arms
from sandkasse.cohort.life.simulate import simulate_arms
from sandkasse.cohort.model import load_model

HERE = Path(__file__).parent
SEED = 20260315
SHARD = 5_000
HORIZON_DAYS = 1_826  # five years
YOUNGEST, OLDEST = 50, 79
LANDMARKS = range(2000, 2011, 2)  # the last of them is five years before the test
TEST = 2015
END = date(2020, 1, 1)  # nothing later is in the practice data
DISEASES = ("hypertension", "dyslipidaemia", "t2d", "t1d", "ihd", "af", "hf", "pad", "ckd", "copd")
TREATMENTS = ("statin", "antihypertensive", "antiplatelet")
HIDDEN = {
    "cvd": "cvd",
    "ldl": "ldl",
    "pressure": "blood_pressure",
    "activity": "activity",
}  # name here: trait of the model
N_OPENED = 6_000  # persons whose own true risk is opened in part 4
DRAWS = {"opened": 1_000, "groups": 60, "lives": 600}  # futures of each person
ARMS_AT_ONCE = 40_000
SHOWN = 6  # lives whose risk is followed over time
FAR = 2**31 - 1


def day_number(year):
    """Days from 1970-01-01 to 1 January of a year."""
    return (date(year, 1, 1) - date(1970, 1, 1)).days


def live(model, n_persons):
    """Simulate lives; return one row for each person who is at risk at one of the landmarks."""
    natural = natural_arms(1, n_treatments=len(model.treatments), n_exposures=len(model.exposures))
    frames = []
    for first in range(0, n_persons, SHARD):
        persons = np.arange(first, min(first + SHARD, n_persons), dtype=np.int64)
        life = simulate_arms(model, persons, seed=SEED, arms=natural)
        onset = {name: life.onset_day[:, model.find(name, "conditions")] for name in ("mi", "stroke", *DISEASES)}
        columns = {
            "number": life.person,
            "koen": life.sex,
            "born": life.birth_day,
            "kom": life.municipality[:, 0],
            "education": life.education_level,
            "arrived": life.residence_start.min(axis=1),
            "left": np.where(life.residence_end <= life.residence_start, -FAR, life.residence_end).max(axis=1),
            "death": life.death_day,
            "event": np.minimum(onset["mi"], onset["stroke"]),
        }
        for name in DISEASES:
            columns[name] = life.detected_day[:, model.find(name, "conditions")]
            columns[f"onset_{name}"] = onset[name]
        for name in TREATMENTS:
            at = model.find(name, "treatments")
            columns[f"{name}_from"] = life.treatment_day[:, at]
            columns[f"{name}_until"] = np.where(
                life.treatment_again_day[:, at] < FAR, FAR, life.treatment_stop_day[:, at]
            )
        for name, trait in HIDDEN.items():
            columns[f"hidden_{name}"] = life.liability[:, model.find(trait, "traits")]
        columns["smoking_start"], columns["smoking_stop"] = life.smoking_start, life.smoking_stop
        frame = pd.DataFrame(columns)
        frames.append(frame[np.any([at_risk(frame, year) for year in (*LANDMARKS, TEST)], axis=0)])
    return pd.concat(frames, ignore_index=True)


def at_risk(lives, year):
    """Say who is resident, alive, of an age and without an event on 1 January."""
    day = day_number(year)
    age = np.floor((day - lives.born) / 365.25)
    here = (lives.arrived <= day) & (lives.left > day) & (lives.death >= day)
    return here & age.between(YOUNGEST, OLDEST) & (lives.event >= day)


def true_risk(model, numbers, year, *, n_draws, part, events=("mi", "stroke")):
    """Give each person's share of futures with an event within five years of 1 January of a year.

    `part` sets draws of one purpose apart from those of another.
    """
    event = [model.find(name, "conditions") for name in events]
    day = day_number(year)
    arms = natural_arms(n_draws + 1, n_treatments=len(model.treatments), n_exposures=len(model.exposures))
    arms.from_day[1:], arms.until[1:] = day, day + HORIZON_DAYS
    arms.luck[1:] = (np.arange(1, n_draws + 1, dtype=np.uint64) + np.uint64(part << 20)) * np.uint64(GOLDEN)
    order = np.argsort(numbers)
    ascending, risk = numbers[order], np.empty(len(numbers))
    size = max(1, ARMS_AT_ONCE // n_draws)
    for first in range(0, len(numbers), size):
        life = simulate_arms(model, ascending[first : first + size], seed=SEED, arms=arms)
        first_event = life.onset_day_under[:, :, event].min(axis=2)
        had = (first_event < day + HORIZON_DAYS) & (first_event <= life.death_day_under)
        risk[order[first : first + size]] = had.mean(axis=1)
    return risk


# What learners are given --------------------------------------------------------------------------------------------


def as_date(days):
    """Write days as dates, and days after the end of the practice data as missing."""
    inside = days.where(days < (END - date(1970, 1, 1)).days)
    return pd.to_datetime(inside, unit="D").dt.date


def open_part(lives):
    """Give the columns that a register could hold."""
    gone = lives.left < lives.death
    table = pd.DataFrame(
        {
            "person": lives.person,
            "koen": lives.koen,
            "born": as_date(lives.born),
            "kom": lives.kom.astype("int16"),
            "education": lives.education,
            "arrived": as_date(lives.arrived),
            "left": as_date(lives.left.where(gone, FAR)),
            "died": as_date(lives.death.where(~gone, FAR)),
            "event": as_date(lives.event.where(lives.event < lives.left, FAR)),
        }
    )
    for name in (*DISEASES, *(f"{name}_{side}" for name in TREATMENTS for side in ("from", "until"))):
        table[name] = as_date(lives[name].where(lives[name] < np.minimum(lives.left, lives.death), FAR))
    return table


def opened_part(lives, risk):
    """Give the true risk, and what stands behind it and in no register, on the day of the test."""
    day = day_number(TEST)
    smokes = (lives.smoking_start < day) & (lives.smoking_stop >= day)
    table = pd.DataFrame({"person": lives.person, "true_risk": risk.astype("float32"), "smoking": smokes})
    for name in HIDDEN:
        table[name] = lives[f"hidden_{name}"].round(2).astype("float32")
    table["unrecognised"] = np.sum(
        [
            (lives[f"onset_{name}"] < day) & (lives[name] >= day)
            for name in ("hypertension", "dyslipidaemia", "t2d", "ihd", "af", "pad", "ckd")
        ],
        axis=0,
    ).astype("int8")
    return table


def write(table, name):
    """Write a small file."""
    arrow = pa.Table.from_pandas(table, preserve_index=False)
    pq.write_table(arrow, HERE / "data" / f"{name}.parquet", compression="zstd", compression_level=19)


def choose_lives(lives, *, rng):
    """Choose lives to follow from 2000 to 2019: all at risk for ten years or more, half of them with an event then."""
    ill = (lives[list(DISEASES)].apply(lambda days: days.between(day_number(2001), day_number(2019)))).sum(axis=1)
    at = at_risk(lives, 2000) & (lives.born > day_number(1940)) & (lives.left > day_number(2020)) & (ill >= 3)
    late = at & lives.event.between(day_number(2010), day_number(2019))
    free = at & (np.minimum(lives.event, lives.death) > day_number(2020))
    return np.concatenate([rng.choice(lives.index[some], SHOWN // 2, replace=False) for some in (late, free)])


def courses(model, lives, chosen):
    """Give the true five-year risk of some lives on each 1 January on which they are at risk."""
    rows = []
    for year in range(2000, 2020):
        some = lives.loc[chosen]
        some = some[at_risk(some, year)]
        risk = true_risk(model, some.number.to_numpy(), year, n_draws=DRAWS["lives"], part=3)
        rows.append(pd.DataFrame({"person": some.person, "year": year, "true_risk": risk.astype("float32")}))
    return pd.concat(rows, ignore_index=True)


# Numbers, computed here and in `answers.py` in different ways ---------------------------------------------------------


def landmark(people, year):
    """Give a row for each person at risk on 1 January of a year who is not lost within five years."""
    day = pd.Timestamp(year, 1, 1)
    end = day + pd.Timedelta(days=HORIZON_DAYS)
    age = np.floor((day - people.born).dt.days / 365.25)
    here = (people.arrived <= day) & ~(people.left <= day) & ~(people.died < day) & ~(people.event < day)
    here &= age.between(YOUNGEST, OLDEST) & ~((people.left < end) & ~(people.event < end))
    some = people[here]
    rows = some[["person", "koen", "education", "kom", "born"]].assign(year=year, age=age[here])
    for name in DISEASES:
        rows[name], rows[f"{name}_ever"] = some[name] < day, some[name].notna()
    for name in TREATMENTS:
        rows[name] = (some[f"{name}_from"] < day) & ~(some[f"{name}_until"] < day - pd.Timedelta(days=365))
        rows[f"{name}_ever"] = some[f"{name}_from"].notna()
    rows["ihd_late"] = some.ihd < pd.Timestamp(year + 1, 1, 1)
    rows["vessel"] = some[["ihd", "event"]].min(axis=1) < pd.Timestamp(year + 1, 1, 1)
    return rows.assign(had=(some.event < end).astype(float))


def design(rows, names=(*DISEASES, *TREATMENTS), *, calendar=True):
    """Put the predictors side by side."""
    age, woman = (rows.age.to_numpy() - 65) / 10, (rows.koen == 2).to_numpy()
    columns = [np.ones(len(rows)), age, age**2, woman, woman * age, *(rows[name] for name in names)]
    if names:
        columns += [rows.education == 2, rows.education == 3]
    if calendar:
        columns.append((rows.year - 2010) / 10)
    return np.column_stack([np.asarray(column, dtype=float) for column in columns])


def fit(x, y, *, start=None):
    """Fit a logistic regression by Newton's method; outcomes may be fractions."""
    beta = np.zeros(x.shape[1]) if start is None else start
    for _ in range(25):
        p = 1 / (1 + np.exp(-x @ beta))
        step = np.linalg.solve((x.T * (p * (1 - p))) @ x, x.T @ (y - p))
        beta = beta + step
        if np.abs(step).max() < 1e-8:
            break
    return beta


def chance(x, beta):
    """Turn a linear predictor into a risk."""
    return 1 / (1 + np.exp(-x @ beta))


def concordance(score, y, weight=None):
    """Give the c-statistic: of a pair, one with an event and one without, how often the first has the higher score.

    With risks in place of outcomes it is its mean over all outcomes that could have happened (pairs of a person with
    itself aside, which are too few to matter).
    """
    weight = np.ones(len(y)) if weight is None else weight
    group = np.unique(score, return_inverse=True)[1]
    cases, others = np.bincount(group, weight * y), np.bincount(group, weight * (1 - y))
    return float((cases * (np.cumsum(others) - others / 2)).sum() / (cases.sum() * others.sum()))


def bootstrap(statistic, n_rows, *, rng, n=200):
    """Give the standard error of a statistic of rows that may be drawn again (weights of a Poisson bootstrap)."""
    return float(np.std([statistic(rng.poisson(1.0, n_rows).astype(float)) for _ in range(n)], ddof=1))


def split_by_persons(rows, *, rng):
    """The colleague's neighbourhood score, tried on persons whom it has not seen."""
    seen = rows.person.isin(rng.permutation(rows.person.unique())[: rows.person.nunique() // 2]).to_numpy()
    return neighbourhood(rows[seen], rows[~seen])


def neighbourhood(train, test):
    """Fit with the share of events among the neighbours of the same sex and quarter of birth; give the c elsewhere."""
    parts = []
    by_cell = train.groupby("cell").had.agg(["sum", "size"])
    for part, own in ((train, 1), (test, 0)):
        known = by_cell.reindex(part.cell).fillna(0).to_numpy()
        share = (known[:, 0] - own * part.had + 5 * train.had.mean()) / (known[:, 1] - own + 5)
        parts.append(np.column_stack([design(part), np.log(share)]))
    return concordance(parts[1] @ fit(parts[0], train.had.to_numpy()), test.had.to_numpy())


def expected(people, truth, opened, *, rng):
    """Give all numbers that the module is graded against, or that its texts and tests speak of."""
    rows = pd.concat([landmark(people, year) for year in (*LANDMARKS, TEST)], ignore_index=True)
    train, test = rows[rows.year < TEST], rows[rows.year == TEST].reset_index(drop=True)
    had, y = train.had.to_numpy(), test.had.to_numpy()

    def tried(names=(*DISEASES, *TREATMENTS), **how):
        beta = fit(design(train, names, **how), had)
        return chance(design(test, names, **how), beta)

    model, timeless, simple = tried(), tried(calendar=False), tried(())
    beta = fit(design(train), had)
    out = {
        "discrimination": {
            "value": concordance(model, y),
            "standard_error": bootstrap(
                lambda w: concordance(model, y, w) - concordance(simple, y, w), len(y), rng=rng
            ),
            "sampling_error": bootstrap(lambda w: concordance(model, y, w), len(y), rng=rng),
        },
        "discrimination-training": {"value": concordance(chance(design(train), beta), had)},
        "discrimination-simple": {"value": concordance(simple, y)},
        "observed-over-expected": {"value": y.mean() / model.mean()},
        "observed-over-expected-timeless": {"value": y.mean() / timeless.mean()},
    }
    out |= leaks(rows, train, test, rng=rng)
    out |= update(test, truth, timeless)
    return out | against_truth(test, opened, model, simple, rng=rng)


def leaks(rows, train, test, *, rng):
    """What the four sabotaged analyses seem to be worth, and what they are."""
    had, y = train.had.to_numpy(), test.had.to_numpy()
    out = {}
    ever = [f"{name}_ever" for name in (*DISEASES, *TREATMENTS)]
    beta = fit(design(train, ever), had)
    used = test.assign(**{f"{name}_ever": test[name] for name in (*DISEASES, *TREATMENTS)})
    out["future-apparent"] = {"value": concordance(design(test, ever) @ beta, y)}
    out["future"] = {"value": concordance(design(used, ever) @ beta, y)}
    out["future-expected"] = {"value": chance(design(used, ever), beta).mean() / y.mean()}
    inside = [*(name for name in DISEASES if name != "ihd"), *TREATMENTS, "vessel"]
    beta = fit(design(train, inside), had)
    out["inside-apparent"] = {"value": concordance(design(test, inside) @ beta, y)}
    for name, values in (("codes", "ihd"), ("window", "ihd_late")):  # one of the two faults is left
        part_train, part_test = train.assign(vessel=train[values]), test.assign(vessel=test[values])
        single = fit(design(part_train, inside), had)
        out[f"inside-{name}-alone"] = {"value": concordance(design(part_test, inside) @ single, y)}
    out["inside"] = {"value": concordance(design(test.assign(vessel=test.ihd), inside) @ beta, y)}
    early = rows[rows.year < TEST].copy()
    early["cell"] = early.kom.astype(str) + early.koen.astype(str) + early.born.dt.to_period("Q").astype(str)
    first = rng.random(len(early)) < 0.5
    again = [split_by_persons(early, rng=rng) for _ in range(10)]
    out["rows-apparent"] = {"value": neighbourhood(early[first], early[~first])}
    seen = (early.person % 2 == 0).to_numpy()
    alone = design(early[~seen]) @ fit(design(early[seen]), early.had.to_numpy()[seen])
    out["rows-without"] = {"value": concordance(alone, early.had.to_numpy()[~seen])}
    out["rows"] = {"value": float(np.mean(again)), "standard_error": float(np.std(again, ddof=1))}
    return out


def update(test, truth, timeless):
    """The true mean risk by sex and age, with the error that counting the events of these persons has."""
    groups = {"right": [], "drift": []}
    test = test.assign(told=timeless, band=np.where(test.age < 65, "50-64", "65-79"))
    truth = truth.assign(band=np.where(truth.age < 65, "50-64", "65-79"))
    for (koen, band), true in truth.groupby(["koen", "band"]):
        seen = test[(test.koen == koen) & (test.band == band)]
        p = true.true_risk.mean()
        draws = (true.true_risk * (1 - true.true_risk)).mean() / DRAWS["groups"] / len(true)
        error = np.sqrt(p * (1 - p) / len(seen) + draws)
        groups["right"].append([int(koen), band, p, error])
        groups["drift"].append([int(koen), band, seen.told.mean(), error])
    return {"update": {"rows": groups["right"]}, "update-drift": {"rows": groups["drift"]}}


def against_truth(test, opened, model, simple, *, rng):
    """What the truth says about the model, among the persons whose true risk is opened."""
    told = pd.DataFrame({"person": test.person, "model": model, "simple": simple, "had": test.had})
    both = opened.merge(told, on="person")
    both["model"] *= test.had.mean() / model.mean()
    p = both.true_risk.to_numpy(float)
    middle = both.true_risk[both.model.between(0.04, 0.06)].to_numpy(float)

    def upper(weight):
        return np.quantile(np.repeat(middle, weight.astype(int)), 0.9)

    out = {
        "attainable": {
            "value": concordance(p, p),
            "standard_error": bootstrap(lambda w: concordance(p, p, w), len(p), rng=rng),
        },
        "attainable-model": {"value": concordance(both.model, p)},
        "attainable-simple": {"value": concordance(both.simple, p)},
        "opened-persons": {"value": len(both)},
        "told-five": {"value": np.quantile(middle, 0.9), "standard_error": bootstrap(upper, len(middle), rng=rng)},
        "told-five-low": {"value": np.quantile(middle, 0.1)},
        "told-five-mean": {"value": middle.mean()},
        "told-five-persons": {"value": len(middle)},
        "spread-true": {"value": p.std()},
        "spread-model": {"value": both.model.std()},
    }
    logit = np.log(both.model / (1 - both.model))
    for name in ("smoking", *HIDDEN, "unrecognised"):
        x = np.column_stack([np.ones(len(both)), logit, both[name].astype(float)])
        out[f"with-{name.replace('_', '-')}"] = {"value": concordance(x @ fit(x, p), p)}
    everything = np.column_stack([np.ones(len(both)), logit, both[["smoking", *HIDDEN, "unrecognised"]].astype(float)])
    out["with-everything"] = {"value": concordance(everything @ fit(everything, p), p)}
    return out


def fill_in(numbers, path):
    """Put the numbers into the lines of `module.yaml` that end with `# made: <name>`."""

    def statement(match):
        number = numbers[match["name"]]
        if "rows" in number:
            rows = ", ".join(
                f"({koen}, '{band}', {value:.6f}, {error:.6f})" for koen, band, value, error in number["rows"]
            )
            return f"SELECT * FROM (VALUES {rows}) AS t(koen, age, value, standard_error)"  # noqa: S608  numbers alone
        error = f", {number['standard_error']:.6f} AS standard_error" if "standard_error" in match["old"] else ""
        return f"SELECT {number['value']:.6f} AS value{error}"

    pattern = r"(?P<head>sql: )(?P<old>SELECT .*?)(?P<tail>\}?)  # made: (?P<name>[a-z-]+)"
    text = path.read_text()
    path.write_text(re.sub(pattern, lambda m: f"{m['head']}{statement(m)}{m['tail']}  # made: {m['name']}", text))


def rounded(number):
    """Round what is written down."""
    if "rows" in number:
        return {
            "rows": [
                [koen, band, round(float(p), 6), round(float(error), 6)] for koen, band, p, error in number["rows"]
            ]
        }
    return {key: float(f"{value:.6f}") for key, value in number.items()}


def main():
    """Make all."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--persons", type=int, default=240_000)
    options = parser.parse_args()
    model, rng = load_model(), np.random.default_rng(SEED)
    lives = live(model, options.persons)
    lives["person"] = rng.permutation(len(lives)).astype("int32")
    lives = lives.sort_values("person", ignore_index=True)
    (HERE / "data").mkdir(exist_ok=True)
    write(open_part(lives), "persons")
    print(f"{len(lives):,} of {options.persons:,} lives are at risk at a landmark", flush=True)
    tested = lives[at_risk(lives, TEST)].reset_index(drop=True)
    few = tested.iloc[:N_OPENED]
    halves = [true_risk(model, few.number.to_numpy(), TEST, n_draws=DRAWS["opened"] // 2, part=p) for p in (1, 4)]
    opened = opened_part(few, np.mean(halves, axis=0))
    write(opened, "truth")
    print("the true risk of single persons is done", flush=True)
    truth = pd.DataFrame({"koen": tested.koen, "age": np.floor((day_number(TEST) - tested.born) / 365.25)})
    truth["true_risk"] = true_risk(model, tested.number.to_numpy(), TEST, n_draws=DRAWS["groups"], part=2)
    write(courses(model, lives, choose_lives(lives, rng=rng)), "courses")
    print("the true risk of groups and over time is done", flush=True)
    people = pd.read_parquet(HERE / "data" / "persons.parquet")
    for name in people:
        if pd.api.types.is_object_dtype(people[name]):  # dates
            people[name] = pd.to_datetime(people[name])
    numbers = expected(people, truth, opened, rng=rng)
    numbers["attainable-halves"] = {"value": concordance(halves[0], halves[1])}
    numbers = {name: rounded(number) for name, number in numbers.items()}
    about = {
        "lives": options.persons,
        "persons": len(lives),
        "tested": len(tested),
        "opened": len(opened),
        "seed": SEED,
    }
    (HERE / "expected.json").write_text(json.dumps({"about": about, "numbers": numbers}, indent=1) + "\n")
    if (HERE / "module.yaml").exists():
        fill_in(numbers, HERE / "module.yaml")
    print(json.dumps(about), json.dumps(numbers, indent=1))


if __name__ == "__main__":
    main()
