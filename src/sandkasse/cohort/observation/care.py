"""The parameters of care as arrays, which the kernels read."""

from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from sandkasse.cohort.observation.calendar import Calendar
from sandkasse.cohort.observation.vocabulary import Vocabulary

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

Density = Literal["light", "register"]
AGE_BANDS = (0, 5, 15, 25, 45, 65, 80)
N_BANDS = len(AGE_BANDS)
MAX_CODES = 12
INPATIENT, OUTPATIENT, EMERGENCY = 0, 2, 3
HBA1C = 0  # the analysis that stands for HbA1c in panels; its result has the number of its unit, 0 or 1
HBA1C_DCCT = 1


class Places(NamedTuple):
    """Regions and practices.

    Attributes:
        lab_start: First day of the laboratories of each municipality code, int64, shape (1000,).
        practices: Practices in a municipality.
        sd_contacts: Spread between practices in contacts, of the logarithm.
        sd_testing: Spread between practices in blood samples, of the logarithm.
    """

    lab_start: Ints
    practices: int
    sd_contacts: float
    sd_testing: float


class Codes(NamedTuple):
    """Diagnosis codes and how they err.

    Attributes:
        code: Code numbers of each set in ICD-8 and in ICD-10, int64, shape (n_sets, 2, MAX_CODES).
        n: How many of them are used, int64, shape (n_sets, 2).
        diabetes: Sets of type 1, type 2 and unspecified diabetes, int64, shape (3,).
        icd10_from: First day of ICD-10.
        outpatients_from: First day of outpatients and emergency visits in the register.
        emergency_until: Day from which emergency visits count as outpatients.
        confused: Share of contacts with the other type's code, for type 1 and type 2, float64, shape (2,).
        unspecified: Share of contacts with an unspecified type.
        miscoded: Share of other contacts with a diabetes code.
        retracted: The same from 2019 on, retracted later.
        instead: Code that stands in for each code among those whom it cannot be of, -1 if it can be of everybody,
            int64, shape (n_diagnoses,).
        of_sex: 0 man, 1 woman: whom such a code can be of, int64, shape (n_diagnoses,).
        from_age: From which age on, float64, shape (n_diagnoses,).
    """

    code: Ints
    n: Ints
    diabetes: Ints
    icd10_from: int
    outpatients_from: int
    emergency_until: int
    confused: Floats
    unspecified: float
    miscoded: float
    retracted: float
    instead: Ints
    of_sex: Ints
    from_age: Floats


class FalseCodes(NamedTuple):
    """Codes of diseases other than diabetes at contacts of persons who do not have them.

    Attributes:
        share: Cumulative shares of a department's contacts that carry each disease's code, float64, shape
            (n_specialties, n_rows + 1); the last row is none and adds nothing.
        column: Column of the life of each disease, int64, shape (n_rows + 1,).
        codes: Its set of codes, int64, shape (n_rows + 1,).
        from_age: Age in years from which it is coded falsely, float64, shape (n_rows + 1,).
        as_main: Share of false codes that are the main diagnosis.
    """

    share: Floats
    column: Ints
    codes: Ints
    from_age: Floats
    as_main: float


class Drugs(NamedTuple):
    """Drugs.

    Attributes:
        products: First product of a class and the one after its last, int64, shape (n_classes, 2).
        use: Defined daily doses a day, float64, shape (n_classes,).
        share: Share of a product on the market, float64, shape (n_products,).
        pack: Defined daily doses in a pack, float64, shape (n_products,).
        sold: First day on the market and the one after the last, int64, shape (n_products, 2).
        before_2017: The same pack under its code until 2016, int64, shape (n_products,).
        adherence_lowest: Lowest share of doses taken.
        switch: Chance of another product at a refill.
        stock: Days of use that one collection aims at.
        errand_days: Shortest and longest time between a person's errands at the pharmacy, float64, shape (2,).
        errand_within: Days by which a refill is moved to an errand at the most.
        errand_share: Share of refills that are.
        away_on_saturday: Share of Saturday's collections that wait until a weekday.
        chronic: Classes that everybody may come to use, int64, shape (n_chronic,).
        chronic_stream: Numbers of their streams of draws, int64, shape (n_chronic,).
        chronic_start: Their rates of beginning, float64, shape (n_chronic, 2, N_BANDS).
        chronic_years: Their mean years of use, float64, shape (n_chronic,).
        passing: Classes for what passes, int64, shape (n_passing,).
        passing_share: Their cumulative shares by age band, float64, shape (N_BANDS, n_passing).
    """

    products: Ints
    use: Floats
    share: Floats
    pack: Floats
    sold: Ints
    before_2017: Ints
    adherence_lowest: float
    switch: float
    stock: float
    errand_days: Floats
    errand_within: float
    errand_share: float
    away_on_saturday: float
    chronic: Ints
    chronic_stream: Ints
    chronic_start: Floats
    chronic_years: Floats
    passing: Ints
    passing_share: Floats


