"""Right and wrong approaches to the exercises, tried by `sandkasse module test`.

Every function is given the open dataset and returns what a learner would hand to `check`. Right ones come in pairs that
share as little code as possible; the wrong ones are those that learners are tempted by. What each of them is stands in
`module.yaml`, beside its name.
"""

# ruff: noqa: D103  the titles of the functions are in module.yaml

import ibis
import pandas as pd
from ibis import _

STATIN = "C10AA"
ANTIDEPRESSANT = "N06A"
ATTACK = "^(DI2[12]|DI6[0-4]|410|43[0-46])"
FIRST, LAST = "2000-01-01", "2015-12-31"
EXTRACT = "2010-01-01"
MONTHS = (0, 3, 6, 12)


# Tools of the approaches in pandas ------------------------------------------------------------------------------------


def _purchases(data, atc=STATIN):
    bought = data.lmdb.filter(_.atc.startswith(atc)).select("pnr", "eksd").execute()
    bought["eksd"] = pd.to_datetime(bought.eksd)
    return bought


def _born(data):
    born = data.bef.select("pnr", "foed_dato").distinct().execute().drop_duplicates("pnr")
    born["foed_dato"] = pd.to_datetime(born.foed_dato)
    return born


def _age(born, day):
    birthday_to_come = (born.dt.month * 100 + born.dt.day) > (day.dt.month * 100 + day.dt.day)
    return day.dt.year - born.dt.year - birthday_to_come


def _new_users(data, *, since=None, age=_age, years=(FIRST, LAST)):
    bought = _purchases(data)
    if since:
        bought = bought[bought.eksd >= since]
    first = bought.groupby("pnr", as_index=False).eksd.min().merge(_born(data), on="pnr")
    first = first[first.eksd.between(*years)]
    return first[age(first.foed_dato, first.eksd).between(40, 79)].rename(columns={"eksd": "index"})


def _attacks(data, *, kinds=("A", "B")):
    seen = data.lpr_adm.join(data.lpr_diag, "recnum").filter(_.c_diag.re_search(ATTACK) & _.c_diagtype.isin(kinds))
    seen = seen.select("pnr", day="d_inddto").execute()
    seen["day"] = pd.to_datetime(seen.day)
    return seen


def _januaries(data):
    rows = data.bef.select("pnr", year=_.referencetid.year()).distinct().execute()
    return set(zip(rows.pnr, rows.year, strict=True))


def _deaths(data):
    died = data.dod.execute()
    died["doddato"] = pd.to_datetime(died.doddato)
    return died


# Tools of the approaches in Ibis --------------------------------------------------------------------------------------


def _whole_years(born, day):
    return day.year() - born.year() - (born.strftime("%m%d") > day.strftime("%m%d")).cast("int32")


def _index_dates(data):
    first = data.lmdb.filter(_.atc.startswith(STATIN)).group_by("pnr").agg(index=_.eksd.min())
    persons = data.bef.group_by("pnr").agg(foed_dato=_.foed_dato.min())
    first = first.join(persons, "pnr").filter(_.index.between(ibis.date(FIRST), ibis.date(LAST)))
    return first.filter(_whole_years(_.foed_dato, _["index"]).between(40, 79))


def _attack_days(data):
    return data.lpr_adm.join(data.lpr_diag, "recnum").filter(
        _.c_diag.re_search(ATTACK) & _.c_diagtype.isin(["A", "B"])
    ).select("pnr", day="d_inddto")


def _attack_before(data, index_dates):
    seen = index_dates.join(_attack_days(data), "pnr").filter(
        (_.day < _["index"]) & (_.day >= _["index"] - ibis.interval(years=5))
    )
    return seen.select("pnr").distinct()


def _cohort(data):
    people = _index_dates(data)
    stays = people.join(data.bef.select("pnr", year=_.referencetid.year()).distinct(), "pnr").filter(
        _.year.between(_["index"].year() - 5, _["index"].year())
    )
    whole = stays.group_by("pnr").agg(januaries=_.year.nunique()).filter(_.januaries == 6)
    return people.semi_join(whole, "pnr").anti_join(_attack_before(data, people), "pnr")


# Part 1 ---------------------------------------------------------------------------------------------------------------


