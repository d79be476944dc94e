"""Right and wrong approaches to the exercises, tried by `sandkasse module test`.

Every function is given the open dataset and returns what a learner would hand to `check`. Those of parts 2 and 3 read
the module's own practice data. Right ones come in pairs that share as little code as possible; the wrong ones are those
that learners are tempted by. What each of them is stands in `module.yaml`, beside its name.
"""

# ruff: noqa: D103  the titles of the functions are in module.yaml

from functools import lru_cache
from itertools import combinations
from pathlib import Path

import duckdb
import ibis
import numpy as np
import pandas as pd
from ibis import _

DATA = Path(__file__).parent / "data"
STATIN = "C10AA"
EVENT = "^(DI21|DI6[0-4]|410|43[0-6])"
HORIZON = 1826
KNOWN = ["dyslipidaemia", "t2d", "t1d", "ihd", "pad", "ckd", "hypertension", "hf", "af", "copd"]
HIDDEN = ["frailty", "cvd", "ldl"]
FOR_EACH = ["dyslipidaemia", "ihd", "pad"]  # reasons for which a doctor weighs a hidden trait in a way of its own


# Tools of part 1 ------------------------------------------------------------------------------------------------------


def _purchases(data):
    bought = data.lmdb.filter(_.atc.startswith(STATIN)).select("pnr", "eksd").execute()
    bought["eksd"] = pd.to_datetime(bought.eksd)
    return bought


def _events(data):
    seen = data.lpr_adm.join(data.lpr_diag, "recnum").filter(_.c_diag.re_search(EVENT) & _.c_diagtype.isin(["A", "B"]))
    seen = seen.select("pnr", day="d_inddto").execute()
    seen["day"] = pd.to_datetime(seen.day)
    return seen


def _residents(data, year):
    rows = data.bef.filter(_.referencetid == ibis.date(f"{year}-01-01")).select("pnr", "foed_dato").execute()
    born = pd.to_datetime(rows.foed_dato)
    age = year - born.dt.year - ~((born.dt.month == 1) & (born.dt.day == 1))
    return rows[age.between(50, 79)]


def _trial(data, year, *, users=False, events=True, by="before"):
    opening = pd.Timestamp(f"{year}-01-01")
    rows, bought, seen = _residents(data, year), _purchases(data), _events(data)
    if not users:
        rows = rows[~rows.pnr.isin(bought.pnr[bought.eksd < opening])]
    if events:
        rows = rows[~rows.pnr.isin(seen.pnr[seen.day < opening] if by == "before" else seen.pnr)]
    return rows


def _trial_ibis(data, year):
    opening = ibis.date(f"{year}-01-01")
    age = year - _.foed_dato.year() - (_.foed_dato.strftime("%m%d") > "0101").cast("int32")
    rows = data.bef.filter(_.referencetid == opening).filter(age.between(50, 79))
    rows = rows.anti_join(data.lmdb.filter(_.atc.startswith(STATIN) & (_.eksd < opening)), "pnr")
    seen = data.lpr_adm.join(data.lpr_diag, "recnum").filter(
        _.c_diag.re_search(EVENT) & _.c_diagtype.isin(["A", "B"]) & (_.d_inddto < opening)
    )
    return rows.anti_join(seen, "pnr").select("pnr")


# Part 1 ---------------------------------------------------------------------------------------------------------------


def eligible_ibis(data):
    return _trial_ibis(data, 2008).count().execute()


def eligible_pandas(data):
    return len(_trial(data, 2008))


def eligible_with_users(data):
    return len(_trial(data, 2008, users=True))


def eligible_with_events(data):
    return len(_trial(data, 2008, events=False))


def eligible_never_an_event(data):
    return len(_trial(data, 2008, by="ever"))


def starters_pandas(data):
    first = _purchases(data).groupby("pnr").eksd.min()
    rows = []
    for year in range(2004, 2014):
        enrolled = first.reindex(_trial(data, year).pnr)
        rows.append({"year": year, "starters": int((enrolled < f"{year}-04-01").sum())})
    return pd.DataFrame(rows)


