"""Right and wrong approaches to the exercises, tried by `sandkasse module test`.

Every function is given the open dataset and returns what a learner would hand to `check`. Right ones come in pairs that
share as little code as possible; the wrong ones are those that learners are tempted by. What each of them is stands in
`module.yaml`, beside its name. Parts 2 and 3 read the practice persons in `data/practice`.
"""

# ruff: noqa: D103, S608  the titles of the functions are in module.yaml; every part of the statements is written here

from pathlib import Path

import ibis
import numpy as np
import pandas as pd
from ibis import _

HERE = Path(__file__).parent
DAY = pd.Timestamp("2015-01-01")
BEFORE = ibis.date("2015-01-01")
COPD = "^(DJ44|49[12])"
ASTHMA = "^(DJ4[56]|493)"
FOR_COPD = "^R03(BB|AL)"
YEARS = (2000, 2005, 2010, 2015)
DEFINITIONS = ("admission", "hospital", "drugs", "algorithm", "recent")


# Tools of the approaches in pandas ------------------------------------------------------------------------------------


def _practice():
    connection = ibis.duckdb.connect()
    folder = HERE / "data" / "practice"
    return {file.stem: connection.read_parquet(file, table_name=file.stem) for file in sorted(folder.glob("*.parquet"))}


def _people(registers):
    rows = registers["bef"].filter(_.referencetid == BEFORE).select("pnr", "koen", "foed_dato").execute()
    rows["foed_dato"] = pd.to_datetime(rows.foed_dato)
    return rows[rows.foed_dato <= "1975-01-01"].reset_index(drop=True)


def _diagnoses(registers, codes=COPD, until=DAY):
    both = registers["lpr_adm"].join(registers["lpr_diag"], "recnum")
    rows = both.filter(_.c_diag.re_search(codes) & _.c_diagtype.isin(["A", "B"])).select(
        "pnr", day="d_inddto", kind="c_diagtype", contact="c_pattype"
    )
    rows = rows.execute()
    rows["day"] = pd.to_datetime(rows.day)
    return rows[rows.day < until]


def _purchases(registers, people, until=DAY):
    rows = registers["lmdb"].filter(_.atc.startswith("R03")).select("pnr", "atc", day="eksd").execute()
    rows["day"] = pd.to_datetime(rows.day)
    return rows[rows.day < until].merge(people[["pnr", "foed_dato"]], on="pnr")


def _twice(bought, times=2):
    days = bought.groupby("pnr").day.nunique()
    return set(days[days >= times].index)


def _after_40(bought):
    return bought[bought.day >= bought.foed_dato + pd.DateOffset(years=40)]


def _five(registers):
    """Give the persons, and for each definition the set of those whom it names."""
    people = _people(registers)
    copd, asthma = _diagnoses(registers), set(_diagnoses(registers, ASTHMA).pnr)
    bought = _purchases(registers, people)
    for_copd = _twice(_after_40(bought[bought.atc.str.match(FOR_COPD)]))
    named = {
        "admission": set(copd[(copd.kind == "A") & (copd.contact == "0")].pnr),
        "hospital": set(copd.pnr),
        "drugs": for_copd,
        "algorithm": set(copd.pnr) | (for_copd - asthma),
        "recent": set(copd[copd.day >= DAY - pd.DateOffset(years=5)].pnr)
        | _twice(bought[bought.day >= DAY - pd.DateOffset(years=1)]),
    }
    return people, named, asthma


def _practice_persons():
    """Give the practice persons with a column for each definition, for asthma and for the truth."""
    registers = _practice()
    people, named, asthma = _five(registers)
    truth = registers["truth_persons"].execute()
    people = people.merge(truth, on="pnr")
    for name in DEFINITIONS:
        people[name] = people.pnr.isin(named[name])
    people["asthma"] = people.pnr.isin(asthma)
    people["truth"] = pd.to_datetime(people.copd_onset) < DAY
    people["found"] = pd.to_datetime(people.copd_detected) < DAY
    return people


