"""Care of the life's conditions and treatments once they are known, pregnancies, and the last day."""

from sandkasse.cohort.kernels import helper
from sandkasse.cohort.observation import care as c
from sandkasse.cohort.observation import facts as f
from sandkasse.cohort.observation import purposes
from sandkasse.cohort.observation import traps as t
from sandkasse.cohort.observation import words as w
from sandkasse.cohort.observation.calendar import DAY_1995, END_DAY, FIRST_DAY, FIRST_YEAR, NEVER, day_in, year_of
from sandkasse.cohort.observation.facts import Pen, Who, begin, push_trap, spell_at
from sandkasse.cohort.observation.hospital import choose_code, choose_diabetes_set, have_contact
from sandkasse.cohort.observation.laboratory import take_first_hba1c, take_hba1c, take_panel
from sandkasse.cohort.observation.pharmacy import collect_course
from sandkasse.cohort.observation.primary import bring_child, give_at_practice, give_foot_care, give_service
from sandkasse.cohort.observation.stream import draw, draw_exponential, draw_poisson

_YEAR = 365.25
_NONE = (w.NOTHING, w.NOTHING)
_PREGNANCY_PANEL = 4  # place in `Laboratory.screened`


@helper
def care_for_conditions(pen: Pen, who: Who, care: c.CareArrays) -> None:
    """Give every known condition its care."""
    for row in range(care.conditions.column.shape[0]):
        if who.known[row] < who.days[f.STOP]:
            begin(pen, who, purposes.CONDITION + row)
            column = care.conditions.recurs[row]
            if column < 0:
                _begin_care(pen, who, care, row, who.known[row])
                _continue_care(pen, who, care, row)
            else:
                for turn in range(who.occurrence.shape[1]):
                    if who.occurrence[column, turn] < who.days[f.STOP]:
                        _begin_care(pen, who, care, row, who.occurrence[column, turn])
                        _follow_up(pen, who, care, row, who.occurrence[column, turn])


@helper
def _begin_care(pen: Pen, who: Who, care: c.CareArrays, row: int, day: int) -> None:
    """The day on which the condition becomes known: the test, and perhaps an admission or an emergency visit."""
    conditions = care.conditions
    luck = draw(pen.state.stream)
    is_admitted = luck < conditions.rate[row, c.ADMITTED]
    if spell_at(who.days, day) < 0:
        return
    if luck < conditions.rate[row, c.ADMITTED] + conditions.rate[row, c.EMERGENCY_FIRST]:
        kind = c.INPATIENT if is_admitted else c.EMERGENCY
        which = choose_diabetes_set(pen, care, row, conditions.codes[row, 0])
        code = choose_code(pen, care.codes, which, day)
        have_contact(pen, care.codes, day, conditions.specialty[row], kind, code, _NONE)
    if conditions.rate[row, c.CONFIRMED] > 0.0:
        take_first_hba1c(pen, who, care.laboratory, day)
    take_panel(pen, who, care.laboratory, conditions.panel[row], day)


@helper
def _follow_up(pen: Pen, who: Who, care: c.CareArrays, row: int, begun: int) -> None:
    """The time after one occurrence of a condition that comes again."""
    conditions = care.conditions
    years = conditions.rate[row, c.EARLY_YEARS]
    is_followed = draw(pen.state.stream) < conditions.rate[row, c.AT_HOSPITAL]
    contacts = years * conditions.rate[row, c.OUTPATIENT_EARLY] if is_followed else 0.0
    for _ in range(draw_poisson(pen.state.stream, contacts)):
        day = begun + int(_YEAR * years * draw(pen.state.stream))
        if spell_at(who.days, day) >= 0:
            _outpatient(pen, who, care, row, day)
    for _ in range(draw_poisson(pen.state.stream, years * conditions.rate[row, c.GP_VISITS])):
        day = begun + int(_YEAR * years * draw(pen.state.stream))
        if spell_at(who.days, day) >= 0:
            _check_up(pen, who, care, row, day)


