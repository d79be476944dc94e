"""The truth of each person on disk: other lives with the same luck, and risks by living the future many times."""

import os
import stat
from datetime import date

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from sandkasse.actions.cohorts import CohortRequest, MakeRequest, make_cohort, simulate_cohort
from sandkasse.actions.counterfactuals import find_cohort, write_lives, write_risks
from sandkasse.actions.effects import Estimand, Population
from sandkasse.core.errors import InvalidInputError, NotFoundError
from sandkasse.core.settings import read_settings

N = 700
DEATH = Estimand(Population(date(2005, 1, 1), ages=(50, 100)), "death", 10.0, "natural")


@pytest.fixture(scope="module")
def settings(tmp_path_factory):
    kernels = read_settings(os.environ).kernels  # compiled once on a machine
    home = tmp_path_factory.mktemp("home")
    return read_settings({"SANDKASSE_HOME": str(home), "SANDKASSE_KERNELS": str(kernels)})


@pytest.fixture(scope="module")
def folder(settings, tmp_path_factory):
    out = tmp_path_factory.mktemp("cohort") / "simulated"
    simulate_cohort(settings, CohortRequest(N, out, seed=21))
    return out


@pytest.fixture(scope="module")
def cohort(settings, folder):
    return find_cohort(settings, str(folder))


@pytest.fixture(scope="module")
def lives(settings, cohort, tmp_path_factory):
    out = tmp_path_factory.mktemp("lives") / "lives.parquet"
    assert write_lives(settings, cohort, out) == N
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    return pq.read_table(out)


def under(lives: pa.Table, course: str) -> pa.Table:
    return lives.filter(pc.equal(lives["course"], course)).sort_by("pnr")


def test_the_natural_course_is_the_life_that_the_truth_tells(lives, folder):
    truth = pq.read_table(folder / "truth" / "persons.parquet").sort_by("pnr")
    natural = under(lives, "natural")
    assert natural["pnr"].to_pylist() == truth["pnr"].to_pylist()
    columns = [name for name in natural.column_names if name.endswith("_onset") or name == "doddato"]
    assert len(columns) > 38
    for name in columns:
        assert natural[name].to_pylist() == truth[name].to_pylist(), name


def test_an_untreated_life_is_the_one_that_the_truth_tells(lives, folder):
    truth = pq.read_table(folder / "truth" / "persons.parquet").sort_by("pnr")
    untreated = under(lives, "nobody_treated")
    assert untreated["doddato"].to_pylist() == truth["doddato_untreated"].to_pylist()
    assert untreated["mi_onset"].to_pylist() == truth["mi_onset_untreated"].to_pylist()


def test_without_smoking_nobody_is_worse_off_who_never_smoked(lives, folder):
    truth = pq.read_table(folder / "truth" / "persons.parquet").sort_by("pnr")
    natural, without = under(lives, "natural"), under(lives, "no_smoking")
    smoked = [day is not None for day in truth["smoking_start"].to_pylist()]
    same = [a == b for a, b in zip(natural["copd_onset"].to_pylist(), without["copd_onset"].to_pylist(), strict=True)]
    assert sum(smoked) > 100
    assert all(alike for alike, ever in zip(same, smoked, strict=True) if not ever)
    later = [
        (b or date.max) >= (a or date.max)
        for a, b in zip(natural["copd_onset"].to_pylist(), without["copd_onset"].to_pylist(), strict=True)
        if a != b
    ]
    assert later
    assert all(later), "the same luck at a lower hazard comes later"


def test_nobody_falls_ill_after_death(lives):
    for name in (name for name in lives.column_names if name.endswith("_onset")):
        late = pc.greater(lives[name], lives["doddato"])
        assert not pc.any(pc.fill_null(late, False)).as_py(), name


def test_risks_are_shares_of_futures_and_the_old_have_more(settings, cohort, folder, tmp_path):
    out = tmp_path / "risks.parquet"
    n = write_risks(settings, cohort, out, estimand=DEATH, n_draws=20)
    risks = pq.read_table(out)
    assert risks.num_rows == n > 100
    born = dict(zip(*pq.read_table(folder / "truth" / "persons.parquet", columns=["pnr", "foed_dato"]), strict=True))
    ages = [2005 - born[pnr].as_py().year for pnr in risks["pnr"]]
    assert min(ages) >= 50
    values = risks["risk"].to_pylist()
    assert all(20 * value == pytest.approx(round(20 * value)) for value in values)
    errors = [(value * (1.0 - value) / 20) ** 0.5 for value in values]
    assert risks["standard_error"].to_pylist() == pytest.approx(errors)
    assert max(errors) > 0.1
    old, young = ([v for v, age in zip(values, ages, strict=True) if (age >= 75) == is_old] for is_old in (True, False))
    assert sum(old) / len(old) > 2 * sum(young) / len(young)


def test_what_cannot_be_written_leaves_nothing(settings, cohort, tmp_path):
    with pytest.raises(InvalidInputError, match="no_smoking"):
        write_lives(settings, cohort, tmp_path / "a.parquet", courses=("no_smokin",))
    nobody = Estimand(Population(date(2005, 1, 1), ages=(119, 120)), "death", 1.0, "natural")
    with pytest.raises(InvalidInputError, match="Nobody"):
        write_risks(settings, cohort, tmp_path / "b.parquet", estimand=nobody, n_draws=2)
    there = tmp_path / "there.parquet"
    there.write_text("mine")
    with pytest.raises(InvalidInputError, match="new one"):
        write_lives(settings, cohort, there)
    assert there.read_text() == "mine"
    assert [path.name for path in tmp_path.iterdir()] == ["there.parquet"]


def test_a_cohort_of_another_model_is_not_lived_again(settings, cohort, tmp_path):
    truth = tmp_path / "truth"
    truth.mkdir()
    persons = pq.read_table(cohort.truth / "persons.parquet")
    at = persons.column_names.index("doddato")
    other = pa.array([date(1999, 9, 9)] * N, pa.date32())
    pq.write_table(persons.set_column(at, "doddato", other), truth / "persons.parquet")
    with pytest.raises(InvalidInputError, match="another state of the model"):
        write_lives(settings, type(cohort)(N, 21, truth), tmp_path / "lives.parquet")
    assert not (tmp_path / "lives.parquet").exists()


def test_a_cohort_is_found_by_name_or_folder(settings, cohort, tmp_path):
    assert cohort.n_persons == N
    assert "21" not in repr(cohort), "a seed is not shown"
    with pytest.raises(NotFoundError, match="not been made"):
        find_cohort(settings, "class")
    with pytest.raises(InvalidInputError, match="no simulated cohort"):
        find_cohort(settings, str(tmp_path))


def test_a_cohort_of_the_catalogue_is_lived_again_only_with_the_seed_that_its_card_commits_to(settings, tmp_path):
    make_cohort(settings, MakeRequest("mini", n_persons=200))
    mini = find_cohort(settings, "mini")
    assert mini.n_persons == 200
    assert write_lives(settings, mini, tmp_path / "lives.parquet", courses=("natural",)) == 200
    (settings.secrets / "dk-registers-mini.json").write_text('{"seed": "5", "salt": "ab"}')
    with pytest.raises(NotFoundError, match="not been made"):
        find_cohort(settings, "mini")