def _evidence(registers):
    """Give the persons with what their traces say: days with a code, purchases, hospital asthma, steroids."""
    people = _people(registers)
    bought = _purchases(registers, people)
    counted = {
        "codes": _diagnoses(registers),
        "bronchodilators": _after_40(bought[bought.atc.str.match(FOR_COPD)]),
        "inhalers": bought,
        "steroids": bought[bought.atc.str.match("^R03(BA|AK)")],
    }
    for name, rows in counted.items():
        people[name] = people.pnr.map(rows.groupby("pnr").day.nunique()).fillna(0).clip(upper=2)
    people["steroids"] = people.steroids > 0
    people["asthma"] = people.pnr.isin(_diagnoses(registers, ASTHMA).pnr)
    return people


def _practice_evidence():
    """Give the same for the practice persons, with the truth; the undiagnosed are left out, as the grader does."""
    registers = _practice()
    people = _evidence(registers).merge(registers["truth_persons"].execute(), on="pnr")
    people["truth"] = pd.to_datetime(people.copd_onset) < DAY
    return people[~people.truth | (pd.to_datetime(people.copd_detected) < DAY)]


def _learn(here, there):
    """Say of each person here whether most of those there with the same traces have COPD."""
    traces = ["codes", "bronchodilators", "inhalers", "steroids", "asthma"]
    share = there.groupby(traces).truth.mean().rename("share").reset_index()
    return here.merge(share, on=traces, how="left").share.fillna(0).to_numpy() > 0.5


# Tools of the approaches in SQL ---------------------------------------------------------------------------------------

NAMED = f"""
    WITH people AS (
      SELECT pnr, foed_dato, koen FROM bef WHERE referencetid = DATE '2015-01-01' AND foed_dato <= DATE '1975-01-01'),
    hosp AS (
      SELECT pnr, d_inddto AS day, c_diag, c_diagtype, c_pattype FROM lpr_adm JOIN lpr_diag USING (recnum)
      WHERE c_diagtype IN ('A', 'B') AND d_inddto < DATE '2015-01-01'),
    seen AS (
      SELECT pnr, max(day) AS last, bool_or(c_diagtype = 'A' AND c_pattype = '0') AS admission FROM hosp
      WHERE regexp_matches(c_diag, '{COPD}') GROUP BY pnr),
    asthma AS (SELECT DISTINCT pnr FROM hosp WHERE regexp_matches(c_diag, '{ASTHMA}')),
    bought AS (
      SELECT pnr,
        count(DISTINCT eksd)
          FILTER (regexp_matches(atc, '{FOR_COPD}') AND eksd >= foed_dato + INTERVAL 40 YEAR) AS late,
        count(DISTINCT eksd) FILTER (eksd >= DATE '2014-01-01') AS year
      FROM lmdb JOIN people USING (pnr) WHERE atc LIKE 'R03%' AND eksd < DATE '2015-01-01' GROUP BY pnr),
    marks AS (
      SELECT people.pnr, people.koen, date_diff('year', foed_dato, DATE '2015-01-01') AS age,
        coalesce(seen.admission, false) AS admission, seen.pnr IS NOT NULL AS hospital,
        coalesce(late >= 2, false) AS drugs, coalesce(last >= DATE '2010-01-01', false) AS late_code,
        coalesce(bought.year >= 2, false) AS active, asthma.pnr IS NOT NULL AS asthma
      FROM people LEFT JOIN seen USING (pnr) LEFT JOIN bought USING (pnr) LEFT JOIN asthma USING (pnr)),
    named AS (
      SELECT *, hospital OR (drugs AND NOT asthma) AS algorithm, late_code OR active AS recent FROM marks)"""


def _practice_sql(select):
    registers = _practice()
    connection = registers["bef"].get_backend()
    return connection.con.sql(
        f"""{NAMED},
        judged AS (
          SELECT named.*, coalesce(copd_onset < DATE '2015-01-01', false) AS truth
          FROM named JOIN truth_persons USING (pnr))
        {select}"""
    ).df()


# Part 1 ---------------------------------------------------------------------------------------------------------------


def hospital_ibis(data):
    seen = data.lpr_adm.join(data.lpr_diag, "recnum").filter(
        _.c_diag.re_search(COPD) & _.c_diagtype.isin(["A", "B"]) & (_.d_inddto < BEFORE)
    )
    people = data.bef.filter((_.referencetid == BEFORE) & (_.foed_dato <= ibis.date("1975-01-01")))
    return people.semi_join(seen, "pnr").pnr.nunique().execute()


