"""The compiled arrays say what the rows and the figures say: by hand, without living a life."""

import csv
from datetime import date

import numpy as np
import pytest

from sandkasse.cohort.arms import compile_arms
from sandkasse.cohort.compilation.conditions import compile_hazards, compile_seasons
from sandkasse.cohort.compilation.curves import by_cohort, by_year_of_age, first_day
from sandkasse.cohort.compilation.effects import compile_effects
from sandkasse.cohort.compilation.exposures import compile_exposures
from sandkasse.cohort.compilation.families import compile_families
from sandkasse.cohort.compilation.figures import INFANT_SHARE, death_rates
from sandkasse.cohort.compilation.fitted import read_fitted
from sandkasse.cohort.compilation.names import Names
from sandkasse.cohort.compilation.places import Places, compile_places
from sandkasse.cohort.compilation.traits import compile_traits, trait_correlations
from sandkasse.cohort.model import DATA, PARAMS
from sandkasse.cohort.specification import Effect, Given, Intervention, Load, PlaceGroup, PlaceShift, TraitEffect
from sandkasse.cohort.specification.conditions import Season
from sandkasse.cohort.tables import TABLE_YEAR
from sandkasse.core.errors import InvalidInputError

YEAR = 365.25
NODES, WEIGHTS = np.polynomial.hermite_e.hermegauss(80)


def figures(name):
    with (DATA / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(line for line in file if not line.startswith("#")))


def with_condition(specification, number, **changed):
    conditions = list(specification.conditions)
    conditions[number] = conditions[number].model_copy(update=changed)
    return specification.model_copy(update={"conditions": tuple(conditions)})


@pytest.fixture
def two_traits(model):
    """Two traits in two groups of municipalities that shift the first, on which the second loads; and their mixture."""
    first = model.specification.general.traits[0]
    rows = [
        first.model_copy(update={"name": "a", "loads": ()}),
        first.model_copy(update={"name": "b", "loads": (Load(on="a", weight=0.5, source="made up"),)}),
    ]
    share = np.array([0.25, 0.75])
    shift = np.array([[0.6, 0.3], [-0.2, -0.1]])
    return trait_correlations(rows, Places(np.zeros(1, dtype=np.int64), share, shift))


def test_a_shift_is_by_group_less_the_inhabitants_mean_and_0_where_none_is_named():
    groups = [
        PlaceGroup(name="one", title="One", codes=(101,), source="made up"),
        PlaceGroup(name="two", title="Two", codes=(102, 103), source="made up"),
    ]
    shift = PlaceShift(trait="a", by={"one": 0.8}, source="made up")
    places = compile_places(groups, [shift], inhabitants={101: 10, 102: 5, 103: 25}, n_traits=2, find=["b", "a"].index)
    assert places.group[[101, 102, 103]].tolist() == [0, 1, 1]
    assert places.share.tolist() == [0.25, 0.75]
    assert places.shift == pytest.approx(np.array([[0.0, 0.6], [0.0, -0.2]]))


def test_two_shifted_traits_keep_variance_1_and_correlate_by_load_and_place(two_traits):
    """By hand: a = shift_a + own; b = shift_b + 0.5 a + own."""
    share, shift_a, shift_b = np.array([0.25, 0.75]), np.array([0.6, -0.2]), np.array([0.3, -0.1])
    covariance = 0.5 + share @ (shift_a * shift_b)
    assert two_traits.correlation[1, 0] == pytest.approx(covariance)
    variance_without_own = 0.25 + share @ shift_b**2 + 2.0 * 0.5 * (share @ (shift_a * shift_b))
    assert two_traits.scale == pytest.approx(np.sqrt([1.0 - share @ shift_a**2, 1.0 - variance_without_own]))
    assert two_traits.mean[:, 1] == pytest.approx(shift_b + 0.5 * shift_a)
    assert two_traits.within()[0, 0] == pytest.approx(1.0 - share @ shift_a**2)


def test_the_mean_of_what_a_trait_multiplies_a_hazard_by_is_taken_over_all_groups(two_traits):
    row = TraitEffect(trait="b", log_hazard_ratio=0.8, source="made up")
    compiled = compile_traits(two_traits, [[row], []], find=["a", "b"].index)
    spread = np.sqrt(two_traits.within()[1, 1])
    by_group = np.exp(0.8 * (two_traits.mean[:, 1, None] + spread * NODES)) @ WEIGHTS / WEIGHTS.sum()
    assert compiled["trait_log_mean"] == pytest.approx([np.log(two_traits.share @ by_group), 0.0])


