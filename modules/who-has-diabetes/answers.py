"""Right and wrong approaches to the exercises, tried by `sandkasse module test`.

Every function is given the open dataset and returns what a learner would hand to `check`. Right ones come in pairs
that share as little code as possible; the wrong ones are those that learners are tempted by. What each of them is
stands in `module.yaml`, beside its name.
"""

# ruff: noqa: D103  the titles of the functions are in module.yaml

from pathlib import Path

import ibis
import numpy as np
import pandas as pd
from ibis import _

DATA = Path(__file__).parent / "data"
DAY = "2024-01-01"
DIABETES = "^(DE1[0-4]|249|250)"
NOT_ONLY_DIABETES = "^(A10BJ|A10BK0[13]|A10BX(04|07|09|10|12|13|14))"
PCOS_INDICATIONS = ["0000092", "0000276", "0000781"]
PREGNANCY_END = "^(DO0[0-6]|DO8[0-4]|DZ3[37])"
ENDOCRINE = ["medicinsk endokrinologi", "endokrinologi"]


# Part 1 ---------------------------------------------------------------------------------------------------------------


def residents_ibis(data):
    return data.bef.filter(_.referencetid == ibis.date("2015-01-01")).pnr.nunique().execute()


def residents_pandas(data):
    bef = data.bef.select("pnr", "referencetid").execute()
    return len(bef[pd.to_datetime(bef.referencetid) == "2015-01-01"])


def residents_all_rows(data):
    return data.bef.count().execute()


def residents_ever(data):
    return data.bef.pnr.nunique().execute()


def residents_born(data):
    return data.bef.filter(_.foed_dato <= ibis.date("2015-01-01")).pnr.nunique().execute()


def _diagnoses(data, *, keep_retracted=False, codes=DIABETES, kinds=("A", "B")):
    second = (
        data.lpr_adm.join(data.lpr_diag, "recnum")
        .filter(_.c_diag.re_search(codes) & _.c_diagtype.isin(kinds))
        .select("pnr", day="d_inddto", code="c_diag", kind="c_diagtype", is_endocrine=_.c_spec == "08")
    )
    third = data.lpr3a_kontakt.join(data.lpr3a_diagnose, "dw_ek_kontakt").filter(
        _.diag_kode.re_search(codes) & _.diag_type.isin(kinds)
    )
    if not keep_retracted:
        third = third.filter(_.senere_afkraeftet == "Nej")
    third = third.select(
        "pnr",
        day=_.kont_starttidspunkt.date(),
        code="diag_kode",
        kind="diag_type",
        is_endocrine=_.kont_ans_hovedspec.isin(ENDOCRINE),
    )
    return second.union(third)


def diagnosed_ibis(data):
    return _diagnoses(data).pnr.nunique().execute()


def diagnosed_pandas(data):
    diag = data.lpr_diag.filter(_.c_diag.startswith("DE1") | _.c_diag.startswith("2")).execute()
    diag = diag[
        diag.c_diag.str[:4].isin(["DE10", "DE11", "DE12", "DE13", "DE14"]) | diag.c_diag.str[:3].isin(["249", "250"])
    ]
    before = diag[diag.c_diagtype.isin(["A", "B"])].merge(data.lpr_adm.select("pnr", "recnum").execute())
    diag = data.lpr3a_diagnose.filter(_.diag_kode.startswith("DE1")).execute()
    diag = diag[diag.diag_kode.str[:4].isin(["DE10", "DE11", "DE12", "DE13", "DE14"])]
    diag = diag[diag.diag_type.isin(["A", "B"]) & (diag.senere_afkraeftet != "Ja")]
    after = diag.merge(data.lpr3a_kontakt.select("pnr", "dw_ek_kontakt").execute())
    return len(set(before.pnr) | set(after.pnr))


def diagnosed_version2(data):
    rows = data.lpr_adm.join(data.lpr_diag, "recnum")
    return rows.filter(_.c_diag.re_search(DIABETES) & _.c_diagtype.isin(["A", "B"])).pnr.nunique().execute()


def diagnosed_icd10(data):
    return _diagnoses(data, codes="^DE1[0-4]").pnr.nunique().execute()


def diagnosed_retracted(data):
    return _diagnoses(data, keep_retracted=True).pnr.nunique().execute()


def diagnosed_rows(data):
    return _diagnoses(data).count().execute()