@helper
def receive_services(pen: Pen, who: Who, care: c.CareArrays) -> None:
    """Receive what a known condition brings elsewhere in primary care."""
    conditions, year_start = care.conditions, care.calendar.year_start
    for row in range(conditions.extra.shape[0]):
        known = who.known[conditions.extra[row, 0]]
        if known >= who.days[f.STOP]:
            continue
        begin(pen, who, purposes.CONDITION_SERVICE + row)
        if draw(pen.state.stream) >= conditions.extra_rate[row, 0]:
            continue
        until = min(int(who.days[f.STOP]), known + int(_YEAR * conditions.extra_rate[row, 2]))
        first = max(known, int(who.days[f.FIRST]))
        if first >= until:
            continue
        for year in range(year_of(year_start, first), year_of(year_start, until - 1) + 1):
            for _ in range(draw_poisson(pen.state.stream, conditions.extra_rate[row, 1])):
                day = day_in(care.calendar, True, year, draw(pen.state.stream))
                if first <= day < until and spell_at(who.days, day) >= 0:
                    give_service(pen, care.primary, day, conditions.extra[row, 1], 0)


@helper
def _continue_care(pen: Pen, who: Who, care: c.CareArrays, row: int) -> None:
    """The years after: outpatient contacts, visits and podiatry."""
    conditions, year_start, known = care.conditions, care.calendar.year_start, who.known[row]
    rate = conditions.rate[row]
    is_followed = draw(pen.state.stream) < rate[c.AT_HOSPITAL]
    gets_foot_care = draw(pen.state.stream) < rate[c.FOOT_SHARE]
    first = year_of(year_start, max(known, who.days[f.FIRST]))
    for year in range(first, year_of(year_start, who.days[f.STOP] - 1) + 1):
        is_early = year_start[year - FIRST_YEAR] - known < _YEAR * rate[c.EARLY_YEARS]
        contacts = rate[c.OUTPATIENT_EARLY if is_early else c.OUTPATIENT_LATE] if is_followed else 0.0
        for _ in range(draw_poisson(pen.state.stream, contacts)):
            day = day_in(care.calendar, True, year, draw(pen.state.stream))
            if day >= known and spell_at(who.days, day) >= 0:
                _outpatient(pen, who, care, row, day)
        for _ in range(draw_poisson(pen.state.stream, rate[c.GP_VISITS])):
            day = day_in(care.calendar, True, year, draw(pen.state.stream))
            if day >= known and spell_at(who.days, day) >= 0:
                _check_up(pen, who, care, row, day)
        if gets_foot_care:
            for _ in range(draw_poisson(pen.state.stream, rate[c.FOOT_RATE])):
                day = day_in(care.calendar, True, year, draw(pen.state.stream))
                if day >= known and spell_at(who.days, day) >= 0:
                    service = care.primary.service[c.FOOT_FIRST if year == first else c.FOOT]
                    give_foot_care(pen, care.primary, day, service, 0)


@helper
def _outpatient(pen: Pen, who: Who, care: c.CareArrays, row: int, day: int) -> None:
    conditions = care.conditions
    which = choose_diabetes_set(pen, care, row, conditions.codes[row, 1])
    code = choose_code(pen, care.codes, which, day)
    is_written = have_contact(pen, care.codes, day, conditions.specialty[row], c.OUTPATIENT, code, _NONE)
    is_diabetes = row in (conditions.diabetes[0], conditions.diabetes[1])
    if is_diabetes and not is_written:
        push_trap(pen, t.OUTPATIENT_1995, day)
    elif is_diabetes and which not in (conditions.codes[row, 0], care.codes.diabetes[2]):
        push_trap(pen, t.TYPE_CONFUSION, day)
    if draw(pen.state.stream) < conditions.rate[row, c.TESTS]:
        take_panel(pen, who, care.laboratory, conditions.panel[row], day)