class Laboratory(NamedTuple):
    """Analyses and panels.

    Attributes:
        ticks: 10 ** decimals of each analysis, float64, shape (n_analyses,).
        is_log: Whether an analysis is simulated as its logarithm, bool, shape (n_analyses,).
        shape: Mean of men and women at 50, change per year of age, spread between and within persons, float64,
            shape (n_analyses, 5).
        trait: The life's trait that stands for the spread between persons, -1 if there is none, int64,
            shape (n_analyses,).
        shift_first: First row of `shift` of each analysis and the one after the last, int64, shape (n_analyses + 1,).
        shift: What moves an analysis: row of a known condition or -1, column of a running treatment or -1, int64,
            shape (n_shifts, 2).
        shift_by: How far, float64, shape (n_shifts,).
        panel: Analyses of each panel, -1 after the last, int64, shape (n_panels, n_most).
        n_first: How many analyses have their spread between persons drawn with the person; the others' comes beside.
        group: Analyses of each group that comes beside a panel, -1 after the last, int64, shape (n_groups, n_most).
        beside: Groups that may come beside each panel, -1 after the last, int64, shape (n_panels, n_most).
        beside_share: Their chances, float64, of the same shape.
        screening: Chance of the panels general, metabolic and thyroid by age band, float64, shape (3, N_BANDS).
        screened: Numbers of these panels, and of `acute` and `pregnancy`, int64, shape (5,).
        hospital_hba1c: Chance of an HbA1c beside a hospital's panel.
        measurement_sd: Error of HbA1c in mmol/mol.
        sd_per_excess: Its growth for each mmol/mol above the diagnostic limit.
        raised_share: Share of tests that something else than diabetes raises.
        raised_mean: By how much, in mmol/mol.
        repeated_share: Chance that a high value of somebody not known to have diabetes is followed by a second test.
        repeated_days: After how many days at the least and at the most, int64, shape (2,).
        dcct_only_until: Day from which mmol/mol is reported.
        dcct_and_ifcc_until: Day from which per cent is not reported any more.
        overlooked: Share of high tests of unknown diabetics that nobody acts on.
    """

    ticks: Floats
    is_log: npt.NDArray[np.bool_]
    shape: Floats
    trait: Ints
    shift_first: Ints
    shift: Ints
    shift_by: Floats
    panel: Ints
    n_first: int
    group: Ints
    beside: Ints
    beside_share: Floats
    screening: Floats
    screened: Ints
    hospital_hba1c: float
    measurement_sd: float
    sd_per_excess: float
    raised_share: float
    raised_mean: float
    repeated_share: float
    repeated_days: Ints
    dcct_only_until: int
    dcct_and_ifcc_until: int
    overlooked: float


class Primary(NamedTuple):
    """Primary care; rates per year, by sex and age band.

    Attributes:
        visits: float64, shape (2, N_BANDS).
        telephone: Share of contacts by telephone.
        email: Share of contacts by e-mail, once there is any.
        email_from: Day from which there is.
        home: Share of contacts at home, float64, shape (N_BANDS,).
        sd_persons: Spread between persons, of the logarithm.
        illness: Addition to contacts for each unit of burden.
        last_year: Addition to contacts in the last year of life.
        prescribe: Chance of a prescription for what passes, float64, shape (N_BANDS,).
        sample: Chance of a blood sample, float64, shape (N_BANDS,).
        sample_illness: Its addition for each unit of burden.
        sample_evened: Its factor when everybody is tested alike.
        other: Rates of all other services together, float64, shape (2, N_BANDS).
        other_share: Their cumulative shares, float64, shape (2, N_BANDS, n_other).
        other_service: Their numbers, int64, shape (n_other,).
        follow: Number of the service that comes again after each of them, -1 if none, int64, shape (n_other,).
        follow_mean: How often, and within how many weeks, float64, shape (n_other, 2).
        service: Numbers of the services in `NAMED_SERVICES`, int64.
        ancillary: Services that come with each contact in general practice, beside the contact's own.
        ancillary_share: Their cumulative shares, float64, shape (n_ancillary,).
        ancillary_service: Their numbers, int64, shape (n_ancillary,).
        settlement: Mean weeks to settlement.
        child_rate: Services a year of a child that stand under the mother's number.
        child_until: Age until which they do.
        child_diabetes: Share of children with diabetes.
        child_foot: Their podiatry per year.
    """

    visits: Floats
    telephone: float
    email: float
    email_from: int
    home: Floats
    sd_persons: float
    illness: float
    last_year: float
    prescribe: Floats
    sample: Floats
    sample_illness: float
    sample_evened: float
    other: Floats
    other_share: Floats
    other_service: Ints
    follow: Ints
    follow_mean: Floats
    service: Ints
    ancillary: float
    ancillary_share: Floats
    ancillary_service: Ints
    settlement: float
    child_rate: float
    child_until: float
    child_diabetes: float
    child_foot: float


