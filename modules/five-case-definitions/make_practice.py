"""Make the practice data of parts 2 and 3, and the numbers that their exercises are graded against, by one command.

    sandkasse cohort simulate --persons 60000 --seed 20150101 --out /tmp/practice
    python modules/five-case-definitions/make_practice.py /tmp/practice

It writes `data/practice` (residents of 1 January 2015 aged 40 or more, their register rows on lungs, and their true
lives), `data/true_by_year.csv`, `expected.json`, and puts the numbers into `module.yaml`, in the lines that end with
`-- made: <name>`. Run it again whenever the model of the cohort changes: in exercise `true-prevalence` the practice
persons' sensitivity corrects another cohort of the same model.

The pass mark of exercise `your-list` follows one rule, written before the numbers were seen: the highest one at which
each right list of `answers.py` is refused with a probability of at most `REFUSED` in a class cohort. The probability
comes from the practice persons: halves of a class cohort are drawn from them and rounded as the grader rounds.
"""

# ruff: noqa: S608  every part of the statements is written here or names a folder of the command line

import argparse
import csv
import importlib.util
import json
import re
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd

from sandkasse.training.coarse import PERSONS_PER_STEP, STEPS_POINTS

HERE = Path(__file__).parent
DAY = "DATE '2015-01-01'"
LUNGS = "'^(DJ4[456]|49[123])'"
PERSONS = """
    SELECT p.pnr, copd.onset AS copd_onset, copd.detected AS copd_detected, asthma.onset AS asthma_onset, p.doddato
    FROM truth.persons AS p SEMI JOIN residents USING (pnr)
    LEFT JOIN days AS copd ON copd.pnr = p.pnr AND copd.name = 'copd'
    LEFT JOIN days AS asthma ON asthma.pnr = p.pnr AND asthma.name = 'asthma'"""
TABLES = {
    "bef": f"SELECT pnr, koen, foed_dato, kom, referencetid FROM raw.bef WHERE referencetid = {DAY}",
    "udda": "SELECT pnr, hfaudd, aar FROM raw.udda WHERE aar < 2015 QUALIFY aar = max(aar) OVER (PARTITION BY pnr)",
    "lmdb": f"SELECT pnr, eksd, atc FROM raw.lmdb WHERE atc LIKE 'R03%' AND eksd < {DAY}",
    "lpr_adm": f"SELECT pnr, recnum, d_inddto, c_pattype FROM raw.lpr_adm WHERE d_inddto < {DAY} "
    f"AND recnum IN (SELECT recnum FROM raw.lpr_diag WHERE regexp_matches(c_diag, {LUNGS}))",
    "truth_persons": PERSONS,
}
DIAGNOSES = f"SELECT * FROM raw.lpr_diag WHERE regexp_matches(c_diag, {LUNGS}) AND recnum IN (SELECT recnum FROM kept)"
# The five definitions; the same statements as in module.yaml, here for each person with the truth beside.
NAMED = f"""
    CREATE TABLE named AS
    WITH hosp AS (
      SELECT pnr, d_inddto AS day, c_diag AS code, c_diagtype AS kind, c_pattype AS contact
      FROM raw.lpr_adm JOIN raw.lpr_diag USING (recnum) WHERE c_diagtype IN ('A', 'B') AND d_inddto < {DAY}),
    copd AS (FROM hosp WHERE regexp_matches(code, '^(DJ44|49[12])')),
    asthma AS (SELECT DISTINCT pnr FROM hosp WHERE regexp_matches(code, '^(DJ4[56]|493)')),
    bought AS (
      SELECT b.pnr, eksd AS day, atc, foed_dato FROM raw.lmdb AS b JOIN residents USING (pnr)
      WHERE atc LIKE 'R03%' AND eksd < {DAY}),
    drugs AS (
      SELECT pnr FROM bought
      WHERE (atc LIKE 'R03BB%' OR atc LIKE 'R03AL%') AND day >= foed_dato + INTERVAL 40 YEAR
      GROUP BY pnr HAVING count(DISTINCT day) >= 2),
    year AS (
      SELECT pnr FROM bought WHERE day >= {DAY} - INTERVAL 1 YEAR GROUP BY pnr HAVING count(DISTINCT day) >= 2),
    seen AS (
      SELECT pnr, copd_onset, copd_detected,
      pnr IN (SELECT pnr FROM copd WHERE kind = 'A' AND contact = '0') AS admission,
      pnr IN (SELECT pnr FROM copd) AS hospital,
      pnr IN (FROM drugs) AS drugs,
      pnr IN (SELECT pnr FROM copd WHERE day >= {DAY} - INTERVAL 5 YEAR) OR pnr IN (FROM year) AS recent,
      pnr IN (FROM asthma) AS asthma
      FROM people)
    SELECT seen.*, hospital OR (drugs AND NOT asthma) AS algorithm,
      coalesce(copd_onset < {DAY}, false) AS truth, coalesce(copd_detected < {DAY}, false) AS found
    FROM seen"""
