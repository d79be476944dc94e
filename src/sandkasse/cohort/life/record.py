"""The life of a shard of persons, as arrays: what the life stage writes and the observation stage reads."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Int8Array = npt.NDArray[np.int8]
Int16Array = npt.NDArray[np.int16]
Int32Array = npt.NDArray[np.int32]
Int64Array = npt.NDArray[np.int64]
Float32Array = npt.NDArray[np.float32]

NEVER = np.int32(2**31 - 1)
"""The day of an event that does not happen within the simulated time."""


@dataclass(frozen=True)
class LifeShard:
    """True lives of the persons of one shard.

    Days count from 1970-01-01 (Arrow's date32; earlier days are negative); `NEVER` stands for no such day. Columns of
    the two-dimensional arrays follow the compiled model: `conditions`, `treatments`, `traits`.

    Attributes:
        person: Number of the person in the whole cohort, int64, shape (n_persons,).
        sex: 1 man, 2 woman, int8, shape (n_persons,).
        birth_day: int32, shape (n_persons,).
        residence_start: First day of each residence spell, int32, shape (n_persons, n_spells).
        residence_end: Day after the last day of each spell (exclusive), int32, shape (n_persons, n_spells).
        municipality: Municipality code (2007 numbering) of each spell, int16, shape (n_persons, n_spells).
        death_day: int32, shape (n_persons,).
        liability: Inherited, shared and own parts of each trait together, standard normal, float32,
            shape (n_persons, n_traits).
        bmi_at_20: Body-mass index at age 20 in kg/m², float32, shape (n_persons,).
        bmi_slope_per_year: Change of body-mass index from age 20 to 65 in kg/m² per year, float32, shape (n_persons,).
        exposure_start: First day of each habit, int32, shape (n_persons, n_exposures).
        exposure_stop: Day of stopping, `NEVER` if it goes on, int32, shape (n_persons, n_exposures).
        education_level: Highest education that the person comes to complete: 1 basic, 2 middle, 3 higher (at the ages
            that the model's `education.completed_at` gives; 0 if it has none), int8, shape (n_persons,).
        income_rank: Lifelong rank of income among those of the same age and sex, from 0 to 1, float32,
            shape (n_persons,).
        onset_day: True onset of each condition, the first if it comes again, int32, shape (n_persons, n_conditions).
        occurrence_day: All onsets of the conditions that come again, ascending, `NEVER` after the last, int32,
            shape (n_persons, n_recurring, most occurrences).
        occurrence_detected_day: When the health system recognises that onset, int32, of the same shape.
        detected_day: When the health system first recognises it, int32, shape (n_persons, n_conditions).
        treatment_day: Start of each treatment, int32, shape (n_persons, n_treatments).
        onset_day_under: Onset of each condition under each intervention, by default that nobody is treated, int32,
            shape (n_persons, n_interventions, n_conditions).
        death_day_under: Death under each intervention, int32, shape (n_persons, n_interventions).
        treatment_stop_day: Stop of each treatment's first spell, `NEVER` if it goes on, int32,
            shape (n_persons, n_treatments).
        treatment_for: Column of the condition for which each treatment was begun, -1 if never begun or begun without
            one (a vaccination), int8, shape (n_persons, n_treatments).
        treatment_again_day: Second start of a treatment, for another condition than the first; it goes on, int32,
            shape (n_persons, n_treatments).
        treatment_again_for: Column of the condition of the second start, -1 if none, int8,
            shape (n_persons, n_treatments).
        resumed_treatment: Column of each treatment taken up again, after a stop, for the condition it was first begun
            for, in order of the days, -1 after the last, int8, shape (n_persons, `MOST_RESUMED`).
        resumed_day: When that spell begins, `NEVER` after the last, int32, of the same shape.
        resumed_stop_day: When it stops, `NEVER` if it goes on, int32, of the same shape.
        delivery_day: Days on which a woman gives birth, ascending, `NEVER` after the last, int32,
            shape (n_persons, n_deliveries).
        fatal_condition: Column of the condition whose acute phase is the death, -1 if none, int8, shape (n_persons,).
        cause_of_death: Column of the condition that the death is put down to, -1 if none of them or alive, int8,
            shape (n_persons,).
        hba1c_set_point: The person's own long-term deviation of HbA1c, standard normal, float32, shape (n_persons,).
        mother: Number of the mother, -1 if not known in the country or dead before the birth, int64,
            shape (n_persons,). She has a number of the same block, see `cohort.life.families`.
        father: Number of the father, -1 if not known or dead before the conception, int64, shape (n_persons,).
        partner: Number of the person with whom the last child was had, -1 if none, int64, shape (n_persons,).
        partner_since: Day of birth of the first child with that partner, `NEVER` without one, int32, shape
            (n_persons,).
    """

    person: Int64Array
    sex: Int8Array
    birth_day: Int32Array
    residence_start: Int32Array
    residence_end: Int32Array
    municipality: Int16Array
    death_day: Int32Array
    liability: Float32Array
    bmi_at_20: Float32Array
    bmi_slope_per_year: Float32Array
    exposure_start: Int32Array
    exposure_stop: Int32Array
    education_level: Int8Array
    income_rank: Float32Array
    onset_day: Int32Array
    occurrence_day: Int32Array
    occurrence_detected_day: Int32Array
    detected_day: Int32Array
    treatment_day: Int32Array
    onset_day_under: Int32Array
    death_day_under: Int32Array
    treatment_stop_day: Int32Array
    treatment_for: Int8Array
    treatment_again_day: Int32Array
    treatment_again_for: Int8Array
    resumed_treatment: Int8Array
    resumed_day: Int32Array
    resumed_stop_day: Int32Array
    delivery_day: Int32Array
    fatal_condition: Int8Array
    cause_of_death: Int8Array
    hba1c_set_point: Float32Array
    mother: Int64Array
    father: Int64Array
    partner: Int64Array
    partner_since: Int32Array

    @property
    def smoking_start(self) -> Int32Array:
        """First day of smoking, int32, shape (n_persons,)."""
        return self.exposure_start[:, 0]

    @property
    def smoking_stop(self) -> Int32Array:
        """Day of stopping to smoke, int32, shape (n_persons,)."""
        return self.exposure_stop[:, 0]

    @property
    def onset_day_untreated(self) -> Int32Array:
        """Onsets under the first intervention, by default that nobody is treated, shape (n_persons, n_conditions)."""
        return self.onset_day_under[:, 0]

    @property
    def death_day_untreated(self) -> Int32Array:
        """Death under the first intervention, by default that nobody is treated, shape (n_persons,)."""
        return self.death_day_under[:, 0]
