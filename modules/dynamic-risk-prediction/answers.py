"""Right and wrong approaches to the exercises, tried by `sandkasse module test`.

Every function is given the open dataset and returns what a learner would hand to `check`. Those of parts 2 to 4 read
the module's own practice data. Right ones come in pairs that share as little code as possible; the wrong ones are those
that learners are tempted by. What each of them is stands in `module.yaml`, beside its name.
"""

# ruff: noqa: D103  the titles of the functions are in module.yaml

from functools import cache
from pathlib import Path

import duckdb
import ibis
import numpy as np
import pandas as pd
from ibis import _

DATA = Path(__file__).parent / "data"
EVENT = "^(DI21|DI6[0-4]|410|43[0-6])"
DISEASES = ["hypertension", "dyslipidaemia", "t2d", "t1d", "ihd", "af", "hf", "pad", "ckd", "copd"]
DRUGS = ["statin", "antihypertensive", "antiplatelet"]
NAMES = [*DISEASES, *DRUGS]
EVER = [f"{name}_ever" for name in NAMES]
YEARS = (2000, 2005, 2010, 2015)
PROTEINS = 20


# Part 1 ---------------------------------------------------------------------------------------------------------------


def _event_days(data):
    seen = data.lpr_adm.join(data.lpr_diag, "recnum")
    return seen.filter(_.c_diag.re_search(EVENT) & _.c_diagtype.isin(["A", "B"])).select("pnr", day="d_inddto")


def _residents(data, year, youngest=50):
    age = year - _.foed_dato.year() - (_.foed_dato.strftime("%m%d") > "0101").cast("int32")
    return data.bef.filter(_.referencetid == ibis.date(f"{year}-01-01")).filter(age.between(youngest, 79))


def at_risk_ibis(data):
    events = _event_days(data)
    rows = []
    for year in YEARS:
        before = events.filter(_.day < ibis.date(f"{year}-01-01"))
        rows.append((year, int(_residents(data, year).anti_join(before, "pnr").count().execute())))
    return pd.DataFrame(rows, columns=["year", "persons"])


def _at_risk(data, keep, *, birth_year=False):
    first = _event_days(data).group_by("pnr").agg(first=_.day.min()).execute().set_index("pnr")["first"]
    here = data.bef.filter(_.referencetid.year().isin(YEARS)).select("pnr", "foed_dato", "referencetid").execute()
    born, year = pd.to_datetime(here.foed_dato), pd.to_datetime(here.referencetid).dt.year
    age = year - born.dt.year - (0 if birth_year else ((born.dt.month > 1) | (born.dt.day > 1)).astype(int))
    when = pd.to_datetime(here.pnr.map(first))
    chosen = year[age.between(50, 79) & keep(when, pd.to_datetime(here.referencetid))]
    return chosen.value_counts().rename_axis("year").rename("persons").reset_index()


def at_risk_pandas(data):
    return _at_risk(data, lambda event, day: ~(event < day))


def at_risk_prevalent(data):
    return _at_risk(data, lambda _event, day: day.notna())


def at_risk_never(data):
    return _at_risk(data, lambda event, _day: event.isna())


def at_risk_birth_year(data):
    return _at_risk(data, lambda event, day: ~(event < day), birth_year=True)


def at_risk_one_year(data):
    rows = at_risk_pandas(data)
    return rows[rows.year == 2010]


def _sources(data):
    return {
        "inpatient": data.lpr_adm.filter(_.c_pattype == "0").select("pnr", day="d_inddto"),
        "outpatient": data.lpr_adm.filter(_.c_pattype == "2").select("pnr", day="d_inddto"),
        "prescriptions": data.lmdb.select("pnr", day="eksd"),
        "laboratory": data.lab_forsker.select("pnr", day="samplingdate"),
        "lpr3": data.lpr3a_kontakt.select("pnr", day=_.kont_starttidspunkt.date()),
    }


