# ruff: noqa: DTZ001  the register holds local time without a zone
"""What newer and wider deliveries of the registers add: ends, visits, psychiatry, operations, vaccinations, units."""

import json
from datetime import date, datetime
from importlib import import_module

import pytest

WHO = "000000000001"
DAY, LATER = date(2001, 2, 3), date(2001, 2, 9)


@pytest.fixture
def exported(r4, tmp_path):
    """Export registers made by hand, and hold every resource against the rules of R4 and the published models."""

    def write(**tables):
        made = r4.export(r4.write_registers(tmp_path / "in", **tables), tmp_path / "out")
        assert [fault for resource in made.all for fault in r4.faults_of(resource)] == []
        assert not r4.faults_between(made.all)
        for name, resources in made.resources.items():
            model = getattr(import_module(f"fhir.resources.R4B.{name.lower()}"), name)
            assert all(json.loads(model.model_validate(one).model_dump_json()) == one for one in resources)
        return made

    return write


@pytest.mark.parametrize(
    ("start", "end", "period"),
    [
        (DAY, LATER, {"start": "2001-02-03", "end": "2001-02-09"}),
        (DAY, DAY, {"start": "2001-02-03", "end": "2001-02-03"}),
        (DAY, None, {"start": "2001-02-03"}),
        (None, LATER, {"end": "2001-02-09"}),
        (LATER, DAY, {"start": "2001-02-09"}),  # FHIR's per-1 forbids an end before the beginning
        (None, None, None),
    ],
)
def test_periods(exported, start, end, period):
    made = exported(lpr_adm_ended=[(WHO, "900", start, "08", "0", end)])
    assert made.one("Encounter").get("period") == period


def test_moments_of_the_new_register(exported):
    begun, ended = datetime(2020, 3, 28, 23), datetime(2020, 3, 29, 4)
    made = exported(lpr3a_kontakt_ended=[(WHO, "55", begun, "kirurgi", ended, "ALCA03")])
    encounter = made.one("Encounter")
    assert encounter["period"] == {"start": "2020-03-28T23:00:00+01:00", "end": "2020-03-29T04:00:00+02:00"}
    assert encounter["class"]["code"] == "VR"
    assert encounter["type"] == [{"coding": [{"system": "urn:oid:1.2.208.176.2.4", "code": "ALCA03"}]}]


def test_a_contact_in_person_may_be_of_any_class(exported):
    made = exported(lpr3a_kontakt_ended=[(WHO, "55", datetime(2020, 3, 1), "kirurgi", None, "ALCA00")])
    assert made.one("Encounter")["class"]["code"] == "UNK"


def test_visits_are_part_of_their_course(exported):
    made = exported(
        lpr_adm_ended=[(WHO, "900", DAY, "08", "2", LATER)], lpr_bes=[("900", DAY), ("900", LATER), ("901", DAY)]
    )
    course, first, second = made.resources["Encounter"]
    assert (first["id"], second["id"]) == ("lpr2-900-v1", "lpr2-900-v2")
    assert second["partOf"] == {"reference": f"Encounter/{course['id']}"}
    assert second["period"] == {"start": "2001-02-09", "end": "2001-02-09"}
    assert second["class"]["code"] == "AMB"
    assert made.result.left_out == {"lpr_bes": 1}


def test_psychiatry_may_use_the_same_record_numbers(exported):
    rows = [(WHO, "900", DAY, "50", "0")]
    made = exported(
        lpr_adm=rows, lpr_diag=[("900", "DE119", "A")], t_psyk_adm=rows, t_psyk_diag=[("900", "DF209", "A")]
    )
    assert [encounter["id"] for encounter in made.resources["Encounter"]] == ["lpr2-900", "psyk-900"]
    assert [c["encounter"]["reference"] for c in made.resources["Condition"]] == [
        "Encounter/lpr2-900",
        "Encounter/psyk-900",
    ]


