"""Registers and columns that not every dataset has."""

from datetime import date, datetime, time

import pyarrow as pa
import pytest

from sandkasse.transforms.omop.check import check_omop
from sandkasse.transforms.omop.concept_ids import own_concept_id

ANNE, BENT, CARL = 11, 22, 33
PSYCHIATRY = 3_000_000_000_000_000_000
LPR3 = 1_000_000_000_000_000_000


@pytest.fixture
def made(all_registers, build):
    return build(all_registers)[1]


def rows(table, *columns):
    return sorted(zip(*(table[column].to_pylist() for column in columns), strict=True), key=repr)


def test_all_that_can_become_of_the_registers(made, as_ibis):
    report = check_omop(as_ibis(made))
    assert [finding.text() for finding in report.findings] == []

    visits = rows(made["visit_occurrence"], "visit_occurrence_id", "person_id", "visit_concept_id", "visit_end_date")
    assert (101, ANNE, 9201, date(1979, 4, 9)) in visits
    assert (102, BENT, 9202, date(1999, 12, 1)) in visits
    # Delivered twice, and numbered as another contact in another register: one visit of its own.
    assert [v for v in visits if v[0] > PSYCHIATRY] == [(PSYCHIATRY + 102, ANNE, 9202, date(2010, 6, 6))]
    # Thirteen hours make an inpatient, however acute.
    assert (LPR3 + 101, CARL, 9201, date(2020, 4, 14)) in visits
    end = datetime.combine(date(2020, 4, 14), time(1, 25))
    assert made["visit_occurrence"]["visit_end_datetime"].to_pylist().count(end) == 1

    # A day of attendance outside its course belongs to none.
    assert rows(made["visit_detail"], "person_id", "visit_detail_start_date", "visit_occurrence_id") == [
        (ANNE, date(2010, 5, 20), PSYCHIATRY + 102),
        (BENT, date(1999, 11, 11), 102),
        (BENT, date(1999, 9, 9), 102),
    ]

    found = rows(made["procedure_occurrence"], "procedure_source_value", "procedure_date", "visit_occurrence_id")
    assert [row for row in found if not row[0].startswith("80")] == [
        ("40480", date(1979, 4, 4), 101),
        ("KFNG05A", date(1999, 11, 11), 102),
        ("KNFB20", date(2020, 4, 13), LPR3 + 101),
        ("UXRA00", date(1999, 12, 24), None),  # outside its contact
    ]

    conditions = rows(made["condition_occurrence"], "person_id", "condition_source_value", "condition_start_date")
    assert (ANNE, "C50.9", date(2015, 7, 8)) in conditions
    assert (ANNE, "DF200", date(2010, 5, 5)) in conditions
    cancer = [v for v in made["condition_occurrence"].to_pylist() if v["condition_source_value"] == "C50.9"]
    assert cancer[0]["condition_source_concept_id"] == own_concept_id("DK-SKS", "DC509")

    assert rows(made["death"], "person_id", "cause_source_value", "cause_source_concept_id") == [
        (BENT, "E119", own_concept_id("DK-SKS", "DE119"))
    ]
    vaccination = [v for v in made["drug_exposure"].to_pylist() if v["drug_source_value"] == "J07BN01"]
    assert vaccination[0]["drug_exposure_end_date"] == date(2021, 3, 3)
    assert vaccination[0]["dose_unit_source_value"] == "dose"
    measured = rows(made["measurement"], "person_id", "measurement_concept_id", "value_as_number", "unit_concept_id")
    assert (CARL, 3011043, 3500.0, 8504) in measured
    assert (CARL, 3012266, 280.0, 8512) in measured
    # The unit of the result counts, not that of the analysis; one that nobody knows has no concept.
    assert (ANNE, 40762352, 50.0, 8554) in measured
    assert (ANNE, 0, 1.0, 0) in measured
    ranges = rows(made["measurement"], "person_id", "value_as_number", "range_low", "range_high")
    assert (ANNE, 50.0, 20.0, 42.0) in ranges
    assert (ANNE, 1.0, None, None) in ranges
    # He was seen to emigrate in August 1990.
    assert date(1990, 8, 1) in made["observation_period"]["observation_period_end_date"].to_pylist()


def test_both_deliveries_of_the_third_version_say_the_same(registers, build):
    delivery_a = build(registers, "a")[1]
    contact, diagnosis = registers.pop("lpr3a_kontakt"), registers.pop("lpr3a_diagnose")
    registers["lpr3f_kontakter"] = pa.table(
        {
            "pnr": contact["pnr"],
            "dw_ek_kontakt": contact["dw_ek_kontakt"],
            "dato_start": contact["kont_starttidspunkt"]
            .cast(pa.timestamp("s"), safe=False)
            .cast(pa.date32(), safe=False),
            "hovedspeciale_ans": contact["kont_ans_hovedspec"],
        }
    )
    registers["lpr3f_diagnoser"] = diagnosis.rename_columns(
        ["dw_ek_kontakt", "diagnosekode", "diagnosetype", "senere_afkraeftet"]
    )
    delivery_f = build(registers, "f")[1]
    for name, columns in (
        ("visit_occurrence", ("visit_occurrence_id", "person_id", "visit_start_date", "care_site_id")),
        ("condition_occurrence", ("condition_occurrence_id", "condition_source_value", "visit_occurrence_id")),
    ):
        assert rows(delivery_a[name], *columns) == rows(delivery_f[name], *columns)