def look_back_first_day(data):
    first = {name: pd.Timestamp(table.day.min().execute()) for name, table in _sources(data).items()}
    return ", ".join(name for name, day in first.items() if day < pd.Timestamp("1995-02-01"))


def look_back_every_year(data):
    right = []
    for name, table in _sources(data).items():
        years = set(table.select(year=_.day.year()).distinct().execute().year)
        if set(range(1995, 2015)) <= years:
            right.append(name)
    return ",".join(right)


def look_back_all(_data):
    return "inpatient, outpatient, prescriptions, laboratory, lpr3"


def look_back_test_year(data):
    names = [
        name
        for name, table in _sources(data).items()
        if table.filter((_.day >= ibis.date("2010-01-01")) & (_.day < ibis.date("2015-01-01"))).count().execute()
    ]
    return ", ".join(names)


def look_back_hospital_alone(_data):
    return "inpatient"


def _follow(data):
    rows = _residents(data, 2010, youngest=70).select("pnr").execute()
    days = _event_days(data).execute()
    days["day"] = pd.to_datetime(days.day)
    opening, end = pd.Timestamp("2010-01-01"), pd.Timestamp("2015-01-01")
    rows = rows[~rows.pnr.isin(days.pnr[days.day < opening])]
    rows["event"] = rows.pnr.map(days[days.day >= opening].groupby("pnr").day.min())
    died = data.dod.select("pnr", "doddato").execute().set_index("pnr").doddato
    rows["died"] = pd.to_datetime(rows.pnr.map(died))
    last = data.bef.group_by("pnr").agg(last=_.referencetid.max()).execute().set_index("pnr")["last"]
    last = pd.to_datetime(rows.pnr.map(last))
    rows["gone"] = (last + pd.DateOffset(months=6)).where(rows.died.isna() & (last < end))
    first = rows[["event", "died", "gone"]].min(axis=1).clip(upper=end).fillna(end)
    rows["time"] = (first - opening).dt.days
    rows["had"] = (rows.event == first) & (first < end)
    rows["dead"] = (rows.died == first) & (first < end) & ~rows.had
    rows["lost"] = rows.gone.notna() & (rows.gone == first) & ~rows.had & ~rows.dead
    return rows


def competing_aalen_johansen(data):
    rows = _follow(data).sort_values("time")
    at = np.arange(len(rows), 0, -1)
    had, stop = rows.had.to_numpy(), (rows.had | rows.dead).to_numpy()
    free = np.concatenate([[1.0], np.cumprod(1 - stop / at)[:-1]])
    return float((free * had / at).sum())


def competing_share(data):
    rows = _follow(data)
    return float(rows.had[~rows.lost].mean())


def competing_kaplan_meier(data):
    rows = _follow(data).sort_values("time")
    at = np.arange(len(rows), 0, -1)
    return float(1 - np.prod(1 - rows.had.to_numpy() / at))


def competing_survivors(data):
    rows = _follow(data)
    return float(rows.had[~rows.dead].mean())


def competing_either(data):
    rows = _follow(data)
    return float((rows.had | rows.dead).mean())


def competing_per_cent(data):
    return 100 * competing_aalen_johansen(data)


# Tools of parts 2 to 4: rows in pandas, and again in SQL --------------------------------------------------------------


@cache
def _people():
    people = pd.read_parquet(DATA / "persons.parquet")
    dates = ["born", "arrived", "left", "died", "event", *DISEASES]
    dates += [f"{name}_{side}" for name in DRUGS for side in ("from", "until")]
    return people.assign(**{name: pd.to_datetime(people[name]) for name in dates})


