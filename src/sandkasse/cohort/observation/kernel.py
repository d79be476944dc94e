"""What is seen of each life: the compiled kernel, one person after the other, events as words."""

import numpy as np
import numpy.typing as npt

from sandkasse.cohort.kernels import helper, kernel
from sandkasse.cohort.observation import care as c
from sandkasse.cohort.observation import facts as f
from sandkasse.cohort.observation import traps as t
from sandkasse.cohort.observation import words as w
from sandkasse.cohort.observation.calendar import END_DAY, NEVER
from sandkasse.cohort.observation.chronic import (
    bear_children,
    care_for_conditions,
    collect_condition_drugs,
    collect_treatments,
    receive_services,
    spend_last_day,
)
from sandkasse.cohort.observation.details import ContactDetails, detail_contacts
from sandkasse.cohort.observation.facts import Lives, Pen, Who, gather, push_trap
from sandkasse.cohort.observation.hospital import go_to_hospital
from sandkasse.cohort.observation.mess import make_messy
from sandkasse.cohort.observation.pharmacy import collect_chronic
from sandkasse.cohort.observation.primary import see_others, visit
from sandkasse.cohort.observation.sorting import MOST_DEALT, sort_words


@helper
def _observe_one(pen: Pen, who: Who, care: c.CareArrays) -> None:
    if who.days[f.N_SPELLS] == 0:
        return
    visit(pen, who, care)
    see_others(pen, who, care)
    go_to_hospital(pen, who, care)
    collect_chronic(pen, who, care.drugs)
    care_for_conditions(pen, who, care)
    receive_services(pen, who, care)
    collect_treatments(pen, who, care)
    collect_condition_drugs(pen, who, care)
    bear_children(pen, who, care)
    spend_last_day(pen, who, care)
    if pen.state.traps[t.UNDIAGNOSED]:
        for row in care.conditions.diabetes:
            onset = who.onset[care.conditions.column[row]] if row >= 0 else NEVER
            if onset < END_DAY and who.known[row] == NEVER:
                push_trap(pen, t.UNDIAGNOSED, onset)


@kernel
def observe_persons(
    pen: Pen,
    who: Who,
    lives: Lives,
    care: c.CareArrays,
    order: npt.NDArray[np.int64],
    starts: npt.NDArray[np.int64],
    contacts: ContactDetails,
) -> None:
    """Observe all persons of a shard, in the order given, and sort each person's words.

    Args:
        pen: What writes; where its capacity was too small, `pen.state.given` says what it must be.
        who: Room for the facts of one person.
        lives: Lives of the shard.
        care: Compiled parameters.
        order: Persons of the shard in the order in which they are written, int64, shape (n_persons,).
        starts: Receives the first word of each person and kind, int64, shape (n_persons + 1, N_KINDS).
        contacts: Receives the details of each contact.
    """
    capacity = pen.out.shape[1]
    spare, piles = np.empty(MOST_DEALT, np.int64), np.empty(2 * MOST_DEALT + 1, np.int64)
    is_messy, is_spoilt = False, False
    for trap in range(t.DUPLICATES, pen.state.traps.shape[0]):
        is_spoilt |= pen.state.traps[trap] != 0
        is_messy |= pen.state.traps[trap] != 0 and trap != t.MISCODED_OTHERS
    for position in range(order.shape[0]):
        i = order[position]
        for kind in range(w.N_KINDS):
            starts[position, kind] = pen.state.given[kind]
        gather(pen, lives, care, i, who)
        _observe_one(pen, who, care)
        for kind in range(w.N_KINDS):
            first, end = starts[position, kind], pen.state.given[kind]
            if end <= capacity:
                sort_words(pen.out[kind], first, end, spare, piles)
        if is_spoilt and pen.state.given.max() <= capacity:
            make_messy(pen, who, care, starts[position])
            for kind in range(w.N_KINDS):
                # False codes alone leave the words of other kinds as they are.
                if pen.state.given[kind] <= capacity and (is_messy or kind in (w.CONTACT, w.TRAP)):
                    sort_words(pen.out[kind], starts[position, kind], pen.state.given[kind], spare, piles)
        detail_contacts(pen, who, care, contacts, starts[position, w.CONTACT], pen.state.given[w.CONTACT])
    for kind in range(w.N_KINDS):
        starts[order.shape[0], kind] = pen.state.given[kind]
