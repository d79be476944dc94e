"""The model is data: a further disease is rows, and wrong rows are refused with their place."""

import shutil

import numpy as np
import pytest

from sandkasse.cohort.life import NEVER, simulate_life
from sandkasse.cohort.model import PARAMS, load_model
from sandkasse.cohort.specification import MOST_CONDITIONS, MOST_STARTS
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


def test_more_conditions_than_a_record_has_numbers_for_are_refused(params):
    names = [f"hiccups_{k}" for k in range(MOST_CONDITIONS)]
    for name in names:
        text = MADE_UP.replace('"hiccups"', f'"{name}"')
        (params / "conditions" / f"{name}.toml").write_text(text, encoding="utf-8")
    listed = ", ".join(f'"{name}"' for name in names)
    replace(params / "model.toml", '"covid19",\n]', f'"covid19", {listed},\n]')
    with pytest.raises(InvalidInputError, match=f"at most {MOST_CONDITIONS} conditions, got"):
        load_model(params)


def test_more_starts_than_a_treatment_has_clocks_for_are_refused(params):
    start = '[[treatment.start]]\ncondition = "t2d"\nyears = [2000]\nrates_per_year = [0.1]\nsource = "made up"\n'
    head = '[[treatment]]\nname = "elixir"\ntitle = "Elixir"\natc = []\ncounterfactual = "withheld"\n'
    with (params / "treatments.toml").open("a", encoding="utf-8") as file:
        file.write("\n" + head + start * (MOST_STARTS + 1))
    with pytest.raises(InvalidInputError, match=f"at most {MOST_STARTS} starts of a treatment, got 33 of elixir"):
        load_model(params)
    text = (params / "treatments.toml").read_text(encoding="utf-8")
    (params / "treatments.toml").write_text(text.removesuffix(start), encoding="utf-8")
    assert "elixir" in load_model(params).treatments


def test_a_drug_that_lowers_hba1c_is_not_taken_up_again(params):
    replace(params / "treatments.toml", "stop_per_year", "resume_per_year = 0.1\nstop_per_year")
    with pytest.raises(InvalidInputError, match="lowers HbA1c"):
        load_model(params)


def test_a_season_of_no_month_is_refused(params):
    months = "months = [24.0, 33.0, 20.0, 6.0, 1.0, 0.3, 0.2, 0.2, 0.3, 1.0, 3.0, 11.0]"
    replace(params / "conditions" / "influenza.toml", months, f"months = {[0.0] * 12}")
    with pytest.raises(InvalidInputError, match="a season needs a month that is not 0"):
        load_model(params)


def test_onsets_fall_on_the_months_of_their_season(params):
    season = "[[incidence.season]]\nfrom_year = 1990\nmonths = [4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 3, 1]\n"
    text = MADE_UP.replace("[[incidence.calendar]]", season + 'source = "made up"\n[[incidence.calendar]]', 1)
    (params / "conditions" / "hiccups.toml").write_text(text, encoding="utf-8")
    replace(params / "model.toml", '"covid19",\n]', '"covid19", "hiccups",\n]')
    wider = load_model(params)
    shard = simulate_life(wider, np.arange(20_000, dtype=np.int64), seed=20_240_101)
    onset = shard.onset_day[:, wider.conditions.index("hiccups")]
    days = onset[(onset != NEVER) & (onset >= 10957)]  # from 2000 on, when its calendar is level
    jan1 = wider.tables.jan1
    year = np.searchsorted(jan1, days, side="right") - 1
    twelfth = np.minimum((12.0 * (days - jan1[year]) / (jan1[year + 1] - jan1[year])).astype(int), 11)
    share = np.bincount(twelfth, minlength=12) / len(days)
    # A day on the edge of two months counts for the earlier one: less than one day of thirty. Five standard errors: a
    # false alarm once in a million.
    bound = 5.0 * np.sqrt(0.25 / len(days)) + 1.0 / 30.0
    assert len(days) > 1000
    assert share[1:9].sum() == 0.0
    assert share[9] < 0.375 / 30.0 + 5.0 * np.sqrt(0.02 / len(days))
    assert abs(share[0] - 0.5) < bound
    assert abs(share[10] - 0.375) < bound


def test_hazard_by_year_has_the_calendar_of_each_sex(model):
    lung = model.conditions.index("lung_cancer")
    rows = model.specification.conditions[lung].incidence.calendar
    assert {row.only for row in rows} == {"men", "women"}
    born = np.array([1917, 1952]) - 1840  # 68 years old in 1985 and in 2020
    men, women = model.tables.hazard[:, born, 68, lung]
    assert men[1] < men[0]
    assert women[1] > women[0]


