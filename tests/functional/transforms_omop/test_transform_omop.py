"""`sandkasse transform omop` and `transform check`, as a person types them."""

import json
import os
import sys

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import sandkasse as package
from sandkasse.actions.cohorts import publish_class_cohort
from sandkasse.cli import main
from sandkasse.core import errors as package_errors
from sandkasse.core.settings import read_settings

PERSONS = 120


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A store with a small class cohort."""
    folder = tmp_path_factory.mktemp("omop")
    kernels = read_settings(os.environ).kernels
    settings = read_settings({"SANDKASSE_HOME": str(folder / "home"), "SANDKASSE_KERNELS": str(kernels)})
    publish_class_cohort(settings, n_persons=PERSONS, seed=4)
    return folder / "home"


@pytest.fixture
def sandkasse(home, monkeypatch, capfd):
    """Run the command line in this process, and give its exit code and output."""
    monkeypatch.setenv("SANDKASSE_HOME", str(home))

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["sandkasse", "transform", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            main()
        out, err = capfd.readouterr()
        return ended.value.code or 0, out, err

    return run


@pytest.fixture(scope="module")
def made(home, tmp_path_factory):
    return tmp_path_factory.mktemp("made") / "omop"


def test_a_folder_is_made_and_well_behaved(sandkasse, made):
    code, out, _ = sandkasse("omop", "dk-registers-class", "--out", made, "--workers", 1, "--json")
    assert code == 0
    said = json.loads(out)
    assert said["rows"]["person"] > PERSONS / 2
    assert said["standard_concept_share"]["drug_exposure"] > 0.5
    assert said["standard_concept_share"]["condition_occurrence"] == 0
    assert pq.read_table(made / "data" / "person").num_rows == said["rows"]["person"]

    code, out, _ = sandkasse("check", made, "--json")
    assert (code, json.loads(out)["findings"]) == (0, [])

    # One person's year of birth is lost: the check says where and how many, and no more.
    path = made / "data" / "person" / "part-00000.parquet"
    person = pq.read_table(path)
    rows = person.to_pylist()
    rows[0]["year_of_birth"] = None
    schema = pa.schema([field.with_nullable(True) for field in person.schema])
    pq.write_table(pa.Table.from_pylist(rows, schema=schema), path)
    code, out, _ = sandkasse("check", made)
    assert code == 12
    assert f"person.year_of_birth: 1 of {len(rows):,} rows break" in out


def test_the_catalogue_offers_it_beside_its_source(sandkasse, home, monkeypatch):
    code, out, _ = sandkasse("omop", "dk-registers-class", "--publish", "--workers", 1)
    assert code == 0
    assert "dk-registers-class-omop@1.0.0" in out
    monkeypatch.setenv("SANDKASSE_HOME", str(home))
    opened = package.open("omop-cdm")
    assert opened.card.id == "dk-registers-class-omop"
    assert opened.card.provenance["parameters"]["source"] == "dk-registers-class@1.0.0"
    assert opened.card.persons == opened.person.count().to_pyarrow().as_py()
    code, out, _ = sandkasse("check", "dk-registers-class-omop")
    assert code == 0
    assert " 0 broken." in out
    code, _, err = sandkasse("omop", "dk-registers-class", "--publish")
    assert code == 10
    assert "published versions never change" in err


@pytest.mark.parametrize(
    ("arguments", "exit_code", "words"),
    [
        (("dk-registers-class",), 10, "either --out FOLDER or --publish"),
        (("dk-registers-class", "--out", "OUT", "--publish"), 10, "either --out FOLDER or --publish"),
        (("dk-registers-class", "--out", "."), 10, "exists already"),
        (("dk-registers-klass", "--out", "OUT"), 21, "dk-registers-class"),
        (("steno-2", "--out", "OUT"), 10, "not 'dk-registers'"),
        (("dk-registers-class", "--out", "OUT", "--athena", "nowhere.zip"), 10, "no such file"),
    ],
)
def test_what_cannot_be_done_is_said_and_leaves_nothing(arguments, exit_code, words, sandkasse, tmp_path):
    out = tmp_path / "made"
    code, _, err = sandkasse("omop", *(out if argument == "OUT" else argument for argument in arguments))
    assert code == exit_code
    assert words in err
    assert "next: " in err
    assert list(tmp_path.iterdir()) == []


def test_an_empty_folder_has_nothing_to_check(sandkasse, tmp_path):
    code, _, err = sandkasse("check", tmp_path)
    assert code == 10
    assert "no Parquet tables" in err


def test_a_learner_sees_the_registers_as_omop_without_writing_anything(home, monkeypatch, tmp_path):
    monkeypatch.setenv("SANDKASSE_HOME", str(home))
    monkeypatch.chdir(tmp_path)
    omop = package.to_omop(package.open("dk-registers"))
    residents = omop.sql("SELECT count(DISTINCT pnr) AS n FROM bef")["n"][0].as_py()
    assert omop.person.count().execute() == residents > PERSONS / 2
    assert omop.cdm_source.cdm_source_abbreviation.execute().tolist() == ["dk-registers-class"]
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(package_errors.InvalidInputError, match="'steno-2'"):
        package.to_omop(package.open("steno-2"))