def high_two_limits(data):
    is_high = ((_.analysiscode == "NPU27300") & (_.value >= 48)) | ((_.analysiscode == "NPU03835") & (_.value >= 6.5))
    return data.lab_forsker.filter(is_high).pnr.nunique().execute()


def high_converted(data):
    tests = data.lab_forsker.filter(_.analysiscode.isin(["NPU27300", "NPU03835"])).execute()
    in_per_cent = tests.analysiscode == "NPU03835"
    # 10.93 x 6.5 - 23.5 is 47.5, so the converted limit is written in the unit of the report.
    limit = np.where(in_per_cent, 10.93 * 6.5 - 23.5, 48)
    mmol = np.where(in_per_cent, 10.93 * tests.value - 23.5, tests.value)
    return tests[mmol >= limit - 1e-6].pnr.nunique()


def high_48_for_all(data):
    return (
        data.lab_forsker.filter(_.analysiscode.isin(["NPU27300", "NPU03835"]) & (_.value >= 48)).pnr.nunique().execute()
    )


def high_65_for_all(data):
    return (
        data.lab_forsker.filter(_.analysiscode.isin(["NPU27300", "NPU03835"]) & (_.value >= 6.5))
        .pnr.nunique()
        .execute()
    )


def _coverage(data):
    regions = pd.read_csv(DATA / "regions.csv", dtype=str)
    bef = (
        data.bef.filter(_.referencetid.year().between(2011, 2020))
        .select("pnr", "kom", year=_.referencetid.year())
        .execute()
    )
    home = bef.merge(regions, on="kom")
    tests = data.lab_forsker.filter(_.analysiscode.isin(["NPU27300", "NPU03835"]))
    tests = tests.select("pnr", year=_.samplingdate.year()).execute().merge(home, on=["pnr", "year"])
    return (tests.groupby(["region", "year"]).size() / home.groupby(["region", "year"]).size()).unstack().fillna(0)


def covered_pandas(data):
    level = _coverage(data)
    least = level.div(level[2020], axis=0).min()
    return int(least[least >= 0.5].index[0])


def covered_sql(data):
    listed = ", ".join(f"('{k}', '{r}')" for k, r in pd.read_csv(DATA / "regions.csv", dtype=str).to_numpy())
    for table in ("bef", "lab_forsker"):
        data[table]  # opens it, so that SQL knows its name
    sql = f"""
        WITH places(kom, region) AS (VALUES {listed}),
        home AS (SELECT pnr, year(referencetid) AS y, region FROM bef JOIN places USING (kom)),
        per_region AS (
          SELECT region, y, count(t.pnr) / count(DISTINCT home.pnr) AS level FROM home
          LEFT JOIN (SELECT pnr, year(samplingdate) AS y FROM lab_forsker
                     WHERE analysiscode IN ('NPU27300', 'NPU03835')) AS t USING (pnr, y)
          GROUP BY ALL)
        SELECT min(y) AS answer FROM (
          SELECT y, min(level / final) AS least FROM per_region
          JOIN (SELECT region, level AS final FROM per_region WHERE y = 2020) USING (region) GROUP BY y)
        WHERE least >= 0.5 AND y <= 2020"""  # noqa: S608  our own file of municipalities
    return int(data.connection.raw_sql(sql).fetchall()[0][0])


def covered_first(data):
    return data.lab_forsker.samplingdate.year().min().execute()


def covered_any(data):
    level = _coverage(data)
    return int(level.columns[(level > 0).all()][0])


# Part 2 ---------------------------------------------------------------------------------------------------------------


def feet_ibis(data):
    services = data.sysi.union(data.sssy)
    return services.filter(_.speciale.startswith("54") & (_.barnmak == 0)).pnr.nunique().execute()


def feet_pandas(data):
    persons = set()
    for table in (data.sysi, data.sssy):
        rows = table.filter(_.speciale >= "54", _.speciale < "55").execute()
        persons |= set(rows.pnr[rows.barnmak == 0])
    return len(persons)


def feet_with_children(data):
    return data.sysi.union(data.sssy).filter(_.speciale.startswith("54")).pnr.nunique().execute()


def feet_from_2005(data):
    return data.sssy.filter(_.speciale.startswith("54") & (_.barnmak == 0)).pnr.nunique().execute()


def _ends(data):
    return _diagnoses(data, codes=PREGNANCY_END).select("pnr", end="day").distinct()