def first_ibis(data):
    return _index_dates(data).count().execute()


def first_pandas(data):
    return len(_new_users(data))


def first_any_in_period(data):
    return len(_new_users(data, since=FIRST))


def first_year_of_birth(data):
    return len(_new_users(data, age=lambda born, day: day.dt.year - born.dt.year))


def first_purchases(data):
    bought = _purchases(data).merge(_born(data), on="pnr")
    bought = bought[bought.eksd.between(FIRST, LAST)]
    return int(_age(bought.foed_dato, bought.eksd).between(40, 79).sum())


def first_all_ages(data):
    bought = _purchases(data).groupby("pnr").eksd.min()
    return int(bought.between(FIRST, LAST).sum())


def prevalent_ibis(data):
    bought = data.lmdb.filter(_.atc.startswith(STATIN))
    first = bought.group_by("pnr").agg(
        ever=_.eksd.min(), seen=_.eksd.min(where=_.eksd >= ibis.date(EXTRACT))
    ).filter(_.seen.year() == 2010)
    return first.agg(share=(_.ever < ibis.date(EXTRACT)).cast("float64").mean()).execute().share.iloc[0]


def prevalent_pandas(data):
    bought = _purchases(data)
    in_extract = bought[bought.eksd.dt.year == 2010].pnr.unique()
    before = set(bought[bought.eksd < EXTRACT].pnr)
    return sum(pnr in before for pnr in in_extract) / len(in_extract)


def prevalent_turned(data):
    return 1 - prevalent_pandas(data)


def prevalent_whole_extract(data):
    bought = _purchases(data)
    in_extract = set(bought[bought.eksd >= EXTRACT].pnr)
    return len(in_extract & set(bought[bought.eksd < EXTRACT].pnr)) / len(in_extract)


def prevalent_purchases(data):
    bought = _purchases(data)
    before = bought[bought.eksd < EXTRACT].pnr.unique()
    rows = bought[bought.eksd.dt.year == 2010]
    return float(rows.pnr.isin(before).mean())


def prevalent_year_before(data):
    bought = _purchases(data)
    in_extract = set(bought[bought.eksd.dt.year == 2010].pnr)
    before = set(bought[bought.eksd.between("2009-10-01", "2009-12-31")].pnr)
    return len(in_extract & before) / len(in_extract)


def _washout(data, begins):
    bought = _purchases(data)
    ever = bought.groupby("pnr").eksd.min()
    seen = bought[bought.eksd >= EXTRACT].groupby("pnr").eksd.min()
    rows = []
    for months in MONTHS:
        start, stop = begins(months), begins(months + 12)
        chosen = seen[(seen >= start) & (seen < stop)]
        rows.append({"washout_months": months, "share": float((ever[chosen.index] < EXTRACT).mean())})
    return pd.DataFrame(rows)


def washout_pandas(data):
    return _washout(data, lambda months: pd.Timestamp(EXTRACT) + pd.DateOffset(months=months))


def washout_sql(data):
    windows = ", ".join(f"({months})" for months in MONTHS)
    return data.sql(
        f"""
        WITH bought AS (SELECT pnr, eksd FROM lmdb WHERE atc LIKE '{STATIN}%'),
        persons AS (
          SELECT pnr, min(eksd) AS ever, min(eksd) FILTER (WHERE eksd >= DATE '{EXTRACT}') AS seen FROM bought GROUP BY pnr)
        SELECT washout_months, avg(CAST(ever < DATE '{EXTRACT}' AS DOUBLE)) AS share
        FROM persons JOIN (VALUES {windows}) AS w(washout_months)
          ON seen >= DATE '{EXTRACT}' + to_months(washout_months) AND seen < DATE '{EXTRACT}' + to_months(washout_months + 12)
        GROUP BY washout_months
        """  # noqa: S608  every part of the statement is written here
    )


def washout_turned(data):
    table = washout_pandas(data)
    return table.assign(share=1 - table.share)


