"""The traps: what makes finding diabetes in registers a real task. Each has a switch."""

from collections.abc import Iterable

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
}
NAMES = tuple(TRAPS)
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
) = range(len(NAMES))


def trap_switches(without: Iterable[str]) -> Switches:
    """Switch all traps on except those named; bool, shape (n_traps,).

    Raises:
        InvalidInputError: If there is no trap of a given name.
    """
    switches = np.ones(len(NAMES), dtype=np.bool_)
    for name in without:
        if name not in TRAPS:
            raise InvalidInputError(f"There is no trap named {name!r}.", next_step=f"choose among {', '.join(NAMES)}")
        switches[NAMES.index(name)] = False
    return switches
