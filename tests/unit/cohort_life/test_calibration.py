"""One step of calibration goes the right way, by the right amount, and never looks at rows held out."""

import math
from dataclasses import replace

import numpy as np
import pytest

from sandkasse.cohort.calibration.fit import (
    DETECTION_YEARS,
    LEVEL_LIMIT,
    LEVEL_STEP,
    STEP,
    TRUST,
    Fit,
    Targets,
    improve,
    improve_levels,
    read_targets,
    write_fit,
)
from sandkasse.cohort.calibration.measure import LifeMeasures
from sandkasse.cohort.compilation import compile_model, read_fitted
from sandkasse.cohort.life import simulate_life
from sandkasse.cohort.model import DATA, PARAMS
from sandkasse.cohort.validation.conditions import FittedLevels

SHAPE = 2, 20, 48
FIRST = DETECTION_YEARS[0] - 1977


def counts(*, rate):
    """A simulation with the same incidence in every cell, and with hazards that are met exactly."""
    years = np.full(SHAPE, 1e6)
    tally = np.full((2, 10, 23, 3, 2), 1e6)
    tally[..., 2, :] = 0.0
    nothing = np.zeros(SHAPE)
    return LifeMeasures(years, years, nothing, years * rate, years, nothing, nothing, nothing, 1.0, tally)


def targets(*, rate):
    years = np.zeros(SHAPE)
    years[:, :, FIRST : FIRST + len(DETECTION_YEARS)] = 1e6
    return Targets(years * rate, years)


def test_nothing_moves_when_everything_fits():
    fit = improve(Fit.start(2), counts(rate=0.005), targets(rate=0.005))
    assert fit.onset == pytest.approx(np.ones((2, 20)))
    assert fit.detection == pytest.approx(np.ones(len(DETECTION_YEARS)))
    assert fit.mean_relative == pytest.approx(np.ones((2, 10, 23, 2)))


def test_too_few_cases_raise_the_onset_and_leave_the_detection():
    fit = improve(Fit.start(2), counts(rate=0.005), targets(rate=0.010))
    seen = 48 * 1e6 * 0.005
    adults = np.r_[4:20]
    assert fit.onset[:, adults] == pytest.approx(np.full((2, 16), 2.0 ** (STEP * seen / (seen + TRUST))), rel=1e-3)
    assert fit.detection == pytest.approx(np.ones(len(DETECTION_YEARS)), rel=1e-6)


def test_a_dip_in_one_year_slows_detection_in_that_year():
    published = targets(rate=0.005)
    cases = published.cases.copy()
    cases[:, :, FIRST + 17] *= 0.5
    fit = improve(Fit.start(2), counts(rate=0.005), replace(published, cases=cases))
    assert fit.detection[17] == pytest.approx(0.5**STEP, rel=1e-3)
    assert np.delete(fit.detection, 17) == pytest.approx(np.ones(len(DETECTION_YEARS) - 1))


def test_twice_the_hazard_in_a_cell_doubles_its_divisor():
    simulated = counts(rate=0.005)
    simulated.tally[0, 3, 8, 0, 1] *= 2.0
    fit = improve(Fit.start(2), simulated, targets(rate=0.005))
    assert fit.mean_relative[0, 3, 8, 0] == pytest.approx(2.0, rel=1e-4)


def test_acute_deaths_take_their_share_from_the_other_deaths():
    simulated = counts(rate=0.005)
    simulated.tally[1, 2, 15, 2, 0] = 2e5
    fit = improve(Fit.start(2), simulated, targets(rate=0.005))
    assert fit.mean_relative[1, 2, 15, 1] == pytest.approx(1.0 / 0.8, rel=1e-4)


def test_rows_held_out_are_not_read():
    fitted, held = read_targets(), read_targets(role="held out")
    assert fitted.years.sum() > 0.0
    assert held.years.sum() > 0.0
    assert not ((fitted.years > 0.0) & (held.years > 0.0)).any()
    assert (fitted.years[:, :, 2015 - 1977 :] == 0.0).all()


def test_what_is_written_is_read_back(tmp_path):
    fit = Fit.start(2)
    fit.onset[1, 7] = 1.25
    fit.onset[0, 2] = 0.5
    fit.detection[3] = 2.0
    fit.mean_relative[1, 4, 9, 1] = 3.0
    fit = replace(fit, level={"ra": 1.5})
    write_fit(fit, ("t1d", "death"), tmp_path / "fitted", command="a test")
    tables = read_fitted(tmp_path / "fitted")
    assert {row["target"] for row in tables["mean_relative_hazard"]} == {"t1d", "death"}
    rows = [row for row in tables["t2d"] if row["sex"] == "2" and row["age_from"] == "35"]
    assert [float(row["value"]) for row in rows] == [1.25]
    again = Fit.resume(tables, ("t1d", "death"))
    for name in ("onset", "detection", "mean_relative"):
        assert np.array_equal(getattr(again, name), getattr(fit, name)), name
    assert again.level == fit.level


def test_a_condition_that_is_seen_half_as_often_as_published_is_raised_by_a_step():
    assert improve_levels({}, {"ra": math.log(2.0)}) == pytest.approx({"ra": 2.0**LEVEL_STEP})
    assert improve_levels({"ra": 1.5}, {"ra": 0.0}) == pytest.approx({"ra": 1.5})
    assert improve_levels({"ra": 4.0}, {"ra": 9.0})["ra"] == pytest.approx(math.exp(LEVEL_LIMIT))


def test_levels_look_at_fitted_figures_only_and_scale_the_incidence(model):
    levels = FittedLevels()
    assert {target.role for target in levels.targets} == {"fitted"}
    rows = {
        **read_fitted(PARAMS / "fitted"),
        "level": [{"name": "ra", "value": "2.0"}, {"name": "statin", "value": "2.0"}],
    }
    raised = compile_model(model.specification, data=DATA, fitted=rows)
    for row in rows["level"]:
        row["value"] = "1.0"
    plain = compile_model(model.specification, data=DATA, fitted=rows)
    ra = model.conditions.index("ra")
    assert raised.tables.hazard[..., ra] == pytest.approx(2.0 * plain.tables.hazard[..., ra], rel=1e-6)
    others = np.arange(raised.tables.hazard.shape[-1]) != ra
    assert np.array_equal(raised.tables.hazard[..., others], plain.tables.hazard[..., others])
    statin = model.tables.row_treatment == model.treatments.index("statin")
    assert raised.tables.row_rate[:, statin] == pytest.approx(2.0 * plain.tables.row_rate[:, statin])
    assert np.array_equal(raised.tables.row_rate[:, ~statin], plain.tables.row_rate[:, ~statin])
    for counted in (raised, plain):
        levels.begin(counted)
        levels.add(simulate_life(counted, np.arange(15_000), seed=3))
        if counted is raised:
            twice = levels.log_ratios(15_000)["ra"]
    # Some 60 cases and some 120: the same lives, so that the log ratio is about -0.69 with little error.
    assert levels.log_ratios(15_000)["ra"] - twice > 0.2