def _cases(data, rows):
    return len(set(_people(data).pnr) & set(rows.pnr))


def hospital_pandas(data):
    return _cases(data, _diagnoses(data))


def hospital_main_only(data):
    rows = _diagnoses(data)
    return _cases(data, rows[rows.kind == "A"])


def hospital_admissions(data):
    rows = _diagnoses(data)
    return _cases(data, rows[rows.contact == "0"])


def hospital_future(data):
    return _cases(data, _diagnoses(data, until=pd.Timestamp("2025-01-01")))


def hospital_anybody(data):
    return _diagnoses(data).pnr.nunique()


def drugs_ibis(data):
    people = data.bef.filter((_.referencetid == BEFORE) & (_.foed_dato <= ibis.date("1975-01-01")))
    bought = data.lmdb.filter(_.atc.re_search(FOR_COPD) & (_.eksd < BEFORE)).join(
        people.select("pnr", "foed_dato"), "pnr"
    )
    late = bought.filter(_.eksd >= _.foed_dato + ibis.interval(years=40))
    return late.group_by("pnr").agg(days=_.eksd.nunique()).filter(_.days >= 2).count().execute()


def _buyers(data, *, groups=FOR_COPD, times=2, until=DAY):
    bought = _purchases(data, _people(data), until)
    return len(_twice(_after_40(bought[bought.atc.str.match(groups)]), times))


def drugs_pandas(data):
    return _buyers(data)


def drugs_one_purchase(data):
    return _buyers(data, times=1)


def drugs_all_inhalers(data):
    return _buyers(data, groups="^R03")


def drugs_future(data):
    return _buyers(data, until=pd.Timestamp("2025-01-01"))


def drugs_of_residents_per_purchase(data):
    bought = _purchases(data, _people(data))
    return len(_after_40(bought[bought.atc.str.match(FOR_COPD)]))


def _percent(people, named, denominator=None):
    everyone = set(people.pnr)
    return pd.DataFrame(
        [
            {"definition": name, "percent": 100 * len(everyone & named[name]) / (denominator or len(everyone))}
            for name in DEFINITIONS
        ]
    )


def prevalences_pandas(data):
    people, named, _asthma = _five(data)
    return _percent(people, named)


def prevalences_sql(data):
    return data.sql(
        f"""{NAMED}
        SELECT definition, 100 * avg(CAST(yes AS DOUBLE)) AS percent
        FROM (UNPIVOT named ON admission, hospital, drugs, algorithm, recent INTO NAME definition VALUE yes)
        GROUP BY definition"""
    )


def prevalences_asthma_out(data):
    people, named, asthma = _five(data)
    return _percent(people, named | {"algorithm": named["algorithm"] - asthma})


def prevalences_of_everybody(data):
    people, named, _asthma = _five(data)
    everybody = data.bef.filter(_.referencetid == BEFORE).count().execute()
    return _percent(people, named, int(everybody))


def prevalences_shares(data):
    table = prevalences_pandas(data)
    return table.assign(percent=table.percent / 100)


def _all_diagnoses(data, codes=COPD, *, third=True):
    rows = [
        data.lpr_adm.join(data.lpr_diag, "recnum")
        .filter(_.c_diag.re_search(codes) & _.c_diagtype.isin(["A", "B"]))
        .select("pnr", day="d_inddto")
        .execute()
    ]
    if third:
        rows.append(
            data.lpr3a_kontakt.join(data.lpr3a_diagnose, "dw_ek_kontakt")
            .filter(_.diag_kode.re_search(codes) & _.diag_type.isin(["A", "B"]) & (_.senere_afkraeftet == "Nej"))
            .select("pnr", day=_.kont_starttidspunkt.date())
            .execute()
        )
    both = pd.concat(rows)
    both["day"] = pd.to_datetime(both.day)
    return both


def _januaries(data, first=1990, last=2023):
    rows = data.bef.select("pnr", "foed_dato", year=_.referencetid.year()).execute()
    born = pd.to_datetime(rows.foed_dato)
    of_age = (born + pd.DateOffset(years=40)) <= pd.to_datetime(rows.year.astype(str) + "-01-01")
    return rows[of_age & rows.year.between(first, last)]


