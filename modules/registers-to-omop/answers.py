"""Right and wrong approaches to the exercises of *From registers to OMOP*, run by `module test` alone."""

import ibis
import numpy as np
import pandas as pd
from ibis import _

import sandkasse

METFORMIN, SITAGLIPTIN = 1503297, 1580747
HBA1C_MOL, HBA1C_PERCENT = 40762352, 3004410
MAIN, SECONDARY = 32902, 32908
SITAGLIPTIN_CODES = ("A10BH01", "A10BD07")
FROM, TO = "2008-01-01", "2023-12-31"
OLD, OLDEST, YEAR = 60, 79, 365
DIABETES = "^(DE1[0-4]|249|250)"


_OPENED = {}


def _both(data):
    """Give registers and their OMOP form, opened once for all answers."""
    if data.folder not in _OPENED:
        for table in data.tables:
            data[table]  # a view of its name, for SQL
        _OPENED[data.folder] = data, sandkasse.to_omop(data)
    return _OPENED[data.folder]


def _one(data, query):
    return _both(data)[1].sql(query)["value"][0].as_py()


# Part 1 ---------------------------------------------------------------------------------------------------------------


def becomes_by_rows(data):
    """Count on both sides; `week`, `purchase`, `reason` and `secondary` hold, the others do not."""
    registers, omop = _both(data)
    found = []
    purchases = registers.lmdb.semi_join(registers.bef, "pnr").filter(_.atc == "A10BA02").count()
    if purchases.execute() == omop.drug_exposure.filter(_.drug_source_value == "A10BA02").count().execute():
        found.append("purchase")
    if omop.observation.filter(_.observation_source_value.startswith("DZ038")).count().execute():
        found.append("reason")
    if omop.condition_occurrence.filter(_.condition_status_concept_id == SECONDARY).count().execute():
        found.append("secondary")
    services = omop.visit_occurrence.filter(_.visit_source_value == "80")
    mondays = services.agg(share=(_.visit_start_date.day_of_week.index() == 0).cast("float64").mean())
    if mondays.execute().share.iloc[0] > 0.99:
        found.append("week")
    return ", ".join(found)


def becomes_in_another_order(_data):
    return " week,secondary ,  reason, purchase"


def becomes_with_retracted(_data):
    return "purchase, reason, secondary, week, retracted"


def becomes_with_children(_data):
    return "purchase, reason, secondary, week, child"


def becomes_with_towns(_data):
    return "purchase, reason, secondary, week, town"


def becomes_purchases_alone(_data):
    return "purchase"


def nobody_ibis(data):
    return data.lpr_adm.anti_join(data.bef, "pnr").pnr.nunique().execute()


def nobody_omop(data):
    registers, omop = _both(data)
    contacts = registers.lpr_adm.select(person_id=_.pnr.cast("int64"))
    return contacts.anti_join(omop.person, "person_id").distinct().count().execute()


def nobody_contacts(data):
    return data.lpr_adm.anti_join(data.bef, "pnr").count().execute()


def nobody_turned(data):
    return data.bef.anti_join(data.lpr_adm, "pnr").pnr.nunique().execute()


def nobody_before(data):
    return data.lpr_adm.filter(_.d_inddto < ibis.date("1986-01-01")).pnr.nunique().execute()


def metformin_by_concept(data):
    return _both(data)[1].drug_exposure.filter(_.drug_concept_id == METFORMIN).count().execute()


def _known(data, table):
    return data[table].semi_join(data.bef, "pnr")


def metformin_by_code(data):
    return _known(data, "lmdb").filter(_.atc.isin(["A10BA02", "A10BD07"])).count().execute()


def metformin_plain(data):
    return _known(data, "lmdb").filter(_.atc == "A10BA02").count().execute()


def metformin_persons(data):
    return _known(data, "lmdb").filter(_.atc.isin(["A10BA02", "A10BD07"])).pnr.nunique().execute()


def metformin_both(data):
    rows = _both(data)[1].drug_exposure.filter(_.drug_source_value.isin(["A10BA02", "A10BD07"]))
    return rows.count().execute()


def insulin_by_concept(data):
    rows = _both(data)[1].drug_exposure.filter(_.drug_source_value.startswith("A10A"))
    least = rows.group_by("person_id").agg(least=_.drug_concept_id.min()).execute()
    return float((least.least == 0).mean())


def _insulin(data):
    return _known(data, "lmdb").filter(_.atc.startswith("A10A")).select("pnr", "atc").execute()


def insulin_by_code(data):
    bought = _insulin(data)
    return bought[bought.atc == "A10AC01"].pnr.nunique() / bought.pnr.nunique()