class Stays(NamedTuple):
    """How long contacts last and what is done at them.

    Attributes:
        mean_days: Mean stay of an inpatient by calendar year, float64, shape (n_years,).
        psychiatry: Number of this specialty.
        casualty: Number of the emergency departments' specialty.
        psychiatry_factor: How much longer its stays are.
        per_year_of_age: Growth of the mean per year of age from 50 on.
        least: Shortest stay in minutes.
        outpatient: Shortest and longest visit in minutes, float64, shape (2,).
        emergency: The same of emergency visits.
        acute: Share of admissions that are acute, by main diagnosis, float64, shape (n_diagnoses,).
        virtual: Share of outpatient contacts that are virtual.
        virtual_from: Day from which they are.
        operation: Row of the operation that a main diagnosis can bring, -1 if none, int64, shape (n_diagnoses,).
        share: Share of inpatient, outpatient and emergency contacts with it, float64, shape (n_operations, 3).
        code: Codes in the classification of the time, int64, shape (n_operations, n_eras, MAX_CODES).
        n: How many are used, int64, shape (n_operations, n_eras).
    """

    mean_days: Floats
    psychiatry: int
    casualty: int
    psychiatry_factor: float
    per_year_of_age: float
    least: float
    outpatient: Floats
    emergency: Floats
    acute: Floats
    virtual: float
    virtual_from: int
    operation: Ints
    share: Floats
    code: Ints
    n: Ints


class Mess(NamedTuple):
    """What goes wrong in the tier `messy`.

    Attributes:
        share: In the order of `MESS_SHARES`, float64.
        drift_years: First and last year of the drift, int64, shape (2,).
        other_unit: Factor to the other unit of each analysis, 0 where it has none, float64, shape (n_analyses,).
        middle: Middle of each analysis in ticks for men and women, float64, shape (n_analyses, 2).
        code: Codes of observation and of follow-up in ICD-8 and ICD-10, int64, shape (2, 2).
        secondary_kept: Share of secondary diagnoses kept by municipality code, float64, shape (1000,).
    """

    share: Floats
    drift_years: Ints
    other_unit: Floats
    middle: Floats
    code: Ints
    secondary_kept: Floats


MESS_SHARES = (
    "duplicates",
    "unit_mixups",
    "missing_by_value",
    "late_codes",
    "coding_drift",
    "own_device",
    "own_device_tests",
)
SHARE_TWICE, SHARE_MIXED, SHARE_MISSING, SHARE_LATE, SHARE_DRIFT, SHARE_DEVICE, SHARE_DEVICE_TESTS = range(7)


NAMED_SERVICES = (
    "gp_consultation",
    "gp_telephone",
    "gp_email",
    "gp_home_visit",
    "gp_blood_sample",
    "gp_pregnancy",
    "gp_child",
    "foot_diabetes",
    "foot_diabetes_first",
)
CONSULTATION, TELEPHONE, EMAIL, HOME, BLOOD_SAMPLE, PREGNANCY_VISIT, CHILD_VISIT, FOOT, FOOT_FIRST = range(9)