def _outside_pregnancy(data, events):
    near = (
        events.join(_ends(data), "pnr")
        .filter((_.day >= _.end - ibis.interval(weeks=40)) & (_.day <= _.end + ibis.interval(weeks=12)))
        .select("pnr", "day")
        .distinct()
    )
    return events.anti_join(near, ["pnr", "day"])


def _born(data):
    return data.bef.group_by("pnr").agg(koen=_.koen.max(), foed_dato=_.foed_dato.max())


def _purchases(data, *, excluded=NOT_ONLY_DIABETES, with_pcos=False, with_pregnancy=False):
    bought = data.lmdb.filter(_.atc.startswith("A10") & ~_.atc.re_search(excluded)).left_join(_born(data), "pnr")
    is_pcos = (
        (_.atc == "A10BA02")
        & (_.koen == 2)
        & ((_.eksd < _.foed_dato + ibis.interval(years=40)) | _.indo.isin(PCOS_INDICATIONS))
    )
    if not with_pcos:
        bought = bought.filter(~is_pcos.fill_null(False))
    days = bought.select("pnr", day="eksd").distinct()
    return days if with_pregnancy else _outside_pregnancy(data, days)


def purchases_ibis(data):
    return _purchases(data).count().execute()


def purchases_pandas(data):
    bought = data.lmdb.filter(_.atc.startswith("A10")).select("pnr", "eksd", "atc", "indo").execute()
    bought["eksd"] = pd.to_datetime(bought.eksd)
    bought = bought[~bought.atc.str.match(NOT_ONLY_DIABETES)]
    born = _born(data).execute()
    bought = bought.merge(born, on="pnr", how="left")
    fortieth = pd.to_datetime(bought.foed_dato) + pd.DateOffset(years=40)
    is_metformin = (bought.atc == "A10BA02") & (bought.koen == 2)
    bought = bought[~(is_metformin & ((bought.eksd < fortieth) | bought.indo.isin(PCOS_INDICATIONS)))]
    ends = _ends(data).execute()
    ends["end"] = pd.to_datetime(ends.end)
    pairs = bought.reset_index().merge(ends, on="pnr")
    gap = (pairs.eksd - pairs.end).dt.days
    bought = bought.drop(index=pairs["index"][gap.between(-280, 84)].unique())
    return int(bought.groupby("pnr").eksd.nunique().sum())


def purchases_any_a10(data):
    return data.lmdb.filter(_.atc.startswith("A10")).select("pnr", "eksd").distinct().count().execute()


def purchases_new_codes(data):
    return _purchases(data, excluded="^(A10BJ|A10BK01|A10BK03)").count().execute()


def purchases_with_pcos(data):
    return _purchases(data, with_pcos=True).count().execute()


def purchases_in_pregnancy(data):
    return _purchases(data, with_pregnancy=True).count().execute()


def purchases_rows(data):
    bought = data.lmdb.filter(_.atc.startswith("A10") & ~_.atc.re_search(NOT_ONLY_DIABETES)).mutate(day="eksd")
    return bought.semi_join(_purchases(data), ["pnr", "day"]).count().execute()


def _high_tests(data):
    is_high = ((_.analysiscode == "NPU27300") & (_.value >= 48)) | ((_.analysiscode == "NPU03835") & (_.value >= 6.5))
    return _outside_pregnancy(data, data.lab_forsker.filter(is_high).select("pnr", day="samplingdate").distinct())


def _monday_of(honuge):
    year = honuge.substr(0, 2).cast("int32")
    year = year + ibis.ifelse(year >= 90, 1900, 2000)
    fourth = ibis.date(year, 1, 4)
    days = 7 * (honuge.substr(2, 2).cast("int32") - 1) - fourth.day_of_week.index().cast("int32")
    return fourth + days.as_interval("D")


def _feet(data):
    services = data.sysi.union(data.sssy).filter(_.speciale.startswith("54") & (_.barnmak == 0))
    return services.select("pnr", day=_monday_of(_.honuge)).distinct()


def _events(data):
    parts = {
        "diagnosis": _diagnoses(data).select("pnr", "day"),
        "blood test": _high_tests(data),
        "foot care": _feet(data),
        "drug": _purchases(data),
    }
    tagged = [part.select("pnr", "day").distinct().mutate(source=ibis.literal(name)) for name, part in parts.items()]
    return ibis.union(*tagged).filter(_.day < ibis.date(DAY))


