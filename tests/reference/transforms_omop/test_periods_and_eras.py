"""Periods of observation and eras, against slow and obvious twins, on drawn histories."""

from datetime import date, timedelta

import ibis
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sandkasse.transforms.omop.eras import stretch
from sandkasse.transforms.omop.plan import build_expressions, unbound

FIRST_STATUS, LAST_STATUS = 1986, 1995
FIRST_DAY = date(1977, 1, 1)
LAST_DAY = date(LAST_STATUS, 12, 31)

days = st.dates(FIRST_DAY, LAST_DAY)


@st.composite
def histories(draw):
    """Draw one person: birth, death or none, the years of residence, and days with records within the life."""
    birth = draw(st.dates(date(1940, 1, 1), date(1994, 12, 31)))
    death = draw(st.none() | days.filter(lambda day: day >= birth))
    may_live = [
        year
        for year in range(FIRST_STATUS, LAST_STATUS + 1)
        if birth <= date(year, 1, 1) and (death is None or date(year, 1, 1) <= death)
    ]
    resident = draw(st.sets(st.sampled_from(may_live), min_size=1)) if may_live else set()
    records = draw(st.lists(days.filter(lambda d: d >= birth and (death is None or d <= death)), max_size=8))
    return birth, death, sorted(resident), sorted(records)


def twin_periods(birth, death, resident, records):
    """Walk day after day from sign to sign; a 1 January without the person between two signs breaks the period."""
    signs = {date(year, 1, 1) for year in resident} | set(records) | ({death} if death else set())
    if birth >= FIRST_DAY:
        signs.add(birth)
    ordered = sorted(signs)
    periods = [[ordered[0], ordered[0]]]
    for sign in ordered[1:]:
        between = [
            year
            for year in range(FIRST_STATUS, LAST_STATUS + 1)
            if periods[-1][1] < date(year, 1, 1) < sign and year not in resident
        ]
        if between:
            periods.append([sign, sign])
        else:
            periods[-1][1] = sign
    if death is None and periods[-1][1] >= date(LAST_STATUS, 1, 1):
        periods[-1][1] = LAST_DAY
    return [tuple(period) for period in periods]


@pytest.fixture(scope="module")
def compute():
    """Give a function that computes the periods of persons; the queries are compiled once."""
    schemas = {
        "bef": {"pnr": "string", "koen": "int8", "foed_dato": "date", "kom": "string", "referencetid": "date"},
        "dod": {"pnr": "string", "doddato": "date"},
        "lab_forsker": {"pnr": "string", "samplingdate": "date", "analysiscode": "string", "value": "float64"},
    }
    inputs = unbound(
        {name: ibis.schema(columns) for name, columns in schemas.items()},
        first_day=FIRST_DAY,
        first_status=date(FIRST_STATUS, 1, 1),
        last_status=date(LAST_STATUS, 1, 1),
    )
    steps = build_expressions(inputs)
    queries = {
        name: str(ibis.to_sql(steps[name], dialect="duckdb")) for name in ("_person", "_sign", "observation_period")
    }
    connection = ibis.duckdb.connect().con

    def run(tables):
        for name, columns in schemas.items():
            schema = ibis.schema(columns).to_pyarrow()
            rows = [dict(zip(columns, row, strict=True)) for row in tables[name]]
            connection.register(name, pa.Table.from_pylist(rows, schema=schema))
        for name, query in queries.items():
            connection.execute(f'create or replace temp table "{name}" as {query}')
        return connection.execute(
            "select person_id, observation_period_start_date, observation_period_end_date "
            "from observation_period order by all"
        ).fetchall()

    return run


@given(st.lists(histories().filter(lambda history: history[2]), min_size=1, max_size=6))
@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_periods_equal_their_twin(compute, persons):
    tables = {"bef": [], "dod": [], "lab_forsker": []}
    expected = []
    for number, (birth, death, resident, records) in enumerate(persons, start=1):
        pnr = f"{number:012d}"
        tables["bef"] += [(pnr, 1, birth, "101", date(year, 1, 1)) for year in resident]
        tables["dod"] += [(pnr, death)] if death else []
        tables["lab_forsker"] += [(pnr, day, "NPU27300", 1.0) for day in records]
        expected += [(number, *period) for period in twin_periods(birth, death, resident, records)]
    assert compute(tables) == sorted(expected)


def twin_eras(rows, gap_days):
    """Mark every covered day; runs of days with gaps of at most `gap_days` between end and start are one era."""
    eras = []
    for start, end in sorted(rows):
        if eras and (start - eras[-1]["end"]).days <= gap_days:
            era = eras[-1]
            era["uncovered"] += max((start - era["end"]).days - 1, 0)
            era["end"] = max(era["end"], end)
            era["n"] += 1
        else:
            eras.append({"start": start, "end": end, "n": 1, "uncovered": 0})
    return [tuple(era.values()) for era in eras]


spans = st.tuples(days, st.integers(0, 120)).map(lambda pair: (pair[0], pair[0] + timedelta(days=pair[1])))


@given(
    st.dictionaries(
        st.tuples(st.integers(1, 2), st.integers(1, 2)), st.lists(spans, min_size=1, max_size=12), min_size=1
    )
)
@settings(deadline=None, max_examples=40)
def test_eras_equal_their_twin(histories_by_key):
    rows = [
        {"person_id": person, "concept_id": concept, "start": start, "end": end}
        for (person, concept), found in histories_by_key.items()
        for start, end in found
    ]
    schema = ibis.schema({"person_id": "int64", "concept_id": "int32", "start": "date", "end": "date"})
    connection = ibis.duckdb.connect()
    connection.con.register("rows", pa.Table.from_pylist(rows, schema=schema.to_pyarrow()))
    found = stretch(connection.table("rows"), gap_days=30).to_pyarrow().to_pylist()
    expected = [
        (person, concept, *era)
        for (person, concept), records in histories_by_key.items()
        for era in twin_eras(records, 30)
    ]
    names = ("person_id", "concept_id", "start", "end", "n", "uncovered_days")
    assert sorted(tuple(row[name] for name in names) for row in found) == sorted(expected)
