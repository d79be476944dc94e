"""Care as rows: every condition of the life has it, and a condition that comes again is cared for each time."""

from collections import defaultdict

import pytest

from sandkasse.cohort.observation.vocabulary import read_parameters

WITHOUT_ROWS = {"gdm"}
"""Gestational diabetes is cared for with its pregnancy."""


def test_every_condition_and_treatment_of_the_life_has_its_rows(bench):
    parameters = read_parameters()
    assert set(bench.MODEL.conditions) - set(parameters["conditions"]) == WITHOUT_ROWS
    given = {row["treatment"] for row in parameters["therapies"]}
    given |= {entry["treatment"] for entry in parameters["vaccines"].values() if "treatment" in entry}
    assert set(bench.MODEL.treatments) <= given
    cancers = {name for name in bench.MODEL.conditions if name.endswith("_cancer") or name in {"melanoma", "cll"}}
    assert cancers <= set(parameters["tumours"])


def test_rows_name_what_there_is():
    p = read_parameters()
    for name, entry in p["conditions"].items():
        assert {entry["codes"], entry["later"]} <= set(p["sets"]), name
        assert entry["specialty"] in p["specialties"], name
        assert entry["panel"] in p["panels"], name
        assert 0.0 <= entry["admitted"] + entry.get("emergency", 0.0) <= 1.0, name
    for row in [*p["therapies"], *p["condition_drugs"]]:
        assert row["class"] in p["classes"], row
    for row in [*p["condition_drugs"], *p["condition_services"]]:
        assert row["condition"] in p["conditions"], row


def test_a_condition_that_comes_again_is_cared_for_each_time(bench):
    if "hip_fracture" not in bench.MODEL.recurring:
        pytest.skip("the life has no hip fractures")
    life, days = bench.plain_lives(100), (bench.day(2008, 3), bench.day(2012, 5))
    bench.give_condition(life, slice(0, 100), "hip_fracture", days[0], detected=days[0])
    often = bench.MODEL.recurring.index("hip_fracture")
    for turn, day in enumerate(days):
        life.occurrence_day[:, often, turn] = day
        life.occurrence_detected_day[:, often, turn] = day
    tables = bench.make(life).registers
    main = {row["recnum"]: row["c_diag"] for row in tables["lpr_diag"].to_pylist() if row["c_diagtype"] == "A"}
    admitted = defaultdict(set)
    for row in tables["lpr_adm"].to_pylist():
        if row["c_pattype"] == "0" and main[row["recnum"]].startswith("DS72"):
            admitted[row["d_inddto"]].add(row["pnr"])
    # 99 of 100 are admitted each time: fewer than 90 by chance less often than once in a million.
    assert all(len(admitted[bench.as_date(day)]) >= 90 for day in days)