DEFINITIONS = ("admission", "hospital", "drugs", "algorithm", "recent")
RIGHT, WRONG = ("confirmed", "learnt"), ("admission", "drugs", "all_inhalers")
REFUSED = 0.001  # our choice: how often a right list may be refused
CLASS_SHARE = 1 / 3  # a class cohort has 20,000 persons, the practice cohort 60,000
DRAWS = 200_000
FOLDS = 10  # our choice: a list that learns is tried on tenths that it has not learnt from
PASS_MARKS = np.arange(0.60, 1.0, 0.04)  # the grader's steps of four points, which two hundred cases allow


def open_cohort(cohort):
    """Give a connection on a simulated cohort: its registers as `raw`, its truth, and the residents of the day."""
    connection = duckdb.connect()
    connection.execute("CREATE SCHEMA raw; CREATE SCHEMA truth")
    for folder in sorted((cohort / "registers" / "data").iterdir()):
        files = folder / "*.parquet" if folder.is_dir() else folder
        connection.execute(f"CREATE VIEW raw.{folder.stem} AS FROM read_parquet('{files}')")
    for name in ("persons", "events"):
        connection.execute(f"CREATE VIEW truth.{name} AS FROM read_parquet('{cohort / 'truth' / name}.parquet')")
    connection.execute(
        f"""
        CREATE TABLE residents AS
        SELECT pnr, foed_dato FROM raw.bef WHERE referencetid = {DAY} AND foed_dato <= DATE '1975-01-01';
        CREATE TABLE days AS
        SELECT pnr, name, min(date) FILTER (event = 'onset') AS onset, min(date) FILTER (event = 'detected') AS detected
        FROM truth.events WHERE name IN ('copd', 'asthma') GROUP BY pnr, name;
        CREATE TABLE people AS {PERSONS}"""
    )
    return connection


def write_tables(connection, target):
    """Write the practice tables."""
    target.mkdir(parents=True, exist_ok=True)
    options = "(FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 19)"
    for name, sql in TABLES.items():
        kept = f"SELECT * FROM ({sql}) SEMI JOIN residents USING (pnr) ORDER BY ALL"
        if name == "lpr_adm":
            connection.execute(f"CREATE TABLE kept AS {kept}")
        connection.execute(f"COPY ({kept}) TO '{target / name}.parquet' {options}")
    connection.execute(f"COPY ({DIAGNOSES} ORDER BY ALL) TO '{target / 'lpr_diag'}.parquet' {options}")


def write_years(connection, path):
    """Write the truth by calendar year: residents aged 40 or more on 1 January, how many have it, new ones."""
    rows = connection.execute(
        """
        SELECT year(referencetid) AS year, count(*) AS persons,
          count(*) FILTER (onset < referencetid) AS with_copd,
          count(*) FILTER (detected < referencetid) AS of_these_found,
          count(*) FILTER (year(onset) = year(referencetid)) AS new_cases
        FROM raw.bef LEFT JOIN days ON days.pnr = bef.pnr AND days.name = 'copd'
        WHERE foed_dato <= referencetid - INTERVAL 40 YEAR GROUP BY ALL ORDER BY ALL"""
    )
    with path.open("w", newline="") as handle:
        writer = csv.writer(handle)
        writer.writerow([column[0] for column in rows.description])
        writer.writerows(rows.fetchall())


def expected(connection):
    """Give all numbers that the practice persons' exercises are graded against."""
    connection.execute(NAMED)

    def one(sql):
        return connection.execute(f"SELECT {sql} FROM named").fetchall()[0][0]

    numbers = {}
    for name in DEFINITIONS:
        numbers[f"{name}-sensitivity"] = one(f"count(*) FILTER ({name} AND truth) / count(*) FILTER (truth)")
        numbers[f"{name}-found"] = one(f"count(*) FILTER ({name} AND found) / count(*) FILTER (found)")
        numbers[f"{name}-ppv"] = one(f"count(*) FILTER ({name} AND truth) / count(*) FILTER ({name})")
        numbers[f"{name}-specificity"] = one(
            f"count(*) FILTER (NOT {name} AND NOT truth) / count(*) FILTER (NOT truth)"
        )
    union = " OR ".join(DEFINITIONS)
    numbers["positives"] = one(f"count(*) FILTER (hospital AND truth) / count(*) FILTER (truth AND ({union}))")
    numbers["with-copd"] = one("count(*) FILTER (truth)")
    numbers["persons"] = one("count(*)")
    for name in (*DEFINITIONS, "truth"):
        numbers[f"{name}-ratio"] = one(f"avg({name}::INT) FILTER (asthma) / avg({name}::INT) FILTER (NOT asthma)")
        with_asthma, without = (one(f"avg({name}::INT) FILTER ({who})") for who in ("asthma", "NOT asthma"))
        numbers[f"{name}-odds"] = with_asthma / (1 - with_asthma) / (without / (1 - without))
    false = 1 - numbers["drugs-specificity"]
    shares = [one(f"avg(drugs::INT) FILTER ({who})") for who in ("asthma", "NOT asthma")]
    numbers["corrected"] = (shares[0] - false) / (shares[1] - false)  # the common divisor cancels
    return numbers