@helper
def _check_up(pen: Pen, who: Who, care: c.CareArrays, row: int, day: int) -> None:
    give_at_practice(pen, care.primary, day, care.primary.service[c.CONSULTATION])
    spell = spell_at(who.days, day)
    chance = care.conditions.rate[row, c.TESTS] * who.traits[f.PRACTICES + 2 * spell + 1]
    if draw(pen.state.stream) < chance:
        give_service(pen, care.primary, day, care.primary.service[c.BLOOD_SAMPLE], 0)
        take_panel(pen, who, care.laboratory, care.conditions.panel[row], day)


@helper
def collect_treatments(pen: Pen, who: Who, care: c.CareArrays) -> None:
    """Collect the life's treatments, each in the spells that the life gives it."""
    therapy = care.conditions.therapy
    for row in range(therapy.shape[0]):
        treatment, only_for, only_with = therapy[row, 0], therapy[row, 2], therapy[row, 3]
        if only_with >= 0 and who.onset[only_with] == NEVER:
            continue
        if only_for < 0 or only_for == who.treatment_for[treatment]:
            begin(pen, who, purposes.THERAPY + row)
            _collect_treatment(pen, who, care, row, who.treatment[treatment], who.treatment_stop[treatment])
            for spell in range(who.resumed.shape[0]):
                if who.resumed[spell] == treatment:
                    begin(pen, who, purposes.RESUMED + therapy.shape[0] * spell + row)
                    _collect_treatment(pen, who, care, row, who.resumed_day[spell], who.resumed_stop[spell])
        if only_for < 0 or only_for == who.treatment_again_for[treatment]:
            begin(pen, who, purposes.THERAPY_AGAIN + row)
            _collect_treatment(pen, who, care, row, who.treatment_again[treatment], NEVER)


@helper
def _collect_treatment(pen: Pen, who: Who, care: c.CareArrays, row: int, start: int, stop: int) -> None:
    conditions = care.conditions
    drug_class, trap, n_indications = conditions.therapy[row, 1], conditions.therapy[row, 4], conditions.therapy[row, 5]
    if start >= END_DAY or (trap >= 0 and not pen.state.traps[trap]):
        return
    u = draw(pen.state.stream)
    is_indicated = n_indications > 0 and u < conditions.indicated[row]
    indication = 1 + int(u / conditions.indicated[row] * n_indications) if is_indicated else 0
    if trap >= 0 and stop > DAY_1995:
        push_trap(pen, trap, start)
    collect_course(pen, who, care.drugs, drug_class, start, stop, indication)


@helper
def collect_condition_drugs(pen: Pen, who: Who, care: c.CareArrays) -> None:
    """Collect the drugs that a known condition brings and that the life does not name."""
    conditions = care.conditions
    for row in range(conditions.drug.shape[0]):
        known, column = who.known[conditions.drug[row, 0]], conditions.recurs[conditions.drug[row, 0]]
        if known >= END_DAY:
            continue
        begin(pen, who, purposes.CONDITION_DRUG + row)
        if column < 0:
            _collect_drug(pen, who, care, row, known)
            continue
        for turn in range(who.occurrence.shape[1]):
            if who.occurrence[column, turn] < END_DAY:
                _collect_drug(pen, who, care, row, who.occurrence[column, turn])


@helper
def _collect_drug(pen: Pen, who: Who, care: c.CareArrays, row: int, known: int) -> None:
    drug, share = care.conditions.drug[row, 1], care.conditions.drug_share[row]
    is_given = draw(pen.state.stream) < share[0]
    start = known + int(share[1] * draw_exponential(pen.state.stream))
    if is_given:
        stop = start + int(share[2]) if share[2] > 0.0 else END_DAY
        collect_course(pen, who, care.drugs, drug, start, stop, 0)