def _on_two_days(events):
    return events.select("pnr", "day").distinct().group_by("pnr").agg(days=_.count()).filter(_.days >= 2).select("pnr")


def two_events(data):
    return _on_two_days(_events(data))


def drugs_or_tests(data):
    alone = [_purchases(data), _high_tests(data), _diagnoses(data).select("pnr", "day")]
    return ibis.union(*[_on_two_days(part.filter(_.day < ibis.date(DAY))) for part in alone], distinct=True)


def any_a10(data):
    return data.lmdb.filter(_.atc.startswith("A10") & (_.eksd < ibis.date(DAY))).select("pnr").distinct()


def any_code(data):
    return _diagnoses(data, keep_retracted=True, kinds=("A", "B", "H", "+")).select("pnr").distinct()


def any_high_65(data):
    return (
        data.lab_forsker.filter(_.analysiscode.isin(["NPU27300", "NPU03835"]) & (_.value >= 6.5))
        .select("pnr")
        .distinct()
    )


def any_metformin(data):
    return data.lmdb.filter(_.atc == "A10BA02").select("pnr").distinct()


def everything_once(data):
    drugs = data.lmdb.filter(_.atc.startswith("A10")).select("pnr")
    codes = _diagnoses(data, keep_retracted=True, kinds=("A", "B", "H", "+")).select("pnr")
    tests = data.lab_forsker.filter(_.analysiscode.isin(["NPU27300", "NPU03835"]) & (_.value >= 6.5)).select("pnr")
    feet = data.sysi.union(data.sssy).filter(_.speciale.startswith("54")).select("pnr")
    return ibis.union(drugs, codes, tests, feet, distinct=True)


def dates_first_of_two(data):
    days = _events(data).select("pnr", "day").distinct().group_by("pnr").agg(date=_.day.min(), days=_.count())
    return days.filter((_.days >= 2) & (_.date >= ibis.date("2017-01-01"))).select("pnr", "date")


def dates_first_of_two_codes(data):
    days = _events(data)[["pnr", "day"]].distinct().execute().sort_values(["pnr", "day"], ignore_index=True)
    days["day"] = pd.to_datetime(days.day)
    following = days.groupby("pnr").day.shift(-1)
    begun = days[(following - days.day).dt.days <= 731].groupby("pnr", as_index=False).day.min()
    return begun[begun.day >= "2017-01-01"].rename(columns={"day": "date"})


def _between(firsts):
    return firsts.filter(_.date.between(ibis.date("2017-01-01"), ibis.date("2023-12-31"))).select("pnr", "date")


def dates_first_purchase(data):
    return _between(data.lmdb.filter(_.atc.startswith("A10")).group_by("pnr").agg(date=_.eksd.min()))


def dates_first_code(data):
    return _between(_diagnoses(data).group_by("pnr").agg(date=_.day.min()))


def dates_last_event(data):
    return _events(data).group_by("pnr").agg(date=_.day.max()).filter(_.date >= ibis.date("2017-01-01"))


# Part 3 ---------------------------------------------------------------------------------------------------------------


def _practice(name):
    return pd.read_parquet(DATA / "practice" / f"{name}.parquet")


def _practice_truth():
    truth = _practice("truth_persons")
    for column in ("foed_dato", "diabetes_onset", "diabetes_detected"):
        truth[column] = pd.to_datetime(truth[column])
    truth["has"] = truth.diabetes_onset < DAY
    truth["found"] = truth.has & (truth.diabetes_detected < DAY)
    truth["age"] = 2024 - truth.foed_dato.dt.year - (truth.foed_dato.dt.strftime("%m%d") > "0101")
    drugs = _practice("lmdb")
    drugs = drugs[drugs.atc.str.startswith("A10") & (pd.to_datetime(drugs.eksd) < DAY)]
    truth["named"] = truth.pnr.isin(drugs.pnr)
    return truth


def _young_women(truth):
    return truth[(truth.koen == 2) & truth.age.between(18, 49)]


def _ppv(persons):
    counted = persons[persons.named & (persons.found | ~persons.has)]
    return float(counted.found.mean())


def shortcut_ppv_pandas(_data):
    return _ppv(_young_women(_practice_truth()))