def starters_ibis(data):
    rows = []
    for year in range(2004, 2014):
        bought = data.lmdb.filter(
            _.atc.startswith(STATIN) & _.eksd.between(ibis.date(f"{year}-01-01"), ibis.date(f"{year}-03-31"))
        )
        rows.append((year, int(_trial_ibis(data, year).semi_join(bought, "pnr").count().execute())))
    return pd.DataFrame(rows, columns=["year", "starters"])


def starters_all_users(data):
    bought = _purchases(data)
    rows = []
    for year in range(2004, 2014):
        inside = bought.pnr[bought.eksd.between(f"{year}-01-01", f"{year}-03-31")]
        rows.append((year, int(_trial(data, year, users=True).pnr.isin(inside).sum())))
    return pd.DataFrame(rows, columns=["year", "starters"])


def starters_whole_year(data):
    first = _purchases(data).groupby("pnr").eksd.min()
    rows = [(y, int((first.reindex(_trial(data, y).pnr) < f"{y + 1}-01-01").sum())) for y in range(2004, 2014)]
    return pd.DataFrame(rows, columns=["year", "starters"])


def starters_ever(data):
    first = _purchases(data).groupby("pnr").eksd.min()
    rows = [(y, int(first.reindex(_trial(data, y).pnr).notna().sum())) for y in range(2004, 2014)]
    return pd.DataFrame(rows, columns=["year", "starters"])


# Tools of parts 2 and 3 -----------------------------------------------------------------------------------------------


@lru_cache(maxsize=1)
def _read():
    rows = pd.read_parquet(DATA / "trials.parquet").join(pd.read_parquet(DATA / "hidden.parquet"))
    rows["start"] = (rows.statin_day < 0).fillna(False).astype(bool)
    rows["had"] = (rows.event_day < HORIZON).fillna(False).astype(float)
    rows["free"] = rows.event_day.fillna(HORIZON).clip(upper=HORIZON).astype(float)
    rows["stayed"] = rows.stay_day.notna().astype(float)
    return rows


def _practice(*, among=True):
    rows = _read()
    return rows[rows.indication].reset_index(drop=True) if among else rows.copy()


@lru_cache(maxsize=8)
def _practice_weights(hidden=()):
    """Give the weights of `_practice()`, fitted once."""
    return _weights(_practice(), hidden)


def _means(rows, value, group="start"):
    return {arm: np.average(part[value], weights=part.weight) for arm, part in rows.groupby(group)}


def _crude(rows, value="had", group="start"):
    mean = _means(rows, value, group)
    return mean[True] - mean[False]


def _design(rows, hidden=()):
    age, year = (rows.age.to_numpy() - 65) / 10, pd.to_datetime(rows.trial).dt.year.to_numpy() - 2009.0
    columns = [np.ones(len(rows)), age, age**2, rows.koen == 2, year, year**2, rows.recent]
    pairs = combinations(("dyslipidaemia", "t2d", "ihd", "pad", "ckd", "recent"), 2)
    columns += [rows[name] for name in KNOWN] + [rows[one] & rows[other] for one, other in pairs]
    for name in hidden:
        columns += [rows[name] / 10, *(rows[name] / 10 * rows[reason] for reason in FOR_EACH)]
    return np.column_stack([np.asarray(column, dtype=float) for column in columns])


def _fit(x, y, weight):
    beta = np.zeros(x.shape[1])
    beta[0] = np.log(np.average(y, weights=weight))
    for _step in range(25):
        p = 1 / (1 + np.exp(-x @ beta))
        change = np.linalg.solve((x.T * (weight * p * (1 - p))) @ x, x.T @ (weight * (y - p)))
        beta = beta + change
        if np.abs(change).max() < 1e-8:
            break
    return beta


def _propensity(rows, hidden=()):
    x = _design(rows, hidden)
    return 1 / (1 + np.exp(-x @ _fit(x, rows.start.to_numpy(float), rows.weight.to_numpy(float))))


def _weights(rows, hidden=()):
    p = _propensity(rows, hidden)
    return rows.weight / np.where(rows.start, p, 1 - p)


def _ipw(rows, value="had", weights=None):
    rows = rows.assign(w=_weights(rows) if weights is None else weights)
    mean = {arm: np.average(part[value], weights=part.w) for arm, part in rows.groupby("start")}
    return mean[True] - mean[False]


