"""Registers of persons on simulated families: links, civil status, moves, deaths, births, vaccinations."""

import itertools
from collections import defaultdict
from datetime import date

import ibis
import numpy as np
import pyarrow.parquet as pq
import pytest

from sandkasse.cohort.life import simulate_life
from sandkasse.cohort.observation.society import Society
from sandkasse.cohort.observation.vocabulary import read_parameters
from sandkasse.cohort.simulate import contract_path
from sandkasse.contract import check_tables, raise_for_violations, read_contract


@pytest.fixture(scope="module")
def made(bench):
    return bench.make(simulate_life(bench.MODEL, np.arange(2000, dtype=np.int64), seed=9), seed=9)


@pytest.fixture(scope="module")
def bef(made):
    rows = defaultdict(list)
    for row in made.registers["bef"].to_pylist():
        rows[row["pnr"]].append(row)
    return rows


def test_simulated_persons_keep_the_contract(made, tmp_path):
    connection, tables = ibis.duckdb.connect(), {}
    for name, table in made.registers.items():
        pq.write_table(table, tmp_path / f"{name}.parquet", store_schema=False)
        tables[name] = connection.read_parquet(tmp_path / f"{name}.parquet")
    contract = read_contract(contract_path())
    raise_for_violations(check_tables(contract, tables))
    promised = {table.name for table in contract.tables if table.alternative != "f"}
    assert set(tables) == promised - (set() if "ind" in tables else {"ind", "udda"})


def test_parents_are_linked_as_the_registers_link_them(bef, made):
    born = {row["pnr"]: row["foed_dato"] for row in made.truth["persons"].to_pylist()}
    n_linked = 0
    for rows in bef.values():
        for row in rows:
            for parent, first in (("mor_id", 1960), ("far_id", 1970)):
                if row[parent] is not None:
                    n_linked += 1
                    assert row["foed_dato"].year >= first
                    assert 13 * 365 < (row["foed_dato"] - born[row[parent]]).days < 75 * 366
    assert n_linked > 1000
    assert all(len({(row["mor_id"], row["far_id"]) for row in rows}) == 1 for rows in bef.values())


def test_municipalities_change_their_codes_in_2007(bef):
    former = read_parameters()["before_2007"]
    codes = defaultdict(set)
    for rows in bef.values():
        for row in rows:
            codes[row["referencetid"].year >= 2007].add(int(row["kom"]))
    assert not codes[False] & set(map(int, former))
    # Nine of the former numbers still mean a municipality, another one or the same.
    assert not codes[True] & (set(former.values()) - codes[False])
    assert codes[True] & set(map(int, former))


def test_nobody_becomes_unmarried_again_and_children_are(bef):
    for rows in bef.values():
        seen = [row["civst"] for row in sorted(rows, key=lambda row: row["referencetid"])]
        assert "U" not in seen[seen.index(next(s for s in seen if s != "U")) :] if set(seen) != {"U"} else True
        assert all(row["civst"] == "U" for row in rows if (row["referencetid"] - row["foed_dato"]).days < 17 * 365)
    last = [rows[-1]["civst"] for rows in bef.values() if rows[-1]["foed_dato"].year < 1960]
    assert {"U", "G", "F", "E"} == set(last)


def test_children_live_with_their_mother_until_they_have_children(bef):
    parents = {row[parent] for rows in bef.values() for row in rows for parent in ("mor_id", "far_id")}
    families = {(row["pnr"], row["referencetid"]): row["familie_id"] for rows in bef.values() for row in rows}
    together = [
        families[row["mor_id"], row["referencetid"]] == row["familie_id"]
        for rows in bef.values()
        for row in rows
        if row["pnr"] not in parents
        and (row["mor_id"], row["referencetid"]) in families
        and (row["referencetid"] - row["foed_dato"]).days < 17 * 365
    ]
    assert len(together) > 1000
    assert all(together)
    assert not set(bef) & set(families.values())


def test_moves_agree_with_residence(bef, made):
    moves = defaultdict(list)
    for row in made.registers["vnds"].to_pylist():
        moves[row["pnr"]].append((row["haend_dato"], row["indud_kode"]))
    assert len(moves) > 100
    for pnr, found in moves.items():
        kinds = [kind for _, kind in found]
        assert all(a != b for a, b in itertools.pairwise(kinds))
        for row in bef.get(pnr, []):
            before = [kind for day, kind in found if day <= row["referencetid"]]
            assert not before or before[-1] == "I"


