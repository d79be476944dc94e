"""What becomes of three persons' records."""

from datetime import date, datetime, time

import pyarrow as pa
import pytest

from sandkasse.core.errors import InvalidInputError
from sandkasse.transforms.omop.check import check_omop
from sandkasse.transforms.omop.concept_ids import own_concept_id
from sandkasse.transforms.omop.definitions import read_definitions

ANNE, BENT, CARL = 11, 22, 33


def rows(table: pa.Table, *columns: str) -> list[tuple[object, ...]]:
    return sorted(zip(*(table[column].to_pylist() for column in columns), strict=True), key=repr)


def test_the_set_is_well_behaved(omop, as_ibis):
    report = check_omop(as_ibis(omop))
    assert [finding.text() for finding in report.findings] == []
    assert report.rules > 500


def test_every_table_has_the_official_columns(omop):
    definitions = read_definitions()
    for name, table in omop.items():
        assert table.column_names == [field.name for field in definitions[name].fields]


def test_persons_are_those_of_the_population_register(omop):
    assert rows(omop["person"], "person_id", "gender_concept_id", "year_of_birth", "month_of_birth", "location_id") == [
        (ANNE, 8532, 1950, 3, 101),
        (BENT, 8507, 1940, 5, 751),
        (CARL, 8507, 2019, 2, 751),
    ]
    assert set(omop["drug_exposure"]["person_id"].to_pylist()) == {ANNE, BENT}


def test_periods_break_where_a_person_was_abroad_and_end_with_death(omop):
    found = rows(
        omop["observation_period"], "person_id", "observation_period_start_date", "observation_period_end_date"
    )
    assert found == [
        (ANNE, date(1979, 4, 3), date(2024, 12, 31)),
        (BENT, date(1986, 1, 1), date(1990, 1, 1)),
        (BENT, date(1993, 1, 1), date(2003, 6, 7)),
        (CARL, date(2019, 2, 6), date(2024, 12, 31)),
    ]


def test_contacts_are_visits_and_weeks_of_service_too(omop):
    found = rows(omop["visit_occurrence"], "visit_occurrence_id", "person_id", "visit_concept_id", "visit_start_date")
    assert (101, ANNE, 9201, date(1979, 4, 3)) in found
    assert (102, BENT, 9202, date(1999, 9, 9)) in found
    # The third version of the register may number a contact as the second did.
    assert (1_000_000_000_000_000_101, CARL, 0, date(2020, 4, 13)) in found
    assert (
        omop["visit_occurrence"]["visit_start_datetime"]
        .to_pylist()
        .count(datetime.combine(date(2020, 4, 13), time(12, 25)))
        == 1
    )
    # Born on the Wednesday of week 6; what stands in week 5 belongs to somebody else.
    weeks = [(day, person) for number, person, _, day in found if number > 2_000_000_000_000_000_000]
    assert sorted(weeks) == [(date(2019, 2, 6), CARL), (date(2020, 12, 28), ANNE)]
    assert len(found) == 5


def test_departments_of_both_versions_are_one_care_site(omop):
    site = own_concept_id("DK-SPECIALE", "08")
    assert rows(omop["visit_occurrence"], "visit_occurrence_id", "care_site_id")[0][1] == site
    assert site in omop["care_site"]["care_site_id"].to_pylist()
    # Only specialties whose code has a name are told from one another; both of ours are.
    assert len(omop["care_site"]) == 2


def test_diagnoses_become_conditions_or_observations(omop):
    columns = ("person_id", "condition_concept_id", "condition_source_value", "condition_status_concept_id")
    assert rows(omop["condition_occurrence"], *columns) == [
        (ANNE, 0, "25009", 32902),
        (BENT, 900001, "DE119", 32902),
        (CARL, 900002, "DE109", 32902),
    ]
    assert rows(omop["observation"], "person_id", "observation_concept_id", "observation_source_value") == [
        (BENT, 900003, "DZ030")
    ]