class Hospital(NamedTuple):
    """Hospital contacts for other causes: inpatient, outpatient, emergency.

    Attributes:
        rate: Per year, float64, shape (3, 2, N_BANDS).
        illness: Addition for each unit of burden, float64, shape (3,).
        last_year: Contacts added in the last year of life, float64, shape (3,).
        samples: Chance of a panel, float64, shape (3,).
        cause_share: Cumulative shares of the causes, of planned and of urgent contacts, float64,
            shape (2, N_BANDS, n_causes).
        cause_specialty: int64, shape (n_causes,).
        cause_set: Set of codes, int64, shape (n_causes,).
    """

    rate: Floats
    illness: Floats
    last_year: Floats
    samples: Floats
    cause_share: Floats
    cause_specialty: Ints
    cause_set: Ints


class Conditions(NamedTuple):
    """Care of the conditions of the life.

    Attributes:
        column: Column of the life, int64, shape (n_conditions,).
        codes: Sets of codes when detected and later, int64, shape (n_conditions, 2).
        specialty: int64, shape (n_conditions,).
        rate: In the order of `CONDITION_RATES`, float64, shape (n_conditions, n_rates).
        panel: int64, shape (n_conditions,).
        recurs: Column of `Lives.occurrence` of a condition that comes again, -1 of others, int64,
            shape (n_conditions,).
        diabetes: Rows of type 1 and type 2 diabetes, -1 where the life has none, int64, shape (2,).
        gdm: Column of gestational diabetes, -1 where the life has none.
        therapy: Treatment column, drug class, condition that it must have been begun for or -1, condition that the
            person must have or -1, trap or -1, number of indication codes, int64, shape (n_therapies, 6).
        indicated: Share of persons whose prescriptions carry one, float64, shape (n_therapies,).
        drug: Row of the condition and drug class, int64, shape (n_condition_drugs, 2).
        drug_share: Share of persons, mean delay in days, and days of use or 0 for ever, float64,
            shape (n_condition_drugs, 3).
        extra: Row of the condition and number of a service, int64, shape (n_extras, 2).
        extra_rate: Share of persons, services per year, years after detection, float64, shape (n_extras, 3).
        admitted_on_death: Chance of an admission on the day of an acute death.
        pregnancy: In the order of `PREGNANCY_NUMBERS`, float64.
        pregnancy_set: Sets of codes of pregnancy, delivery and gestational diabetes, int64, shape (3,).
        obstetrics: Its specialty.
        insulin: Drug class of the insulin for gestational diabetes.
    """

    column: Ints
    codes: Ints
    specialty: Ints
    rate: Floats
    panel: Ints
    recurs: Ints
    diabetes: Ints
    gdm: int
    therapy: Ints
    indicated: Floats
    drug: Ints
    drug_share: Floats
    extra: Ints
    extra_rate: Floats
    admitted_on_death: float
    pregnancy: Floats
    pregnancy_set: Ints
    obstetrics: int
    insulin: int


CONDITION_RATES = (
    "admitted",
    "outpatient_early",
    "outpatient_late",
    "early_years",
    "gp",
    "tests",
    "also_coded",
    "foot",
    "burden",
    "at_hospital",
    "foot_share",
    "confirmed",
    "emergency",
)
ADMITTED, OUTPATIENT_EARLY, OUTPATIENT_LATE, EARLY_YEARS, GP_VISITS, TESTS, ALSO_CODED, FOOT_RATE, BURDEN = range(9)
AT_HOSPITAL, FOOT_SHARE, CONFIRMED, EMERGENCY_FIRST = range(9, 13)
PREGNANCY_NUMBERS = ("outpatient", "gp", "child_gp", "gdm_outpatient", "gdm_tests", "gdm_insulin", "length_days")
VISITS_HOSPITAL, VISITS_GP, VISITS_CHILD, GDM_OUTPATIENT, GDM_TESTS, GDM_INSULIN, LENGTH_DAYS = range(7)


class CareArrays(NamedTuple):
    """Everything that the kernels read of the parameters."""

    calendar: Calendar
    places: Places
    codes: Codes
    false_codes: FalseCodes
    drugs: Drugs
    laboratory: Laboratory
    primary: Primary
    hospital: Hospital
    stays: Stays
    mess: Mess
    conditions: Conditions


@dataclass(frozen=True)
class Care:
    """The compiled parameters of care and the words behind their numbers.

    Attributes:
        arrays: What the kernels read, as one record.
        words: What the numbers in observed events mean.
        burden: How ill each condition makes, float64, shape (n_conditions,).
    """

    arrays: CareArrays
    words: Vocabulary
    burden: Floats
