"""Compile body mass, social position, moves and deliveries: coefficients that every life reads."""

from statistics import NormalDist

import numpy as np

from sandkasse.cohort.compilation.curves import BIRTH_YEARS, by_cohort
from sandkasse.cohort.compilation.names import Find
from sandkasse.cohort.specification import General
from sandkasse.cohort.tables import NUMBERS, FloatArray
from sandkasse.core.errors import InvalidInputError


def compile_persons(general: General, *, find: Find) -> dict[str, FloatArray]:
    """Compile the coefficients that every life reads, whatever its diseases.

    Args:
        general: The model as written.
        find: Finds a trait.

    Returns:
        Fields of `LifeTables`.

    Raises:
        InvalidInputError: If a trait is unknown, or the shares of education add up to 1 or more.
    """
    path, moves, pregnancy = general.body_mass, general.moves, general.pregnancy
    cut, position = _position(general, find=find)
    numbers = {
        "window_start_year": general.window_start,
        "window_end_year": general.window_end,
        "bmi_trait": find(path.trait),
        "bmi_trait_weight": np.sqrt(path.trait_share),
        "bmi_own_weight": np.sqrt(1.0 - path.trait_share),
        "bmi_sd": path.at_20_sd,
        "bmi_slope_sd": path.slope_sd,
        "bmi_lowest": path.lowest,
        "mover_share": moves.mover_share,
        "mover_youngest": moves.youngest,
        "mover_mean": moves.mean_years_after,
        "return_probability": moves.return_probability,
        "return_mean": moves.return_mean_years,
        "pregnancy_spacing": pregnancy.spacing_days,
        "pregnancy_from": pregnancy.from_days_before,
        "pregnancy_to": pregnancy.to_days_before,
        **position,
    }
    return {
        "bmi_at_20": by_cohort(path.at_20),
        "bmi_slope": by_cohort(path.slope_per_year),
        "education_cut": cut,
        "numbers": np.array([numbers[name] for name in NUMBERS], dtype=np.float64),
    }


def _position(general: General, *, find: Find) -> tuple[FloatArray, dict[str, float]]:
    """Education's cut points, shape (2, sex, year of birth), and education and income in `LifeTables.numbers`.

    Their traits are taken for standard normal, also where places shift them; a trait of -1 says that there is none.
    """
    cut = np.zeros((2, 2, len(BIRTH_YEARS)))
    education, income = general.education, general.income
    if education is not None:
        lowest, highest = by_cohort(education.lowest), by_cohort(education.highest)
        if (lowest + highest >= 1.0).any():
            raise InvalidInputError(
                "the shares of the lowest and the highest education leave nobody between",
                next_step="lower them in model.toml",
            )
        inverse = np.vectorize(NormalDist().inv_cdf)
        cut = np.stack([inverse(np.clip(share, 1e-9, 1.0 - 1e-9)) for share in (lowest, 1.0 - highest)])
    rows = {"education": education, "income": income}
    numbers: dict[str, float] = {}
    for name, row in rows.items():
        share = row.trait_share if row else 0.0
        numbers[f"{name}_trait"] = find(row.trait) if row else -1
        numbers[f"{name}_trait_weight"] = float(np.sqrt(share))
        numbers[f"{name}_own_weight"] = float(np.sqrt(1.0 - share))
    return cut, numbers