MI, MODEL, TREATMENTS = "conditions/mi.toml", "model.toml", "treatments.toml"
IMPOSSIBLE = [
    (MI, "men = [0.01,", "men = [-0.01,", "incidence → men → 0: .*greater than or equal to 0"),
    (MI, "men = [0.01,", "men = [nan,", "incidence → men → 0"),
    (MI, "men = [0.01,", "men = [inf,", "incidence → men → 0: .*finite"),
    (MI, "men = [0.01,", "men = [0.005, 0.01,", "incidence: .*men must be as long as ages, got 10 beside 9"),
    (MI, "ages = [20, 30,", "ages = [30, 30,", "incidence → ages: .*larger than the one before"),
    (MI, "years = [1970, 1984,", "years = [1984, 1970,", "calendar → 0 → years: .*larger than the one before"),
    (MI, "ratios = [1.8,", "ratios = [-1.8,", "calendar → 0 → ratios → 0"),
    (MI, "ratios = [1.8, 1.8,", "ratios = [1.8,", "calendar → 0: .*ratios must be as long as years"),
    (MI, "log_hazard_ratio = 0.5", "log_hazard_ratio = 7.0", "traits → 0 → log_hazard_ratio: .*less than 6.9"),
    (MI, "bmi = [20.0, 25.0,", "bmi = [25.0, 20.0,", "body_mass → bmi"),
    (MI, "hazard_ratios = [0.92,", "hazard_ratios = [0.0,", "body_mass → hazard_ratios → 0"),
    (MI, "hazard_ratios = [0.92, 1.0,", "hazard_ratios = [0.92,", "body_mass: .*hazard_ratios must be as long as bmi"),
    (MI, "hazard_ratio = 2.4", "hazard_ratio = inf", "raised_by → 0 → hazard_ratio"),
    (MI, "hazard_ratio = 2.4", "hazard_ratio = 1e300", "raised_by → 0 → hazard_ratio: .*less than 1000"),
    (MI, "hazard_ratio = 2.4", "hazard_ratio = 2.4\nfrom_days = 9\nto_days = 9", "raised_by → 0: .*before to_days"),
    (MI, "hazard_ratio = 2.4", "hazard_ratio = 2.4\nfrom_year = 2000\nto_year = 1999", "raised_by → 0: .*not after"),
    (MI, "fatality = [0.03,", "fatality = [1.03,", "acute → fatality → 0: .*less than or equal to 1"),
    (MI, "fatality = [0.03, 0.05,", "fatality = [0.03,", "acute: .*fatality must be as long as ages"),
    (
        MI,
        "rate_per_year = 250.0",
        "rate_per_year = 250.0\nages = [50, 60]",
        "detection: .*ratios must be as long as ages",
    ),
    (TREATMENTS, "rates_per_year = [0.04,", "rates_per_year = [-0.04,", "rates_per_year → 0"),
    (TREATMENTS, "rates_per_year = [0.04, 0.04,", "rates_per_year = [0.04,", "rates_per_year must be as long as years"),
    (TREATMENTS, "rates_per_year = [0.04,", "from_age = 9\nto_age = 9\nrates_per_year = [0.04,", "from_age must be"),
    (MODEL, "men = [0.86, 0.86,", "men = [1.86, 0.86,", "exposures → 0 → ever → men → 0"),
    (MODEL, "men = [0.86, 0.86,", "men = [0.86,", "exposures → 0 → ever: .*men must be as long as born"),
    (MODEL, "log_odds_ratio = -0.35", "log_odds_ratio = -35", "log_odds_ratio: .*greater than -6.9"),
    (MODEL, "window_start = 1977", "window_start = 2077", "window_end must be later than window_start"),
    (MODEL, "window_start = 1977", "window_start = 1990", "a window from 1977 to 2025, .* got 1990 to 2025"),
    (MODEL, "window_end = 2025", "window_end = 2035", "a window from 1977 to 2025, .* got 1977 to 2035"),
]


@pytest.mark.parametrize(("file", "old", "new", "message"), IMPOSSIBLE)
def test_an_impossible_number_is_refused_with_its_place(params, file, old, new, message):
    replace(params / file, old, new)
    with pytest.raises(InvalidInputError, match=message) as caught:
        load_model(params)
    assert "\n" not in caught.value.message
