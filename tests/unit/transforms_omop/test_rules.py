"""Every rule of a well-behaved set fails on data that break it, and on no others."""

from collections.abc import Callable
from datetime import date, timedelta

import pyarrow as pa
import pytest

from sandkasse.transforms.omop.check import RULES, check_omop
from sandkasse.transforms.omop.rules import PERSISTENCE_DAYS, SPANS

Tables = dict[str, pa.Table]
Row = dict[str, object]


def change(tables: Tables, table: str, how: Callable[[list[Row]], None]) -> None:
    """Change a table's rows in place, keeping its columns and types."""
    rows = tables[table].to_pylist()
    how(rows)
    tables[table] = pa.Table.from_pylist(rows, schema=tables[table].schema)


def put(table: str, position: int = 0, **values: object) -> Callable[[Tables], None]:
    """Build a fault: values put into one row."""
    return lambda tables: change(tables, table, lambda rows: rows[position].update(values))


def repeat(table: str, **values: object) -> Callable[[Tables], None]:
    """Build a fault: the first row once more, with some values changed."""
    return lambda tables: change(tables, table, lambda rows: rows.append(rows[0] | values))


def era_too_late(tables: Tables) -> None:
    change(tables, "drug_era", lambda r: [row.update(drug_era_end_date=row["drug_era_start_date"]) for row in r])


def split_era(tables: Tables) -> None:
    """Take the second exposure of an era for an era of its own, though it follows within thirty days."""

    def split(rows: list[Row]) -> None:
        era = next(row for row in rows if row["drug_exposure_count"] == 2)
        rows.append(
            era
            | {
                "drug_era_id": 77,
                "drug_era_start_date": era["drug_era_end_date"] + timedelta(days=PERSISTENCE_DAYS),  # type: ignore[operator]
                "drug_era_end_date": era["drug_era_end_date"] + timedelta(days=PERSISTENCE_DAYS + 1),  # type: ignore[operator]
            }
        )

    change(tables, "drug_era", split)


def without_periods_of_one(tables: Tables) -> None:
    kept = [row for row in tables["observation_period"].to_pylist() if row["person_id"] != 11]
    tables["observation_period"] = pa.Table.from_pylist(kept, schema=tables["observation_period"].schema)


def watched_after_death(tables: Tables) -> None:
    (dead,) = tables["death"]["person_id"].unique().to_pylist()

    def prolong(rows: list[Row]) -> None:
        next(row for row in rows if row["person_id"] == dead)["observation_period_end_date"] = date(2010, 1, 1)

    change(tables, "observation_period", prolong)


WOMAN, MAN = 11, 22


def diagnose(person: int, code: str | None) -> Callable[[Tables], None]:
    """Build a diagnosis of somebody, perhaps a fault."""
    return put("condition_occurrence", condition_source_value=code, person_id=person)


def narrow_column(tables: Tables) -> None:
    table = tables["location"]
    tables["location"] = table.set_column(0, "location_id", table["location_id"].cast(pa.string()))