def washout_not_moved(data):
    """Count, in 2010, those who had bought so many months before."""
    bought = _purchases(data)
    chosen = bought[bought.eksd.dt.year == 2010].pnr.unique()
    rows = []
    for months in MONTHS:
        window = bought[bought.eksd.between(pd.Timestamp(EXTRACT) - pd.DateOffset(months=months), "2009-12-31")]
        rows.append({"washout_months": months, "share": float(pd.Series(chosen).isin(window.pnr).mean())})
    return pd.DataFrame(rows)


def washout_first_year_only(data):
    """Look at the purchases after the washout, whether or not there was one within it."""
    bought = _purchases(data)
    ever = bought.groupby("pnr").eksd.min()
    rows = []
    for months in MONTHS:
        start = pd.Timestamp(EXTRACT) + pd.DateOffset(months=months)
        inside = bought[(bought.eksd >= start) & (bought.eksd < start + pd.DateOffset(months=12))].pnr.unique()
        rows.append({"washout_months": months, "share": float((ever[inside] < EXTRACT).mean())})
    return pd.DataFrame(rows)


# Part 2 ---------------------------------------------------------------------------------------------------------------


def attack_ibis(data):
    people = _index_dates(data)
    return _attack_before(data, people).count().execute() / people.count().execute()


def _attack_share(data, keep):
    people = _new_users(data)
    seen = people.merge(_attacks(data), on="pnr")
    return seen[keep(seen)].pnr.nunique() / len(people)


def attack_pandas(data):
    return _attack_share(data, lambda s: (s.day < s["index"]) & (s.day >= s["index"] - pd.DateOffset(years=5)))


def attack_ever(data):
    return _attack_share(data, lambda s: s.day < s["index"])


def attack_at_any_time(data):
    return _attack_share(data, lambda s: s.day.notna())


def attack_afterwards(data):
    return _attack_share(data, lambda s: (s.day > s["index"]) & (s.day <= s["index"] + pd.DateOffset(years=5)))


def cohort_ibis(data):
    return _cohort(data).count().execute()


def _cohort_pandas(data, *, years=5, attacks=True):
    people = _new_users(data)
    present = _januaries(data)
    year = people["index"].dt.year
    stays = [
        all((pnr, y - back) in present for back in range(years + 1)) for pnr, y in zip(people.pnr, year, strict=True)
    ]
    people = people[stays]
    if not attacks:
        return people
    seen = people.merge(_attacks(data), on="pnr")
    before = seen[(seen.day < seen["index"]) & (seen.day >= seen["index"] - pd.DateOffset(years=5))].pnr
    return people[~people.pnr.isin(before)]


def cohort_pandas(data):
    return len(_cohort_pandas(data))


def cohort_index_year_alone(data):
    return len(_cohort_pandas(data, years=0))


def cohort_with_attacks(data):
    return len(_cohort_pandas(data, attacks=False))


def cohort_never_attacked(data):
    people = _cohort_pandas(data, attacks=False)
    return len(people[~people.pnr.isin(_attacks(data).pnr)])


def cohort_all_new_users(data):
    return len(_new_users(data))


def risk_ibis(data):
    people = _cohort(data).left_join(data.dod, "pnr")
    died = (people.doddato < people["index"] + ibis.interval(years=5)).fill_null(False)
    return people.agg(risk=died.cast("float64").mean()).execute().risk.iloc[0]


def _risk(data, died):
    people = _cohort_pandas(data).merge(_deaths(data), on="pnr", how="left")
    return float(died(people).mean())


def risk_pandas(data):
    return _risk(data, lambda p: (p.doddato - p["index"]).dt.days < 5 * 365.25)


def risk_ever(data):
    return _risk(data, lambda p: p.doddato.notna())


def risk_of_the_dead(data):
    people = _cohort_pandas(data).merge(_deaths(data), on="pnr")
    return float(((people.doddato - people["index"]).dt.days < 5 * 365.25).mean())


def risk_of_the_faithful(data):
    """Keep those who still bought in the third year: they had to live for it."""
    people = _cohort_pandas(data)
    later = people.merge(_purchases(data), on="pnr")
    year = pd.DateOffset(years=1)
    later = later[(later.eksd >= later["index"] + 2 * year) & (later.eksd < later["index"] + 3 * year)]
    people = people[people.pnr.isin(later.pnr)].merge(_deaths(data), on="pnr", how="left")
    return float(((people.doddato - people["index"]).dt.days < 5 * 365.25).mean())


