"""The traps: what makes finding diabetes in registers a real task. Each has a switch."""

from collections.abc import Iterable
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt

from sandkasse.core.errors import InvalidInputError

Switches = npt.NDArray[np.bool_]

TRAPS = {
    "undiagnosed": "Persons have diabetes and nobody knows.",
    "miscoded": "Hospital contacts of persons without diabetes carry a diabetes code.",
    "retracted": "Such a code was retracted later (senere_afkraeftet), from 2019 on.",
    "type_confusion": "Contacts of persons with one type carry a code of the other, or of none.",
    "metformin_pcos": "Women without diabetes take metformin for polycystic ovaries.",
    "glp1_weight_loss": "Persons without diabetes take GLP-1 analogues to lose weight.",
    "sglt2_heart_failure": "Persons without diabetes take SGLT-2 inhibitors for heart failure or kidney disease.",
    "atc_moved_2017": "GLP-1 analogues and SGLT-2 inhibitors had other ATC codes before January 2017.",
    "gestational_diabetes": "Pregnant women are treated for diabetes that ends with the pregnancy.",
    "hba1c_units": "HbA1c was reported in per cent under another code, then under both.",
    "lab_coverage": "Laboratory results begin at different times by region.",
    "settlement_week": "Services are dated by the week in which they were settled.",
    "child_mark": "Services to a child stand under a parent's number.",
    "outpatient_1995": "Outpatients and emergency visits are in the register from 1995 only.",
    "sicker_tested_more": "Who is ill is tested more.",
    "duplicates": "Dispensings and results stand in the register twice.",
    "unit_mixups": "Results are reported in another unit that nobody names.",
    "missing_by_value": "Unremarkable results are missing more often.",
    "late_codes": "Contacts carry a code for observation until the disease is coded later.",
    "coding_drift": "From 2010 on more and more follow-up visits carry a code for follow-up in place of the disease.",
    "practice_differences": "Some practices measure HbA1c with a device of their own, which no laboratory reports.",
    "region_differences": "Hospitals of some regions leave secondary diagnoses out.",
    "miscoded_others": "Hospital contacts of persons without a disease other than diabetes carry its code.",
}
NAMES = tuple(TRAPS)
MESSY = frozenset(
    (
        "duplicates",
        "unit_mixups",
        "missing_by_value",
        "late_codes",
        "coding_drift",
        "practice_differences",
        "region_differences",
    )
)
"""Traps of the tier `messy` alone."""
Tier = Literal["clean", "messy"]
(
    UNDIAGNOSED,
    MISCODED,
    RETRACTED,
    TYPE_CONFUSION,
    METFORMIN_PCOS,
    GLP1_WEIGHT_LOSS,
    SGLT2_HEART_FAILURE,
    ATC_MOVED_2017,
    GESTATIONAL_DIABETES,
    HBA1C_UNITS,
    LAB_COVERAGE,
    SETTLEMENT_WEEK,
    CHILD_MARK,
    OUTPATIENT_1995,
    SICKER_TESTED_MORE,
    DUPLICATES,
    UNIT_MIXUPS,
    MISSING_BY_VALUE,
    LATE_CODES,
    CODING_DRIFT,
    PRACTICE_DIFFERENCES,
    REGION_DIFFERENCES,
    MISCODED_OTHERS,
) = range(len(NAMES))


def trap_switches(without: Iterable[str], *, tier: Tier = "clean") -> Switches:
    """Switch all traps of a tier on except those named; bool, shape (n_traps,).

    Args:
        without: Traps that are off.
        tier: `messy` has the traps of `clean` and those of `MESSY`.

    Raises:
        InvalidInputError: If there is no such tier, or no trap of a given name.
    """
    if tier not in get_args(Tier):
        raise InvalidInputError(f"There is no tier {tier!r}.", next_step=f"choose {' or '.join(get_args(Tier))}")
    switches = np.array([tier == "messy" or name not in MESSY for name in NAMES], dtype=np.bool_)
    for name in without:
        if name not in TRAPS:
            raise InvalidInputError(f"There is no trap named {name!r}.", next_step=f"choose among {', '.join(NAMES)}")
        switches[NAMES.index(name)] = False
    return switches
