"""A contact lasts no longer than the patient and does not begin after death; a diagnosis stands until retracted."""

from datetime import date

import pyarrow as pa

BENT, DIED = "000000000022", date(2003, 6, 7)
KEPT, CUT, ON_THE_DAY, TOO_LATE = (f"{number:018d}" for number in (201, 202, 203, 204))


def test_a_contact_ends_with_death_and_does_not_begin_after_it(registers, build):
    registers["lpr_adm"] = pa.table(
        {
            "pnr": [BENT] * 4,
            "recnum": [KEPT, CUT, ON_THE_DAY, TOO_LATE],
            "d_inddto": [date(2003, 5, 1), date(2003, 6, 1), DIED, date(2003, 6, 8)],
            "d_uddto": [date(2003, 5, 9), date(2003, 7, 1), date(2003, 6, 9), date(2003, 6, 9)],
            "c_spec": ["01"] * 4,
            "c_pattype": ["0"] * 4,
        }
    )
    registers["lpr_diag"] = pa.table({"recnum": [TOO_LATE, CUT], "c_diag": ["DI219", "DI219"], "c_diagtype": ["A"] * 2})
    for name in ("lpr3a_kontakt", "lpr3a_diagnose"):
        del registers[name]
    made = build(registers)[1]
    hospital = {
        row["visit_occurrence_id"]: (row["visit_start_date"], row["visit_end_date"])
        for row in made["visit_occurrence"].to_pylist()
        if row["visit_occurrence_id"] < 1_000_000
    }
    assert hospital == {
        201: (date(2003, 5, 1), date(2003, 5, 9)),
        202: (date(2003, 6, 1), DIED),
        203: (DIED, DIED),
    }
    assert made["condition_occurrence"]["visit_occurrence_id"].to_pylist() == [202]


def test_a_diagnosis_of_which_no_retraction_is_said_stands(registers, build):
    contact = registers["lpr3a_kontakt"]["dw_ek_kontakt"][0].as_py()
    registers["lpr3a_diagnose"] = pa.table(
        {
            "dw_ek_kontakt": [contact] * 3,
            "diag_kode": ["DE109", "DE119", "DI109"],
            "diag_type": ["A", "B", "B"],
            "senere_afkraeftet": ["Nej", "Ja", None],
        }
    )
    found = build(registers)[1]["condition_occurrence"].to_pylist()
    codes = {row["condition_source_value"] for row in found}
    assert {"DE109", "DI109"} <= codes
    assert not any(row["condition_source_value"] == "DE119" and row["person_id"] == 33 for row in found)
