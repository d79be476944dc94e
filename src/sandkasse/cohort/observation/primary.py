"""Primary care: visits with their prescriptions and blood samples, other services, services to children."""

import math

from sandkasse.cohort.kernels import helper
from sandkasse.cohort.observation import care as c
from sandkasse.cohort.observation import facts as f
from sandkasse.cohort.observation import purposes
from sandkasse.cohort.observation import traps as t
from sandkasse.cohort.observation import words as w
from sandkasse.cohort.observation.calendar import DAY_1990, FIRST_YEAR, day_in, week_of, year_of
from sandkasse.cohort.observation.facts import Pen, Who, band_of, begin, push, push_trap, spell_at
from sandkasse.cohort.observation.laboratory import take_panel
from sandkasse.cohort.observation.pharmacy import collect_passing
from sandkasse.cohort.observation.stream import draw, draw_exponential, draw_poisson, draw_row

_YEAR = 365.25
_MOST_CHILDREN = 12


@helper
def give_service(pen: Pen, primary: c.Primary, day: int, service: int, is_childs: int) -> int:
    """Write a service down under the week of its settlement, some weeks after it; nothing before 1990.

    Returns:
        How many weeks later it was settled, -1 if it was not written.
    """
    if day < DAY_1990:
        return -1
    weeks = int(primary.settlement * draw_exponential(pen.state.stream))
    if not pen.state.traps[t.SETTLEMENT_WEEK]:
        weeks = 0
    push(pen, w.SERVICE, w.pack_service(week_of(day) + weeks, service, is_childs))
    return weeks


@helper
def give_at_practice(pen: Pen, primary: c.Primary, day: int, service: int) -> None:
    """Give a contact with general practice, and the services that come with it on the same bill."""
    weeks = give_service(pen, primary, day, service, 0)
    if weeks < 0:
        return
    for _ in range(draw_poisson(pen.state.beside, primary.ancillary)):
        row = draw_row(pen.state.beside, primary.ancillary_share)
        push(pen, w.SERVICE, w.pack_service(week_of(day) + weeks, primary.ancillary_service[row], 0))


@helper
def _give_elsewhere(pen: Pen, who: Who, primary: c.Primary, day: int, row: int) -> None:
    """Give a service elsewhere, and what follows it within some weeks."""
    weeks = give_service(pen, primary, day, primary.other_service[row], 0)
    if weeks < 0 or primary.follow[row] < 0:
        return
    for _ in range(draw_poisson(pen.state.beside, primary.follow_mean[row, 0])):
        later = day + int(7.0 * primary.follow_mean[row, 1] * draw(pen.state.beside))
        if spell_at(who.days, later) >= 0:
            push(pen, w.SERVICE, w.pack_service(week_of(later) + weeks, primary.follow[row], 0))


@helper
def give_foot_care(pen: Pen, primary: c.Primary, day: int, service: int, is_childs: int) -> None:
    """Give podiatry for diabetes, and say in the truth where it can mislead."""
    given = pen.state.given[w.SERVICE]
    give_service(pen, primary, day, service, is_childs)
    if pen.state.given[w.SERVICE] == given or given >= pen.out.shape[1]:
        return
    if is_childs:
        push_trap(pen, t.CHILD_MARK, day)
    elif pen.out[w.SERVICE, given] >> 17 != week_of(day):
        push_trap(pen, t.SETTLEMENT_WEEK, day)


@helper
def visit(pen: Pen, who: Who, care: c.CareArrays) -> None:
    """Go to general practice year by year: the visit, what is prescribed, what is tested."""
    primary, year_start = care.primary, care.calendar.year_start
    sex = who.days[f.SEX]
    seeking = math.exp(primary.sd_persons * who.traits[f.SEEKING] - 0.5 * primary.sd_persons * primary.sd_persons)
    begin(pen, who, purposes.VISITS)
    for year in range(year_of(year_start, who.days[f.FIRST]), year_of(year_start, who.days[f.STOP] - 1) + 1):
        middle = year_start[year - FIRST_YEAR] + f.MIDDLE
        band = band_of(who.days, middle)
        ill = who.ill[year - FIRST_YEAR]
        spell = max(spell_at(who.days, middle), 0)
        extra = 1.0 + primary.illness * ill
        if who.days[f.DEATH] - year_start[year - FIRST_YEAR] < _YEAR:
            extra += primary.last_year
        rate = primary.visits[sex, band] * seeking * extra * who.traits[f.PRACTICES + 2 * spell]
        sample = primary.sample[band] * who.traits[f.PRACTICES + 2 * spell + 1]
        sample *= 1.0 + primary.sample_illness * ill if pen.state.traps[t.SICKER_TESTED_MORE] else primary.sample_evened
        for _ in range(draw_poisson(pen.state.stream, min(rate, 40.0))):
            day = day_in(care.calendar, True, year, draw(pen.state.stream))
            if spell_at(who.days, day) >= 0:
                _one_visit(pen, who, care, band, sample, ill, day)


