# ruff: noqa: DTZ001  the register holds local time without a zone
"""Each kind of resource from registers made by hand: what stands where, and what where it is silent."""

from datetime import date, datetime

import pytest

from sandkasse.core.errors import ContractViolationError, InvalidInputError

WHO = "000000000001"
DAY = date(2001, 2, 3)
TEST_DATA = {
    "tag": [
        {
            "system": "http://terminology.hl7.org/CodeSystem/v3-ActReason",
            "code": "HTEST",
            "display": "test health data",
        }
    ]
}


@pytest.fixture
def exported(r4, tmp_path):
    """Export one woman's registers, with the changes of a test."""

    def write(**changes):
        return r4.export(r4.one_person(tmp_path / "in", **changes), tmp_path / "out")

    return write


def test_a_patient(r4, exported):
    patient = exported(dod=[(WHO, date(2020, 5, 6))]).one("Patient")
    assert patient == {
        "resourceType": "Patient",
        "id": WHO,
        "meta": TEST_DATA,
        "gender": "female",
        "birthDate": "1950-01-31",
        "deceasedDateTime": "2020-05-06",
        "address": [
            {
                "extension": [
                    {
                        "url": "http://hl7.dk/fhir/core/StructureDefinition/dk-core-municipalityCodes",
                        "valueCodeableConcept": {
                            "coding": [
                                {
                                    "system": "http://hl7.dk/fhir/core/CodeSystem/dk-core-municipality-codes",
                                    "code": "0751",
                                }
                            ],
                            "text": "Aarhus",
                        },
                    }
                ],
                "period": {"start": "2000-01-01"},
            }
        ],
        "identifier": [{"system": "urn:sandkasse:pnr-pseudonym", "value": WHO}],
    }


def test_the_address_is_the_last_stay_and_ends_where_the_register_ends_it(exported):
    def row(year, kom, who=WHO):
        return (who, 2, date(1950, 1, 31), kom, date(year, 1, 1))

    rows = [row(2003, "751"), row(2000, "751"), row(2001, "101"), row(2002, "751"), row(2005, "101", "2")]
    periods = {patient["id"]: patient["address"][0]["period"] for patient in exported(bef=rows).resources["Patient"]}
    assert periods == {WHO: {"start": "2002-01-01", "end": "2003-01-01"}, "2": {"start": "2005-01-01"}}


def test_everyone_in_any_register_is_a_patient_and_nothing_is_invented_of_them(exported):
    made = exported(sssy=[("7", "80101", "0501")])
    assert [patient["id"] for patient in made.resources["Patient"]] == [WHO, "7"]
    stranger = made.resources["Patient"][1]
    assert set(stranger) == {"resourceType", "id", "meta", "identifier"}


def test_an_encounter_and_a_diagnosis_of_the_old_register(exported):
    made = exported()
    assert made.one("Encounter") == {
        "resourceType": "Encounter",
        "id": "lpr2-900",
        "meta": TEST_DATA,
        "identifier": [{"system": "urn:sandkasse:lpr2-recnum", "value": "900"}],
        "status": "finished",
        "class": {
            "system": "http://terminology.hl7.org/CodeSystem/v3-ActCode",
            "code": "AMB",
            "display": "ambulatory",
        },
        "serviceType": {
            "coding": [{"system": "urn:sandkasse:lpr-specialty", "code": "08"}],
            "text": "endocrinology",
        },
        "period": {"start": "2001-02-03"},
        "subject": {"reference": f"Patient/{WHO}"},
    }
    condition = made.one("Condition")
    assert condition["id"] == "lpr2-900-1"
    assert condition["code"]["coding"] == [{"system": "urn:oid:1.2.208.176.2.4", "code": "DE119"}]
    assert condition["encounter"] == {"reference": "Encounter/lpr2-900"}
    assert condition["subject"] == {"reference": f"Patient/{WHO}"}
    assert condition["recordedDate"] == "2001-02-03"
    assert "verificationStatus" not in condition
    assert "clinicalStatus" not in condition


@pytest.mark.parametrize(("pattype", "code"), [("0", "IMP"), ("1", "SS"), ("2", "AMB"), ("3", "EMER"), ("9", "UNK")])
def test_classes_of_encounters(exported, pattype, code):
    assert exported(lpr_adm=[(WHO, "900", DAY, "08", pattype)]).one("Encounter")["class"]["code"] == code