# Part 3 ---------------------------------------------------------------------------------------------------------------


def _elders(data):
    start, end = pd.Timestamp("2000-01-01"), pd.Timestamp("2009-12-31")
    people = data.bef.filter(_.referencetid == ibis.date("2000-01-01")).select("pnr", "foed_dato").execute()
    born = pd.to_datetime(people.foed_dato)
    people = people[_age(born, pd.Series(start, index=people.index)).between(60, 79)]
    bought = _purchases(data)
    first = bought[bought.eksd.between(start, end)].groupby("pnr").eksd.min().rename("first")
    people = people.merge(first, on="pnr", how="left").merge(_deaths(data), on="pnr", how="left")
    people["died"] = people.doddato <= end
    people["stop"] = people.doddato.where(people.died, end)
    people["start"] = start
    return people


def fault_a_by_time(data):
    """Those who buy wait for it: whoever died early had no time to become a user."""
    people = _elders(data)
    waits = (people["first"] - people.start).dt.days
    return "immortal" if waits.mean() > 365 else "prevalent"


def fault_a_by_deaths(data):
    """Count deaths between 1 January 2000 and the first purchase, among the users: there are none."""
    users = _elders(data).dropna(subset="first")
    return "immortal" if not (users.doddato < users["first"]).any() else "outside"


def choose_prevalent(_data):
    return "prevalent"


def choose_immortal(_data):
    return "immortal"


def choose_outside(_data):
    return "outside"


def choose_age(_data):
    return "age"


def choose_codes(_data):
    return "codes"


def ratio_pandas(data):
    people = _elders(data)
    users = people[people["first"].notna()]
    exposed = (users.stop - users["first"]).dt.days.sum()
    waiting = (people["first"].fillna(people.stop) - people.start).dt.days.sum()
    return float((users.died.sum() / exposed) / (people[people["first"].isna()].died.sum() / waiting))


def ratio_by_year(data):
    """Split each person into calendar years; a year is exposed from the purchase on."""
    people = _elders(data)
    time = {True: 0.0, False: 0.0}
    for year in range(2000, 2010):
        begin, end = pd.Timestamp(f"{year}-01-01"), pd.Timestamp(f"{year + 1}-01-01")
        alive_until = people.stop.clip(upper=end)
        switch = people["first"].fillna(pd.Timestamp("2100-01-01"))
        time[False] += (alive_until.clip(upper=switch) - begin).dt.days.clip(lower=0).sum()
        time[True] += (alive_until - switch.clip(lower=begin)).dt.days.clip(lower=0).sum()
    deaths = people[people.died].groupby(people["first"].notna()).size()
    return float((deaths[True] / time[True]) / (deaths[False] / time[False]))


def ratio_ever(data):
    people = _elders(data)
    people["days"] = (people.stop - people.start).dt.days
    by = people.groupby(people["first"].notna()).agg(died=("died", "sum"), days=("days", "sum"))
    rate = by.died / by.days
    return float(rate[True] / rate[False])


def ratio_waiting_thrown_away(data):
    people = _elders(data)
    users, others = people[people["first"].notna()], people[people["first"].isna()]
    rate = users.died.sum() / (users.stop - users["first"]).dt.days.sum()
    return float(rate / (others.died.sum() / (others.stop - others.start).dt.days.sum()))


def ratio_of_shares(data):
    people = _elders(data)
    risk = people.groupby(people["first"].notna()).died.mean()
    return float(risk[True] / risk[False])


def ratio_turned(data):
    return 1 / ratio_pandas(data)


def fault_b_by_history(data):
    """Of those who seem to begin in 2005, most had bought before."""
    bought = _purchases(data)
    seen = bought[bought.eksd.dt.year == 2005].pnr.unique()
    return "prevalent" if pd.Series(seen).isin(bought[bought.eksd < "2005-01-01"].pnr).mean() > 0.5 else "age"


def fault_b_by_months(data):
    """In the extract the starts fall in the first months, as refills do, and not over the year."""
    bought = _purchases(data)
    seen = bought[bought.eksd >= "2005-01-01"].groupby("pnr").eksd.min()
    seen = seen[seen.dt.year == 2005]
    return "prevalent" if (seen.dt.month <= 6).mean() > 0.8 else "outside"


