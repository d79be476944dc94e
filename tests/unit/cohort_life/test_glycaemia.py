import numpy as np
import pytest

from sandkasse.cohort.life import NEVER
from sandkasse.cohort.life.glycaemia import bmi_on, hba1c_mmol_mol

BIRTH = -7305  # 1 January 1950
ONSET = 12000


def value(model, day, *, onset=None, begun=None, stopped=None, again=None, set_point=0.0, bmi=26.0, known=NEVER):
    def row(names, entries):
        return np.array([(entries or {}).get(name, NEVER) for name in names], dtype=np.int32)

    return hba1c_mmol_mol(
        day,
        BIRTH,
        set_point,
        bmi,
        row(model.conditions, onset),
        row(model.treatments, begun),
        row(model.treatments, stopped),
        model.glycaemia,
        row(model.treatments, again),
        known,
    )


def test_without_diabetes_it_rises_with_age_weight_and_set_point(model):
    young, old = value(model, 0), value(model, 18000)
    assert 28.0 < young < old < 42.0
    assert value(model, 0, bmi=35.0) > young
    assert value(model, 0, set_point=1.0) > young


def test_type_2_reaches_the_criterion_at_onset_and_approaches_it_from_below(model):
    before = [value(model, ONSET - days, onset={"t2d": ONSET}) for days in (3000, 1500, 700, 1)]
    assert before == sorted(before)
    assert before[0] == pytest.approx(value(model, ONSET - 3000), abs=1e-12)
    assert before[-1] < 48.0
    assert value(model, ONSET, onset={"t2d": ONSET}) == pytest.approx(48.0, abs=1e-9)
    assert value(model, ONSET + 1500, onset={"t2d": ONSET}) > 55.0


def test_drugs_lower_it_and_their_end_brings_it_back(model):
    sick = {"t2d": ONSET}
    day = ONSET + 2000
    untreated = value(model, day, onset=sick)
    metformin = value(model, day, onset=sick, begun={"metformin": ONSET + 1000})
    both = value(model, day, onset=sick, begun={"metformin": ONSET + 1000, "glp1": ONSET + 1200})
    stopped = value(model, day, onset=sick, begun={"metformin": ONSET + 1000}, stopped={"metformin": ONSET + 1500})
    again = value(
        model, day, onset=sick, begun={"metformin": ONSET + 1000}, stopped={"metformin": ONSET + 1500},
        again={"metformin": ONSET + 1600},
    )  # fmt: skip
    assert both < metformin < untreated
    assert metformin < stopped < untreated
    assert again == pytest.approx(metformin, abs=0.1)


def test_metformin_without_diabetes_leaves_it_alone(model):
    assert value(model, 9000, begun={"metformin": 8000}) == value(model, 9000)


def test_type_1_rises_within_months_and_insulin_holds_it(model):
    sick = {"t1d": ONSET}
    assert value(model, ONSET + 90, onset=sick) > 75.0
    held = value(model, ONSET + 900, onset=sick, begun={"insulin": ONSET + 14})
    assert 55.0 < held < 80.0
    assert value(model, ONSET + 40000, onset=sick) <= 160.0


def test_body_mass_follows_its_line_between_20_and_65():
    assert bmi_on(BIRTH + 3650, BIRTH, 22.0, 0.1) == 22.0
    assert bmi_on(BIRTH + round(40 * 365.25), BIRTH, 22.0, 0.1) == pytest.approx(24.0, abs=1e-9)
    assert bmi_on(BIRTH + 40000, BIRTH, 22.0, 0.1) == pytest.approx(26.5, abs=1e-9)


def test_without_diabetes_nobody_reaches_the_criterion(model):
    highest = value(model, 18000, set_point=5.0, bmi=50.0)
    assert 45.0 < highest < 46.5


def test_who_glycates_more_progresses_faster(model):
    sick = {"t2d": ONSET}
    low, middle, high = (value(model, ONSET + 2000, onset=sick, set_point=z) - 48.0 for z in (-1.5, 0.0, 1.5))
    assert 0.0 < low < 0.5 * middle < 0.25 * high


def test_diet_lowers_it_from_the_day_on_which_diabetes_is_known(model):
    sick, known = {"t2d": ONSET}, 16_000
    unknown = value(model, known + 900, onset=sick)
    assert value(model, known, onset=sick, known=known) == value(model, known, onset=sick)
    assert value(model, known + 900, onset=sick, known=known) < unknown


def test_who_glycates_little_was_found_by_glucose_before_hba1c_was_a_criterion(model):
    sick = {"t2d": 14_000}
    first_of_2012 = 15_340
    by_glucose = value(model, 14_000, onset=sick, known=first_of_2012 - 1, set_point=-2.0)
    by_hba1c = value(model, 14_000, onset=sick, known=first_of_2012, set_point=-2.0)
    assert by_glucose == pytest.approx(40.0, abs=1e-9)
    assert by_hba1c == pytest.approx(48.0, abs=1e-9)
