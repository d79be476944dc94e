"""How often the first hospital code of a disease is right."""

import numpy as np
import numpy.typing as npt

from sandkasse.cohort.life.record import LifeShard
from sandkasse.cohort.observation import words as w
from sandkasse.cohort.observation.calendar import DAY_1995
from sandkasse.cohort.observation.observe import Observed
from sandkasse.cohort.observation.vocabulary import Vocabulary, code_sets, read_parameters

_PLACES = (29, 16, 3)  # of the three diagnoses' codes in a contact's word


def count_first_codes(
    life: LifeShard, seen: Observed, order: npt.NDArray[np.int64], words: Vocabulary
) -> dict[str, tuple[int, int]]:
    """Count the first codes from 1995 on of each disease that is coded falsely now and then.

    A code is the main diagnosis or beside it, of inpatients, outpatients or emergency visits; the first one in the
    register counts. It is right if the disease has begun by that day.

    Args:
        life: True lives.
        seen: What was observed of them.
        order: Persons in the order in which they were observed, int64, shape (n_persons,).
        words: What the numbers in observed events mean.

    Returns:
        Right and wrong first codes of each disease.
    """
    parameters = read_parameters()
    sets, number = code_sets(parameters), {code: index for index, code in enumerate(words.diagnoses)}
    everyone = np.repeat(order, np.diff(seen.starts[:, w.CONTACT]))
    counts = {}
    for row in parameters["miscoded"]:
        name = row["condition"]
        codes = [number[code] for era in sets[parameters["conditions"][name]["codes"]] for code in era]
        hit = np.zeros(len(seen.contact), dtype=bool)
        for place in _PLACES:
            hit |= np.isin((seen.contact >> place) & w.NO_DIAGNOSIS, codes)
        # A person's words are in the order of their days.
        person, at = np.unique(everyone[hit], return_index=True)
        day = (seen.contact[hit] >> 47)[at]
        is_right = life.onset_day[person, words.conditions.index(name)] <= day
        counts[name] = (int((is_right & (day >= DAY_1995)).sum()), int((~is_right & (day >= DAY_1995)).sum()))
    return counts