def insulin_rows(data):
    return float((_insulin(data).atc == "A10AC01").mean())


def insulin_alone(data):
    bought = _insulin(data)
    return 1 - bought[bought.atc != "A10AC01"].pnr.nunique() / bought.pnr.nunique()


def insulin_of_everybody(data):
    bought = _insulin(data)
    return bought[bought.atc == "A10AC01"].pnr.nunique() / data.bef.pnr.nunique().execute()


# Part 2 ---------------------------------------------------------------------------------------------------------------


def periods_ibis(data):
    years = data.bef.select("pnr", year=_.referencetid.year()).distinct()
    run = years.mutate(run=_.year - ibis.row_number().over(group_by="pnr", order_by="year"))
    return run.select("pnr", "run").distinct().count().execute()


def _periods(data, longest_step):
    years = data.bef.select("pnr", year=_.referencetid.year()).distinct().order_by("pnr", "year").execute()
    step = years.groupby("pnr").year.diff()
    return int((step.isna() | (step > longest_step)).sum())


def periods_pandas(data):
    return _periods(data, 1)


def periods_bridged(data):
    return _periods(data, 2)


def periods_one_each(data):
    return data.bef.pnr.nunique().execute()


def periods_each_january(data):
    return data.bef.count().execute()


def _exposures(data, codes, *, with_packs=True):
    rows = _known(data, "lmdb").filter(_.atc.isin(codes)).select("pnr", "eksd", "volume", "apk").execute()
    days = rows.volume * rows.apk if with_packs else rows.volume
    start = pd.to_datetime(rows.eksd)
    days = np.ceil(days).clip(lower=1)
    end = start + pd.to_timedelta(days - 1, unit="D")
    return pd.DataFrame({"pnr": rows.pnr, "start": start, "end": end}).sort_values(["pnr", "start", "end"])


def _gaps(rows, reached):
    """Days from what was reached before to the start; missing for a person's first."""
    return (rows.start - reached.groupby(rows.pnr).shift()).dt.days


def _count_eras(rows, reached):
    gap = _gaps(rows, reached)
    return pd.DataFrame([{"gap_days": days, "eras": int((gap.isna() | (gap > days)).sum())} for days in (0, 30, 90)])


def eras_pandas(data):
    rows = _exposures(data, ["A10BA02", "A10BD07"])
    return _count_eras(rows, rows.groupby("pnr").end.cummax())


def eras_one_pack(data):
    rows = _exposures(data, ["A10BA02", "A10BD07"], with_packs=False)
    return _count_eras(rows, rows.groupby("pnr").end.cummax())


def eras_plain(data):
    rows = _exposures(data, ["A10BA02"])
    return _count_eras(rows, rows.groupby("pnr").end.cummax())


def eras_start_to_start(data):
    rows = _exposures(data, ["A10BA02", "A10BD07"])
    return _count_eras(rows, rows.start)


def eras_ibis(data):
    bought = _known(data, "lmdb").filter(_.atc.isin(["A10BA02", "A10BD07"]))
    days = ibis.greatest((bought.volume * bought.apk).ceil().cast("int32"), 1)
    number = bought.eksd.delta(ibis.date("1970-01-01"), unit="day")
    rows = bought.select("pnr", start=number, end=number + days - 1)
    earlier = ibis.window(group_by="pnr", order_by=["start", "end"], preceding=(None, 1))
    rows = rows.mutate(gap=rows.start - rows.end.max().over(earlier))
    counts = {str(d): (rows.gap.isnull() | (rows.gap > d)).cast("int32").sum() for d in (0, 30, 90)}
    found = rows.agg(**counts).execute().iloc[0]
    return pd.DataFrame({"gap_days": [0, 30, 90], "eras": [int(found[str(d)]) for d in (0, 30, 90)]})


def eras_of_omop(data):
    eras = _both(data)[1].drug_era.filter(_.drug_concept_id == METFORMIN).count().execute()
    return pd.DataFrame({"gap_days": [0, 30, 90], "eras": eras})


def hba1c_ibis(data):
    rows = _both(data)[1].measurement.filter(
        _.measurement_concept_id.isin([HBA1C_MOL, HBA1C_PERCENT]), _.measurement_date.year() == 2011
    )
    found = rows.group_by("person_id").agg(seen=(_.measurement_concept_id == HBA1C_MOL).any()).execute()
    return float((~found.seen).mean())