def _new(data, *, codes=COPD, third=True, known=False):
    first = _all_diagnoses(data, codes, third=third).groupby("pnr").day.min().dt.year
    rows = _januaries(data)
    begins = rows.pnr.map(first)
    if not known:
        rows, begins = rows[~(begins < rows.year)], begins[~(begins < rows.year)]
    rate = 1000 * (begins == rows.year).groupby(rows.year).mean()
    return rate.rename("rate").reset_index()


def new_pandas(data):
    return _new(data)


def new_sql(data):
    return data.sql(
        f"""
        WITH first AS (
          SELECT pnr, min(day) AS first FROM (
            SELECT pnr, d_inddto AS day FROM lpr_adm JOIN lpr_diag USING (recnum)
            WHERE c_diagtype IN ('A', 'B') AND regexp_matches(c_diag, '{COPD}')
            UNION ALL
            SELECT pnr, CAST(kont_starttidspunkt AS DATE) FROM lpr3a_kontakt JOIN lpr3a_diagnose USING (dw_ek_kontakt)
            WHERE diag_type IN ('A', 'B') AND senere_afkraeftet = 'Nej' AND diag_kode LIKE 'DJ44%') GROUP BY pnr)
        SELECT year(referencetid) AS year,
          1000 * avg(CAST(coalesce(year(first) = year(referencetid), false) AS DOUBLE)) AS rate
        FROM bef LEFT JOIN first USING (pnr)
        WHERE year(referencetid) BETWEEN 1990 AND 2023 AND foed_dato <= referencetid - INTERVAL 40 YEAR
          AND (first IS NULL OR first >= referencetid) GROUP BY 1"""
    )


def new_icd10(data):
    return _new(data, codes="^DJ44")


def new_second_version(data):
    return _new(data, third=False)


def new_of_everybody(data):
    return _new(data, known=True)


def new_patients(data):
    seen = _all_diagnoses(data)
    ill = seen.assign(year=seen.day.dt.year)[["pnr", "year"]].drop_duplicates().assign(ill=1)
    rows = _januaries(data).merge(ill, on=["pnr", "year"], how="left")
    return (1000 * rows.ill.fillna(0).groupby(rows.year).mean()).rename("rate").reset_index()


def _pooled(data, *, contact=None):
    seen = _diagnoses(data)
    first = (seen[seen.contact == contact] if contact else seen).groupby("pnr").day.min().dt.year
    rates = []
    for begin, end in ((1991, 1993), (1995, 1997)):
        rows = _januaries(data, begin, end)
        begins = rows.pnr.map(first)
        at_risk = ~(begins < rows.year)
        rates.append((begins == rows.year)[at_risk].mean())
    return rates


def outpatients_pooled(data):
    before, after = _pooled(data)
    return float(after / before)


def outpatients_mean_of_years(data):
    rate = new_sql(data).to_pandas().set_index("year").rate
    return float(rate.loc[[1995, 1996, 1997]].mean() / rate.loc[[1991, 1992, 1993]].mean())


def outpatients_inpatients(data):
    before, after = _pooled(data, contact="0")
    return float(after / before)


def outpatients_turned(data):
    return 1 / outpatients_pooled(data)


def outpatients_difference(data):
    before, after = _pooled(data)
    return float(1000 * (after - before))


def look_back_ibis(data):
    rows = []
    for year in YEARS:
        day = ibis.date(f"{year}-01-01")
        people = data.bef.filter((_.referencetid == day) & (_.foed_dato <= day - ibis.interval(years=40)))
        seen = data.lpr_adm.join(data.lpr_diag, "recnum").filter(
            _.c_diag.re_search(COPD)
            & _.c_diagtype.isin(["A", "B"])
            & (_.d_inddto < day)
            & (_.d_inddto >= day - ibis.interval(years=5))
        )
        share = people.semi_join(seen, "pnr").count().execute() / people.count().execute()
        rows.append({"year": year, "percent": 100 * share})
    return pd.DataFrame(rows)


