"""The model is data: a further disease is rows, and wrong rows are refused with their place."""

import shutil

import numpy as np
import pytest

from sandkasse.cohort.life import NEVER, simulate_life
from sandkasse.cohort.model import PARAMS, load_model
from sandkasse.core.errors import InvalidInputError

MADE_UP = """
name = "hiccups"
title = "Persistent hiccups (made up)"
excludes = ["obesity"]
[incidence]
source = "made up"
ages = [0, 100]
men = [20.0, 20.0]
women = [0.0, 0.0]
[[incidence.calendar]]
years = [1999, 2000]
ratios = [0.0, 1.0]
source = "made up"
[[traits]]
trait = "bmi"
log_hazard_ratio = 0.4
source = "made up"
[[raised_by]]
of = "smoking"
hazard_ratio = 3.0
source = "made up"
[[raised_by]]
of = "detected:t2d"
hazard_ratio = 2.0
source = "made up"
[[death]]
hazard_ratio = 1.5
from_days = 100
to_days = 400
source = "made up"
[acute]
within_days = 7
ages = [0, 100]
fatality = [0.05, 0.05]
source = "made up"
[detection]
rate_per_year = 5.0
source = "made up"
[[detection.raised_by]]
of = "mi"
hazard_ratio = 4.0
source = "made up"
"""


@pytest.fixture
def params(tmp_path):
    folder = tmp_path / "params"
    shutil.copytree(PARAMS, folder)
    return folder


def replace(path, old, new):
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def test_a_further_disease_is_rows_and_moves_nobody_else(params, model, lives):
    (params / "conditions" / "hiccups.toml").write_text(MADE_UP, encoding="utf-8")
    replace(params / "model.toml", '"covid19",\n]', '"covid19", "hiccups",\n]')
    wider = load_model(params)
    c = wider.conditions.index("hiccups")
    shard = simulate_life(wider, np.arange(20_000, dtype=np.int64), seed=20_240_101)
    onset = shard.onset_day[:, c]
    first_day_of_2000 = 10957
    got = onset != NEVER
    assert got.sum() > 1000
    assert (shard.sex[got] == 1).all()
    assert (onset[got] >= first_day_of_2000 - 366).all()
    assert (shard.fatal_condition == c).sum() > 20
    # 20 per 1,000 men and year for smokers' and others' mean: three times as many among smokers.
    smoking = (shard.smoking_start < onset) & (onset < shard.smoking_stop)
    assert smoking[got].mean() > 0.3
    # Whom it did not touch has the very same life, since every draw is named. Who came from abroad after its first year
    # may have been drawn anew because a first life ended with it before the journey.
    here_before = (shard.residence_start[:, 0] < first_day_of_2000 - 366) | (
        shard.residence_start[:, 0] == shard.birth_day
    )
    untouched = here_before & ~got & (shard.onset_day_untreated[:, c] == NEVER)
    # A parent who was drawn anew hands other liabilities down.
    untouched &= (shard.liability == lives.liability[:20_000]).all(axis=1)
    assert untouched.sum() > 10_000
    assert np.array_equal(shard.onset_day[untouched, :c], lives.onset_day[:20_000][untouched])
    assert np.array_equal(shard.death_day[untouched], lives.death_day[:20_000][untouched])


def test_an_effect_of_something_unknown_is_refused_with_the_nearest_names(params):
    replace(params / "conditions" / "mi.toml", 'of = "smoking"', 'of = "smokng"')
    with pytest.raises(InvalidInputError, match=r"smokng.*smoking"):
        load_model(params)


def test_a_misspelt_key_is_refused_with_its_place(params):
    replace(params / "conditions" / "mi.toml", "rate_per_year = 250.0", "rate_per_yaer = 250.0")
    with pytest.raises(InvalidInputError, match=r"conditions → 4 → detection"):
        load_model(params)


def test_a_number_without_its_source_is_refused(params):
    replace(params / "conditions" / "pcos.toml", 'source = "our choice"\nbmi', "bmi")
    with pytest.raises(InvalidInputError, match=r"source|Field required"):
        load_model(params)


def test_a_missing_disease_is_named(params):
    (params / "conditions" / "ckd.toml").unlink()
    with pytest.raises(InvalidInputError, match=r"ckd\.toml"):
        load_model(params)


def test_a_broken_file_is_named(params):
    (params / "treatments.toml").write_text("[[treatment]\n", encoding="utf-8")
    with pytest.raises(InvalidInputError, match=r"treatments\.toml"):
        load_model(params)


def test_rates_of_unequal_length_are_refused(params):
    replace(params / "conditions" / "pcos.toml", "women = [0.0, 2.0,", "women = [0.0,")
    with pytest.raises(InvalidInputError, match="as long as ages"):
        load_model(params)


def test_a_model_without_fitted_numbers_is_refused(params):
    shutil.rmtree(params / "fitted")
    with pytest.raises(InvalidInputError, match="fitted"):
        load_model(params)


def test_everything_in_the_tables_is_finite_and_not_negative(model):
    for name, table in model.tables._asdict().items():
        assert not np.isnan(table.astype(float)).any(), name
    for name in ("hazard", "detect_year", "row_rate", "emigration", "fertility", "acute", "bmi_ratio"):
        assert (getattr(model.tables, name) >= 0.0).all(), name
    assert (model.tables.hazard[..., -1] > 0.0).all()