def _hba1c(data, *, in_2011=True):
    rows = _known(data, "lab_forsker").filter(_.analysiscode.isin(["NPU27300", "NPU03835"]))
    rows = rows.filter(_.samplingdate.year() == 2011) if in_2011 else rows
    return rows.select("pnr", "analysiscode").execute()


def _share_unseen(rows):
    everybody = set(rows.pnr)
    return len(everybody - set(rows[rows.analysiscode == "NPU27300"].pnr)) / len(everybody)


def hba1c_codes(data):
    return _share_unseen(_hba1c(data))


def hba1c_rows(data):
    return float((_hba1c(data).analysiscode == "NPU03835").mean())


def hba1c_all_years(data):
    return _share_unseen(_hba1c(data, in_2011=False))


def hba1c_turned(data):
    return 1 - hba1c_codes(data)


def _diagnoses(data, *, retracted=False, known=True, third=True):
    places = [
        data.lpr_adm.join(data.lpr_diag, "recnum").select("pnr", code="c_diag", kind="c_diagtype"),
        data.t_psyk_adm.join(data.t_psyk_diag, "recnum").select("pnr", code="c_diag", kind="c_diagtype"),
    ]
    if third:
        marked = data.lpr3a_diagnose if retracted else data.lpr3a_diagnose.filter(_.senere_afkraeftet == "Nej")
        places.append(
            data.lpr3a_kontakt.join(marked, "dw_ek_kontakt").select("pnr", code="diag_kode", kind="diag_type")
        )
    rows = ibis.union(*places)
    rows = rows.filter(_.code.re_search(DIABETES), _.kind.isin(["A", "B"]))
    return rows.semi_join(data.bef, "pnr") if known else rows


def _by_status(rows):
    counted = rows.group_by("kind").agg(rows=_.count()).execute()
    return counted.assign(status=counted.kind.map({"A": MAIN, "B": SECONDARY}))[["status", "rows"]]


def conditions_union(data):
    return _by_status(_diagnoses(data))


def conditions_retracted(data):
    return _by_status(_diagnoses(data, retracted=True))


def conditions_lpr2(data):
    return _by_status(_diagnoses(data, third=False))


def conditions_everybody(data):
    return _by_status(_diagnoses(data, known=False))


def conditions_persons(data):
    counted = _diagnoses(data).group_by("kind").agg(rows=_.pnr.nunique()).execute()
    return counted.assign(status=counted.kind.map({"A": MAIN, "B": SECONDARY}))[["status", "rows"]]


def conditions_of_omop(data):
    rows = _both(data)[1].condition_occurrence.filter(_.condition_source_value.re_search(DIABETES))
    return rows.group_by(status="condition_status_concept_id").agg(rows=_.count()).execute()


# Part 3 ---------------------------------------------------------------------------------------------------------------

_USERS = f"""
  WITH entry AS (
    SELECT person_id, min(drug_exposure_start_date) AS day FROM drug_exposure
    WHERE drug_concept_id = {SITAGLIPTIN} GROUP BY person_id)
  SELECT person_id, person_source_value AS pnr, day
  FROM entry JOIN person USING (person_id) JOIN observation_period USING (person_id)
  WHERE day BETWEEN DATE '{FROM}' AND DATE '{TO}' AND year(day) - year_of_birth BETWEEN {OLD} AND {OLDEST}
    AND day BETWEEN observation_period_start_date + {YEAR} AND observation_period_end_date
"""


def users_sql(data):
    return _one(data, f"SELECT count(*) AS value FROM ({_USERS})")


def _entries(data, codes=SITAGLIPTIN_CODES):
    """Give everybody's first exposure inside a long enough period: person_id, day, year_of_birth, birth_datetime."""
    _registers, omop = _both(data)
    exposed = omop.drug_exposure.filter(_.drug_concept_id == SITAGLIPTIN, _.drug_source_value.isin(codes))
    entry = exposed.group_by("person_id").agg(day=_.drug_exposure_start_date.min()).execute()
    periods = omop.observation_period.execute()
    persons = omop.person.select("person_id", "year_of_birth", "birth_datetime").execute()
    found = entry.merge(periods, on="person_id").merge(persons, on="person_id")
    day = pd.to_datetime(found.day)
    start, end = (pd.to_datetime(found[f"observation_period_{side}_date"]) for side in ("start", "end"))
    found = found.assign(day=day)[((day - start).dt.days >= YEAR) & (day <= end)]
    return found[found.day.between(FROM, TO)]


def users_pandas(data):
    found = _entries(data)
    return int((found.day.dt.year - found.year_of_birth).between(OLD, OLDEST).sum())


def users_plain(data):
    found = _entries(data, ("A10BH01",))
    return int((found.day.dt.year - found.year_of_birth).between(OLD, OLDEST).sum())