def _levels(data, begin, end, *, everybody=False):
    """Give the per cent with a diagnosis from so many years before each day up to so many years after it."""
    people = data.bef.filter(_.referencetid.year().isin(YEARS)).select("pnr", year=_.referencetid.year()).execute()
    people = people if everybody else _januaries(data, YEARS[0], YEARS[-1])
    seen = _diagnoses(data, until=pd.Timestamp("2025-01-01"))
    rows = []
    for year in YEARS:
        day = pd.Timestamp(year, 1, 1)
        first, last = day + pd.DateOffset(years=begin), day + pd.DateOffset(years=end)
        ill = seen[(seen.day >= first) & (seen.day < last)].pnr
        rows.append({"year": year, "percent": 100 * people[people.year == year].pnr.isin(ill).mean()})
    return pd.DataFrame(rows)


def look_back_pandas(data):
    return _levels(data, -5, 0)


def look_back_ever(data):
    return _levels(data, -60, 0)


def look_back_everybody(data):
    return _levels(data, -5, 0, everybody=True)


def look_back_afterwards(data):
    return _levels(data, 0, 5)


# Part 2 ---------------------------------------------------------------------------------------------------------------


def _long(rows):
    return pd.DataFrame(rows, columns=["definition", "measure", "share"])


def _validity(people, truth="truth"):
    rows = []
    for name in DEFINITIONS:
        rows.append((name, "sensitivity", people[people[truth]][name].mean()))
        rows.append((name, "specificity", 1 - people[~people.truth][name].mean()))
        rows.append((name, "ppv", people[people[name]].truth.mean()))
    return _long(rows)


def validity_pandas(_data):
    return _validity(_practice_persons())


def validity_sql(_data):
    return _practice_sql(
        """SELECT definition, measure, share FROM (
          SELECT definition, count(*) FILTER (yes AND truth) / count(*) FILTER (truth) AS sensitivity,
            count(*) FILTER (NOT yes AND NOT truth) / count(*) FILTER (NOT truth) AS specificity,
            count(*) FILTER (yes AND truth) / count(*) FILTER (yes) AS ppv
          FROM (UNPIVOT judged ON admission, hospital, drugs, algorithm, recent INTO NAME definition VALUE yes)
          GROUP BY definition) UNPIVOT (share FOR measure IN (sensitivity, specificity, ppv))"""
    )


def validity_diagnosed(_data):
    return _validity(_practice_persons(), truth="found")


def validity_turned(_data):
    table = _validity(_practice_persons())
    names = {"sensitivity": "ppv", "ppv": "sensitivity", "specificity": "specificity"}
    return table.assign(measure=table.measure.map(names))


def validity_of_positives(_data):
    people = _practice_persons()
    people["read"] = people.truth & people[list(DEFINITIONS)].any(axis=1)
    return _validity(people, truth="read")


def positives_pandas(_data):
    people = _practice_persons()
    confirmed = people[people.truth & people[list(DEFINITIONS)].any(axis=1)]
    return float(confirmed.hospital.mean())


def positives_sets(_data):
    registers = _practice()
    people, named, _asthma = _five(registers)
    truth = registers["truth_persons"].filter(_.copd_onset < BEFORE).pnr.execute()
    confirmed = set().union(*named.values()) & set(truth) & set(people.pnr)
    return len(confirmed & named["hospital"]) / len(confirmed)


def positives_true(_data):
    people = _practice_persons()
    return float(people[people.truth].hospital.mean())


def positives_ppv(_data):
    people = _practice_persons()
    return float(people[people.hospital].truth.mean())


def positives_share_named(_data):
    people = _practice_persons()
    return float(people[people[list(DEFINITIONS)].any(axis=1)].hospital.mean())


def _correct(apparent, people, name, truth="truth"):
    sensitivity, specificity = people[people[truth]][name].mean(), 1 - people[~people.truth][name].mean()
    return (apparent + specificity - 1) / (sensitivity + specificity - 1)


def corrected_rogan_gladen(data):
    return 100 * _correct(hospital_pandas(data) / len(_people(data)), _practice_persons(), "hospital")


def corrected_by_strata(data):
    """Correct in strata of sex and age, and add the cases up."""
    here, named, _asthma = _five(data)
    here["hospital"] = here.pnr.isin(named["hospital"])
    there = _practice_persons()
    cases = 0.0
    for frame in (here, there):
        frame["stratum"] = frame.koen.astype(str) + pd.cut(2015 - frame.foed_dato.dt.year, [0, 60, 75, 150]).astype(str)
    for stratum, group in here.groupby("stratum"):
        cases += len(group) * _correct(group.hospital.mean(), there[there.stratum == stratum], "hospital")
    return 100 * cases / len(here)


