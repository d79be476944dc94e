"""What each random draw of the life stage is for; the numbers are part of the cohort's identity and never change.

Draws of clocks and of what a person brings along are indexed by (thing, attempt): attempts beyond the first replace
lives that would not have reached the person's entry. 4 and 11 were used once and stay unused.

Typed numbers, since Numba compiles a function anew for each Python constant that it is called with.
"""

import numpy as np

ENTRY = np.int64(1)
RESIDENCE = np.int64(2)
MUNICIPALITY = np.int64(3)
LIABILITY_OWN = np.int64(10)
BODY_MASS = np.int64(12)
SMOKING = np.int64(13)
SET_POINT = np.int64(14)
EDUCATION = np.int64(15)
INCOME = np.int64(16)
ONSET = np.int64(20)
DETECTION = np.int64(21)
DEATH = np.int64(22)
START = np.int64(23)
STOP = np.int64(24)
ACUTE = np.int64(25)
CAUSE = np.int64(26)
RESUME = np.int64(27)
INHERITED = np.int64(30)
UNKNOWN_FATHER = np.int64(31)
HOME = np.int64(32)
HOME_ALONE = np.int64(33)
PARENT_PRESENT = np.int64(34)
MOTHER = np.int64(35)
FATHER = np.int64(36)
FATHER_KEPT = np.int64(37)

ATTEMPTS = np.int64(4096)
"""Most lives drawn for one person; the index of a draw is thing × ATTEMPTS + attempt."""