def shortcut_ppv_ibis(_data):
    connection = ibis.duckdb.connect()
    truth = connection.read_parquet(str(DATA / "practice" / "truth_persons.parquet"))
    drugs = connection.read_parquet(str(DATA / "practice" / "lmdb.parquet"))
    day = ibis.date(DAY)
    women = truth.filter(
        (_.koen == 2) & (_.foed_dato <= ibis.date("2006-01-01")) & (_.foed_dato > ibis.date("1974-01-01"))
    )
    named = women.semi_join(drugs.filter(_.atc.startswith("A10") & (_.eksd < day)), "pnr")
    found = named.filter((_.diabetes_onset < day) & (_.diabetes_detected < day)).count().execute()
    without = named.filter(_.diabetes_onset.isnull() | (_.diabetes_onset >= day)).count().execute()
    return found / (found + without)


def shortcut_ppv_all(_data):
    return _ppv(_practice_truth())


def shortcut_sensitivity(_data):
    women = _young_women(_practice_truth())
    return float(women[women.found].named.mean())


def _before_2013(events):
    return events.filter(_.day < ibis.date("2013-01-01"))


def two_events_2013(data):
    return _on_two_days(_before_2013(_events(data)))


def two_days_without_tests_2013(data):
    return _on_two_days(_before_2013(ibis.union(_diagnoses(data).select("pnr", "day"), _purchases(data))))


def any_high_value_2013(data):
    tests = data.lab_forsker.filter(_.analysiscode.isin(["NPU27300", "NPU03835"]) & (_.value >= 48))
    return _before_2013(tests.mutate(day="samplingdate")).select("pnr").distinct()


def high_tests_2013(data):
    return _on_two_days(_before_2013(_high_tests(data)))


def three_days_two_kinds(data):
    events = _events(data).group_by("pnr").agg(days=_.day.nunique(), kinds=_.source.nunique())
    return events.filter((_.days >= 3) & (_.kinds >= 2)).select("pnr")


def five_days(data):
    return _events(data).group_by("pnr").agg(days=_.day.nunique()).filter(_.days >= 5).select("pnr")


def type1_codes(data):
    return _diagnoses(data, codes="^(DE10|249)").select("pnr").distinct()


def _patterns(data):
    drugs = data.lmdb.filter(_.atc.startswith("A10") & ~_.atc.re_search(NOT_ONLY_DIABETES) & (_.eksd < ibis.date(DAY)))
    drugs = drugs.mutate(dose=_.volume * _.apk, is_insulin=_.atc.startswith("A10A") & (_.atc != "A10AE56"))
    drugs = drugs.group_by("pnr").agg(
        insulin=_.dose.sum(where=_.is_insulin).fill_null(0) / _.dose.sum(),
        first_drug=_.eksd.min(),
        first_insulin=_.eksd.min(where=_.is_insulin),
    )
    codes = _diagnoses(data, kinds=("A",)).filter(_.day < ibis.date(DAY))
    codes = (
        codes.mutate(is_1=_.code.re_search("^(DE10|249)"), is_2=_.code.re_search("^(DE11|250)"))
        .group_by("pnr")
        .agg(
            e1=(_.is_1 & _.is_endocrine).sum(),
            e2=(_.is_2 & _.is_endocrine).sum(),
            o1=(_.is_1 & ~_.is_endocrine).sum(),
            o2=(_.is_2 & ~_.is_endocrine).sum(),
        )
    )
    patterns = two_events(data).execute()
    patterns = patterns.merge(drugs.execute(), on="pnr", how="left").merge(codes.execute(), on="pnr", how="left")
    return patterns.fillna({"insulin": 0, "e1": 0, "e2": 0, "o1": 0, "o2": 0})


def _typed(patterns, is_type1):
    return pd.DataFrame({"pnr": patterns.pnr, "type": np.where(is_type1, "T1D", "T2D")})


def types_osdc(data):
    found = _patterns(data)
    only_insulin = (found.insulin == 1) & (found.e1 + found.o1 >= 1)
    majority = np.where(found.e1 + found.e2 > 0, found.e1 > found.e2, found.o1 > found.o2)
    soon = (pd.to_datetime(found.first_insulin) - pd.to_datetime(found.first_drug)).dt.days <= 180
    return _typed(found, only_insulin | (majority & soon & (found.insulin >= 2 / 3)))


def types_simple(data):
    found = _patterns(data)
    return _typed(found, (found.insulin > 0.5) & (found.e1 + found.o1 > found.e2 + found.o2))


def types_any_insulin(data):
    found = _patterns(data)
    return _typed(found, found.insulin > 0)