def _standardised(rows, value, by):
    """Compare within cells of the covariates, and weigh the cells as all who are eligible."""
    cell = rows.groupby(by).ngroup()
    size = rows.weight.groupby(cell).sum()
    sums = (rows[value] * rows.weight).groupby([cell, rows.start]).sum() / rows.weight.groupby([cell, rows.start]).sum()
    risk = sums.unstack()
    both = risk.notna().all(axis=1)
    return float(np.average(risk[True][both] - risk[False][both], weights=size[both]))


def _strata(rows):
    return rows.assign(
        age5=rows.age // 5,
        era=(pd.to_datetime(rows.trial).dt.year - 2003) // 5,
        ill=rows.hf | rows.af | rows.copd,
    )


STRATA = ["recent", "age5", "koen", "era", "dyslipidaemia", "t2d", "t1d", "ihd", "pad", "ckd", "hypertension", "ill"]


# Part 2 ---------------------------------------------------------------------------------------------------------------


def naive_pandas(_data):
    return _crude(_practice(among=False))


def naive_sql(_data):
    return duckdb.sql(
        f"""
        WITH t AS (
          SELECT weight, coalesce(statin_day < 0, false) AS start,
            CAST(coalesce(event_day < {HORIZON}, false) AS INTEGER) AS had
          FROM read_parquet('{DATA / "trials.parquet"}'))
        SELECT sum(weight * had) FILTER (WHERE start) / sum(weight) FILTER (WHERE start)
          - sum(weight * had) FILTER (WHERE NOT start) / sum(weight) FILTER (WHERE NOT start) FROM t
        """  # noqa: S608  every part of the statement is written here
    ).fetchall()[0][0]


def naive_unweighted(_data):
    rows = _practice(among=False)
    return rows.had[rows.start].mean() - rows.had[~rows.start].mean()


def naive_turned(_data):
    return -_crude(_practice(among=False))


def naive_ratio(_data):
    mean = _means(_practice(among=False), "had")
    return mean[True] / mean[False]


def indication_pandas(_data):
    return _crude(_practice())


def indication_regression(_data):
    """Regress on the start alone, by weighted least squares."""
    rows = _practice()
    x = np.column_stack([np.ones(len(rows)), rows.start])
    w = rows.weight.to_numpy(float)
    return float(np.linalg.solve((x.T * w) @ x, x.T @ (w * rows.had.to_numpy()))[1])


def indication_everybody(_data):
    return _crude(_practice(among=False))


def indication_without(_data):
    rows = _practice(among=False)
    return _crude(rows[~rows.indication])


def indication_unweighted(_data):
    rows = _practice()
    return float(rows.had[rows.start].mean() * 100 - rows.had[~rows.start].mean() * 100)


def adjusted_ipw(_data):
    return _ipw(_practice(), weights=_practice_weights())


def adjusted_strata(_data):
    return _standardised(_strata(_practice()), "had", STRATA)


def adjusted_crude(_data):
    return _crude(_practice())


def adjusted_naive(_data):
    return _crude(_practice(among=False))


def adjusted_ever(_data):
    rows = _practice()
    rows["start"] = (rows.statin_day < HORIZON).fillna(False).astype(bool)
    return _ipw(rows)


def adjusted_consequence(_data):
    """Throw out those who die within the five years."""
    rows = _practice()
    rows = rows[(rows.death_day >= HORIZON) | rows.death_day.isna()].reset_index(drop=True)
    return _ipw(rows)


def adjusted_ratio(_data):
    rows = _practice()
    rows["w"] = _practice_weights()
    mean = {arm: np.average(part.had, weights=part.w) for arm, part in rows.groupby("start")}
    return mean[True] / mean[False]


def adjusted_no_weights(_data):
    """Turn the propensity round: who was likely to start weighs most."""
    rows = _practice()
    p = _propensity(rows)
    rows["w"] = rows.weight * np.where(rows.start, p, 1 - p)
    mean = {arm: np.average(part.had, weights=part.w) for arm, part in rows.groupby("start")}
    return (mean[True] - mean[False]) * 100


def _interval(estimate, error, *, z=1.96):
    return pd.DataFrame({"low": [estimate - z * error], "high": [estimate + z * error]})