def test_the_new_register_tells_the_hour_and_what_was_refuted(exported):
    made = exported(
        lpr3a_kontakt=[(WHO, "55", datetime(2020, 7, 1, 8, 5), "medicinsk endokrinologi")],
        lpr3a_diagnose=[("55", "DE119", "A", "Ja"), ("55", "DI10", "B", "Nej")],
        lpr_adm=[],
        lpr_diag=[],
    )
    encounter = made.one("Encounter")
    assert encounter["id"] == "lpr3-55"
    assert encounter["period"] == {"start": "2020-07-01T08:05:00+02:00"}
    assert encounter["class"]["code"] == "UNK"
    assert encounter["serviceType"] == {"text": "medicinsk endokrinologi"}
    refuted, other = made.resources["Condition"]
    assert refuted["verificationStatus"]["coding"] == [
        {
            "system": "http://terminology.hl7.org/CodeSystem/condition-ver-status",
            "code": "refuted",
            "display": "Refuted",
        }
    ]
    assert (refuted["id"], other["id"]) == ("lpr3-55-1", "lpr3-55-2")
    assert "verificationStatus" not in other
    assert [concept["coding"][0]["code"] for concept in other["category"]] == ["encounter-diagnosis", "B"]


def test_the_other_delivery_of_the_new_register_holds_the_same(exported):
    made = exported(
        lpr3f_kontakter=[(WHO, "55", date(2020, 7, 1), "kardiologi")],
        lpr3f_diagnoser=[("55", "DI48", "+", "Ja")],
        lpr_adm=[],
        lpr_diag=[],
    )
    assert made.one("Encounter")["period"] == {"start": "2020-07-01"}
    assert made.one("Condition")["verificationStatus"]["coding"][0]["code"] == "refuted"
    assert made.one("Condition")["category"][1]["coding"][0]["code"] == "+"


def test_icd_8_is_not_called_sks(exported):
    condition = exported(lpr_diag=[("900", "25009", "A")]).one("Condition")
    assert condition["code"]["coding"][0] == {"system": "urn:sandkasse:icd-8-dk", "code": "25009"}


def test_a_dispensing(exported):
    statement = exported(lmdb=[(WHO, DAY, "C10AA01", 98.0, 2, "0000276")]).one("MedicationStatement")
    assert statement["status"] == "unknown"
    assert statement["id"] == f"rx-{WHO}-1"
    assert statement["medicationCodeableConcept"]["coding"] == [
        {"system": "http://www.whocc.no/atc", "code": "C10AA01"}
    ]
    assert statement["effectiveDateTime"] == "2001-02-03"
    assert statement["reasonCode"][0]["coding"][0]["code"] == "0000276"
    assert [list(extension.values())[1] for extension in statement["extension"]] == [98, 2]


def test_a_dispensing_of_which_less_is_known(exported):
    statement = exported(lmdb=[(WHO, None, None, None, None, None)]).one("MedicationStatement")
    assert set(statement) == {"resourceType", "id", "meta", "status", "medicationCodeableConcept", "subject"}
    absent = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
    assert statement["medicationCodeableConcept"] == {"extension": [{"url": absent, "valueCode": "unknown"}]}


def test_a_result_with_its_unit(exported):
    observation = exported().one("Observation")
    assert observation["id"] == f"lab-{WHO}-1"
    assert observation["code"]["coding"] == [{"system": "urn:oid:1.2.208.176.2.1", "code": "NPU27300"}]
    assert observation["valueQuantity"] == {
        "value": 48,
        "unit": "mmol/mol",
        "system": "http://unitsofmeasure.org",
        "code": "mmol/mol",
    }


@pytest.mark.parametrize(
    ("value", "reason"), [(None, "unknown"), (float("nan"), "not-a-number"), (float("inf"), "unknown")]
)
def test_a_result_without_a_value_says_why(r4, exported, value, reason):
    observation = exported(lab_forsker=[(WHO, DAY, "NPU27300", value)]).one("Observation")
    assert "valueQuantity" not in observation
    assert r4.codes_in(observation["dataAbsentReason"]) == [reason]
    assert r4.faults_of(observation) == []


def test_an_analysis_of_unknown_unit_gets_none(exported):
    observation = exported(lab_forsker=[(WHO, DAY, "NPU99999", 1.5)]).one("Observation")
    assert observation["valueQuantity"] == {"value": 1.5}