FAULTS: list[tuple[str, str, str | None, Callable[[Tables], object]]] = [
    ("missing_table", "cdm_source", None, lambda tables: tables.pop("cdm_source")),
    ("missing_table", "concept", None, lambda tables: tables.pop("concept")),
    ("unknown_table", "persons", None, lambda tables: tables.update(persons=tables["person"])),
    ("columns", "location", None, lambda t: t.update(location=t["location"].select(t["location"].column_names[::-1]))),
    ("columns", "location", None, lambda tables: tables.update(location=tables["location"].drop(["zip"]))),
    ("type", "location", "location_id", narrow_column),
    ("required", "person", "year_of_birth", put("person", year_of_birth=None)),
    ("too_long", "location", "zip", put("location", zip="0123456789")),
    ("primary_key", "person", "person_id", repeat("person")),
    ("primary_key", "measurement", "measurement_id", repeat("measurement")),
    ("foreign_key", "measurement", "person_id", put("measurement", person_id=99)),
    ("foreign_key", "person", "location_id", put("person", location_id=999)),
    ("foreign_key", "person", "gender_concept_id", put("person", gender_concept_id=4711)),
    ("domain", "person", "gender_concept_id", put("person", gender_concept_id=9201)),
    ("domain", "drug_exposure", "drug_concept_id", put("drug_exposure", drug_concept_id=900001)),
    ("concept_class", "drug_era", "drug_concept_id", put("drug_era", drug_concept_id=900001)),
    ("not_standard", "condition_occurrence", "condition_concept_id",
     put("condition_occurrence", condition_concept_id=2_040_563_029)),
    ("no_source_value", "condition_occurrence", "condition_source_value",
     put("condition_occurrence", condition_concept_id=0, condition_source_value=None)),
    ("order", "visit_occurrence", "visit_end_date", put("visit_occurrence", visit_end_date=date(1960, 1, 1))),
    ("negative", "drug_exposure", "quantity", put("drug_exposure", quantity=-1.0)),
    ("negative", "drug_exposure", "days_supply", put("drug_exposure", days_supply=-1)),
    ("future", "measurement", "measurement_date", put("measurement", measurement_date=date(2025, 1, 2))),
    ("before_birth", "measurement", "measurement_date", put("measurement", measurement_date=date(1949, 1, 1))),
    ("after_death", "death", "death_date", watched_after_death),
    ("unobserved", "measurement", "measurement_date", put("measurement", measurement_date=date(1970, 1, 1))),
    ("no_period", "person", "person_id", without_periods_of_one),
    ("periods_touch", "observation_period", "observation_period_start_date",
     repeat("observation_period", observation_period_id=1)),
    ("several_deaths", "death", "person_id", repeat("death", death_date=date(2003, 6, 6))),
    ("outside_visit", "condition_occurrence", "condition_start_date",
     put("condition_occurrence", condition_start_date=date(2000, 1, 1))),
    ("outside_visit", "procedure_occurrence", "procedure_date", put("procedure_occurrence", person_id=22)),
    ("era_missing", "drug_era", "drug_concept_id", era_too_late),
    ("era_wrong", "drug_era", "drug_era_start_date", put("drug_era", drug_exposure_count=9)),
    ("era_wrong", "condition_era", "condition_era_start_date", put("condition_era", person_id=11)),
    ("eras_touch", "drug_era", "drug_era_start_date", split_era),
    ("one_source", "cdm_source", None, repeat("cdm_source")),
    ("other_sex", "condition_occurrence", "condition_concept_id", diagnose(WOMAN, "DC619")),
    ("other_sex", "condition_occurrence", "condition_concept_id", diagnose(MAN, "O80.9")),
    ("other_sex", "condition_occurrence", "condition_concept_id", diagnose(WOMAN, "18599")),
    ("implausible", "measurement", "value_as_number",
     put("measurement", measurement_concept_id=40762352, unit_concept_id=9579, value_as_number=4800.0)),
    ("implausible", "measurement", "value_as_number",
     put("measurement", measurement_concept_id=3011043, unit_concept_id=8504, value_as_number=3.5)),
]  # fmt: skip


@pytest.mark.parametrize(("rule", "table", "field", "fault"), FAULTS, ids=lambda value: str(value)[:24])
def test_broken_data_are_found(rule, table, field, fault, omop, as_ibis):
    fault(omop)
    if rule == "after_death":  # what ends after death is the period, not the death
        table, field = "observation_period", "observation_period_end_date"
    report = check_omop(as_ibis(omop), only=[table])
    found = {(finding.rule, finding.table, finding.field): finding for finding in report.findings}
    assert (rule, table, field) in found
    assert found[rule, table, field].count >= 1


@pytest.mark.parametrize(
    ("person", "code"),
    [
        (MAN, "DC619"),
        (MAN, "18599"),
        (WOMAN, "O80.9"),
        (WOMAN, "DC539"),
        *((person, code) for person in (MAN, WOMAN) for code in ("DE119", "D259", "DC509", "Z380", "O", "185086009")),
        *((person, code) for person in (MAN, WOMAN) for code in ("DP072", "", None)),
    ],
)
def test_codes_of_the_own_sex_of_both_and_of_other_systems_fit(person, code, omop, as_ibis):
    diagnose(person, code)(omop)
    report = check_omop(as_ibis(omop), only=["condition_occurrence"])
    assert "other_sex" not in {finding.rule for finding in report.findings}


def test_every_rule_has_data_that_break_it():
    assert {rule for rule, *_ in FAULTS} == set(RULES)


def test_findings_hold_counts_and_names_only(omop, as_ibis):
    put("person", year_of_birth=None)(omop)
    report = check_omop(as_ibis(omop), only=["person"]).to_dict()
    assert not report["passed"]
    assert report["findings"] == [
        {"rule": "required", "table": "person", "field": "year_of_birth", "count": 1, "rows": 3}
    ]
    assert "1950" not in str(report)


def test_spans_name_official_fields():
    from sandkasse.transforms.omop.definitions import read_definitions

    for table, (start, end) in SPANS.items():
        assert {start, end} - {None} <= {field.name for field in read_definitions()[table].fields}


def test_every_table_with_persons_and_dates_has_a_span():
    from sandkasse.transforms.omop.definitions import read_definitions

    dated = {
        table.name
        for table in read_definitions().values()
        if {"person_id"} <= {field.name for field in table.fields} and table.schema == "CDM"
    }
    # person has its birth, the plan of a payer is no event of a life.
    assert dated - set(SPANS) == {"person", "payer_plan_period"}