class Registers(dict):
    """The practice tables as an approach of `answers.py` meets those of a dataset."""

    def sql(self, statement):
        """Ask in SQL."""
        return self["bef"].get_backend().con.sql(statement).to_arrow_table()


def listed(answers, registers):
    """Give for each list of `answers.py` the practice persons whom it names; what learns is tried on others.

    Yields:
        Name of the list, and a frame with a row a practice person: named, truth, found.
    """
    truth = registers["truth_persons"].execute()
    truth["truth"] = pd.to_datetime(truth.copd_onset) < answers.DAY
    truth["found"] = pd.to_datetime(truth.copd_detected) < answers.DAY
    for name in (*RIGHT, *WRONG):
        if name == "learnt":
            people, known = answers._evidence(registers), answers._practice_evidence()
            fold = np.random.default_rng(1).integers(FOLDS, size=len(people))
            folds = [(people[fold == k], known[known.pnr.isin(people.pnr[fold != k])]) for k in range(FOLDS)]
            named = pd.concat([here[answers._learn(here, there)] for here, there in folds]).pnr
        else:
            named = np.asarray(getattr(answers, f"list_{name}")(registers)["pnr"])
        yield name, truth.assign(named=truth.pnr.isin(named))


def pass_probabilities(people, rng):
    """Give the probability that a list passes in a class cohort, one for each of `PASS_MARKS`.

    The mark is F1 among those who are not undiagnosed, in one half of the persons, rounded to a step of at least five
    persons, up or down by a secret key. What practice persons leave open about the shares is drawn as well.
    """
    counts, right, missed = people.found | ~people.truth, people.named & people.found, ~people.named & people.found
    extra = people.named & ~people.truth
    kinds = [right, missed, extra, counts & ~(right | missed | extra), ~counts]
    shares = rng.dirichlet([kind.sum() + 0.5 for kind in kinds], DRAWS)
    half = rng.binomial(round(CLASS_SHARE * len(people)), 0.5, DRAWS)
    right, missed, extra = rng.multinomial(half, shares)[:, :3].T
    points = 200 * right / (2 * right + missed + extra)
    step = np.select([size * (right + missed) >= 100 * PERSONS_PER_STEP for size in STEPS_POINTS], STEPS_POINTS, 25)
    steps_needed = np.ceil(np.round(100 * PASS_MARKS[:, None] / step, 6))
    return np.clip(points / step - steps_needed + 1, 0, 1).mean(axis=1)


def choose_pass_mark():
    """Give the pass mark of `your-list`, and the probabilities of both errors at it."""
    specification = importlib.util.spec_from_file_location("answers", HERE / "answers.py")
    answers = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(answers)
    rng, numbers, passing = np.random.default_rng(1), {}, {}
    for name, people in listed(answers, Registers(answers._practice())):
        passing[name] = pass_probabilities(people, rng)
        right = (people.named & people.found).sum()
        among = people.found.sum() + (people.named & (people.found | ~people.truth)).sum()
        numbers[f"list-{name.replace('_', '-')}"] = 2 * right / among
    worst = np.min([passing[name] for name in RIGHT], axis=0)
    chosen = np.nonzero(1 - worst <= REFUSED)[0].max()
    numbers["list-pass"] = PASS_MARKS[chosen]
    numbers["list-right-refused"] = 1 - worst[chosen]
    numbers["list-wrong-accepted"] = max(passing[name][chosen] for name in WRONG)
    return numbers


def fill_in(numbers, path):
    """Put the numbers into the lines of `module.yaml` that end with `-- made: <names>`, in their order.

    In YAML, outside of SQL, it is `# made: <names>`.
    """

    def line(match):
        values = iter([numbers[name] for name in match["names"].split()])
        text = re.sub(r"(?<![\w'.-])-?\d+(\.\d+)?(?![\w'.-])", lambda _: f"{next(values):.6g}", match["text"])
        return f"{text}  {match['mark']} made: {match['names']}"

    path.write_text(re.sub(r"(?P<text>[^\n]*?)  (?P<mark>--|#) made: (?P<names>[a-z -]+)", line, path.read_text()))


def main():
    """Make all."""
    parser = argparse.ArgumentParser()
    parser.add_argument("cohort", type=Path)
    options = parser.parse_args()
    connection = open_cohort(options.cohort)
    write_tables(connection, HERE / "data" / "practice")
    write_years(connection, HERE / "data" / "true_by_year.csv")
    found = expected(connection) | choose_pass_mark()
    numbers = {name: float(f"{value:.6g}") for name, value in found.items()}
    (HERE / "expected.json").write_text(json.dumps(numbers, indent=1) + "\n")
    if (HERE / "module.yaml").exists():
        fill_in(numbers, HERE / "module.yaml")
    print(json.dumps(numbers, indent=1))


if __name__ == "__main__":
    main()