def _influence_error(rows):
    w = _practice_weights()
    influence = np.zeros(len(rows))
    for arm, sign in ((True, 1), (False, -1)):
        inside = np.where(rows.start == arm, w, 0.0)
        influence += sign * inside * (rows.had - np.average(rows.had, weights=inside)) / inside.sum()
    return float(np.sqrt((pd.Series(influence).groupby(rows.person.to_numpy()).sum() ** 2).sum()))


def interval_formula(_data):
    rows = _practice()
    return _interval(_ipw(rows, weights=_practice_weights()), _influence_error(rows))


def interval_bootstrap(_data):
    """Draw persons again, keep each row's weight."""
    rows = _practice()
    w, had, start = _practice_weights().to_numpy(), rows.had.to_numpy(), rows.start.to_numpy()
    person = pd.factorize(rows.person)[0]
    rng = np.random.default_rng(1)
    drawn = []
    for _again in range(200):
        v = w * rng.poisson(1.0, person.max() + 1)[person]
        drawn.append(np.average(had[start], weights=v[start]) - np.average(had[~start], weights=v[~start]))
    return _interval(_ipw(rows, weights=_practice_weights()), float(np.std(drawn)))


def interval_naive(_data):
    return _interval(_crude(_practice(among=False)), _influence_error(_practice()))


def interval_immortal(_data):
    return _interval(immortal_pandas(_data), _influence_error(_practice()))


def interval_weights_as_persons(_data):
    """Take the sum of the weights for the number of persons."""
    rows = _practice()
    n = rows.weight.sum()
    return _interval(_ipw(rows, weights=_practice_weights()), float(np.sqrt(4 * rows.had.var() / n)))


def interval_very_wide(_data):
    return pd.DataFrame({"low": [-0.1], "high": [0.1]})


# Part 3 ---------------------------------------------------------------------------------------------------------------


def days_ipw(_data):
    return _ipw(_practice(), "free", _practice_weights())


def days_strata(_data):
    return _standardised(_strata(_practice()), "free", STRATA)


def days_crude(_data):
    return _crude(_practice(), "free")


def days_everybody(_data):
    return _crude(_practice(among=False), "free")


def days_of_events(_data):
    """Average the days of those who had an event."""
    rows = _practice()
    return _ipw(rows[rows.event_day.notna() & (rows.had > 0)].reset_index(drop=True), "free")


def days_as_years(_data):
    return _ipw(_practice(), "free", _practice_weights()) / 365.25


def immortal_pandas(_data):
    rows = _practice()
    rows["user"] = (rows.statin_day < HORIZON).fillna(False).astype(bool)
    return _crude(rows, group="user")


def immortal_numpy(_data):
    rows = _practice()
    user = rows.statin_day.fillna(9_999).to_numpy(int) < HORIZON
    had, w = rows.had.to_numpy(), rows.weight.to_numpy(float)
    return float((had * w)[user].sum() / w[user].sum() - (had * w)[~user].sum() / w[~user].sum())


def immortal_everybody(_data):
    rows = _practice(among=False)
    rows["user"] = (rows.statin_day < HORIZON).fillna(False).astype(bool)
    return _crude(rows, group="user")


def immortal_starters(_data):
    return _crude(_practice())


def immortal_unweighted(_data):
    rows = _practice()
    user = (rows.statin_day < HORIZON).fillna(False).astype(bool)
    return 100 * (rows.had[user].mean() - rows.had[~user].mean())


def positivity_pandas(_data):
    rows = _practice(among=False)
    return 1000 * _means(rows[~rows.indication], "start", group="indication")[False]


def positivity_sql(_data):
    return duckdb.sql(
        f"""SELECT 1000.0 * sum(weight) FILTER (WHERE statin_day < 0) / sum(weight)
        FROM read_parquet('{DATA / "trials.parquet"}') WHERE NOT indication"""  # noqa: S608
    ).fetchall()[0][0]


def positivity_unweighted(_data):
    rows = _practice(among=False)
    return 1000 * rows.start[~rows.indication].mean()


def positivity_with(_data):
    return 1000 * _means(_practice(), "start", group="indication")[True]


def positivity_later(_data):
    rows = _practice(among=False)
    rows = rows[~rows.indication].assign(ever=lambda r: r.statin_day.notna())
    return 1000 * _means(rows, "ever", group="indication")[False]


