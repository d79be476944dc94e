"""Compare a simulated cohort with the frozen targets: numbers and figures in docs/reference.

    python verification/cohort_validate.py [persons, default 200000] [seed, default 1] [folder of its registers]

The registers, if given, are those that `sandkasse cohort simulate --persons N --seed S --out FOLDER` wrote for the same
persons and seed; incidence is then also found in them by the case definition of `register_cases`.
Needs altair and vl-convert-python (both in the test lock).
"""

import csv
import sys
import tempfile
from pathlib import Path

import altair as alt
import duckdb
import numpy as np
import pandas as pd
import vl_convert

from sandkasse.cohort.calibration.measure import LifeMeasures, measure_life
from sandkasse.cohort.kernels import enable_cache
from sandkasse.cohort.model import DATA, load_model

DOCS = Path(__file__).resolve().parents[1] / "docs" / "reference"
SEXES = "men", "women"
SHAPE = 2, 20, 48
SOURCE = (
    "Points: Statistics Denmark and Danish registers, as tables of R package Epi 2.47. Lines: the simulated cohort."
)
YEARS = range(1996, 2017)


def read_targets() -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Events and person-years of each quantity, shape (2, sex, age group, year); and where a row is held out."""
    values: dict[str, np.ndarray] = {}
    held: dict[str, np.ndarray] = {}
    with (DATA / "targets.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            table = values.setdefault(row["quantity"], np.zeros((2, *SHAPE)))
            at = int(row["sex"]) - 1, int(row["age_from"]) // 5, int(row["year"]) - 1977
            table[(slice(None), *at)] = float(row["events"]), float(row["person_years"])
            held.setdefault(row["quantity"], np.zeros(SHAPE, dtype=bool))[at] = row["role"] == "held out"
    return values, held


def expected(rate: np.ndarray, years: np.ndarray) -> np.ndarray:
    """Events that the simulated rate would give in the published person-years."""
    return rate * years


def register_incidence(folder: Path) -> np.ndarray:
    """Incidence by sex, age group and year as the registers show it, in the manner of the National Diabetes Register.

    A person enters on the earliest of: a hospital diagnosis of diabetes (ICD-8 249, 250; ICD-10 E10-E14; withdrawn
    ones left out), the second purchase of a glucose-lowering drug (A10; women under 40 who only ever bought metformin
    are left out, since it is given for polycystic ovaries), or podiatry (service 54). Person-years are the residents of
    1 January
    who had not entered before.
    """
    db = duckdb.connect()
    db.execute("SET memory_limit='1500MB'; SET threads=1")

    def table(name: str) -> str:
        single = folder / "data" / f"{name}.parquet"
        return f"read_parquet('{single if single.exists() else folder / 'data' / name / '*.parquet'}')"

    db.execute(
        f"""
        CREATE TABLE person AS
            SELECT pnr, any_value(koen) AS sex, any_value(foed_dato) AS born FROM {table("bef")} GROUP BY pnr;
        CREATE TABLE hit AS
            SELECT a.pnr, a.d_inddto AS day FROM {table("lpr_adm")} a JOIN {table("lpr_diag")} d USING (recnum)
            WHERE regexp_matches(d.c_diag, '^(249|250|DE1[0-4])')
            UNION ALL
            SELECT k.pnr, CAST(k.kont_starttidspunkt AS DATE) FROM {table("lpr3a_kontakt")} k
            JOIN {table("lpr3a_diagnose")} d USING (dw_ek_kontakt)
            WHERE d.senere_afkraeftet = 'Nej' AND regexp_matches(d.diag_kode, '^DE1[0-4]')
            UNION ALL
            SELECT u.pnr, u.day FROM (
                SELECT pnr, eksd AS day, row_number() OVER (PARTITION BY pnr ORDER BY eksd) AS nth,
                       bool_and(atc = 'A10BA02') OVER (PARTITION BY pnr) AS only_metformin
                FROM {table("lmdb")} WHERE atc LIKE 'A10%'
            ) u JOIN person p USING (pnr)
            WHERE u.nth = 2 AND NOT (p.sex = 2 AND u.only_metformin AND date_diff('day', p.born, u.day) < 14610)
            UNION ALL
            SELECT pnr, CAST(strptime('20' || honuge || '1', '%G%V%u') AS DATE)
                   - CASE WHEN substr(honuge, 1, 2) >= '77' THEN 36525 ELSE 0 END
            FROM (SELECT * FROM {table("sysi")} UNION ALL SELECT * FROM {table("sssy")})
            WHERE speciale LIKE '54%' AND barnmak = 0;
        CREATE TABLE first AS SELECT pnr, min(day) AS day FROM hit GROUP BY pnr;
        """
    )
    found = db.execute(
        """SELECT p.sex, least(19, date_diff('day', p.born, f.day) // 1826) AS age, year(f.day) AS year, count(*) AS n
        FROM first f JOIN person p USING (pnr) WHERE f.day >= DATE '1996-01-01' GROUP BY ALL"""
    ).fetchall()
    free = db.execute(
        f"""SELECT b.koen, least(19, date_diff('day', b.foed_dato, b.referencetid) // 1826), year(b.referencetid),
        count(*)
        FROM {table("bef")} b LEFT JOIN first f USING (pnr)
        WHERE f.day IS NULL OR f.day >= b.referencetid GROUP BY ALL"""
    ).fetchall()
    cases, years = np.zeros(SHAPE), np.zeros(SHAPE)
    for grid, rows in ((cases, found), (years, free)):
        for sex, age, year, n in rows:
            if 1977 <= year <= 2024:
                grid[int(sex) - 1, max(int(age), 0), int(year) - 1977] += n
    return np.divide(cases, np.maximum(years, 1.0))


def lines(  # noqa: C901, PLR0915 — one table after the other
    counts: LifeMeasures, values: dict[str, np.ndarray], held: dict[str, np.ndarray], registers: np.ndarray | None
) -> list[str]:
    """The report's tables."""
    out: list[str] = []

    def row(*cells: object) -> None:
        out.append("| " + " | ".join(str(cell) for cell in cells) + " |")

    def ratio(simulated: float, published: float) -> str:
        return f"{100.0 * (simulated / published - 1.0):+.1f} %"

    nation = counts.population / counts.share
    row("population on 1 January", "simulated", "published", "deviation", "role")
    row(*["---"] * 5)
    for year in (1977, 1985, 1995, 2005, 2008, 2013):
        want = values["population"][0][..., year - 1977].sum()
        got = nation[..., year - 1977].sum()
        row(year, f"{got:,.0f}", f"{want:,.0f}", ratio(got, want), "fitted" if year <= 2007 else "held out")
    got = nation[..., 47].sum()
    row(2024, f"{got:,.0f}", "5,961,249", ratio(got, 5961249), "extrapolation")
    young, old = nation[:, :3, 47].sum() / got, nation[:, 13:, 47].sum() / got
    row(
        "0–14 years in 2024",
        f"{100 * young:.1f} %",
        "16.4 % (2022 estimate)",
        f"{100 * young - 16.4:+.1f} points",
        "extrapolation",
    )
    row(
        "65 and older in 2024",
        f"{100 * old:.1f} %",
        "19.9 % (2022 estimate)",
        f"{100 * old - 19.9:+.1f} points",
        "extrapolation",
    )
    out.append("")
    row("deaths", "simulated", "published", "deviation", "role")
    row(*["---"] * 5)
    for first, last in ((1977, 1986), (1987, 1996), (1997, 2007), (2008, 2012)):
        part = slice(first - 1977, last - 1976)
        rate = counts.deaths[..., part].sum(-1) / np.maximum(counts.years[..., part].sum(-1), 1.0)
        want = values["deaths"][0][..., part].sum()
        got = expected(rate, values["deaths"][1][..., part].sum(-1)).sum()
        row(
            f"{first}–{last}", f"{got:,.0f}", f"{want:,.0f}", ratio(got, want), "fitted" if last <= 2007 else "held out"
        )
    out.append("")
    x = values["diabetes_detected"]
    rate = counts.detected / np.maximum(counts.years_without, 1.0)
    head = ["diabetes detected", "life", "published", "deviation", "rows held out"]
    row(*head, *(["registers", "deviation"] if registers is not None else []))
    row(*["---"] * (5 if registers is None else 7))
    for year in YEARS:
        i = year - 1977
        want, got = x[0][..., i].sum(), expected(rate[..., i], x[1][..., i]).sum()
        share = held["diabetes_detected"][..., i].mean()
        cells: list[object] = [year, f"{got:,.0f}", f"{want:,.0f}", ratio(got, want), f"{100 * share:.0f} %"]
        if registers is not None:
            there = expected(registers[..., i], x[1][..., i]).sum()
            cells += [f"{there:,.0f}", ratio(there, want)]
        row(*cells)
    for role, flag in (("fitted", False), ("held out", True)):
        mask = (held["diabetes_detected"] == flag) & (x[1] > 0)
        want, got = x[0][mask].sum(), expected(rate, x[1])[mask].sum()
        row(
            f"all rows {role}",
            f"{got:,.0f}",
            f"{want:,.0f}",
            ratio(got, want),
            "",
            *([""] * 2 if registers is not None else []),
        )
    out.append("")
    row("diabetes detected 1996–2016, age", *(f"{sex}, life / published" for sex in SEXES))
    row(*["---"] * 3)
    part = slice(19, 40)
    for a in range(20):
        cells = []
        for s in range(2):
            want = x[0][s, a, part].sum()
            got = expected(rate[s, a, part], x[1][s, a, part]).sum()
            cells.append(f"{got / want:.2f}")
        row(f"{5 * a}–{5 * a + 4}" if a < 19 else "95 and older", *cells)
    out.append("")
    p = values["diabetes_prevalence"]
    row("prevalence of recognised diabetes on 1 July", "life", "published", "deviation", "role")
    row(*["---"] * 5)
    for year in (1996, 2000, 2005, 2010, 2015):
        i = year - 1977
        share = counts.years_with[..., i] / np.maximum(counts.years[..., i], 1.0)
        got = 100 * (share * p[1][..., i]).sum() / p[1][..., i].sum()
        want = 100 * p[0][..., i].sum() / p[1][..., i].sum()
        row(
            year,
            f"{got:.2f} %",
            f"{want:.2f} %",
            f"{got - want:+.2f} points",
            "fitted by eye" if year == 1996 else "held out",
        )
    out.append("")
    d = values["deaths_with_diabetes"]
    row("deaths with diabetes, at the published person-years", "life", "published", "deviation", "role")
    row(*["---"] * 5)
    for first, last in ((1996, 2007), (2008, 2016)):
        part = slice(first - 1977, last - 1976)
        with_rate = counts.deaths_with[..., part].sum(-1) / np.maximum(counts.years_with[..., part].sum(-1), 1.0)
        want, got = d[0][..., part].sum(), expected(with_rate, d[1][..., part].sum(-1)).sum()
        row(
            f"{first}–{last}",
            f"{got:,.0f}",
            f"{want:,.0f}",
            ratio(got, want),
            "fitted by eye" if last <= 2007 else "held out, but seen when hazard ratios were chosen by hand",
        )
    hidden = counts.undiagnosed[..., 34].sum() / counts.share
    out.append("")
    out.append(
        f"Undiagnosed type 2 diabetes in mid-2011: {hidden:,.0f} persons (published estimate for May 2011: 60,681, "
        "Jørgensen et al. 2020, PMID 30222048; the detection speed was set to meet it)."
    )
    return out


def draw(counts: LifeMeasures, values: dict[str, np.ndarray], registers: np.ndarray | None) -> None:
    """Write the figures as SVG."""
    folder = DOCS / "figures"
    folder.mkdir(parents=True, exist_ok=True)
    colours = alt.Scale(
        domain=["published", "simulated lives", "simulated registers"], range=["#000000", "#0072b2", "#d55e00"]
    )
    x = values["diabetes_detected"]
    rate = counts.detected / np.maximum(counts.years_without, 1.0)
    rows = []
    for year in YEARS:
        i = year - 1977
        years = x[1][..., i].sum()
        rows.append((year, "published", 1000 * x[0][..., i].sum() / years))
        rows.append((year, "simulated lives", 1000 * (rate[..., i] * x[1][..., i]).sum() / years))
        if registers is not None:
            rows.append((year, "simulated registers", 1000 * (registers[..., i] * x[1][..., i]).sum() / years))
    drawing = chart(rows, "year", "new cases per 1,000 person-years", colours)
    save(folder, "cohort-incidence-by-year", drawing, "New cases of diabetes by calendar year, with the dip after 2011")
    rows = cases_by_age(x, rate, registers)
    drawing = chart(rows, "age", "new cases per 1,000 person-years", colours)
    save(folder, "cohort-incidence-by-age", drawing, "New cases of diabetes by age and sex, 1996–2016")
    rows = []
    m = values["deaths"]
    for s, sex in enumerate(SEXES):
        for a in range(20):
            part = slice(31, 36)
            rows.append((5 * a + 2.5, "published", 1000 * m[0][s, a, part].sum() / m[1][s, a, part].sum(), sex))
            got = counts.deaths[s, a, part].sum() / max(counts.years[s, a, part].sum(), 1.0)
            rows.append((5 * a + 2.5, "simulated lives", 1000 * max(got, 1e-5), sex))
    drawing = chart(rows, "age", "deaths per 1,000 person-years", colours, log=True)
    save(folder, "cohort-mortality", drawing, "Mortality by age and sex, 2008–2012 (held out from calibration)")
    rows, p = [], values["diabetes_prevalence"]
    for year in YEARS:
        i = year - 1977
        share = counts.years_with[..., i] / np.maximum(counts.years[..., i], 1.0)
        rows.append((year, "published", 100 * p[0][..., i].sum() / p[1][..., i].sum()))
        rows.append((year, "simulated lives", 100 * (share * p[1][..., i]).sum() / p[1][..., i].sum()))
    drawing = chart(rows, "year", "recognised diabetes, % of residents", colours)
    save(folder, "cohort-prevalence", drawing, "Residents with recognised diabetes on 1 July")
    rows = []
    for year in (1977, 1995, 2013):
        for a in range(20):
            want = values["population"][0][:, a, year - 1977].sum() / 1000
            got = counts.population[:, a, year - 1977].sum() / counts.share / 1000
            rows += [(5 * a + 2.5, "published", want, str(year)), (5 * a + 2.5, "simulated lives", got, str(year))]
    drawing = chart(rows, "age", "residents, thousands", colours)
    save(folder, "cohort-population", drawing, "Residents of Denmark on 1 January by age")


def cases_by_age(x: np.ndarray, rate: np.ndarray, registers: np.ndarray | None) -> list[tuple[object, ...]]:
    """New cases per 1,000 published person-years of 1996–2016, by sex and five years of age."""
    rows, part = [], slice(19, 40)
    for s, sex in enumerate(SEXES):
        for a in range(20):
            years = x[1][s, a, part].sum()
            rows.append((5 * a + 2.5, "published", 1000 * x[0][s, a, part].sum() / years, sex))
            for name, found in (("simulated lives", rate), ("simulated registers", registers)):
                if found is not None:
                    got = 1000 * (found[s, a, part] * x[1][s, a, part]).sum() / years
                    rows.append((5 * a + 2.5, name, got, sex))
    return rows


def chart(rows: list[tuple[object, ...]], across: str, up: str, colours: alt.Scale, *, log: bool = False) -> alt.Chart:
    """Points for what is published, lines for what is simulated; one panel per fourth entry."""
    names = ["x", "series", "y", "panel"][: len(rows[0])]
    frame = pd.DataFrame(rows, columns=names)
    scale = alt.Scale(type="log") if log else alt.Scale(zero=True)
    base = alt.Chart(frame).encode(
        x=alt.X("x:Q", title=across, axis=alt.Axis(format="d"), scale=alt.Scale(zero=False)),
        y=alt.Y("y:Q", title=up, scale=scale),
        color=alt.Color("series:N", scale=colours, title=None, legend=alt.Legend(orient="bottom")),
    )
    points = base.transform_filter("datum.series == 'published'").mark_point(size=28, filled=True)
    drawn = base.transform_filter("datum.series != 'published'").mark_line()
    layered = (drawn + points).properties(width=300, height=220)
    return (
        layered.facet(column=alt.Column("panel:N", title=None)) if "panel" in names else layered.properties(width=520)
    )


def save(folder: Path, name: str, drawing: alt.Chart, title: str) -> None:
    """Write a chart as SVG, with its title and its source."""
    told = alt.TitleParams(title, subtitle=SOURCE, anchor="start", fontSize=15, subtitleColor="#555555")
    finished = drawing.properties(title=told, background="white")
    (folder / f"{name}.svg").write_text(vl_convert.vegalite_to_svg(finished.to_dict()), encoding="utf-8")


def main() -> None:
    enable_cache(Path(tempfile.gettempdir()) / "cohort-kernels")
    n_persons = int(sys.argv[1]) if len(sys.argv) > 1 else 200_000
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else 1
    registers = register_incidence(Path(sys.argv[3])) if len(sys.argv) > 3 else None
    counts = measure_life(load_model(), n_persons, seed=seed)
    values, held = read_targets()
    draw(counts, values, registers)
    report = lines(counts, values, held, registers)
    page = DOCS / "cohort-validation.md"
    head, _, _ = page.read_text(encoding="utf-8").partition("<!-- numbers -->")
    page.write_text(head + "<!-- numbers -->\n\n" + "\n".join(report) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
