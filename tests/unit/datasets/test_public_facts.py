"""The shipped public datasets hold what was published: known counts, from the articles and the packages."""

from pathlib import Path

import pytest

from sandkasse.actions.datasets import check_dataset, list_datasets, list_faults, show_dataset, verify_dataset
from sandkasse.catalogue.open import Dataset, open_tables
from sandkasse.core.settings import read_settings

SETTINGS = read_settings({"SANDKASSE_HOME": "/nonexistent"})
SHIPPED = SETTINGS.content / "datasets"
IDS = [
    "diabetes-register-sample",
    "diabetes-register-sample-all",
    "nafld",
    "pbcseq",
    "rotterdam",
    "salmonella-1996",
    "steno-2",
]


def open_shipped(dataset: str) -> Dataset:
    return open_tables(SHIPPED / dataset)


def ask(dataset: str, query: str) -> tuple[object, ...]:
    rows = open_shipped(dataset).sql(query).to_pylist()
    assert len(rows) == 1
    return tuple(rows[0].values())


def test_all_are_there_and_whole() -> None:
    assert [card.id for card in list_datasets(SETTINGS)] == IDS
    assert list_faults(SETTINGS) == ()


@pytest.mark.parametrize("dataset", IDS)
def test_files_are_as_published_and_keep_their_contract(dataset: str) -> None:
    verify_dataset(SETTINGS, dataset)
    assert check_dataset(SETTINGS, dataset).findings == ()


@pytest.mark.parametrize("dataset", IDS)
def test_the_card_says_what_a_reader_must_know(dataset: str) -> None:
    card = show_dataset(SETTINGS, dataset).card
    assert card.tier == "public"
    assert card.contract.name == card.id
    assert card.default_for
    assert "Sandkasse has not assessed" in card.anonymity
    assert "state" in card.anonymity.partition("Sandkasse")[0]
    assert card.known_faults
    assert card.citations
    assert card.licence.name in {"GPL-2.0-only", "LGPL-2.0-or-later"}
    assert card.licence.file is not None
    text = (SHIPPED / dataset / card.licence.file).read_text()
    assert ("GNU LIBRARY GENERAL PUBLIC LICENSE" if card.licence.name.startswith("L") else "GNU GENERAL PUBLIC") in text
    assert "Version 2, June 1991" in text


@pytest.mark.parametrize("dataset", IDS)
def test_every_table_and_column_is_described(dataset: str) -> None:
    page = show_dataset(SETTINGS, dataset)
    assert tuple(table.name for table in page.contract.tables) == page.card.tables
    for table in page.contract.tables:
        assert table.description
        assert table.granularity
        assert table.provenance.source
        for column in table.columns:
            assert column.description.endswith("."), column.name
            assert column.provenance.source, column.name
            if column.type == "number":
                assert column.unit or column.codes or "nits" in column.description, column.name


@pytest.mark.parametrize("dataset", IDS)
def test_linked_tables_are_linked(dataset: str) -> None:
    page = show_dataset(SETTINGS, dataset)
    if len(page.contract.tables) > 1:
        assert all(table.references for table in page.contract.tables if table.name != "persons")


def test_the_register_sample_has_its_persons_deaths_and_person_years() -> None:
    query = """select count(*), sum((sex = 'M')::int), count(death_year), round(sum(exit_year - inclusion_year), 2),
        min(inclusion_year) >= 1995, max(exit_year) < 2010, sum((death_year <> exit_year)::int) from persons"""
    # 10,000 persons, 5,185 men, 2,503 deaths and 54,273.27 person-years, as the package's own examples print them.
    assert ask("diabetes-register-sample", query) == (10_000, 5_185, 2_503, 54_273.27, True, True, 0)


def test_in_the_whole_registers_sample_only_the_dead_have_a_birth_date() -> None:
    query = """select count(*), count(birth_year), count(death_year),
        sum((birth_year is null and death_year is not null)::int) from persons"""
    assert ask("diabetes-register-sample-all", query) == (10_000, 3_747, 3_747, 0)


def test_steno_2_has_the_published_deaths() -> None:
    # Gæde 2016: 55 deaths with conventional and 38 with intensified treatment, 80 persons in each group.
    query = """select count(*) filter (allocation = 'Conv'), count(death_date) filter (allocation = 'Conv'),
        count(*) filter (allocation = 'Int'), count(death_date) filter (allocation = 'Int') from persons"""
    assert ask("steno-2", query) == (80, 55, 80, 38)
    assert ask("steno-2", "select (select count(*) from visits), (select count(*) from albuminuria)") == (750, 563)


def test_the_outbreak_has_its_matched_sets() -> None:
    query = "select count(*), sum(is_case::int), count(distinct matched_set) from interviews"
    assert ask("salmonella-1996", query) == (136, 47, 47)
    exposed = """select sum((plant7 and is_case)::int), sum((not plant7 and is_case)::int),
        sum((plant7 and not is_case)::int), sum((not plant7 and not is_case)::int) from interviews"""
    assert ask("salmonella-1996", exposed) == (29, 10, 33, 51)


def test_nafld_has_its_documented_rows_and_its_known_fault() -> None:
    card = show_dataset(SETTINGS, "nafld").card
    assert card.rows == {"persons": 17_549, "measurements": 400_123, "events": 34_340}
    assert ask("nafld", "select sum(died::int) from persons") == (1_364,)
    repeated = """select count(*) from (
        select person_id, day, value from measurements where test = '{}' except all
        select person_id, day, value from measurements where test = '{}')"""
    assert ask("nafld", repeated.format("chol", "hdl")) == (0,)
    assert ask("nafld", repeated.format("hdl", "chol")) == (1,)
    assert ask("nafld", repeated.format("sbp", "dbp")) == (0,)
    assert ask("nafld", repeated.format("dbp", "sbp")) == (0,)
    assert ask("nafld", "select count(*) - count(distinct (person_id, day, test, value)) from measurements") == (3_817,)


def test_rotterdam_has_the_43_deaths_after_censoring() -> None:
    query = """select count(*), sum(died::int), sum(relapsed::int),
        sum((died and not relapsed and death_days > relapse_days)::int) from patients"""
    assert ask("rotterdam", query) == (2_982, 1_272, 1_518, 43)


def test_pbcseq_has_the_published_visits_deaths_and_transplantations() -> None:
    # Murtaugh 1994: 312 patients, 1,945 visits, 140 deaths, 29 transplantations; 158 randomised to D-penicillamine.
    query = """select count(*), count(distinct patient_id), count(distinct patient_id) filter (status = 2),
        count(distinct patient_id) filter (status = 1), count(distinct patient_id) filter (treatment = 1) from visits"""
    assert ask("pbcseq", query) == (1_945, 312, 140, 29, 158)


def test_nothing_but_datasets_and_what_imports_them_is_shipped() -> None:
    allowed = {*IDS, "import_public.py", "_public"}
    assert {path.name for path in Path(SHIPPED).iterdir() if not path.name.startswith(("__", "."))} == allowed