@cache
def _landmark(year):
    people, day = _people(), pd.Timestamp(year, 1, 1)
    end = day + pd.Timedelta(days=1826)
    age = (day - people.born).dt.days // 365.25
    here = (people.arrived <= day) & ~(people.left <= day) & ~(people.died < day) & ~(people.event < day)
    some = people[here & age.between(50, 79) & ~((people.left < end) & ~(people.event < end))]
    rows = some[["person", "koen", "kom", "born", "education", "event"]].assign(year=year, age=age)
    for name in DISEASES:
        rows[name], rows[f"{name}_ever"] = some[name] < day, some[name].notna()
    for name in DRUGS:
        rows[name] = (some[f"{name}_from"] < day) & ~(some[f"{name}_until"] < day - pd.Timedelta(days=365))
        rows[f"{name}_ever"] = some[f"{name}_from"].notna()
    rows["vessel"] = some[["ihd", "event"]].min(axis=1) < pd.Timestamp(year + 1, 1, 1)
    rows["vessel_late"] = some.ihd < pd.Timestamp(year + 1, 1, 1)
    return rows.assign(had=(some.event < end).astype(float)).reset_index(drop=True)


@cache
def _train():
    return pd.concat([_landmark(year) for year in range(2000, 2011, 2)], ignore_index=True)


def _test():
    return _landmark(2015)


@cache
def _rows_sql(years):
    """Give landmark rows by SQL, with the time under observation in days."""
    known = ", ".join(f"coalesce({name} < day, false) AS {name}" for name in DISEASES)
    taken = ", ".join(
        f"coalesce({name}_from < day AND coalesce({name}_until >= day - 365, true), false) AS {name}" for name in DRUGS
    )
    return duckdb.sql(
        f"""
        WITH marks AS (SELECT unnest({list(years)}) AS year),
        rows AS (SELECT p.*, year, make_date(year, 1, 1) AS day, make_date(year, 1, 1) + 1826 AS until
          FROM read_parquet('{DATA / "persons.parquet"}') p, marks)
        SELECT person, koen, education, year, floor((day - born) / 365.25) AS age, {known}, {taken},
          CAST(coalesce(event < until, false) AS INTEGER) AS had,
          least(coalesce(event, until), coalesce(died, until), until) - day + 1 AS days
        FROM rows WHERE arrived <= day AND coalesce("left" > day, true) AND coalesce(died >= day, true)
          AND coalesce(event >= day, true) AND floor((day - born) / 365.25) BETWEEN 50 AND 79
          AND (coalesce("left" >= until, true) OR coalesce(event < until, false))
        ORDER BY year, person"""  # noqa: S608  every part of the statement is written here
    ).df()


def _design(rows, names=NAMES, *, calendar=True):
    age, woman = (rows.age.to_numpy(float) - 65) / 10, rows.koen.to_numpy() == 2
    columns = [np.ones(len(rows)), age, age**2, woman, woman * age]
    if len(names):
        columns += [rows.education == 2, rows.education == 3, *(rows[name] for name in names)]
    if calendar:
        columns.append((rows.year - 2010) / 10)
    return np.column_stack([np.asarray(column, dtype=float) for column in columns])


def _logistic(x, y):
    beta = np.zeros(x.shape[1])
    for _step in range(12):
        p = 1 / (1 + np.exp(-x @ beta))
        beta = beta + np.linalg.solve((x.T * (p * (1 - p))) @ x, x.T @ (y - p))
    return beta


def _poisson(x, y, time):
    """Fit rates per day of observation."""
    beta = np.zeros(x.shape[1])
    beta[0] = np.log(y.sum() / time.sum())
    for _step in range(25):
        mean = time * np.exp(x @ beta)
        beta = beta + np.linalg.solve((x.T * mean) @ x, x.T @ (y - mean))
    return beta


def _by_ranks(score, had):
    rank, had = pd.Series(np.asarray(score)).rank().to_numpy(), np.asarray(had)
    n_had, n_free = had.sum(), (1 - had).sum()
    return float((rank[had > 0].sum() - n_had * (n_had + 1) / 2) / (n_had * n_free))


def _by_pairs(score, had):
    """Look each person with an event up among those without."""
    score, had = np.asarray(score), np.asarray(had) > 0
    free = np.sort(score[~had])
    below, up_to = np.searchsorted(free, score[had]), np.searchsorted(free, score[had], side="right")
    return float((below + up_to).mean() / 2 / len(free))


