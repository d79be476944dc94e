"""Calibration: choose the fitted numbers so that what is detected, and who dies, matches the published figures."""

from sandkasse.cohort.calibration.fit import Fit, fit_model, write_fit
from sandkasse.cohort.calibration.measure import LifeMeasures, measure_life

__all__ = ["Fit", "LifeMeasures", "fit_model", "measure_life", "write_fit"]