def test_a_habit_has_its_share_where_traits_and_places_say_who(model, two_traits):
    written = model.specification.general.exposures[0]
    row = written.traits[0].model_copy(update={"trait": "b", "log_odds_ratio": 1.1})
    exposure = written.model_copy(update={"traits": (row,), "stop_traits": ()})
    compiled = compile_exposures([exposure], two_traits, find=["a", "b"].index)
    adds = 1.1 * (two_traits.mean[:, 1, None] + np.sqrt(two_traits.within()[1, 1]) * NODES)
    odds = compiled["exposure_intercept"][0][..., None, None] + adds
    share = (1.0 / (1.0 + np.exp(-odds)) @ WEIGHTS / WEIGHTS.sum()) @ two_traits.share
    assert share == pytest.approx(by_cohort(exposure.ever), abs=1e-6)


def test_every_effect_goes_from_its_cause_to_its_target(wide):
    conditions, treatments, exposures = wide.conditions, wide.treatments, wide.exposures
    n, treated = len(conditions), len(treatments)
    sources = [*conditions, *(f"detected:{name}" for name in conditions), *treatments]
    sources += [name for exposure in exposures for name in (exposure, f"ex_{exposure}")]
    expected = []
    for c, row in enumerate(wide.specification.conditions):
        expected += [(effect.of, c) for effect in row.raised_by]
        expected += [(row.name, n) for _ in row.death]
        expected += [(effect.of, n + 1 + c) for effect in row.detection.raised_by]
    expected += [(effect.of, n) for effect in wide.specification.general.mortality.raised_by]
    for treatment in wide.specification.general.treatments:
        expected += [(treatment.name, [*conditions, "death"].index(effect.of)) for effect in treatment.lowers]
    tables = wide.tables
    found = [(sources[s], t) for s, t in zip(tables.effect_source.tolist(), tables.effect_target.tolist(), strict=True)]
    assert sorted(found) == sorted(expected)
    assert any(target > n for _, target in found)
    assert len(tables.effect_first) == 2 * n + treated + 2 * len(exposures) + 1


def test_a_harm_that_fades_with_age_ends_at_1_and_an_effect_holds_until_the_end_of_its_last_year(model):
    fading = Effect(of="mi", hazard_ratio=2.0, per_decade=0.5, from_year=1990, to_year=1999, source="made up")
    benefit = Effect(of="mi", hazard_ratio=0.5, per_decade=1.2, source="made up")
    bare = [row.model_copy(update={"raised_by": (), "death": ()}) for row in model.specification.conditions]
    bare = [row.model_copy(update={"detection": row.detection.model_copy(update={"raised_by": ()})}) for row in bare]
    bare[0] = bare[0].model_copy(update={"raised_by": (fading, benefit)})
    general = model.specification.general
    general = general.model_copy(
        update={"mortality": general.mortality.model_copy(update={"raised_by": ()}), "treatments": ()}
    )
    specification = model.specification.model_copy(update={"general": general, "conditions": tuple(bare)})
    compiled = compile_effects(specification, Names.of(specification))
    assert compiled["effect_ratio"][[50, 60, 70, 80], 0] == pytest.approx([4.0, 2.0, 1.0, 1.0])
    assert compiled["effect_ratio"][[50, 60, 70], 1] == pytest.approx([0.5 / 1.2, 0.5, 0.6])
    assert compiled["effect_since"][0] == (date(1990, 1, 1) - date(1970, 1, 1)).days
    assert compiled["effect_until"][0] == (date(2000, 1, 1) - date(1970, 1, 1)).days
    assert compiled["effect_until"][1] == first_day(9999) == 1e18


def test_conditions_exclude_those_that_their_rows_name(wide):
    rows = wide.specification.conditions
    expected = [[other.name in row.excludes for other in rows] for row in rows]
    assert np.array_equal(wide.tables.excludes, expected)
    assert wide.tables.excludes.any()


def test_the_mean_hazard_divides_rates_of_the_population_and_not_those_of_a_reference(model):
    specification, fitted = model.specification, read_fitted(PARAMS / "fitted")
    rows = [row for row in fitted["mean_relative_hazard"] if row["target"] in {"mi", "death"}]
    rows += [{**row, "target": "covid19"} for row in rows if row["target"] == "mi"]
    assert rows
    halved = [{**row, "value": str(2.0 * float(row["value"]))} for row in rows]
    one, two = (
        compile_hazards(specification, DATA, {**fitted, "mean_relative_hazard": means})["hazard"]
        for means in (rows, halved)
    )
    names = [*model.conditions, "death"]
    covid = names.index("covid19")
    assert specification.conditions[covid].incidence.among == "reference"
    for name in ("mi", "death"):
        # Stored in single precision: half of a unit in the last place of each of the two.
        assert np.allclose(two[..., names.index(name)] * 2.0, one[..., names.index(name)], rtol=2.0**-23, atol=0.0)
    assert np.array_equal(two[..., covid], one[..., covid])
    assert one[..., covid].any()