def _chance(x, beta):
    return 1 / (1 + np.exp(-x @ beta))


@cache
def _told(names=tuple(NAMES), *, calendar=True):
    beta = _logistic(_design(_train(), names, calendar=calendar), _train().had.to_numpy())
    return _chance(_design(_test(), names, calendar=calendar), beta)


# Part 2 ---------------------------------------------------------------------------------------------------------------


def discrimination_logistic(_data):
    return _by_ranks(_told(), _test().had)


def discrimination_poisson(_data):
    early, late = _rows_sql(tuple(range(2000, 2011, 2))), _rows_sql((2015,))
    beta = _poisson(_design(early), early.had.to_numpy(float), early.days.to_numpy(float))
    return _by_pairs(_design(late) @ beta, late.had)


def discrimination_age_and_sex(_data):
    return _by_ranks(_told(()), _test().had)


def discrimination_future(_data):
    beta = _logistic(_design(_train(), EVER), _train().had.to_numpy())
    return _by_ranks(_design(_test(), EVER) @ beta, _test().had)


def discrimination_turned(_data):
    return _by_ranks(-_told(), _test().had)


def discrimination_somers(_data):
    return 2 * _by_ranks(_told(), _test().had) - 1


def _by_group(rows, value):
    band = np.where(rows.age < 65, "50-64", "65-79")
    groups = pd.Series(np.asarray(value)).groupby([rows.koen.to_numpy(), band]).mean()
    return groups.rename_axis(["koen", "age"]).rename("risk").reset_index()


def update_shifted(_data):
    log_odds = np.log(_told(calendar=False) / (1 - _told(calendar=False)))
    shift = 0.0
    for _step in range(50):
        p = 1 / (1 + np.exp(-log_odds - shift))
        shift += (_test().had.mean() - p.mean()) / (p * (1 - p)).mean()
    return _by_group(_test(), p)


def update_observed(_data):
    rows = _rows_sql((2015,))
    return _by_group(rows, rows.had)


def update_drifted(_data):
    return _by_group(_test(), _told(calendar=False))


def update_all_years(_data):
    return _by_group(_train(), _train().had)


def update_half(_data):
    rows = _test()
    return _by_group(rows, rows.event < pd.Timestamp("2018-01-01"))


def update_mean(_data):
    return _by_group(_test(), np.full(len(_test()), _test().had.mean()))


# Part 3 ---------------------------------------------------------------------------------------------------------------


def _a_fitted():
    return _logistic(_design(_train(), EVER), _train().had.to_numpy())


def future_known(_data):
    known = _test().assign(**{f"{name}_ever": _test()[name] for name in NAMES})
    return _by_ranks(_design(known, EVER) @ _a_fitted(), known.had)


def future_blanked(_data):
    rows = _rows_sql((2015,))
    return _by_pairs(_design(rows) @ _a_fitted(), rows.had)


def future_apparent(_data):
    return _by_ranks(_design(_test(), EVER) @ _a_fitted(), _test().had)


def future_refitted(_data):
    return _by_ranks(_told(), _test().had)


def future_none(_data):
    blank = _test().assign(**dict.fromkeys(EVER, False))
    return _by_ranks(_design(blank, EVER) @ _a_fitted(), blank.had)


def _b_gain(name, column):
    """Let B's predictor be another column: by how much is the c-statistic above the honest one?"""
    names = [*(other for other in NAMES if other != "ihd"), name]
    train, test = (rows.assign(**{name: rows[column]}) for rows in (_train(), _test()))
    beta = _logistic(_design(train, names), train.had.to_numpy())
    return _by_ranks(_design(test, names) @ beta, test.had) - _by_ranks(_told(), _test().had)


def disguise_by_repairing(_data):
    whole = _b_gain("vessel", "vessel")
    found = []
    if _b_gain("vessel", "vessel_late") < whole / 2:  # codes repaired, the window as it was
        found.append("codes")
    if _b_gain("vessel", "ihd") < whole / 2:  # before the landmark nobody at risk has a code of the outcome
        found.append("window")
    return ", ".join(found)


