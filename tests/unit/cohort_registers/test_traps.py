"""Each trap, on the same lives with the trap on and off: a naive rule errs with it, and not (so much) without it."""

import pytest

A10 = "A10"


def found(made, rule):
    """Give the numbers of persons whom a rule on the registers finds."""
    return {str(pnr) for pnr in rule(made.registers)}


def by_codes(tables, prefixes=("DE10", "DE11", "DE12", "DE13", "DE14", "249", "250"), *, from_lpr3_kept_only=False):
    contacts = {row["recnum"]: row["pnr"] for name in ("lpr_adm", "t_psyk_adm") for row in tables[name].to_pylist()}
    contacts |= {row["dw_ek_kontakt"]: row["pnr"] for row in tables["lpr3a_kontakt"].to_pylist()}
    coded = [row for name in ("lpr_diag", "t_psyk_diag") for row in tables[name].to_pylist()]
    hits = {contacts[row["recnum"]] for row in coded if row["c_diag"].startswith(prefixes)}
    return hits | {
        contacts[r["dw_ek_kontakt"]]
        for r in tables["lpr3a_diagnose"].to_pylist()
        if r["diag_kode"].startswith(prefixes) and not (from_lpr3_kept_only and r["senere_afkraeftet"] == "Ja")
    }


def by_drugs(tables, prefix=A10):
    return {row["pnr"] for row in tables["lmdb"].to_pylist() if row["atc"].startswith(prefix)}


def by_hba1c(tables):
    return {
        row["pnr"]
        for row in tables["lab_forsker"].to_pylist()
        if row["analysiscode"] == "NPU27300" and row["value"] >= 48
    }


def by_foot_care(tables):
    services = tables["sysi"].to_pylist() + tables["sssy"].to_pylist()
    return {row["pnr"] for row in services if row["speciale"].startswith("54")}


def trapped(made, trap):
    return {row["pnr"] for row in made.truth["traps"].to_pylist() if row["trap"] == trap}


def on_and_off(bench, life, trap):
    return bench.make(life), bench.make(life, without=(trap,))


def test_nobody_without_diabetes_is_found_when_all_traps_are_off(bench):
    life = bench.plain_lives(400)
    without_all = bench.make(life, without=tuple(bench.trap_names()))
    assert not by_drugs(without_all.registers)
    assert not by_codes(without_all.registers)
    assert not by_foot_care(without_all.registers)
    assert without_all.truth["traps"].num_rows == 0


def test_undiagnosed_persons_are_missed(bench):
    life = bench.plain_lives(60)
    bench.give_condition(life, slice(0, 60), "t2d", bench.day(2005), detected=None)
    on, off = on_and_off(bench, life, "undiagnosed")
    assert len(by_codes(on.registers) | by_foot_care(on.registers)) == 0
    # Half use podiatry, a third are followed at a hospital: at most 20 of 60 are found less than once in a million.
    assert len(by_codes(off.registers) | by_foot_care(off.registers)) > 20
    assert len(trapped(on, "undiagnosed")) == 60


def test_miscoded_contacts_find_persons_without_diabetes(bench):
    on, off = on_and_off(bench, bench.plain_lives(2000), "miscoded")
    kept = by_codes(on.registers, from_lpr3_kept_only=True)
    assert kept
    assert kept == trapped(on, "miscoded")
    assert not by_codes(off.registers, from_lpr3_kept_only=True)


def test_retracted_diagnoses_find_persons_without_diabetes(bench):
    life = bench.plain_lives(3000)
    on, off = bench.make(life, without=("miscoded",)), bench.make(life, without=("miscoded", "retracted"))
    assert by_codes(on.registers) == trapped(on, "retracted") != set()
    assert not by_codes(on.registers, from_lpr3_kept_only=True)
    assert not by_codes(off.registers)


def test_type_confusion_gives_codes_of_the_other_type(bench):
    life = bench.plain_lives(60)
    bench.give_condition(life, slice(0, 60), "t1d", bench.day(2000), detected=bench.day(2000, 2))
    on, off = on_and_off(bench, life, "type_confusion")
    assert len(by_codes(on.registers, ("DE11",))) > 30
    assert not by_codes(off.registers, ("DE11", "DE12", "DE13", "DE14"))


