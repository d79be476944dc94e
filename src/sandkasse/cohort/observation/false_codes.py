"""Hospital contacts that carry the code of a disease other than diabetes which the person does not have."""

from sandkasse.cohort.kernels import helper
from sandkasse.cohort.observation import care as c
from sandkasse.cohort.observation import facts as f
from sandkasse.cohort.observation import purposes
from sandkasse.cohort.observation import traps as t
from sandkasse.cohort.observation import words as w
from sandkasse.cohort.observation.facts import Pen, Who, begin, push_trap
from sandkasse.cohort.observation.hospital import choose_code
from sandkasse.cohort.observation.stream import draw

_ADDED, _MAIN_AT = 0x1FFF, 26
_BELOW_MAIN = (1 << 26) - 1


@helper
def code_falsely(pen: Pen, who: Who, care: c.CareArrays, first: int) -> None:
    """Give contacts at the departments where a disease is looked for its code, though the person does not have it.

    One draw for each contact decides whether it carries a false code and of which disease; it does so only if the
    disease has not begun by that day, the person has the age for it, and the contact has room for one more diagnosis.
    Nothing that was coded is lost: a false main diagnosis moves the right one to the second place.

    Args:
        pen: What writes; the person's contacts are all there, in their order, and have room.
        who: The person.
        care: Compiled parameters.
        first: The person's first contact.
    """
    false = care.false_codes
    begin(pen, who, purposes.FALSE_CODE)
    for at in range(first, pen.state.given[w.CONTACT]):
        word = pen.out[w.CONTACT, at]
        row = _row_of(false, (word >> 41) & 63, draw(pen.state.stream))
        day = word >> 47
        if row < 0 or word & _ADDED != w.NOTHING or who.onset[false.column[row]] <= day:
            continue
        if day - who.days[f.BIRTH] < false.from_age[row] * 365.25:
            continue
        code = choose_code(pen, care.codes, false.codes[row], day)
        if code == w.NO_DIAGNOSIS:
            continue
        if draw(pen.state.stream) < false.as_main:
            main = (word >> (_MAIN_AT + 3)) & w.NO_DIAGNOSIS
            word = (word >> 39 << 39) | (w.pack_diagnosis(code, w.MAIN, 0) << _MAIN_AT) | (word & _BELOW_MAIN)
            code = main
        pen.out[w.CONTACT, at] = (word & ~_ADDED) | w.pack_diagnosis(code, w.SECONDARY, 0)
        push_trap(pen, t.MISCODED_OTHERS, day)


@helper
def _row_of(false: c.FalseCodes, specialty: int, luck: float) -> int:
    """Find the disease whose stretch of a department's shares the draw falls into, -1 if none."""
    shares = false.share[specialty]
    if luck >= shares[shares.shape[0] - 1]:
        return -1
    row = 0
    while luck >= shares[row]:
        row += 1
    return row