def disguise_by_dates(_data):
    rows = _test()
    inside = rows[rows.vessel & ~rows.ihd]
    found = []
    if (inside.event < pd.Timestamp("2016-01-01")).mean() > 0.5:  # what made them have it is the outcome …
        found.append("codes")
    if (inside.event >= pd.Timestamp("2015-01-01")).mean() > 0.5:  # … of the months after the landmark
        found.append("window")
    return ", ".join(found)


def disguise_codes_alone(_data):
    return "codes"


def disguise_prevalent(_data):
    return "prevalent, codes"


def disguise_look_back(_data):
    return "codes, window, prevalent, look-back"


def _cells(rows):
    quarter = rows.born.dt.year * 4 + rows.born.dt.quarter
    return rows.kom.astype(int) * 100_000 + rows.koen.astype(int) * 50_000 + quarter


def _neighbours(first):
    """Run C's pipeline with some rows to learn from and the others to be tried on."""
    rows = _train().assign(cell=_cells(_train()))
    train, test = rows[first], rows[~first]
    n, events = train.groupby("cell").size(), train.groupby("cell").had.sum()
    base, designs = train.had.mean(), []
    for part, own in ((train, 1), (test, 0)):
        known = part.cell.map(events).fillna(0) - own * part.had
        share = (known + 5 * base) / (part.cell.map(n).fillna(0) - own + 5)
        designs.append(np.column_stack([_design(part), np.log(share)]))
    return _by_ranks(designs[1] @ _logistic(designs[0], train.had.to_numpy()), test.had)


