"""The patient register in its eras: courses and visits, psychiatry, operations, ends of contacts."""

from collections import Counter, defaultdict
from itertools import pairwise

import pytest


@pytest.fixture(scope="module")
def made(bench):
    return bench.make(bench.varied_lives(500, seed=15))


def test_visits_for_one_disease_are_one_course_until_2018(bench):
    life = bench.plain_lives(60)
    bench.give_condition(life, slice(0, 60), "t1d", bench.day(2005), detected=bench.day(2005, 2))
    tables = bench.make(life).registers
    courses = {row["recnum"]: row for row in tables["lpr_adm"].to_pylist() if row["c_pattype"] == "2"}
    visits = defaultdict(list)
    for row in tables["lpr_bes"].to_pylist():
        visits[row["recnum"]].append(row["d_ambdto"])
    assert set(visits) == set(courses)
    assert max(map(len, visits.values())) > 4
    for recnum, days in visits.items():
        assert courses[recnum]["d_inddto"] == min(days)
        assert courses[recnum]["d_uddto"] == max(days)
        ordered = sorted(days)
        assert all((b - a).days <= 182 for a, b in pairwise(ordered))
    mains = Counter(row["recnum"] for row in tables["lpr_diag"].to_pylist() if row["c_diagtype"] == "A")
    assert set(mains.values()) == {1}


def test_no_course_of_one_disease_could_be_joined_to_another(made):
    tables = made.registers
    main = {row["recnum"]: row["c_diag"] for row in tables["lpr_diag"].to_pylist() if row["c_diagtype"] == "A"}
    spells = defaultdict(list)
    for row in tables["lpr_adm"].to_pylist():
        if row["c_pattype"] == "2":
            spells[row["pnr"], row["c_spec"], main[row["recnum"]]].append((row["d_inddto"], row["d_uddto"]))
    for found in spells.values():
        found.sort()
        assert all((b[0] - a[1]).days > 182 for a, b in pairwise(found))


def test_psychiatry_stands_apart_from_1995_to_2018_and_with_the_others_afterwards(made):
    specialties = {row["c_spec"] for row in made.registers["lpr_adm"].to_pylist()}
    psychiatric = made.registers["t_psyk_adm"].to_pylist()
    assert "50" not in specialties
    assert {row["c_spec"] for row in psychiatric} == {"50"}
    assert min(row["d_inddto"].year for row in psychiatric) >= 1995
    assert "psykiatri" in made.registers["lpr3a_kontakt"]["kont_ans_hovedspec"].to_pylist()
    known = {row["recnum"] for row in psychiatric}
    assert {row["recnum"] for row in made.registers["t_psyk_diag"].to_pylist()} == known


def test_operations_are_coded_in_the_classification_of_their_time(bench):
    life = bench.plain_lives(1500)
    tables = bench.make(life).registers
    old, new = tables["lpr_opr"].to_pylist(), tables["lpr_sksopr"].to_pylist()
    assert old
    assert new
    assert all(row["d_odto"].year < 1996 and row["c_opr"].isdigit() for row in old)
    assert all(row["d_odto"].year >= 1996 and row["c_opr"].startswith("K") for row in new)
    contacts = {row["recnum"]: row for row in tables["lpr_adm"].to_pylist()}
    for row in old + new:
        contact = contacts[row["recnum"]]
        assert contact["d_inddto"] <= row["d_odto"] <= contact["d_uddto"]
    lpr3 = {row["dw_ek_kontakt"]: row for row in tables["lpr3a_kontakt"].to_pylist()}
    later = tables["lpr3a_procregistrering"].to_pylist()
    assert later
    assert all(row["proc_starttidspunkt"] == lpr3[row["dw_ek_kontakt"]]["kont_starttidspunkt"] for row in later)


def test_contacts_end_within_residence_and_admissions_grow_shorter(bench, made):
    stays = defaultdict(list)
    for row in bench.make(bench.plain_lives(1500)).registers["lpr_adm"].to_pylist():
        if row["c_pattype"] == "0":
            stays[row["d_inddto"].year >= 2005].append((row["d_uddto"] - row["d_inddto"]).days)
    mean = {late: sum(days) / len(days) for late, days in stays.items()}
    assert 2.0 < mean[True] < mean[False] < 12.0
    life, number = (
        made.life,
        dict(zip(made.truth["persons"]["pnr"].to_pylist(), made.shard.order.tolist(), strict=True)),
    )
    for row in made.registers["lpr3a_kontakt"].to_pylist():
        i = number[row["pnr"]]
        first, last = row["kont_starttidspunkt"], row["kont_sluttidspunkt"]
        assert first <= last
        day = (last.date() - bench.as_date(0)).days
        assert any(a <= day < b for a, b in zip(life.residence_start[i], life.residence_end[i], strict=True))


def test_virtual_contacts_begin_in_2020(made):
    years = [
        row["kont_starttidspunkt"].year
        for row in made.registers["lpr3a_kontakt"].to_pylist()
        if row["kont_type"] == "ALCA03"
    ]
    assert years
    assert min(years) == 2020


def test_an_enlarged_prostate_is_of_men_who_are_not_young(made):
    who = {row["pnr"]: (row["koen"], row["foed_dato"]) for row in made.truth["persons"].to_pylist()}
    contact = {row["recnum"]: (row["pnr"], row["d_inddto"]) for row in made.registers["lpr_adm"].to_pylist()}
    found = [
        (*who[contact[row["recnum"]][0]], contact[row["recnum"]][1])
        for row in made.registers["lpr_diag"].to_pylist()
        if row["c_diag"] in {"DN409", "60009"}
    ]
    assert len(found) > 10
    assert {sex for sex, _, _ in found} == {1}
    assert min((day - born).days for _, born, day in found) >= 45 * 365
