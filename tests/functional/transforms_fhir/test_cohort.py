"""A simulated cohort as FHIR, from the command line, held against the models of fhir.resources and our own rules.

fhir.resources offers R4B (4.3.0) and no longer R4 (4.0.1). The history of R4B (https://hl7.org/fhir/R4B/history.html)
names no change in the resources that we write. The models check names, types and cardinalities, not code systems, ids
that come twice or references; that, and what R4 alone asks, is in `r4.py`.
"""

import json
import os
import random
import sys
from collections import Counter
from importlib import import_module

import pyarrow.parquet as pq
import pytest

from sandkasse.actions.cohorts import CohortRequest, simulate_cohort
from sandkasse.cli import main
from sandkasse.core.settings import read_settings

PERSONS = 500
SAMPLE = 400
TABLES = {
    "Encounter": ("lpr_adm", "lpr_bes", "t_psyk_adm", "t_psyk_bes", "lpr3a_kontakt"),
    "Condition": ("lpr_diag", "t_psyk_diag", "lpr3a_diagnose"),
    "Procedure": ("lpr_sksopr", "lpr_opr", "lpr3a_procregistrering"),
    "MedicationStatement": ("lmdb",),
    "Immunization": ("ddv",),
    "Observation": ("lab_forsker",),
}


@pytest.fixture(scope="session")
def cohort(tmp_path_factory):
    """Simulate 500 persons."""
    folder = tmp_path_factory.mktemp("fhir")
    kernels = read_settings(os.environ).kernels
    settings = read_settings({"SANDKASSE_HOME": str(folder / "home"), "SANDKASSE_KERNELS": str(kernels)})
    simulate_cohort(settings, CohortRequest(n_persons=PERSONS, seed=20, out=folder / "cohort"))
    return folder / "cohort" / "registers"


@pytest.fixture(scope="session")
def exported(r4, cohort, tmp_path_factory):
    return r4.export(cohort, tmp_path_factory.mktemp("exported") / "out")


@pytest.fixture
def sandkasse(tmp_path, monkeypatch, capfd):
    """Run the command line in this process."""
    monkeypatch.setenv("SANDKASSE_HOME", str(tmp_path / "home"))

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["sandkasse", "transform", "fhir", *map(str, arguments)])
        capfd.readouterr()
        with pytest.raises(SystemExit) as left:
            main()
        sys.stdout.flush()
        printed = capfd.readouterr()
        return int(left.value.code or 0), printed.out, printed.err

    return run


def test_a_sample_of_every_type_fits_the_published_models(exported):
    drawn = random.Random(4)
    for name, resources in exported.resources.items():
        model = getattr(import_module(f"fhir.resources.R4B.{name.lower()}"), name)
        for resource in drawn.sample(resources, min(SAMPLE, len(resources))):
            read = model.model_validate(resource)
            assert json.loads(read.model_dump_json()) == resource


def test_every_resource_keeps_the_rules_of_r4(r4, exported):
    faults = Counter(fault for resource in exported.all for fault in r4.faults_of(resource))
    assert not faults
    assert not r4.faults_between(exported.all)


def test_the_rules_notice_what_is_wrong(r4, exported):
    for name, change, fault in (
        ("Patient", {"id": "a b"}, "id"),
        ("Patient", {"birthDate": "2020-13-01"}, "birthDate has another form"),
        ("Encounter", {"status": "done"}, "status"),
        ("Encounter", {"actualPeriod": {}}, "element actualPeriod"),  # R5
        ("Condition", {"subject": {}}, "subject is empty"),
        ("Condition", {"recordedDate": "2020-01-01T10:00:00"}, "recordedDate has another form"),
        ("Observation", {"dataAbsentReason": {"text": "x"}}, "obs-6"),
    ):
        assert fault in r4.faults_of(exported.resources[name][0] | change)
    stray = exported.resources["Condition"][0] | {"subject": {"reference": "Patient/none"}}
    assert r4.faults_between([*exported.all, stray]) == {"id twice": 1, "reference to nothing": 1}


def test_there_are_as_many_resources_as_register_rows(cohort, exported):
    def rows(*tables):
        return sum(pq.read_table(cohort / "data" / table).num_rows for table in tables)

    assert exported.result.left_out == {}
    for name, tables in TABLES.items():
        assert len(exported.resources[name]) == rows(*tables) > 0, name
    assert 0 < len(exported.resources["Patient"]) <= PERSONS


def test_every_analysis_of_the_registers_has_its_unit(exported):
    without = [o for o in exported.resources["Observation"] if "code" not in o["valueQuantity"]]
    assert {codes["code"]["coding"][0]["code"] for codes in without} == set()


def test_retracted_diagnoses_are_refuted_one_for_one(cohort, exported):
    answers = pq.read_table(cohort / "data" / "lpr3a_diagnose")["senere_afkraeftet"].to_pylist()
    refuted = [c for c in exported.resources["Condition"] if "verificationStatus" in c]
    assert len(answers) > 1000
    assert len(refuted) == answers.count("Ja")


def test_the_command_line_writes_the_same(cohort, exported, sandkasse, tmp_path):
    out = tmp_path / "out"
    code, printed, _ = sandkasse(cohort, "--out", out, "--simulated", "--json")
    assert code == 0
    assert json.loads(printed)["resources"] == dict(exported.result.resources)
    for path in exported.folder.glob("*.ndjson"):
        assert (out / path.name).read_bytes() == path.read_bytes()


def test_without_a_card_somebody_has_to_say_whether_the_rows_are_simulated(cohort, sandkasse, tmp_path):
    code, _, said = sandkasse(cohort, "--out", tmp_path / "out")
    assert code == 10
    assert "--simulated" in said.splitlines()[1]
    assert not (tmp_path / "out").exists()


def test_a_folder_that_is_there_is_not_touched(cohort, sandkasse, tmp_path):
    code, _, said = sandkasse(cohort, "--out", tmp_path, "--simulated")
    assert code == 10
    assert "exists already" in said


@pytest.mark.parametrize(
    ("source", "code", "words"), [("nafld", 10, "keeps the contract 'nafld'"), ("no-such", 21, "no dataset named")]
)
def test_what_is_not_a_dataset_of_the_registers_is_refused(sandkasse, tmp_path, source, code, words):
    left, _, said = sandkasse(source, "--out", tmp_path / "out")
    assert left == code
    assert words in said


def test_a_run_that_fails_leaves_nothing(cohort, sandkasse, tmp_path, r4):
    source = r4.one_person(tmp_path / "in")
    (source / "contract.yaml").write_bytes((cohort / "contract.yaml").read_bytes())
    broken = source / "data" / "lmdb.parquet"
    broken.write_bytes(broken.read_bytes()[:-9])
    code, _, said = sandkasse(source, "--out", tmp_path / "out", "--simulated")
    assert code == 41
    assert "next:" in said
    assert {path.name for path in tmp_path.iterdir()} == {"in"}