def test_who_dies_after_emigrating_is_in_no_register_of_deaths(bench):
    life = bench.plain_lives(40)
    life.death_day[:] = bench.day(2005, 6)
    life.residence_end[:, 0] = bench.day(2005, 6) + 1
    life.residence_end[:20, 0] = bench.day(2003)
    made = bench.make(life)
    stayed = {row["pnr"] for row in made.truth["persons"].to_pylist() if row["last_resident"].year == 2005}
    assert len(stayed) == 20
    assert set(made.registers["dod"]["pnr"].to_pylist()) == stayed
    assert set(made.registers["dodsaasg"]["pnr"].to_pylist()) == stayed
    left = {row["pnr"] for row in made.registers["vnds"].to_pylist() if row["indud_kode"] == "U"}
    assert len(left) == 20
    assert not left & stayed


def test_every_death_has_one_cause_in_the_table_of_its_year(made):
    died = {row["pnr"]: row["doddato"] for row in made.registers["dod"].to_pylist()}
    found = {}
    for name, day, cause, first, last in (
        ("dodsaars", "d_dodsdto", "c_dod1", 1977, 2001),
        ("dodsaasg", "d_dodsdato", "c_dodtilgrundl_acme", 2002, 2021),
        ("dodsaarsager", "doedsdato", "doedsaarsag_tilgrundliggende", 2022, 2024),
    ):
        for row in made.registers[name].to_pylist():
            assert first <= row[day].year <= last
            assert row[cause][0].isalpha() == (row[day].year >= 1994) or row[cause].startswith("E")
            assert row["pnr"] not in found
            found[row["pnr"]] = row[day]
    assert found == died


def test_births_stand_under_the_mother_that_the_population_register_knows(bef, made):
    births = made.registers["mfr"].to_pylist()
    assert len(births) > 200
    for row in births:
        if row["cpr_barn"] in bef:
            assert bef[row["cpr_barn"]][0]["mor_id"] == row["cpr_moder"]
            assert bef[row["cpr_barn"]][0]["foed_dato"] == row["foedselsdato"]
    mean = sum(row["vaegt_barn"] for row in births) / len(births)
    # Standard deviation about 500 g: 150 g off means five standard errors at 300 births.
    assert 3300 < mean < 3650
    parities = defaultdict(list)
    for row in sorted(births, key=lambda row: row["foedselsdato"]):
        parities[row["cpr_moder"]].append(row["paritet"])
    assert all(a < b for found in parities.values() for a, b in itertools.pairwise(found))


def test_children_are_vaccinated_at_the_ages_of_the_programme(made):
    born = {row["pnr"]: row["foed_dato"] for row in made.truth["persons"].to_pylist()}
    given = [row for row in made.registers["ddv"].to_pylist() if row["vaccine"] == "mmr"]
    assert len(given) > 50
    for row in given:
        age = (row["vaccinationsdato"] - born[row["pnr"]]).days
        assert 460 <= age <= 520 or 1480 <= age <= 1540
    assert min(row["vaccinationsdato"] for row in given) >= date(2002, 1, 1)


def test_nobody_is_vaccinated_against_covid_before_the_vaccine(made):
    born = {row["pnr"]: row["foed_dato"] for row in made.truth["persons"].to_pylist()}
    given = [row for row in made.registers["ddv"].to_pylist() if row["vaccine"] == "covid19"]
    assert len(given) > 500
    assert min(row["vaccinationsdato"] for row in given) >= date(2020, 12, 27)
    late = [row for row in given if row["vaccinationsdato"] >= date(2023, 10, 1)]
    assert len(late) > 30, "the old are vaccinated each autumn"
    assert all((row["vaccinationsdato"] - born[row["pnr"]]).days >= 65 * 365.25 for row in late)


def test_the_old_whose_partner_is_not_in_the_data_have_married_and_been_widowed(bench):
    model = bench.MODEL
    life = simulate_life(model, np.arange(6000, dtype=np.int64), seed=9)
    society = Society(life, read_parameters(), model.conditions, model.treatments, 9)
    day = date(2010, 1, 1).toordinal() - date(1970, 1, 1).toordinal()
    status = society.civil_status(np.array([day]))[:, 0]  # unmarried, married, divorced, widowed
    alone = (society.rows_of(life.partner) < 0) & (life.death_day > day)
    old = alone & (life.birth_day < -35 * 365.25)
    women = old & (life.sex == 2)
    assert old.sum() > 40
    # Of 40 persons a share has a standard error of at most 0.08. Nine in ten of them marry, and a third did before.
    assert (status[old] == 0).mean() < 0.35
    assert (status[women] == 3).mean() > 0.2