def corrected_not(data):
    return 100 * hospital_pandas(data) / len(_people(data))


def corrected_by_positives(data):
    people = _practice_persons()
    sensitivity, specificity = positives_pandas(data), 1 - people[~people.truth].hospital.mean()
    return (corrected_not(data) + 100 * (specificity - 1)) / (sensitivity + specificity - 1)


def corrected_by_found(data):
    return 100 * _correct(hospital_pandas(data) / len(_people(data)), _practice_persons(), "hospital", truth="found")


def corrected_share(data):
    return corrected_rogan_gladen(data) / 100


def corrected_times(data):
    return corrected_not(data) * positives_true(data)


def _list(data, name):
    people, named, _asthma = _five(data)
    return people[people.pnr.isin(named[name])][["pnr"]]


def list_confirmed(data):
    return data.sql(
        f"""{NAMED},
        codes AS (
          SELECT pnr, count(DISTINCT day) AS days FROM hosp WHERE regexp_matches(c_diag, '{COPD}') GROUP BY pnr),
        buyers AS (
          SELECT pnr, count(DISTINCT eksd) AS days, bool_or(regexp_matches(atc, '^R03(BA|AK)')) AS steroids
          FROM lmdb WHERE atc LIKE 'R03%' AND eksd < DATE '2015-01-01' GROUP BY pnr)
        SELECT named.pnr FROM named LEFT JOIN codes USING (pnr) LEFT JOIN buyers USING (pnr)
        WHERE codes.days >= 2 OR (codes.days = 1 AND buyers.days >= 2) OR (drugs AND NOT asthma AND NOT steroids)"""
    )


def list_learnt(data):
    here = _evidence(data)
    return here[_learn(here, _practice_evidence())][["pnr"]]


def list_admission(data):
    return _list(data, "admission")


def list_drugs(data):
    return _list(data, "drugs")


def list_all_inhalers(data):
    people = _people(data)
    return pd.DataFrame({"pnr": sorted(_twice(_purchases(data, people)))})


# Part 3 ---------------------------------------------------------------------------------------------------------------


def _ratios(measure):
    people = _practice_persons()
    rows = []
    for name in (*DEFINITIONS, "truth"):
        share = people.groupby("asthma")[name].mean()
        rows.append({"definition": name, "ratio": float(measure(share[True], share[False]))})
    return pd.DataFrame(rows)


def ratios_pandas(_data):
    return _ratios(lambda exposed, others: exposed / others)


def ratios_sql(_data):
    return _practice_sql(
        """SELECT definition, avg(CAST(yes AS INT)) FILTER (asthma) / avg(CAST(yes AS INT)) FILTER (NOT asthma) AS ratio
        FROM (UNPIVOT judged ON admission, hospital, drugs, algorithm, recent, truth INTO NAME definition VALUE yes)
        GROUP BY definition"""
    )


def ratios_odds(_data):
    return _ratios(lambda exposed, others: exposed / (1 - exposed) / (others / (1 - others)))


def ratios_turned(_data):
    return _ratios(lambda exposed, others: others / exposed)


def ratios_differences(_data):
    return _ratios(lambda exposed, others: exposed - others)


def pooled_formula(_data):
    people = _practice_persons()
    share = people.groupby("asthma").drugs.mean()
    return float(_correct(share[True], people, "drugs") / _correct(share[False], people, "drugs"))


def pooled_matrix(_data):
    """Named and not named are a matrix times ill and healthy; solve it in each group."""
    people = _practice_persons()
    mixing = pd.crosstab(people.drugs, people.truth, normalize="columns").to_numpy()
    shares = pd.crosstab(people.drugs, people.asthma, normalize="columns").to_numpy()
    ill = np.linalg.solve(mixing, shares)[1]
    return float(ill[1] / ill[0])


def pooled_not(_data):
    table = ratios_pandas(None).set_index("definition").ratio
    return float(table["drugs"])


def pooled_by_group(_data):
    people = _practice_persons()
    shares = [_correct(group.drugs.mean(), group, "drugs") for _asthma, group in people.groupby("asthma")]
    return float(shares[1] / shares[0])


def pooled_turned(_data):
    return 1 / pooled_formula(None)