@pytest.mark.parametrize(
    ("trap", "treatment", "condition", "start", "prefix"),
    [
        ("metformin_pcos", "metformin", "pcos", 2008, "A10BA02"),
        ("glp1_weight_loss", "glp1", "obesity", 2018, "A10BJ"),
        ("sglt2_heart_failure", "sglt2", "hf", 2020, "A10BK"),
        ("sglt2_heart_failure", "sglt2", "ckd", 2021, "A10BK"),
    ],
)
def test_drugs_for_something_else_find_persons_without_diabetes(bench, trap, treatment, condition, start, prefix):
    life = bench.plain_lives(40)
    bench.give_condition(life, slice(0, 40), condition, bench.day(start - 1), detected=bench.day(start - 1))
    bench.give_treatment(life, slice(0, 40), treatment, bench.day(start), begun_for=condition)
    on, off = on_and_off(bench, life, trap)
    assert len(by_drugs(on.registers, prefix)) == 40 == len(trapped(on, trap))
    assert not by_drugs(off.registers)


def test_metformin_for_polycystic_ovaries_often_says_so(bench):
    life = bench.plain_lives(200)
    bench.give_condition(life, slice(0, 200), "pcos", bench.day(2007), detected=bench.day(2007))
    bench.give_treatment(life, slice(0, 200), "metformin", bench.day(2008), begun_for="pcos")
    stated = {r["pnr"] for r in bench.make(life).registers["lmdb"].to_pylist() if r["indo"]}
    # 200 persons at 0.7: fewer than 105 or more than 175 happens by chance less often than once in a million.
    assert 105 <= len(stated) <= 175


def test_codes_moved_in_january_2017(bench):
    life = bench.plain_lives(40)
    bench.give_condition(life, slice(0, 40), "t2d", bench.day(2010), detected=bench.day(2010))
    bench.give_treatment(life, slice(0, 40), "sglt2", bench.day(2015), begun_for="t2d")
    on, off = on_and_off(bench, life, "atc_moved_2017")
    before = [r for r in on.registers["lmdb"].to_pylist() if r["atc"].startswith("A10B") and r["eksd"].year < 2017]
    assert before
    assert {r["atc"] for r in before} <= {"A10BX09", "A10BX12"}
    later = [r for r in on.registers["lmdb"].to_pylist() if r["atc"].startswith("A10B") and r["eksd"].year >= 2017]
    assert {r["atc"] for r in later} <= {"A10BK01", "A10BK03"}
    assert not by_drugs(off.registers, "A10BX")


def test_gestational_diabetes_looks_like_diabetes(bench):
    life = bench.plain_lives(300)
    birth = bench.day(2010, 6)
    life.sex[:] = 2
    life.birth_day[:] = bench.day(1980)
    life.delivery_day[:, 0] = birth
    bench.give_condition(life, slice(0, 300), "gdm", birth - 80, detected=birth - 70)
    on, off = on_and_off(bench, life, "gestational_diabetes")
    insulin = by_drugs(on.registers)
    # 300 women at 0.4, of whom few never collect: below 75 or above 165 less often than once in a million.
    assert 75 <= len(insulin) <= 165
    assert insulin <= trapped(on, "gestational_diabetes")
    assert not by_drugs(off.registers)
    assert not by_codes(off.registers, ("DO244",))
    assert all(r["eksd"] <= bench.as_date(birth) for r in on.registers["lmdb"].to_pylist() if r["atc"].startswith(A10))