def users_all_ages(data):
    return len(_entries(data))


def users_exposures(data):
    return _one(
        data,
        f"SELECT count(*) AS value FROM drug_exposure JOIN ({_USERS}) USING (person_id) WHERE drug_concept_id = {SITAGLIPTIN}",
    )


def _age(born, day):
    return day.dt.year - born.dt.year - (born.dt.strftime("%m%d") > day.dt.strftime("%m%d"))


def _register_cohort(data):
    first = data.lmdb.filter(_.atc == "A10BH01").group_by("pnr").agg(day=_.eksd.min()).execute()
    born = data.bef.group_by("pnr").agg(born=_.foed_dato.min()).execute()
    years = data.bef.select("pnr", year=_.referencetid.year()).distinct().execute()
    present = set(zip(years.pnr, years.year, strict=True))
    people = first.merge(born, on="pnr")
    people["day"], people["born"] = pd.to_datetime(people.day), pd.to_datetime(people.born)
    people = people[people.day.between(FROM, TO) & _age(people.born, people.day).between(OLD, OLDEST)]
    stays = [{(pnr, day.year), (pnr, day.year - 1)} <= present for pnr, day in zip(people.pnr, people.day, strict=True)]
    return people[stays]


def _first_days(data):
    bought = data.lmdb.filter(_.atc.isin(SITAGLIPTIN_CODES)).select("pnr", "eksd", "atc").execute()
    bought["eksd"] = pd.to_datetime(bought.eksd)
    either = bought.groupby("pnr").eksd.min().rename("either")
    plain = bought[bought.atc == "A10BH01"].groupby("pnr").eksd.min().rename("plain")
    born = pd.to_datetime(data.bef.group_by("pnr").agg(born=_.foed_dato.min()).execute().set_index("pnr").born)
    return pd.concat([either, plain], axis=1).join(born)


def _reasons(data, who):
    in_omop = set(_both(data)[1].sql(_USERS)["pnr"].to_pylist())
    in_registers = set(_register_cohort(data).pnr)
    days = _first_days(data).loc[sorted(who(in_omop, in_registers))]
    is_product = days.plain != days.either
    by_year = days.either.dt.year - days.born.dt.year
    is_age = by_year.between(OLD, OLDEST) != _age(days.born, days.either).between(OLD, OLDEST)
    reason = is_age.map({True: "age", False: "observation"}).mask(is_product, "product")
    return reason.value_counts().reindex(["product", "age", "observation"], fill_value=0)


def _as_table(counts):
    return counts.rename_axis("reason").reset_index(name="persons")


def differences_pandas(data):
    return _as_table(_reasons(data, lambda one, other: one ^ other))


def differences_everybody(data):
    return _as_table(_reasons(data, lambda one, other: one | other))


def differences_turned(data):
    return _as_table(_reasons(data, lambda one, other: one ^ other).rename({"product": "age", "age": "product"}))


def differences_shares(data):
    table = differences_pandas(data)
    return table.assign(persons=table.persons / table.persons.sum())


def differences_sql(data):
    return _both(data)[1].sql(
        f"""
        WITH plain AS (SELECT pnr, min(eksd) AS day FROM lmdb WHERE atc = 'A10BH01' GROUP BY pnr),
        either AS (SELECT pnr, min(eksd) AS day FROM lmdb WHERE atc IN {SITAGLIPTIN_CODES} GROUP BY pnr),
        born AS (SELECT pnr, min(foed_dato) AS born FROM bef GROUP BY pnr),
        register AS (
          SELECT pnr, day FROM plain JOIN born USING (pnr)
          WHERE day BETWEEN DATE '{FROM}' AND DATE '{TO}'
            AND born + INTERVAL {OLD} YEAR <= day AND born + INTERVAL {OLDEST + 1} YEAR > day
            AND pnr || year(day) IN (SELECT pnr || year(referencetid) FROM bef)
            AND pnr || (year(day) - 1) IN (SELECT pnr || year(referencetid) FROM bef)),
        one_only AS (
          SELECT coalesce(a.pnr, b.pnr) AS pnr FROM ({_USERS}) a FULL JOIN register b USING (pnr)
          WHERE a.pnr IS NULL OR b.pnr IS NULL),
        why AS (
          SELECT CASE WHEN plain.day IS DISTINCT FROM either.day THEN 'product'
            WHEN (year(either.day) - year(born) BETWEEN {OLD} AND {OLDEST})
              <> (born + INTERVAL {OLD} YEAR <= either.day AND born + INTERVAL {OLDEST + 1} YEAR > either.day) THEN 'age'
            ELSE 'observation' END AS reason
          FROM one_only JOIN born USING (pnr) JOIN either USING (pnr) LEFT JOIN plain USING (pnr))
        SELECT reason, count(why.reason) AS persons
        FROM (VALUES ('product'), ('age'), ('observation')) AS r(reason) LEFT JOIN why USING (reason) GROUP BY reason
        """
    )