@helper
def _one_visit(pen: Pen, who: Who, care: c.CareArrays, band: int, sample: float, ill: float, day: int) -> None:
    primary = care.primary
    give_at_practice(pen, primary, day, primary.service[_kind_of_visit(pen, primary, band, day)])
    if draw(pen.state.stream) < primary.prescribe[band]:
        collect_passing(pen, care.drugs, band, day)
    if draw(pen.state.stream) >= sample:
        return
    give_service(pen, primary, day, primary.service[c.BLOOD_SAMPLE], 0)
    if ill > 0.0 and pen.state.traps[t.SICKER_TESTED_MORE] and who.days[f.ONSET] > day:
        push_trap(pen, t.SICKER_TESTED_MORE, day)
    for panel in range(3):
        if draw(pen.state.stream) < care.laboratory.screening[panel, band]:
            take_panel(pen, who, care.laboratory, care.laboratory.screened[panel], day)


@helper
def _kind_of_visit(pen: Pen, primary: c.Primary, band: int, day: int) -> int:
    u = draw(pen.state.stream)
    if u < primary.home[band]:
        return c.HOME
    u -= primary.home[band]
    if u < primary.email:
        return c.EMAIL if day >= primary.email_from else c.TELEPHONE
    return c.TELEPHONE if u < primary.email + primary.telephone else c.CONSULTATION


@helper
def see_others(pen: Pen, who: Who, care: c.CareArrays) -> None:
    """See dentists, physiotherapists, specialists and others, year by year."""
    primary, year_start = care.primary, care.calendar.year_start
    sex = who.days[f.SEX]
    begin(pen, who, purposes.OTHER_SERVICES)
    for year in range(year_of(year_start, who.days[f.FIRST]), year_of(year_start, who.days[f.STOP] - 1) + 1):
        band = band_of(who.days, year_start[year - FIRST_YEAR] + f.MIDDLE)
        for _ in range(draw_poisson(pen.state.stream, primary.other[sex, band])):
            day = day_in(care.calendar, True, year, draw(pen.state.stream))
            row = draw_row(pen.state.stream, primary.other_share[sex, band])
            if spell_at(who.days, day) >= 0:
                _give_elsewhere(pen, who, primary, day, row)


@helper
def bring_child(pen: Pen, who: Who, care: c.CareArrays, child: int, birth: int) -> None:
    """Bring a child to the practice: some of its services stand under the mother's number."""
    primary, year_start = care.primary, care.calendar.year_start
    if not pen.state.traps[t.CHILD_MARK]:
        return
    begin(pen, who, purposes.CHILDREN + child * 1000)
    has_diabetes = draw(pen.state.stream) < primary.child_diabetes
    diabetes_from = birth + int(_YEAR * primary.child_until * draw(pen.state.stream))
    until = min(birth + int(_YEAR * primary.child_until), int(who.days[f.STOP]))
    if birth >= until:
        return
    for year in range(year_of(year_start, birth), year_of(year_start, until - 1) + 1):
        for _ in range(draw_poisson(pen.state.stream, primary.child_rate)):
            day = day_in(care.calendar, True, year, draw(pen.state.stream))
            if birth <= day < until and spell_at(who.days, day) >= 0:
                give_service(pen, primary, day, primary.service[c.CHILD_VISIT], 1)
        if has_diabetes:
            for _ in range(draw_poisson(pen.state.stream, primary.child_foot)):
                day = day_in(care.calendar, True, year, draw(pen.state.stream))
                if diabetes_from <= day < until and spell_at(who.days, day) >= 0:
                    give_foot_care(pen, primary, day, primary.service[c.FOOT], 1)