def change_pandas(data):
    years = _purchases(data).groupby("pnr").eksd.min().dt.year.value_counts()
    return years[2006] / years[2005]


def change_ibis(data):
    first = data.lmdb.filter(_.atc.startswith(STATIN)).group_by("pnr").agg(year=_.eksd.min().year())
    counts = first.agg(before=(_.year == 2005).sum(), after=(_.year == 2006).sum()).execute()
    return counts.after.iloc[0] / counts.before.iloc[0]


def change_extract(data):
    bought = _purchases(data)
    years = bought[bought.eksd >= "2005-01-01"].groupby("pnr").eksd.min().dt.year.value_counts()
    return years[2006] / years[2005]


def change_turned(data):
    return 1 / change_extract(data)


def change_percent(data):
    return 100 * (change_pandas(data) - 1)


def _young(data):
    start = pd.Timestamp("1996-01-01")
    people = data.bef.filter(_.referencetid == ibis.date("1996-01-01")).select("pnr", "foed_dato").execute()
    born = pd.to_datetime(people.foed_dato)
    people = people[_age(born, pd.Series(start, index=people.index)).between(20, 39)]
    first = _purchases(data, ANTIDEPRESSANT).groupby("pnr").eksd.min().rename("first")
    people = people.merge(first, on="pnr", how="left").merge(_deaths(data), on="pnr", how="left")
    people = people[~(people["first"] < start)]
    last = data.bef.group_by("pnr").agg(last=_.referencetid.max()).execute()
    people = people.merge(last, on="pnr")
    people["last"] = pd.to_datetime(people["last"])
    people["start"], people["end"] = start, pd.Timestamp("2024-12-31")
    people["died"] = people.doddato.fillna(people.end)
    return people


def _rate(people, stop):
    stop = pd.concat([stop, people["first"]], axis=1).min(axis=1)
    events = (people["first"] <= stop).sum()
    return float(1000 * events / ((stop - people.start).dt.days.sum() / 365.25))


def fault_c_by_leavers(data):
    """Some are in no January any more, and in no register of deaths: they left, and are still counted."""
    people = _young(data)
    left = (people["last"] < "2024-01-01") & people.doddato.isna()
    return "outside" if left.mean() > 0.05 else "immortal"


def fault_c_by_purchases(data):
    """After their last January those who left buy nothing at all."""
    people = _young(data)
    left = people[(people["last"] < "2023-01-01") & people.doddato.isna()]
    later = (left["first"] > left["last"] + pd.DateOffset(years=1)).sum()
    return "outside" if later <= 0.01 * len(left) else "prevalent"


def rate_last_january(data):
    """Follow until the end of the last year that began with residence."""
    people = _young(data)
    leaves = people["last"] + pd.offsets.YearEnd(0)
    return _rate(people, pd.concat([people.died, leaves], axis=1).min(axis=1))


def rate_middle_of_year(data):
    """Those who leave do so in the middle of the year, on average."""
    people = _young(data)
    gone = (people["last"] < "2024-01-01") & people.doddato.isna()
    leaves = people["last"] + pd.Timedelta(days=183)
    leaves = leaves.where(gone, people.end)
    # Who bought after that day was still here.
    leaves = pd.concat([leaves, people["first"].where(people["first"] > leaves)], axis=1).max(axis=1)
    return _rate(people, pd.concat([people.died, leaves], axis=1).min(axis=1))


def rate_until_death(data):
    people = _young(data)
    return _rate(people, people.died)


def rate_until_the_end(data):
    people = _young(data)
    return _rate(people, people.end)


def rate_after_purchase_too(data):
    """Count the time after the first purchase as well, when nobody can have a first purchase any more."""
    people = _young(data)
    stop = pd.concat([people.died, people["last"] + pd.offsets.YearEnd(0)], axis=1).min(axis=1)
    return float(1000 * (people["first"] <= stop).sum() / ((stop - people.start).dt.days.sum() / 365.25))


def rate_share(data):
    people = _young(data)
    return float(people["first"].notna().mean())