def hidden_by_adjusting(_data):
    """Put each trait into the model alone: which one makes the effect smaller?"""
    rows = _practice()
    before = _ipw(rows, weights=_practice_weights())
    change = {name: _ipw(rows, weights=_practice_weights((name,))) - before for name in HIDDEN}
    return max(change, key=change.get)


def hidden_by_looking(_data):
    """All three bring events, so the one of which starters have less after weighting flatters the drug."""
    rows = _practice().assign(w=_practice_weights())
    gap = {}
    for name in HIDDEN:
        mean = {arm: np.average(part[name], weights=part.w) for arm, part in rows.groupby("start")}
        gap[name] = mean[True] - mean[False]
    return min(gap, key=gap.get)


def choose_cvd(_data):
    return "cvd"


def choose_ldl(_data):
    return "ldl"


def choose_none(_data):
    return "none"


def _account(parts):
    return pd.DataFrame({"part": list(parts), "points": [float(points) for points in parts.values()]})


def _ledger():
    rows = _practice()
    rows["kept"] = rows.had.where(~rows.start, rows.stayed)
    opened = _practice_weights(tuple(HIDDEN))
    estimate = _ipw(rows, weights=_practice_weights())
    stays = _ipw(rows, "kept", _practice_weights())
    known = _ipw(rows, "kept", opened)
    others = rows[~rows.start]
    truth = np.average(others.stayed - others.had, weights=others.weight)
    steps = {"truth": truth, "stopping": estimate - stays, "hidden": stays - known, "chance": known - truth}
    return {name: 100 * value for name, value in steps.items()}


def ledger_step_by_step(_data):
    return _account(_ledger())


def ledger_by_arms(_data):
    rows = _practice()
    start, had, stayed = rows.start.to_numpy(), 100 * rows.had.to_numpy(), 100 * rows.stayed.to_numpy()
    w, v = _practice_weights().to_numpy(), _practice_weights(tuple(HIDDEN)).to_numpy()
    size = rows.weight.to_numpy(float)

    def mean(values, weight, who):
        return (values * weight)[who].sum() / weight[who].sum()

    truth = mean(stayed, size, ~start) - mean(had, size, ~start)
    stopping = mean(had, w, start) - mean(stayed, w, start)
    hidden = mean(stayed, w, start) - mean(stayed, v, start) - mean(had, w, ~start) + mean(had, v, ~start)
    estimate = mean(had, w, start) - mean(had, w, ~start)
    rest = estimate - truth - stopping - hidden
    return _account({"truth": truth, "stopping": stopping, "hidden": hidden, "chance": rest})


def ledger_turned(_data):
    found = _ledger()
    return _account({name: points if name == "truth" else -points for name, points in found.items()})


def ledger_as_shares(_data):
    return _account({name: points / 100 for name, points in _ledger().items()})


def ledger_no_second_life(_data):
    """Take the crude difference for the truth."""
    found = _ledger()
    crude = 100 * _crude(_practice())
    return _account(
        {**found, "truth": crude, "chance": sum(found.values()) - crude - found["stopping"] - found["hidden"]}
    )


def more_persons_by_groups(_data):
    """Compute each part in twenty groups of persons: the one that scatters most is the one that more persons settle."""
    rows = _practice()
    rows = rows.assign(w=_practice_weights(), v=_practice_weights(tuple(HIDDEN)))
    rows["kept"] = rows.had.where(~rows.start, rows.stayed)
    found = []
    for _group, part in rows.groupby(rows.person % 20):
        others = part[~part.start]
        truth = np.average(others.stayed - others.had, weights=others.weight)
        estimate, stays, known = _ipw(part, "had", part.w), _ipw(part, "kept", part.w), _ipw(part, "kept", part.v)
        found.append({"truth": truth, "stopping": estimate - stays, "hidden": stays - known, "chance": known - truth})
    return str(pd.DataFrame(found).std().idxmax())


def more_persons_by_name(_data):
    return "chance"


def more_persons_all(_data):
    return "stopping, hidden, chance"


def more_persons_hidden(_data):
    return "hidden"


def more_persons_effect(_data):
    return "truth, chance"