def test_words_of_the_register_are_escaped(exported):
    words = 'kirurgi "b" \\ \u2028 æøå\n'
    made = exported(lpr3a_kontakt=[(WHO, "55", datetime(2020, 1, 1), words)], lpr3a_diagnose=[])
    assert made.resources["Encounter"][1]["serviceType"] == {"text": words}


def test_a_diagnosis_of_no_contact_is_left_out_counted_and_said(exported):
    made = exported(lpr_diag=[("900", "DE119", "A"), ("901", "DE119", "A"), ("902", "DI10", "B")])
    assert made.result.left_out == {"lpr_diag": 2}
    assert len(made.resources["Condition"]) == 1
    assert made.manifest["error"] == [{"type": "OperationOutcome", "url": "OperationOutcome.ndjson", "count": 1}]
    said = (made.folder / "OperationOutcome.ndjson").read_text()
    assert "2 rows of lpr_diag are left out" in said
    assert "901" not in said


def test_diagnoses_without_any_contacts_at_all(r4, tmp_path):
    source = r4.write_registers(tmp_path / "in", lpr_diag=[("900", "DE119", "A")], dod=[("1", DAY)])
    made = r4.export(source, tmp_path / "out")
    assert made.result.left_out == {"lpr_diag": 1}
    assert "Condition" not in made.resources
    assert not (made.folder / "Condition.ndjson").exists()


def test_a_contact_written_twice_is_two_encounters(r4, exported):
    contact = (WHO, "900", DAY, "08", "2")
    made = exported(lpr_adm=[contact, contact], lpr_diag=[("900", "DE119", "A"), ("900", "DE119", "A")])
    assert [encounter["id"] for encounter in made.resources["Encounter"]] == ["lpr2-900", "lpr2-900.2"]
    assert not r4.faults_between(made.all)


def test_the_manifest(r4, tmp_path):
    source = r4.one_person(tmp_path / "in")
    made = r4.export(source, tmp_path / "out", compress=False, source="dk-registers-class@1.0.0")
    assert made.manifest == {
        "transactionTime": "2026-05-04T03:02:01+00:00",
        "request": "$export?_outputFormat=application/fhir+ndjson"
        "&_type=Patient,Encounter,Condition,MedicationStatement,Observation",
        "requiresAccessToken": False,
        "output": [
            {"type": name, "url": f"{name}.ndjson", "count": 1}
            for name in ("Patient", "Encounter", "Condition", "MedicationStatement", "Observation")
        ],
        "error": [],
        "extension": {"source": "dk-registers-class@1.0.0", "simulated": True},
    }
    assert {path.name for path in made.folder.iterdir()} == {
        "manifest.json",
        *(entry["url"] for entry in made.manifest["output"]),
    }


def test_the_manifest_names_the_address_where_the_files_are_served(r4, tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    options = r4.FhirOptions(simulated=True, address="https://data.example.org/fhir/")
    r4.export_fhir(r4.one_person(tmp_path / "in"), out, options=options, runner=r4.InProcess(), now=r4.NOW)
    manifest = r4.json.loads((out / "manifest.json").read_bytes())
    assert manifest["output"][0]["url"] == "https://data.example.org/fhir/Patient.ndjson"
    assert manifest["request"].startswith("https://data.example.org/fhir/$export?")


def test_an_address_of_another_kind_is_refused(r4):
    with pytest.raises(InvalidInputError, match="address"):
        r4.FhirOptions(simulated=True, address="ftp://x")


def test_real_persons_are_not_marked_as_test_data(r4, tmp_path):
    made = r4.export(r4.one_person(tmp_path / "in"), tmp_path / "out", simulated=False)
    assert all("meta" not in resource for resource in made.all)
    assert made.manifest["extension"]["simulated"] is False


def test_a_missing_column_is_named(r4, tmp_path):
    source = r4.one_person(tmp_path / "in")
    table = r4.pq.read_table(source / "data" / "lmdb.parquet").drop_columns("atc")
    r4.pq.write_table(table, source / "data" / "lmdb.parquet")
    with pytest.raises(ContractViolationError, match="table lmdb has no column atc"):
        r4.export(source, tmp_path / "out")


def test_a_pseudonym_that_is_missing_is_refused(r4, tmp_path):
    source = r4.one_person(tmp_path / "in", lab_forsker=[(None, DAY, "NPU27300", 1.0)])
    with pytest.raises(ContractViolationError, match=r"lab_forsker\.pnr holds 1 values"):
        r4.export(source, tmp_path / "out")
