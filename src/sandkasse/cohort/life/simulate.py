"""Simulate the true lives of persons: one kernel call per shard."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from sandkasse.cohort.arms import choose_arms
from sandkasse.cohort.kernels import kernel
from sandkasse.cohort.kinship import FamilyTables
from sandkasse.cohort.life.branch import go_back, only_withholds
from sandkasse.cohort.life.causes import draw_exposures, draw_position, settle_traits
from sandkasse.cohort.life.families import (
    BLOCK_PERSONS,
    N_DELIVERIES,
    Block,
    make_block,
    mark_needed,
    match_parents,
    populate,
    settle,
)
from sandkasse.cohort.life.kernel import live
from sandkasse.cohort.life.person import draw_body_mass, draw_liabilities, draw_set_point
from sandkasse.cohort.life.population import N_SPELLS
from sandkasse.cohort.life.purposes import ATTEMPTS
from sandkasse.cohort.life.record import NEVER, Int64Array, LifeShard
from sandkasse.cohort.life.state import STATE_RESUMED, Person, make_scratch
from sandkasse.cohort.records import as_record, words_of
from sandkasse.cohort.tables import MOST_RESUMED, Arms, CompiledModel, LifeTables
from sandkasse.core.errors import InvalidInputError

SEEDS = 2**64
NO_TALLY = np.zeros((0, 0, 0, 0, 0), dtype=np.float64)
_NEVER = int(NEVER)
GESTATION = 266
"""Days from conception to birth."""


def simulate_life(
    model: CompiledModel, persons: Int64Array, *, seed: int, interventions: Sequence[str] = ("nobody_treated",)
) -> LifeShard:
    """Simulate the true lives of some persons, and the same lives under interventions.

    The families of the blocks that they belong to are made first (see `cohort.life.families`), and the lives of their
    ancestors are lived with theirs. Wars and seasons are left out.

    Args:
        model: The compiled model.
        persons: Numbers of the persons in the whole cohort, not negative, int64, shape (n_persons,).
        seed: Seed of the cohort, from 0 to below 2**64.
        interventions: Names of interventions, at least one, in the order of the arrays' axis; each costs another life
            of those whom it concerns.

    Returns:
        Their lives; each depends on the model, the seed and the person's number only.

    Raises:
        InvalidInputError: If the seed is out of range, a person's number is negative, or an intervention is unknown.
    """
    arms = [0, *(model.find(name, "interventions") + 1 for name in interventions)]
    return simulate_arms(model, persons, seed=seed, arms=choose_arms(model.arms, arms))


def simulate_arms(
    model: CompiledModel,
    persons: Int64Array,
    *,
    seed: int,
    arms: Arms,
    tally: npt.NDArray[np.float64] = NO_TALLY,
) -> LifeShard:
    """Simulate lives under arms of any kind.

    Args:
        model: The compiled model.
        persons: Numbers of the persons, int64, shape (n_persons,).
        seed: Seed of the cohort.
        arms: The natural course first, then the interventions.
        tally: Written, unless of size 0; see `cohort.life.kernel.live`.

    Returns:
        The natural lives, and under each further arm onsets and death.

    Raises:
        InvalidInputError: If the seed is out of range, or a person's number is negative.
    """
    if not 0 <= seed < SEEDS:
        raise InvalidInputError("expected a seed from 0 to 2**64 - 1, got one outside", next_step="choose another seed")
    numbers = np.ascontiguousarray(persons, dtype=np.int64)
    if numbers.ndim != 1 or (numbers.size and int(numbers.min()) < 0):
        raise InvalidInputError(
            "expected person numbers in one dimension, none negative", next_step="count persons from 0"
        )
    ascending, asked = np.unique(numbers, return_inverse=True)
    scratch = make_scratch(model.tables, N_DELIVERIES)
    shard = _empty_shard(model, ascending, len(arms.until) - 1, scratch.occurrence.shape)
    scratch = as_record(scratch)
    words = words_of(scratch)
    _simulate(
        np.uint64(seed),
        as_record(model.tables),
        as_record(model.families),
        scratch,
        words,
        np.empty_like(words),
        as_record(make_block(len(model.traits))),
        tally,
        arms,
        *(getattr(shard, name) for name in _COLUMNS),
    )
    if np.array_equal(ascending, numbers):
        return shard
    return LifeShard(**{name: getattr(shard, name)[asked] for name in _COLUMNS})


_COLUMNS = (
    "person",
    "sex",
    "birth_day",
    "residence_start",
    "residence_end",
    "municipality",
    "death_day",
    "liability",
    "bmi_at_20",
    "bmi_slope_per_year",
    "exposure_start",
    "exposure_stop",
    "education_level",
    "income_rank",
    "onset_day",
    "occurrence_day",
    "occurrence_detected_day",
    "detected_day",
    "treatment_day",
    "onset_day_under",
    "death_day_under",
    "treatment_stop_day",
    "treatment_for",
    "treatment_again_day",
    "treatment_again_for",
    "resumed_treatment",
    "resumed_day",
    "resumed_stop_day",
    "delivery_day",
    "fatal_condition",
    "cause_of_death",
    "hba1c_set_point",
    "mother",
    "father",
    "partner",
    "partner_since",
)


def _empty_shard(
    model: CompiledModel, persons: Int64Array, n_interventions: int, occurrences: tuple[int, ...]
) -> LifeShard:
    n, n_conditions, n_treatments = len(persons), len(model.conditions), len(model.treatments)

    def days(*columns: int) -> npt.NDArray[np.int32]:
        return np.full((n, *columns), NEVER, dtype=np.int32)

    return LifeShard(
        person=persons,
        sex=np.zeros(n, dtype=np.int8),
        birth_day=days(),
        residence_start=days(N_SPELLS),
        residence_end=days(N_SPELLS),
        municipality=np.zeros((n, N_SPELLS), dtype=np.int16),
        death_day=days(),
        liability=np.zeros((n, len(model.traits)), dtype=np.float32),
        bmi_at_20=np.zeros(n, dtype=np.float32),
        bmi_slope_per_year=np.zeros(n, dtype=np.float32),
        exposure_start=days(len(model.exposures)),
        exposure_stop=days(len(model.exposures)),
        education_level=np.zeros(n, dtype=np.int8),
        income_rank=np.zeros(n, dtype=np.float32),
        onset_day=days(n_conditions),
        occurrence_day=days(*occurrences),
        occurrence_detected_day=days(*occurrences),
        detected_day=days(n_conditions),
        treatment_day=days(n_treatments),
        onset_day_under=days(n_interventions, n_conditions),
        death_day_under=days(n_interventions),
        treatment_stop_day=days(n_treatments),
        treatment_for=np.full((n, n_treatments), -1, dtype=np.int8),
        treatment_again_day=days(n_treatments),
        treatment_again_for=np.full((n, n_treatments), -1, dtype=np.int8),
        resumed_treatment=np.full((n, MOST_RESUMED), -1, dtype=np.int8),
        resumed_day=days(MOST_RESUMED),
        resumed_stop_day=days(MOST_RESUMED),
        delivery_day=days(N_DELIVERIES),
        fatal_condition=np.full(n, -1, dtype=np.int8),
        cause_of_death=np.full(n, -1, dtype=np.int8),
        hba1c_set_point=np.zeros(n, dtype=np.float32),
        mother=np.full(n, -1, dtype=np.int64),
        father=np.full(n, -1, dtype=np.int64),
        partner=np.full(n, -1, dtype=np.int64),
        partner_since=days(),
    )


@kernel
def _simulate(  # type: ignore[no-untyped-def] # noqa: PLR0913, PLR0917, PLR0915, C901, PLR0912 — one column each
    seed: np.uint64,
    tables: LifeTables,
    families: FamilyTables,
    scratch,
    words,
    kept,
    block: Block,
    tally,
    arms: Arms,
    person,
    sex,
    birth_day,
    residence_start,
    residence_end,
    municipality,
    death_day,
    liability,
    bmi_at_20,
    bmi_slope_per_year,
    exposure_start,
    exposure_stop,
    education_level,
    income_rank,
    onset_day,
    occurrence_day,
    occurrence_detected_day,
    detected_day,
    treatment_day,
    onset_day_under,
    death_day_under,
    treatment_stop_day,
    treatment_for,
    treatment_again_day,
    treatment_again_for,
    resumed_treatment,
    resumed_day,
    resumed_stop_day,
    delivery_day,
    fatal_condition,
    cause_of_death,
    hba1c_set_point,
    mother,
    father,
    partner,
    partner_since,
):
    allow, exposed, give_from, give_for, from_day, until, arm_luck = arms
    branches = np.zeros(until.shape[0], dtype=np.int64)
    watched = np.zeros(allow.shape[1], dtype=np.int64)
    for other in range(1, until.shape[0]):
        if only_withholds(arms, other):
            branches[other] = 1
            for t in range(watched.shape[0]):
                watched[t] |= allow[other, t] == 0
    traits = np.empty(liability.shape[1], dtype=np.float64)
    n_persons, next_row = person.shape[0], 0
    while next_row < n_persons:
        first = person[next_row] // BLOCK_PERSONS * BLOCK_PERSONS
        for j in range(BLOCK_PERSONS):
            block.row[j] = -1
        while next_row < n_persons and person[next_row] - first < BLOCK_PERSONS:
            block.row[person[next_row] - first] = next_row
            next_row += 1
        populate(seed, first, tables, block)
        match_parents(seed, first, tables, families, block)
        mark_needed(block)
        for position in range(BLOCK_PERSONS):
            j = block.order[position]
            if block.needed[j] == 0:
                continue
            number, i = first + j, block.row[j]
            sex_i, birth_year, birth, entry = block.sex[j], block.birth_year[j], block.birth[j], block.entry[j]
            stop, n_deliveries = block.end[j, block.n_spells[j] - 1], block.n_deliveries[j]
            for k in range(n_deliveries):
                scratch.deliveries[k] = block.deliveries[j, k]
            settle(block, j, families)
            attempt, arm = np.int64(0), np.int64(0)
            # One place calls `live`, for the natural course and for each intervention, so that it is compiled once.
            while arm < from_day.shape[0]:
                if arm == 0:
                    draw_liabilities(seed, first, j, attempt, families, block, traits)
                    settle_traits(tables, tables.place_group[block.place[j, 0]], traits, scratch.fixed)
                    bmi, slope = draw_body_mass(seed, number, attempt, sex_i, birth_year, tables, traits)
                    habits, quits = scratch.exposure_start, scratch.exposure_stop
                    draw_exposures(seed, number, attempt, sex_i, birth_year, birth, tables, traits, habits, quits)
                if branches[arm] != 0:
                    go_back(scratch, words, kept)
                for t in range(allow.shape[1]):
                    scratch.watched[t] = watched[t] if arm == 0 and i >= 0 else 0
                    scratch.allow[t] = allow[arm, t]
                    scratch.give_from[t] = give_from[arm, t]
                    scratch.give_for[t] = give_for[arm, t]
                for e in range(exposed.shape[1]):
                    scratch.exposed[e] = exposed[arm, e]
                ends = stop if until[arm] < 0 else until[arm]
                luck = seed + arm_luck[arm]
                when = from_day[arm]
                who = Person(
                    number,
                    attempt,
                    sex_i,
                    birth_year,
                    birth,
                    entry,
                    ends,
                    bmi,
                    slope,
                    n_deliveries,
                    when,
                    luck,
                    branches[arm] != 0,
                )
                # Calibration counts those alone whom it asked for.
                counts = tally if i >= 0 else tally[:0]
                death, fatal, cause = live(seed, who, tables, scratch, counts, words, kept)
                if arm == 0 and death < entry and attempt < ATTEMPTS - 1:
                    attempt += 1
                    continue
                death = max(death, entry)
                if arm == 0:
                    last = min(stop, death + 1)
                    block.death[j], block.last[j] = death, last
                    if i < 0:
                        break
                if arm > 0:
                    death_day_under[i, arm - 1] = death
                    for c in range(onset_day.shape[1]):
                        onset_day_under[i, arm - 1, c] = scratch.onset[c]
                else:
                    sex[i], birth_day[i], death_day[i] = sex_i, birth, death
                    fatal_condition[i], cause_of_death[i] = fatal, cause
                    for s in range(block.n_spells[j]):
                        if block.start[j, s] < last:
                            residence_start[i, s] = block.start[j, s]
                            residence_end[i, s] = min(block.end[j, s], last)
                            municipality[i, s] = block.place[j, s]
                    for k in range(traits.shape[0]):
                        liability[i, k] = traits[k]
                    bmi_at_20[i], bmi_slope_per_year[i] = bmi, slope
                    hba1c_set_point[i] = draw_set_point(seed, number, attempt)
                    education_level[i], income_rank[i] = draw_position(
                        seed, number, attempt, sex_i, birth_year, tables, traits
                    )
                    for e in range(exposed.shape[1]):
                        if scratch.exposure_start[e] < last:
                            exposure_start[i, e] = scratch.exposure_start[e]
                            if scratch.exposure_stop[e] < last:
                                exposure_stop[i, e] = scratch.exposure_stop[e]
                    for k in range(n_deliveries):
                        if scratch.deliveries[k] <= death:
                            delivery_day[i, k] = scratch.deliveries[k]
                    if block.mother[j] >= 0 and birth <= block.death[block.mother[j]]:
                        mother[i] = first + block.mother[j]
                    if block.father[j] >= 0 and birth - GESTATION <= block.death[block.father[j]]:
                        father[i] = first + block.father[j]
                    if block.partner[j] >= 0:
                        partner[i], partner_since[i] = first + block.partner[j], block.since[j]
                    for c in range(onset_day.shape[1]):
                        onset_day[i, c] = scratch.onset[c]
                        detected_day[i, c] = scratch.detected[c]
                    for c in range(occurrence_day.shape[1]):
                        for k in range(occurrence_day.shape[2]):
                            occurrence_day[i, c, k] = scratch.occurrence[c, k]
                            occurrence_detected_day[i, c, k] = scratch.recognised[c, k]
                    for t in range(treatment_day.shape[1]):
                        treatment_day[i, t] = scratch.begun[t]
                        treatment_stop_day[i, t] = scratch.stopped[t]
                        treatment_for[i, t] = scratch.begun_for[t]
                        treatment_again_day[i, t] = scratch.again[t]
                        treatment_again_for[i, t] = scratch.again_for[t]
                    for k in range(scratch.counts[STATE_RESUMED]):
                        resumed_treatment[i, k] = scratch.resumed[k]
                        resumed_day[i, k] = scratch.resumed_day[k]
                        resumed_stop_day[i, k] = scratch.resumed_stop[k]
                # Go on to the next arm that could change this life; the others are the natural course.
                arm += 1
                while arm < from_day.shape[0] and until[arm] < 0 and arm_luck[arm] == 0:
                    concerned = False
                    for t in range(treatment_day.shape[1]):
                        begun, given = treatment_day[i, t] != _NEVER, birth + give_from[arm, t] < last
                        concerned |= (begun and allow[arm, t] == 0) or given
                    for e in range(exposed.shape[1]):
                        concerned |= exposure_start[i, e] != _NEVER and exposed[arm, e] == 0
                    if concerned:
                        break
                    death_day_under[i, arm - 1] = death_day[i]
                    for c in range(onset_day.shape[1]):
                        onset_day_under[i, arm - 1, c] = onset_day[i, c]
                    arm += 1