def test_old_units_hide_high_values_from_a_rule_on_the_new(bench):
    life = bench.plain_lives(80)
    life.municipality[:, 0] = 751
    bench.give_condition(life, slice(0, 80), "t2d", bench.day(2000), detected=bench.day(2003))
    on, off = on_and_off(bench, life, "hba1c_units")
    early = lambda made: {  # noqa: E731
        r["pnr"]
        for r in made.registers["lab_forsker"].to_pylist()
        if r["analysiscode"] == "NPU27300"
        and r["value"] >= 48
        and r["samplingdate"] < bench.as_date(bench.day(2011, 10))
    }
    assert not early(on)
    assert len(early(off)) > 40
    assert "NPU03835" not in off.registers["lab_forsker"]["analysiscode"].to_pylist()
    old = [r["value"] for r in on.registers["lab_forsker"].to_pylist() if r["analysiscode"] == "NPU03835"]
    assert 4.0 < min(old) < max(old) < 17.0


def test_regions_join_the_laboratory_register_at_different_times(bench):
    life = bench.plain_lives(60)
    life.municipality[:, 0] = 461  # the last region
    bench.give_condition(life, slice(0, 60), "t2d", bench.day(2000), detected=bench.day(2003))
    on, off = on_and_off(bench, life, "lab_coverage")
    first = lambda made: min(r["samplingdate"] for r in made.registers["lab_forsker"].to_pylist())  # noqa: E731
    assert first(on) >= bench.as_date(bench.day(2015, 10))
    assert first(off) < bench.as_date(bench.day(2011, 3))
    assert len(trapped(on, "lab_coverage")) > 30


def test_services_are_dated_by_their_settlement(bench):
    life = bench.plain_lives(50)
    bench.give_condition(life, slice(0, 50), "t2d", bench.day(1999), detected=bench.day(2000))
    on, off = on_and_off(bench, life, "settlement_week")
    weeks = lambda made: sum((made.seen.service >> 17).tolist())  # noqa: E731
    assert len(on.seen.service) == len(off.seen.service)
    late = (weeks(on) - weeks(off)) / len(on.seen.service)
    # Whole weeks of an exponential of mean 2.5: 1 / (exp(0.4) - 1) = 2.03, its error over 10,000 services below 0.03.
    assert 1.85 < late < 2.2
    assert trapped(on, "settlement_week")


def test_childrens_services_stand_under_the_mothers_number(bench):
    life = bench.plain_lives(3000)
    life.sex[:] = 2
    life.birth_day[:] = bench.day(1970)
    life.delivery_day[:, 0] = bench.day(1998, 3)
    on, off = on_and_off(bench, life, "child_mark")
    mothers = by_foot_care(on.registers)
    assert mothers
    assert mothers == trapped(on, "child_mark")
    assert not by_foot_care(off.registers)
    assert all(r["barnmak"] == 1 for r in on.registers["sysi"].to_pylist() if r["speciale"].startswith("54"))
    assert set(off.registers["sysi"]["barnmak"].to_pylist()) == {0}


def test_outpatients_before_1995_are_not_in_the_register(bench):
    life = bench.plain_lives(60)
    bench.give_condition(life, slice(0, 60), "t2d", bench.day(1980), detected=bench.day(1982))
    on, off = on_and_off(bench, life, "outpatient_1995")
    old = lambda made: [  # noqa: E731
        r for r in made.registers["lpr_adm"].to_pylist() if r["c_pattype"] != "0" and r["d_inddto"].year < 1995
    ]
    assert not old(on)
    assert len(old(off)) > 200
    assert trapped(on, "outpatient_1995")


def test_the_sick_are_tested_more(bench):
    life = bench.plain_lives(400)
    life.birth_day[:] = bench.day(1955)
    bench.give_condition(life, slice(0, 200), "hf", bench.day(2010), detected=bench.day(2010))
    bench.give_condition(life, slice(0, 200), "ckd", bench.day(2010), detected=bench.day(2010))
    on, off = on_and_off(bench, life, "sicker_tested_more")

    def ratio(made):
        sick = {row["pnr"] for row in made.truth["persons"].to_pylist() if row["hf_onset"]}
        tests = [r["pnr"] in sick for r in made.registers["lab_forsker"].to_pylist() if r["analysiscode"] == "NPU27300"]
        return sum(tests) / (len(tests) - sum(tests))

    assert ratio(on) > 1.3 * ratio(off)