def test_a_season_shares_the_year_out_by_its_months(model):
    season = Season(from_year=1990, to_year=1999, months=(4.0, *[0.0] * 9, 3.0, 1.0), source="made up")
    row = model.specification.conditions[0]
    only = row.model_copy(update={"incidence": row.incidence.model_copy(update={"season": (season,)})})
    share = compile_seasons([only])["season_share"][:, 0]
    assert share[1995 - TABLE_YEAR].tolist() == [0.0, *[0.5] * 10, 0.875, 1.0]
    assert share[2000 - TABLE_YEAR, 0] == share[1989 - TABLE_YEAR, 0] == -1.0


def test_who_turns_an_age_in_a_year_lives_half_of_it_at_each_of_two_ages():
    assert by_year_of_age(np.array([[1.0, 3.0, 7.0]])).tolist() == [[1.0, 2.0, 5.0]]


def test_infants_die_mostly_in_the_calendar_year_of_birth():
    rates = death_rates(DATA) * YEAR
    for row in figures("mortality.csv"):
        sex, year = int(row["sex"]) - 1, int(row["year"]) - TABLE_YEAR
        # Half a year is lived in the year of birth, on average.
        assert rates[sex, year, 0] / 2.0 == pytest.approx(INFANT_SHARE * float(row["age_0"]))
        rest = (1.0 - INFANT_SHARE) * float(row["age_0"])
        assert rates[sex, year, 1] == pytest.approx(rest + float(row["age_1"]) / 2.0)
        assert rates[sex, year, 70] == pytest.approx((float(row["age_69"]) + float(row["age_70"])) / 2.0)


def test_births_add_up_though_a_woman_is_out_of_risk_after_each(model):
    """At a rate r outside a spacing s she has r / (1 + r s) children a year; being concave, means of ages add some."""
    spacing = model.specification.general.pregnancy.spacing_days / YEAR
    rate = model.tables.fertility * YEAR
    births = (rate / (1.0 + rate * spacing)).sum(axis=1)
    naive = rate.sum(axis=1)
    for row in figures("fertility.csv"):
        year, aimed = int(row["year"]) - TABLE_YEAR, float(row["births_per_woman"])
        if 0 <= year < len(births):
            assert 0.0 <= births[year] - aimed < 0.1 * (naive[year] - aimed)


def test_emigrants_ages_are_those_on_1_january(model):
    start = model.specification.general.window_start
    for row in figures("emigration.csv"):
        rates = model.tables.emigration[int(row["sex"]) - 1, int(row["year"]) - start] * YEAR
        assert rates[0] == 0.0
        assert rates[31] == pytest.approx(float(row["age_30"]))


def test_older_fathers_are_here_less_often_and_mothers_as_before(model):
    general = model.specification.general
    older = general.families.model_copy(update={"older_by_mean": general.families.older_by_mean + 10.0})
    mortality = death_rates(DATA)
    now, then = (
        compile_families(rows, mortality=mortality, fertility=model.tables.fertility)
        for rows in (general, general.model_copy(update={"families": older}))
    )
    assert np.array_equal(now.present[0], then.present[0])
    before = slice(1900 - 1840, general.window_start - 1840)
    assert (then.present[1, before] < now.present[1, before]).all()


def test_an_intervention_holds_from_birth_and_gives_from_an_age_in_days():
    gift = Given(treatment="statin", from_age=50.0, condition="mi", source="made up")
    row = Intervention(
        name="made_up", title="Made up", withhold=("insulin",), unexposed=("smoking",), give=(gift,), source="made up"
    )
    names = {"treatments": ["insulin", "statin"], "exposures": ["smoking"], "conditions": ["hf", "mi"]}

    def find(name, among):
        return names[among].index(name)

    arms = compile_arms([row], preventive=np.array([False, True]), n_exposures=1, find=find)
    assert arms.allow.tolist() == [[1, 1], [0, 1]]
    assert arms.exposed.tolist() == [[1], [0]]
    assert arms.give_from[1, 1] == 50.0 * YEAR
    assert arms.give_for.tolist() == [[-1, -1], [-1, 1]]
    assert arms.from_day[1] == -arms.from_day[0] < -1e9
    both = row.model_copy(update={"withhold": ("statin",)})
    with pytest.raises(InvalidInputError, match="both gives and withholds 'statin'"):
        compile_arms([both], preventive=np.array([False, True]), n_exposures=1, find=find)