def test_operations_of_every_generation(exported):
    made = exported(
        lpr_adm=[(WHO, "900", DAY, "30", "0")],
        lpr_sksopr=[("900", "KJAH01", "V", LATER), ("900", "KJAH01", None, None)],
        lpr_opr=[("900", "43500", DAY)],
        lpr3a_kontakt=[(WHO, "55", datetime(2020, 1, 1), "kirurgi")],
        lpr3a_procregistrering=[("55", "KNFB20", "V", datetime(2020, 1, 2, 9, 30))],
    )
    procedures = {procedure["id"]: procedure for procedure in made.resources["Procedure"]}
    assert set(procedures) == {"lpr2-900-p1", "lpr2-900-p2", "lpr2-900-o1", "lpr3-55-p1"}
    assert procedures["lpr2-900-p1"] == {
        "resourceType": "Procedure",
        "id": "lpr2-900-p1",
        "meta": procedures["lpr2-900-o1"]["meta"],
        "status": "completed",
        "category": {"coding": [{"system": "urn:sandkasse:lpr-operation-kind", "code": "V"}]},
        "code": {"coding": [{"system": "urn:oid:1.2.208.176.2.4", "code": "KJAH01"}]},
        "performedDateTime": "2001-02-09",
        "encounter": {"reference": "Encounter/lpr2-900"},
        "subject": {"reference": f"Patient/{WHO}"},
    }
    assert "performedDateTime" not in procedures["lpr2-900-p2"]
    assert procedures["lpr2-900-o1"]["code"]["coding"][0]["system"] == "urn:sandkasse:lpr-operation-until-1995"
    assert procedures["lpr3-55-p1"]["performedDateTime"] == "2020-01-02T09:30:00+01:00"


def test_operations_of_the_other_delivery(exported):
    made = exported(
        lpr3f_kontakter=[(WHO, "55", date(2020, 1, 1), "kirurgi")],
        lpr3f_procedurer_kirurgi=[("55", "KNFB20", "V", date(2020, 1, 2))],
    )
    assert made.one("Procedure")["performedDateTime"] == "2020-01-02"


def test_vaccinations(exported):
    made = exported(
        ddv=[(WHO, DAY, "J07BB02", 'Vaxigrip "Tetra"'), (WHO, None, "J07BB02", None), (WHO, DAY, None, None)]
    )
    named, undated, unknown = made.resources["Immunization"]
    assert named["vaccineCode"] == {
        "coding": [{"system": "http://www.whocc.no/atc", "code": "J07BB02"}],
        "text": 'Vaxigrip "Tetra"',
    }
    assert named["patient"] == {"reference": f"Patient/{WHO}"}
    assert named["occurrenceDateTime"] == "2001-02-03"
    assert undated["occurrenceString"] == "unknown"
    assert "extension" in unknown["vaccineCode"]


def test_the_units_of_the_row_go_before_those_of_the_code(exported):
    made = exported(
        lab_forsker_unit=[
            (WHO, DAY, "NPU27300", 6.5, "%"),
            (WHO, DAY, "NPU27300", 48.0, None),
            (WHO, DAY, "NPU27300", 48.0, "stk"),
        ]
    )
    assert [(o["valueQuantity"]["unit"], o["valueQuantity"].get("code")) for o in made.resources["Observation"]] == [
        ("%", "%"),
        ("mmol/mol", "mmol/mol"),
        ("stk", None),
    ]


def test_the_limits_of_the_laboratory_are_a_range_in_the_unit_of_the_value(exported):
    made = exported(
        lab_forsker_limits=[
            (WHO, DAY, "NPU27300", 48.0, 20.0, 42.5),
            (WHO, DAY, "NPU27300", 48.0, None, 42.0),
            (WHO, DAY, "NPU99999", None, 1.0, None),
            (WHO, DAY, "NPU27300", 48.0, None, float("nan")),
        ]
    )
    unit = {"unit": "mmol/mol", "system": "http://unitsofmeasure.org", "code": "mmol/mol"}
    assert [one.get("referenceRange") for one in made.resources["Observation"]] == [
        [{"low": {"value": 20, **unit}, "high": {"value": 42.5, **unit}}],
        [{"high": {"value": 42, **unit}}],
        [{"low": {"value": 1}}],
        None,
    ]


@pytest.mark.parametrize(("civst", "codes"), [("G", ["M", "G"]), ("O", ["O"])])
def test_civil_status(r4, exported, civst, codes):
    made = exported(bef_civst=[(WHO, 1, DAY, "751", date(2002, 1, 1), civst)])
    assert r4.codes_in(made.one("Patient")["maritalStatus"]) == codes