def types_all_2(data):
    found = _patterns(data)
    return _typed(found, np.zeros(len(found), dtype=bool))


def types_any_code(data):
    found = _patterns(data)
    return _typed(found, found.pnr.isin(type1_codes(data).execute().pnr))


def undiagnosed_counted(_data):
    truth = _practice_truth()
    return float(1 - truth[truth.has].found.mean())


def undiagnosed_weighted(data):
    truth = _practice_truth()
    truth["band"] = truth.age // 20
    practice = truth.groupby(["koen", "band"]).agg(has=("has", "sum"), found=("found", "sum"))
    here = data.bef.filter(_.referencetid == ibis.date(DAY)).select("pnr", "koen", "foed_dato").execute()
    here = here[here.pnr.isin(two_events(data).execute().pnr)]
    here["band"] = (2024 - pd.to_datetime(here.foed_dato).dt.year) // 20
    named = here.groupby(["koen", "band"]).size().rename("named")
    both = practice.join(named, how="left").fillna(0)
    both = both[both.found > 0]
    everyone = both.named * both.has / both.found
    return float(1 - both.named.sum() / everyone.sum())


def undiagnosed_none(_data):
    return 0.0


def undiagnosed_of_all(_data):
    truth = _practice_truth()
    return float((truth.has & ~truth.found).mean())


def undiagnosed_ever(_data):
    truth = _practice_truth()
    has = truth[truth.has]
    gap = (has.diabetes_detected - has.diabetes_onset).dt.days
    return float((~(gap <= 30)).mean())


# Part 4 ---------------------------------------------------------------------------------------------------------------


def _inclusions(data):
    bought = data.lmdb.filter(_.atc.startswith("A10")).select("pnr", day="eksd").distinct()
    again = (
        bought.mutate(nth=ibis.row_number().over(group_by="pnr", order_by="day"))
        .filter(_.nth == 1)
        .select("pnr", "day")
    )
    traces = ibis.union(_diagnoses(data).select("pnr", "day"), _feet(data), again)
    included = traces.group_by("pnr").agg(included=_.day.min()).execute()
    return included.assign(included=pd.to_datetime(included.included))


def _januaries(data, first, last, included):
    january = data.bef.filter(_.referencetid.year().between(first, last))
    january = january.select("pnr", "koen", "foed_dato", y=_.referencetid.year()).execute()
    born = pd.to_datetime(january.foed_dato)
    january["age"] = january.y - born.dt.year - (born.dt.strftime("%m%d") > "0101")
    january = january.merge(included, on="pnr", how="left")
    january["new"] = january.included.dt.year == january.y
    january["at_risk"] = ~(january.included.dt.year < january.y)
    return january


def _days_at_risk(data, january):
    """Person-years by day: from 1 January to inclusion, death or the end of the year."""
    dead = data.dod.execute().drop_duplicates("pnr")
    frame = january[january.at_risk].merge(dead, on="pnr", how="left")
    start = pd.to_datetime(frame.y.astype(str) + "-01-01")
    end = pd.to_datetime((frame.y + 1).astype(str) + "-01-01")
    for column in ("included", "doddato"):
        day = pd.to_datetime(frame[column])
        end = end.where(~(day < end), day)
    frame["years"] = (end - start).dt.days / 365.25
    return frame


def incidence_january(data):
    january = _januaries(data, 2000, 2010, _inclusions(data))
    group = january[january.age.between(60, 69) & january.at_risk]
    return 1000 * group.new.sum() / len(group)


def incidence_days(data):
    january = _januaries(data, 2000, 2010, _inclusions(data))
    frame = _days_at_risk(data, january[january.age.between(60, 69)])
    return 1000 * frame.new.sum() / frame.years.sum()


def incidence_all_residents(data):
    january = _januaries(data, 2000, 2010, _inclusions(data))
    group = january[january.age.between(60, 69)]
    return 1000 * group.new.sum() / len(group)


def incidence_prevalent(data):
    january = _januaries(data, 2000, 2010, _inclusions(data))
    group = january[january.age.between(60, 69)]
    return 1000 * (group.included.dt.year <= group.y).sum() / len(group)


def incidence_share(data):
    return incidence_january(data) / 1000


def _published():
    rates = pd.read_csv(DATA / "published-rates.csv").rename(columns={"year": "y"})
    return rates.assign(rate=rates.new_cases / rates.person_years_without)