def persons_drawn(_data):
    numbers = _train().person.unique()
    drawn = np.random.default_rng(11).choice(numbers, len(numbers) // 2, replace=False)
    return _neighbours(_train().person.isin(drawn).to_numpy())


def persons_even(_data):
    return _neighbours((_train().person % 2 == 0).to_numpy())


def persons_rows(_data):
    return _neighbours(np.random.default_rng(12).random(len(_train())) < 0.5)


def persons_landmarks(_data):
    return _neighbours(_train().year.isin([2000, 2004, 2008]).to_numpy())


def persons_without(_data):
    first = (_train().person % 2 == 0).to_numpy()
    beta = _logistic(_design(_train()[first]), _train().had.to_numpy()[first])
    return _by_ranks(_design(_train()[~first]) @ beta, _train().had[~first])


def _panel():
    """D's proteins: persons with an event, persons without, and which are to learn from."""
    proteins = np.random.default_rng(7).standard_normal((600, 2000))
    later = np.tile([1.0, 0.0], 300)
    return proteins, later, np.arange(600) < 300


def _gap(proteins, had):
    return proteins[had > 0].mean(axis=0) - proteins[had == 0].mean(axis=0)


def _best(gap):
    return np.argsort(-abs(gap))[:PROTEINS]


def inside_chosen(_data):
    proteins, later, learn = _panel()
    gap = _gap(proteins[learn], later[learn])
    return _by_ranks(proteins[~learn][:, _best(gap)] @ gap[_best(gap)], later[~learn])


def inside_all(_data):
    """Choose nothing: ridge regression on all proteins, by its dual form."""
    proteins, later, learn = _panel()
    x, y = proteins[learn], later[learn] - 0.5
    weights = x.T @ np.linalg.solve(x @ x.T + 1_000 * np.eye(len(x)), y)
    return _by_pairs(proteins[~learn] @ weights, later[~learn])


def inside_leaking(_data):
    proteins, later, learn = _panel()
    best = _best(_gap(proteins, later))
    return _by_ranks(proteins[~learn][:, best] @ _gap(proteins[learn], later[learn])[best], later[~learn])


def inside_refitted(_data):
    proteins, later, learn = _panel()
    gap = _gap(proteins, later)
    return _by_ranks(proteins[~learn][:, _best(gap)] @ gap[_best(gap)], later[~learn])


def inside_training(_data):
    proteins, later, learn = _panel()
    gap = _gap(proteins[learn], later[learn])
    return _by_ranks(proteins[learn][:, _best(gap)] @ gap[_best(gap)], later[learn])


# Part 4 ---------------------------------------------------------------------------------------------------------------


@cache
def _opened():
    """Persons whose true risk is known, with what the updated supermodel tells them."""
    told = pd.DataFrame({"person": _test().person, "told": _told() * _test().had.mean() / _told().mean()})
    return pd.read_parquet(DATA / "truth.parquet").merge(told, on="person")


def told_logistic(_data):
    rows = _opened()
    return float(rows.true_risk[rows.told.between(0.04, 0.06)].quantile(0.9))


def told_poisson(_data):
    early, late = _rows_sql(tuple(range(2000, 2011, 2))), _rows_sql((2015,))
    beta = _poisson(_design(early, calendar=False), early.had.to_numpy(float), early.days.to_numpy(float))
    late["told"] = 1 - np.exp(-1826 * np.exp(_design(late, calendar=False) @ beta))
    late["told"] *= late.had.mean() / late.told.mean()
    rows = late.merge(pd.read_parquet(DATA / "truth.parquet"), on="person")
    return float(np.quantile(rows.true_risk[(rows.told >= 0.04) & (rows.told <= 0.06)], 0.9))


def told_lowest(_data):
    rows = _opened()
    return float(rows.true_risk[rows.told.between(0.04, 0.06)].quantile(0.1))


def told_mean(_data):
    rows = _opened()
    return float(rows.true_risk[rows.told.between(0.04, 0.06)].mean())


def told_per_cent(_data):
    return 100 * told_logistic(_data)


def told_everybody(_data):
    return float(_opened().true_risk.quantile(0.9))


def _expected(score, p):
    order = np.argsort(score, kind="stable")
    s, q = np.asarray(score, dtype=float)[order], np.asarray(p, dtype=float)[order]
    tie = np.unique(s, return_inverse=True)[1]
    had, free = np.bincount(tie, q), np.bincount(tie, 1 - q)
    return float((had * (np.cumsum(free) - free / 2)).sum() / (had.sum() * free.sum()))


def attainable_formula(_data):
    return _expected(_opened().true_risk, _opened().true_risk)


def attainable_drawn(_data):
    p = _opened().true_risk.to_numpy(float)
    rng = np.random.default_rng(5)
    return float(np.mean([_by_pairs(p, (rng.random(len(p)) < p).astype(float)) for _again in range(400)]))


def attainable_model(_data):
    return _expected(_opened().told, _opened().true_risk)


def attainable_one(_data):
    return 1.0


def attainable_median(_data):
    p = _opened().true_risk
    return _by_ranks(p, (p > p.median()).astype(float))


def _candidates(rows):
    return {name: rows[name].to_numpy(float) for name in ("smoking", "cvd", "ldl", "pressure", "unrecognised")}


def unknown_by_adding(_data):
    rows = _opened()
    base = [np.ones(len(rows)), np.log(rows.told / (1 - rows.told))]
    reached = {}
    for name, values in _candidates(rows).items():
        x = np.column_stack([*base, values])
        reached[name] = _expected(x @ _logistic(x, rows.true_risk.to_numpy(float)), rows.true_risk)
    return max(reached, key=reached.get)


def unknown_by_variance(_data):
    """Which one goes along with what the model misses, on the scale of the log odds?"""
    rows = _opened()
    true = rows.true_risk.to_numpy(float).clip(0.0005, None)
    missed = np.log(true / (1 - true)) - np.log(rows.told / (1 - rows.told)).to_numpy()
    found = {name: abs(np.corrcoef(values, missed)[0, 1]) for name, values in _candidates(rows).items()}
    return max(found, key=found.get)


def choose_smoking(_data):
    return "smoking"


def choose_ldl(_data):
    return "ldl"


def choose_unrecognised(_data):
    return "unrecognised"