def _still(data, gaps=(30, 90)):
    rows = _exposures(data, list(SITAGLIPTIN_CODES))
    gap = _gaps(rows, rows.groupby("pnr").end.cummax())
    users = _both(data)[1].sql(_USERS).to_pandas().set_index("pnr").day
    found = []
    for days in gaps:
        era = (gap > days).groupby(rows.pnr).cumsum()
        stop = rows[era == 0].groupby("pnr").end.max()
        stayed = (stop[users.index] - pd.to_datetime(users)).dt.days >= YEAR
        found.append({"gap_days": days, "share": float(stayed.mean())})
    return pd.DataFrame(found)


def still_pandas(data):
    return _still(data)


def still_turned(data):
    return _still(data).assign(share=lambda t: 1 - t.share)


def still_thirty_twice(data):
    share = _still(data, (30,)).share.iloc[0]
    return pd.DataFrame({"gap_days": [30, 90], "share": [share, share]})


def still_any_later(data):
    share = _one(
        data,
        f"""
        WITH person_days AS (
          SELECT u.person_id, max(e.drug_exposure_end_date - u.day) AS longest
          FROM ({_USERS}) u JOIN drug_exposure e USING (person_id) WHERE e.drug_concept_id = {SITAGLIPTIN} GROUP BY ALL)
        SELECT avg(CAST(longest >= {YEAR} AS DOUBLE)) AS value FROM person_days
        """,
    )
    return pd.DataFrame({"gap_days": [30, 90], "share": [share, share]})


def still_sql(data):
    return _both(data)[1].sql(
        f"""
        WITH users AS ({_USERS}),
        reached AS (
          SELECT person_id, drug_exposure_start_date AS start, drug_exposure_end_date AS stop, max(drug_exposure_end_date) OVER (
            PARTITION BY person_id ORDER BY drug_exposure_start_date, drug_exposure_end_date
            ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS covered
          FROM drug_exposure JOIN users USING (person_id) WHERE drug_concept_id = {SITAGLIPTIN}),
        numbered AS (
          SELECT person_id, stop, gap_days, sum(CAST(covered IS NULL OR start - covered > gap_days AS INTEGER)) OVER (
            PARTITION BY person_id, gap_days ORDER BY start, stop ROWS UNBOUNDED PRECEDING) AS era
          FROM reached, (VALUES (30), (90)) AS w(gap_days)),
        ends AS (SELECT person_id, gap_days, max(stop) AS stop FROM numbered WHERE era = 1 GROUP BY ALL)
        SELECT gap_days, avg(CAST(stop - day >= {YEAR} AS DOUBLE)) AS share FROM users JOIN ends USING (person_id) GROUP BY ALL
        """
    )


def lost_by_fields(data):
    """Look whether each field that a question needs is there, and holds what it needs."""
    _registers, omop = _both(data)
    found = []
    if omop.condition_occurrence.filter(_.condition_start_datetime.hour() > 0).count().execute():
        found.append("hour")
    if omop.condition_occurrence.condition_status_concept_id.nunique().execute() > 1:
        found.append("main")
    metformin = omop.drug_exposure.filter(_.drug_concept_id == METFORMIN)
    tested = omop.measurement.filter(_.measurement_concept_id == HBA1C_MOL)
    if metformin.semi_join(tested, "person_id").count().execute():
        found.append("gap")
    services = omop.visit_occurrence.filter(_.visit_source_value == "80")
    days = services.group_by(day=_.visit_start_date.day_of_week.index()).agg(n=_.count()).execute().set_index("day").n
    if days.drop(0, errors="ignore").sum() > 0.01 * days.sum():
        found.append("weekday")
    if omop.person.group_by("person_id").agg(n=_.location_id.nunique()).n.max().execute() > 1:
        found.append("moving")
    return ", ".join(found)


def lost_in_another_order(_data):
    return "gap,main ,hour"


def lost_with_weekday(_data):
    return "hour, main, gap, weekday"


def lost_with_retraction(_data):
    return "hour, main, gap, retraction"


def lost_with_moving(_data):
    return "hour, main, gap, moving"


def lost_all(_data):
    return "hour, main, retraction, moving, income, gap, weekday"