def _adults(data):
    january = _januaries(data, 1996, 2016, _inclusions(data))
    january = january.assign(age_from=january.age // 10 * 10)
    return january[january.age_from.between(30, 80)]


def ratio_grouped(data):
    january = _adults(data)
    groups = january[january.at_risk].groupby(["koen", "y", "age_from"], as_index=False)
    groups = groups.agg(persons=("pnr", "size"), new=("new", "sum")).merge(_published(), on=["koen", "y", "age_from"])
    return groups.new.sum() / (groups.persons * groups.rate).sum()


def ratio_days(data):
    frame = _days_at_risk(data, _adults(data)).merge(_published(), on=["koen", "y", "age_from"])
    return frame.new.sum() / (frame.years * frame.rate).sum()


def ratio_rates_of_men(data):
    january = _adults(data)
    at_risk = january[january.at_risk]
    men = _published().query("koen == 1")[["y", "age_from", "rate"]]
    return at_risk.new.sum() / at_risk.merge(men, on=["y", "age_from"]).rate.sum()


def ratio_all_residents(data):
    january = _adults(data).merge(_published(), on=["koen", "y", "age_from"])
    return january.new.sum() / january.rate.sum()


def ratio_prevalent(data):
    january = _adults(data).merge(_published(), on=["koen", "y", "age_from"])
    ever = january[january.included.dt.year <= january.y].pnr.nunique()
    return ever / january[january.at_risk].rate.sum()


def _kaplan_meier(time, dead, at):
    table = pd.DataFrame({"time": np.asarray(time), "deaths": np.asarray(dead).astype(int), "n": 1})
    table = table[table.time > 0].groupby("time").sum().sort_index()
    table["at_risk"] = table.n[::-1].cumsum()[::-1]
    table = table[(table.deaths > 0) & (table.index <= at)]
    return float((1 - table.deaths / table.at_risk).prod())


def _life_table(time, dead, at, step=0.25):
    time, dead = np.asarray(time), np.asarray(dead)
    alive = 1.0
    for start in np.arange(0, at, step):
        here = time > start
        leaving = here & (time <= start + step)
        died = (leaving & dead).sum()
        alive *= 1 - died / (here.sum() - (leaving & ~dead).sum() / 2)
    return float(alive)


def _sample(data):
    persons = data.persons.execute()
    persons["dead"] = persons.death_year.notna()
    persons["age"] = persons.inclusion_year - persons.birth_year
    persons["time"] = persons.exit_year - persons.inclusion_year
    persons["insulin_age"] = persons.insulin_year - persons.birth_year
    persons["insulin_time"] = persons.exit_year - persons.insulin_year
    return persons


def _in_sixties(persons, column="age"):
    return persons[(persons[column] >= 60) & (persons[column] < 70)]


def survival_kaplan_meier(data):
    group = _in_sixties(_sample(data))
    return _kaplan_meier(group.time, group.dead, 5)


def survival_life_table(data):
    group = _in_sixties(_sample(data))
    return _life_table(group.time, group.dead, 5)


def survival_censored_alive(data):
    group = _in_sixties(_sample(data))
    return float(1 - (group.dead & (group.time <= 5)).mean())


def survival_censored_dropped(data):
    group = _in_sixties(_sample(data))
    group = group[group.dead | (group.time >= 5)]
    return float((group.time >= 5).mean())


def survival_ever_dead(data):
    return float(1 - _in_sixties(_sample(data)).dead.mean())


def survival_everyone(data):
    persons = _sample(data)
    return _kaplan_meier(persons.time, persons.dead, 5)


def insulin_kaplan_meier(data):
    group = _in_sixties(_sample(data), "insulin_age")
    return _kaplan_meier(group.insulin_time, group.dead, 5)


def insulin_life_table(data):
    group = _in_sixties(_sample(data), "insulin_age")
    return _life_table(group.insulin_time, group.dead, 5)


def insulin_from_inclusion(data):
    group = _in_sixties(_sample(data), "insulin_age")
    return _kaplan_meier(group.time, group.dead, 5)


def insulin_age_at_inclusion(data):
    group = _in_sixties(_sample(data))
    group = group[group.insulin_year.notna()]
    return _kaplan_meier(group.time, group.dead, 5)


def insulin_censored_alive(data):
    group = _in_sixties(_sample(data), "insulin_age")
    return float(1 - (group.dead & (group.insulin_time <= 5)).mean())
