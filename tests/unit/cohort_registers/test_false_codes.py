"""False codes of diseases other than diabetes: who gets them, where, how often, and how right a first code is."""

import numpy as np
import pytest
from scipy import stats

from sandkasse.cohort.life import simulate_life
from sandkasse.cohort.observation import words as w
from sandkasse.cohort.observation.vocabulary import read_parameters
from sandkasse.cohort.validation.codes import count_first_codes

P = read_parameters()
ROWS = P["miscoded"]


def trapped(made):
    return {row["pnr"] for row in made.truth["traps"].to_pylist() if row["trap"] == "miscoded_others"}


def coded(made, name):
    """Give persons (places in the order of writing) and days of all contacts with a code of a condition."""
    words = made.shard.words.diagnoses
    entry = P["sets"][P["conditions"][name]["codes"]]
    codes = [words.index(code) for era in ("icd8", "icd10") for code in entry.get(era, [])]
    hit = np.zeros(len(made.seen.contact), dtype=bool)
    for place in (29, 16, 3):
        hit |= np.isin((made.seen.contact >> place) & w.NO_DIAGNOSIS, codes)
    person = np.repeat(np.arange(len(made.shard.order)), np.diff(made.seen.starts[:, w.CONTACT]))
    return person[hit], made.seen.contact[hit] >> 47


@pytest.fixture(scope="module")
def plain(bench):
    """Lives without any condition, of persons who are all old enough for every false code from 1995 on."""
    life = bench.plain_lives(1500)
    life.birth_day[:] = bench.day(1932)
    return bench.make(life), bench.make(life, without=("miscoded_others",))


def test_without_the_trap_nobody_without_a_disease_has_its_code(plain):
    on, off = plain
    for row in ROWS:
        assert not len(coded(off, row["condition"])[0]), row["condition"]
    found = {int(person) for row in ROWS for person in coded(on, row["condition"])[0]}
    pnr = on.truth["persons"]["pnr"].to_pylist()
    assert {pnr[person] for person in found} == trapped(on) != set()
    assert not trapped(off)


def test_nothing_that_was_coded_is_lost(plain):
    """Only diagnoses are added: each contact still has every diagnosis that it had."""

    def diagnoses(made):
        parts = made.seen.contact
        person = np.repeat(np.arange(len(made.shard.order)), np.diff(made.seen.starts[:, w.CONTACT]))
        keys = zip(person, parts >> 39, strict=True)
        listed = {}
        for key, word in zip(keys, parts, strict=True):
            codes = [int(word >> place) & w.NO_DIAGNOSIS for place in (29, 16, 3)]
            listed.setdefault(tuple(map(int, key)), []).extend(code for code in codes if code != w.NO_DIAGNOSIS)
        return {key: sorted(codes) for key, codes in listed.items()}

    on, off = map(diagnoses, plain)
    assert on.keys() == off.keys()
    for key, codes in off.items():
        left = list(on[key])
        for code in codes:
            left.remove(code)


def test_the_share_of_contacts_is_as_said(plain, bench):
    on, off = plain
    specialty = (off.seen.contact >> 41) & 63
    is_free = (off.seen.contact & 0x1FFF) == w.NOTHING
    late = off.seen.contact >> 47 >= bench.day(1995)
    names = on.shard.words.specialty_names
    for row in ROWS:
        at = [names.index(name) for name in row["at"]]
        asked = int((np.isin(specialty, at) & is_free & late).sum())
        wrong = int((coded(on, row["condition"])[1] >= bench.day(1995)).sum())
        # Two-sided, once in ten million for each of the diseases: about once in a million for all together.
        low, high = stats.binom.interval(1 - 1e-7, asked, row["share"])
        assert low <= wrong <= high, row["condition"]


def test_nobody_is_coded_falsely_before_the_age(bench):
    life = bench.plain_lives(600)
    life.birth_day[:] = bench.day(1997)
    life.residence_start[:, 0] = bench.day(1997)
    made = bench.make(life)
    grown = [row["condition"] for row in ROWS if row["from_age"] >= 30]
    assert not [name for name in grown if len(coded(made, name)[0])]
    assert trapped(made)


def test_first_codes_are_right_as_often_as_published(bench):
    """The predictive value of a first code of each disease, in simulated lives."""
    life = simulate_life(bench.MODEL, np.arange(6000, dtype=np.int64), seed=31)
    made = bench.make(life)
    counts = count_first_codes(life, made.seen, made.shard.order, made.shard.words)
    assert counts.keys() == {row["condition"] for row in ROWS}
    for row in ROWS:
        right, wrong = counts[row["condition"]]
        # Two-sided, once in ten million for each of the diseases: about once in a million for all together.
        low, high = stats.binom.interval(1 - 1e-7, right + wrong, row["predictive"])
        assert low <= right <= high, (row["condition"], right, wrong)
        assert wrong > 0 or row["predictive"] > 0.9