def test_drugs_last_one_daily_dose_a_day_and_end_with_observation(omop):
    columns = ("person_id", "drug_concept_id", "drug_exposure_start_date", "drug_exposure_end_date", "days_supply")
    assert rows(omop["drug_exposure"], *columns) == [
        (ANNE, 1503297, date(2005, 1, 1), date(2005, 1, 28), 28),
        (ANNE, 1580747, date(2005, 1, 1), date(2005, 1, 28), 28),
        (ANNE, 900031, date(2001, 1, 1), date(2001, 1, 20), 20),
        (ANNE, 900031, date(2001, 1, 20), date(2001, 2, 28), 40),
        (BENT, 0, date(2003, 6, 1), date(2003, 6, 7), 50),
    ]


def test_eras_join_what_follows_closely(omop):
    columns = ("person_id", "drug_concept_id", "drug_era_start_date", "drug_era_end_date", "drug_exposure_count")
    assert (ANNE, 900031, date(2001, 1, 1), date(2001, 2, 28), 2) in rows(omop["drug_era"], *columns)
    assert len(omop["drug_era"]) == 3
    assert len(omop["condition_era"]) == 2


def test_results_keep_unit_and_code(omop):
    columns = ("measurement_concept_id", "value_as_number", "unit_concept_id", "unit_source_value")
    assert rows(omop["measurement"], *columns) == [(0, 1.0, 0, None), (40762352, 50.0, 9579, "mmol/mol")]
    assert omop["measurement"]["range_low"].null_count == 2, "the register of that time has no limits"


def test_identifiers_do_not_depend_on_the_parts(registers, build, tmp_path):
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    whole = build(registers, "whole")[1]
    files: dict[str, list] = {}
    for name, table in registers.items():
        for number, pnr in enumerate(("000000000011", "000000000022", "000000000033")):
            if "pnr" in table.column_names:
                part = table.filter(pc.equal(table["pnr"], pnr))
            else:
                key = table.column_names[0]
                contact = registers["lpr_adm" if name == "lpr_diag" else "lpr3a_kontakt"]
                mine = contact.filter(pc.equal(contact["pnr"], pnr))[key]
                part = table.filter(pc.is_in(table[key], value_set=mine.combine_chunks()))
            path = tmp_path / "parts" / name / f"part-{number:05d}.parquet"
            path.parent.mkdir(parents=True, exist_ok=True)
            pq.write_table(part, path)
            files.setdefault(name, []).append(path)
    parted = build(registers, "parted", files=files)[1]
    for name in whole:
        if name not in ("concept", "source_to_concept_map", "vocabulary"):  # one drug of the fourth person is missing
            assert sorted(whole[name].to_pylist(), key=repr) == sorted(parted[name].to_pylist(), key=repr), name


def test_a_register_that_is_missing_is_skipped(registers, build, as_ibis):
    few = {name: registers[name] for name in ("bef", "lab_forsker")}
    built, tables = build(few)
    assert set(built.rows) >= {"person", "observation_period", "measurement"}
    assert not set(built.rows) & {"visit_occurrence", "drug_exposure", "death"}
    assert check_omop(as_ibis(tables)).passed


def test_without_the_population_register_nothing_can_be_said(registers, build):
    del registers["bef"]
    with pytest.raises(InvalidInputError, match="no table bef"):
        build(registers)


def test_persons_in_several_parts_are_refused(registers, build, tmp_path):
    import pyarrow.parquet as pq

    paths = [tmp_path / f"part-0000{number}.parquet" for number in range(2)]
    for path in paths:
        pq.write_table(registers["bef"], path)
    with pytest.raises(InvalidInputError, match="several parts"):
        build(registers, files={"bef": paths})


def test_shares_say_how_much_is_mapped(registers, build, athena):
    from sandkasse.transforms.omop.athena import read_athena

    plain = build(registers, "plain")[0]
    mapped = build(registers, "mapped", read_codes=lambda codes: read_athena(athena, codes))[0]
    assert plain.shares["condition_occurrence"] == 0
    assert mapped.shares["condition_occurrence"] == pytest.approx(2 / 3)
    assert mapped.vocabulary_version == "v0.0 made up"


def test_unknown_columns_are_refused():
    import ibis

    from sandkasse.transforms.omop.shape import conform

    with pytest.raises(KeyError, match="colour"):
        conform("person", ibis.table({"colour": "string"}, name="t"))