@helper
def bear_children(pen: Pen, who: Who, care: c.CareArrays) -> None:
    """Pregnancies: visits, outpatient contacts, perhaps gestational diabetes, the birth; then the children."""
    gdm = who.onset[care.conditions.gdm] if care.conditions.gdm >= 0 else NEVER
    known = who.detected[care.conditions.gdm] if care.conditions.gdm >= 0 else NEVER
    for child in range(who.delivery.shape[0]):
        birth = who.delivery[child]
        if birth >= END_DAY or birth < FIRST_DAY - int(_YEAR * care.primary.child_until):
            continue
        begin(pen, who, purposes.PREGNANCIES + child * 1000)
        _pregnancy(pen, who, care, birth)
        start = birth - int(care.conditions.pregnancy[c.LENGTH_DAYS])
        if start <= gdm < birth and pen.state.traps[t.GESTATIONAL_DIABETES]:
            _gestational_diabetes(pen, who, care, max(known, start), birth)
        bring_child(pen, who, care, child, birth)


@helper
def _pregnancy(pen: Pen, who: Who, care: c.CareArrays, birth: int) -> None:
    numbers, sets, codes = care.conditions.pregnancy, care.conditions.pregnancy_set, care.codes
    length = int(numbers[c.LENGTH_DAYS])
    for _ in range(draw_poisson(pen.state.stream, numbers[c.VISITS_HOSPITAL])):
        day = birth - int(0.8 * length * draw(pen.state.stream))
        code = choose_code(pen, codes, sets[0], day)
        if spell_at(who.days, day) >= 0:
            have_contact(pen, codes, day, care.conditions.obstetrics, c.OUTPATIENT, code, _NONE)
    for _ in range(draw_poisson(pen.state.stream, numbers[c.VISITS_GP])):
        day = birth - int(0.8 * length * draw(pen.state.stream))
        if spell_at(who.days, day) >= 0:
            give_service(pen, care.primary, day, care.primary.service[c.PREGNANCY_VISIT], 0)
    if draw(pen.state.stream) < 0.3 and spell_at(who.days, birth - length // 2) >= 0:
        take_panel(pen, who, care.laboratory, care.laboratory.screened[_PREGNANCY_PANEL], birth - length // 2)
    code = choose_code(pen, codes, sets[1], birth)
    if spell_at(who.days, birth) >= 0:
        have_contact(pen, codes, birth, care.conditions.obstetrics, c.INPATIENT, code, _NONE)


@helper
def _gestational_diabetes(pen: Pen, who: Who, care: c.CareArrays, known: int, birth: int) -> None:
    """Contacts, tests and perhaps insulin between detection and birth."""
    numbers, codes = care.conditions.pregnancy, care.codes
    is_seen = False
    for _ in range(draw_poisson(pen.state.stream, numbers[c.GDM_OUTPATIENT])):
        day = known + int((birth - known) * draw(pen.state.stream))
        code = choose_code(pen, codes, care.conditions.pregnancy_set[2], day)
        is_tested = draw(pen.state.stream) < numbers[c.GDM_TESTS]
        if known <= day < birth and spell_at(who.days, day) >= 0:
            is_seen |= have_contact(pen, codes, day, care.conditions.obstetrics, c.OUTPATIENT, code, _NONE)
            if is_tested:
                take_hba1c(pen, who, care.laboratory, day)
    if draw(pen.state.stream) < numbers[c.GDM_INSULIN] and known < birth:
        is_seen |= birth > DAY_1995
        collect_course(pen, who, care.drugs, care.conditions.insulin, known + 3, birth, 0)
    if is_seen and spell_at(who.days, known) >= 0:
        push_trap(pen, t.GESTATIONAL_DIABETES, known)


@helper
def spend_last_day(pen: Pen, who: Who, care: c.CareArrays) -> None:
    """Be admitted on the day of an acute death, perhaps."""
    day, fatal = who.days[f.DEATH], who.days[f.FATAL]
    if fatal < 0 or spell_at(who.days, day) < 0:
        return
    for row in range(care.conditions.column.shape[0]):
        if care.conditions.column[row] == fatal:
            begin(pen, who, purposes.LAST_DAY)
            is_admitted = draw(pen.state.stream) < care.conditions.admitted_on_death
            code = choose_code(pen, care.codes, care.conditions.codes[row, 0], day)
            if is_admitted:
                have_contact(pen, care.codes, day, care.conditions.specialty[row], c.INPATIENT, code, _NONE)
