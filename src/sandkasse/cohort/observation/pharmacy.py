"""Dispensings: refills that follow pack size and adherence, and drugs for what passes."""

import math

from sandkasse.cohort.kernels import helper
from sandkasse.cohort.observation import care as c
from sandkasse.cohort.observation import facts as f
from sandkasse.cohort.observation import purposes
from sandkasse.cohort.observation import traps as t
from sandkasse.cohort.observation import words as w
from sandkasse.cohort.observation.calendar import DAY_1995, DAY_2017
from sandkasse.cohort.observation.facts import Pen, Who, begin, push, push_trap, spell_at
from sandkasse.cohort.observation.stream import draw, draw_exponential, draw_row

_MOST_PACKS = 15
_MOST_COURSES = 8


@helper
def collect_course(pen: Pen, who: Who, drugs: c.Drugs, drug_class: int, start: int, stop: int, indication: int) -> None:
    """Collect a drug from `start` until `stop`, drawing from the open stream."""
    adherence = drugs.adherence_lowest + (1.0 - drugs.adherence_lowest) * draw(pen.state.stream)
    use = drugs.use[drug_class] * adherence
    early = int(drugs.stock * draw(pen.state.stream))
    at = float(max(start, DAY_1995 - early))
    end = min(stop, who.days[f.STOP])
    product, bought = -1, -1
    while at < end:
        day = int(at) if bought < 0 else _errand(pen, who, drugs, at, bought)
        day = _weekday(pen, drugs, day)
        if product < 0 or draw(pen.state.stream) < drugs.switch or day >= drugs.sold[product, 1]:
            product = _choose_product(pen, drugs, drug_class, day)
        if product < 0:
            at += 365.0
            continue
        pack = drugs.pack[product]
        packs = min(max(int(drugs.stock * use / pack + draw(pen.state.stream)), 1), _MOST_PACKS)
        bought = day
        if DAY_1995 <= day <= end and spell_at(who.days, day) >= 0:
            _dispense(pen, drugs, day, product, packs, indication)
        at += packs * pack / use * (0.85 + 0.3 * draw(pen.state.stream))


@helper
def _weekday(pen: Pen, drugs: c.Drugs, day: int) -> int:
    """Let a collection on Sunday, and many on Saturday, wait until one of the next five weekdays."""
    weekday = (day + 3) % 7
    if weekday == 6 or (weekday == 5 and draw(pen.state.stream) < drugs.away_on_saturday):
        return day + 7 - weekday + int(5.0 * draw(pen.state.stream))
    return day


@helper
def _errand(pen: Pen, who: Who, drugs: c.Drugs, at: float, bought: int) -> int:
    """Move a refill to the person's errand at the pharmacy, if one is near: drugs are fetched together."""
    period = who.traits[f.ERRAND_PERIOD]
    errand = who.traits[f.ERRAND_PHASE] + period * math.floor((at - who.traits[f.ERRAND_PHASE]) / period + 0.5)
    is_moved = draw(pen.state.stream) < drugs.errand_share
    if is_moved and abs(errand - at) <= drugs.errand_within and int(errand) > bought + 1:
        return int(errand)
    return int(at)


@helper
def collect_passing(pen: Pen, drugs: c.Drugs, band: int, day: int) -> None:
    """Collect one pack for something that passes, on a day of residence."""
    row = draw_row(pen.state.stream, drugs.passing_share[band])
    product = _choose_product(pen, drugs, drugs.passing[row], day)
    if product >= 0 and day >= DAY_1995:
        _dispense(pen, drugs, day, product, 1, 0)


@helper
def collect_chronic(pen: Pen, who: Who, drugs: c.Drugs) -> None:
    """Collect what everybody may come to use: begun at a rate by age and sex, for an exponential time, and again."""
    birth = who.days[f.BIRTH]
    for row in range(drugs.chronic.shape[0]):
        begin(pen, who, purposes.CHRONIC_DRUG + drugs.chronic_stream[row])
        age = 0.0
        for _ in range(_MOST_COURSES):
            age = _age_at_start(drugs, row, who.days[f.SEX], age, draw_exponential(pen.state.stream))
            start = birth + int(365.25 * age)
            if start >= who.days[f.STOP]:
                break
            age += drugs.chronic_years[row] * draw_exponential(pen.state.stream)
            stop = birth + int(365.25 * age)
            if stop > DAY_1995:
                collect_course(pen, who, drugs, drugs.chronic[row], start, stop, 0)


@helper
def _age_at_start(drugs: c.Drugs, row: int, sex: int, age: float, luck: float) -> float:
    """Find the age at which the integrated rate of beginning from `age` on reaches `luck`; 999 if never."""
    for band in range(c.N_BANDS):
        until = float(c.AGE_BANDS[band + 1]) if band + 1 < c.N_BANDS else 130.0
        if age >= until:
            continue
        rate = float(drugs.chronic_start[row, sex, band])
        if rate * (until - age) >= luck:
            return age + luck / rate
        luck -= rate * (until - age)
        age = until
    return 999.0


@helper
def _choose_product(pen: Pen, drugs: c.Drugs, drug_class: int, day: int) -> int:
    """Draw a product of a class among those on the market, by their shares; -1 if there is none."""
    u = draw(pen.state.stream)
    first, end = drugs.products[drug_class, 0], drugs.products[drug_class, 1]
    total = 0.0
    for product in range(first, end):
        if drugs.sold[product, 0] <= day < drugs.sold[product, 1]:
            total += drugs.share[product]
    left = u * total
    for product in range(first, end):
        if drugs.sold[product, 0] <= day < drugs.sold[product, 1]:
            left -= drugs.share[product]
            if left <= 0.0:
                return product
    return -1


@helper
def _dispense(pen: Pen, drugs: c.Drugs, day: int, product: int, packs: int, indication: int) -> None:
    """Write a dispensing down, under the code that the drug had on that day."""
    coded = product
    if day < DAY_2017 and pen.state.traps[t.ATC_MOVED_2017] and drugs.before_2017[product] != product:
        coded = drugs.before_2017[product]
        push_trap(pen, t.ATC_MOVED_2017, day)
    push(pen, w.DISPENSING, w.pack_dispensing(day, coded, packs, indication))
