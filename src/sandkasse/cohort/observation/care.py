"""The parameters of care, compiled to the arrays that the kernels read."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from sandkasse.cohort.observation.calendar import Calendar, compile_calendar, day_of
from sandkasse.cohort.observation.traps import NAMES as TRAP_NAMES
from sandkasse.cohort.observation.vocabulary import (
    Parameters,
    Vocabulary,
    all_products,
    code_sets,
    current_products,
    make_vocabulary,
)
from sandkasse.cohort.records import as_record

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

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
        chronic: Classes that everybody may come to use, int64, shape (n_chronic,).
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
    chronic: Ints
    chronic_start: Floats
    chronic_years: Floats
    passing: Ints
    passing_share: Floats


class Laboratory(NamedTuple):
    """Analyses and panels.

    Attributes:
        ticks: 10 ** decimals of each analysis, float64, shape (n_analyses,).
        is_log: Whether an analysis is simulated as its logarithm, bool, shape (n_analyses,).
        shape: Mean of men and women at 50, change per year of age, spread between and within persons, addition with
            known kidney disease, float64, shape (n_analyses, 6).
        panel: Analyses of each panel, -1 after the last, int64, shape (n_panels, n_most).
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
    panel: Ints
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
        service: Numbers of the services in `NAMED_SERVICES`, int64.
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
    service: Ints
    settlement: float
    child_rate: float
    child_until: float
    child_diabetes: float
    child_foot: float


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
        diabetes: Rows of type 1 and type 2 diabetes, -1 where the life has none, int64, shape (2,).
        ckd: Row of kidney disease, -1 where the life has none.
        gdm: Column of gestational diabetes, -1 where the life has none.
        therapy: Treatment column, drug class, condition that it must have been begun for or -1, condition that the
            person must have or -1, trap or -1, number of indication codes, int64, shape (n_therapies, 6).
        indicated: Share of persons whose prescriptions carry one, float64, shape (n_therapies,).
        drug: Row of the condition and drug class, int64, shape (n_condition_drugs, 2).
        drug_share: Share of persons and mean delay in days, float64, shape (n_condition_drugs, 2).
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
    diabetes: Ints
    ckd: int
    gdm: int
    therapy: Ints
    indicated: Floats
    drug: Ints
    drug_share: Floats
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
)
ADMITTED, OUTPATIENT_EARLY, OUTPATIENT_LATE, EARLY_YEARS, GP_VISITS, TESTS, ALSO_CODED, FOOT_RATE, BURDEN = range(9)
AT_HOSPITAL, FOOT_SHARE, CONFIRMED = 9, 10, 11
PREGNANCY_NUMBERS = ("outpatient", "gp", "child_gp", "gdm_outpatient", "gdm_tests", "gdm_insulin", "length_days")
VISITS_HOSPITAL, VISITS_GP, VISITS_CHILD, GDM_OUTPATIENT, GDM_TESTS, GDM_INSULIN, LENGTH_DAYS = range(7)


class CareArrays(NamedTuple):
    """Everything that the kernels read of the parameters."""

    calendar: Calendar
    places: Places
    codes: Codes
    drugs: Drugs
    laboratory: Laboratory
    primary: Primary
    hospital: Hospital
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


def compile_care(parameters: Parameters, *, conditions: Sequence[str], treatments: Sequence[str]) -> Care:
    """Turn parameters into arrays, in the columns of a life model.

    Args:
        parameters: As `read_parameters` gives them.
        conditions: The life's conditions, in column order.
        treatments: The life's treatments, in column order.

    Returns:
        The compiled care. Conditions and treatments that the life does not have receive none.
    """
    words = make_vocabulary(parameters)
    arrays = CareArrays(
        calendar=compile_calendar(**parameters["planning"]),
        places=_places(parameters),
        codes=_codes(parameters, words),
        drugs=_drugs(parameters, words),
        laboratory=_laboratory(parameters, words),
        primary=_primary(parameters, words),
        hospital=_hospital(parameters, words),
        conditions=_conditions(parameters, words, list(conditions), list(treatments)),
    )
    return Care(as_record(arrays), words, arrays.conditions.rate[:, BURDEN].copy())


def _ints(values: Any) -> Ints:
    return np.array(values, dtype=np.int64)


def _floats(values: Any) -> Floats:
    return np.array(values, dtype=np.float64)


def _cumulative(weights: Any) -> Floats:
    """Turn weights along the last axis into cumulative shares."""
    total = np.cumsum(_floats(weights), axis=-1)
    return np.ascontiguousarray(total / total[..., -1:])


def _by_sex(table: Mapping[str, Any]) -> Floats:
    return _floats([table["man"], table["woman"]])


def _places(parameters: Parameters) -> Places:
    start = np.full(1000, max(map(day_of, parameters["laboratory_start"].values())), dtype=np.int64)
    for name, codes in parameters["regions"].items():
        start[codes] = day_of(parameters["laboratory_start"][name])
    practices = parameters["practices"]
    return Places(start, practices["per_municipality"], practices["log_sd_contacts"], practices["log_sd_testing"])


def _codes(parameters: Parameters, words: Vocabulary) -> Codes:
    number = {code: index for index, code in enumerate(words.diagnoses)}
    codes = np.zeros((len(words.sets), 2, MAX_CODES), dtype=np.int64)
    counts = np.zeros((len(words.sets), 2), dtype=np.int64)
    for row, eras in enumerate(code_sets(parameters).values()):
        for era, listed in enumerate(eras):
            counts[row, era] = len(listed)
            codes[row, era, : len(listed)] = [number[code] for code in listed]
    errors, registers = parameters["errors"], parameters["registers"]
    return Codes(
        code=codes,
        n=counts,
        diabetes=_ints([words.sets.index(name) for name in ("t1d", "t2d", "diabetes_unspecified")]),
        icd10_from=day_of(registers["icd10_from"]),
        outpatients_from=day_of(registers["outpatients_from"]),
        emergency_until=day_of(registers["emergency_until"]),
        confused=_floats([errors["type_confusion_t1d"], errors["type_confusion_t2d"]]),
        unspecified=errors["unspecified_type"],
        miscoded=errors["miscoded"],
        retracted=errors["retracted"],
    )


def _drugs(parameters: Parameters, words: Vocabulary) -> Drugs:
    classes, products = parameters["classes"], all_products(parameters)
    ends = np.cumsum([len(entry["products"]) for entry in classes.values()])
    current = current_products(parameters)
    before = list(range(len(products)))
    moved = [row for row, product in enumerate(current) if "atc_until_2016" in product]
    for former, row in enumerate(moved, start=len(current)):
        before[row] = former
    years = [product["years"] for product in products]
    chronic = [name for name, entry in classes.items() if "start_man" in entry]
    passing = [name for name, entry in classes.items() if "passing" in entry]
    dispensing = parameters["dispensing"]
    return Drugs(
        products=_ints(np.stack([np.concatenate([[0], ends[:-1]]), ends], axis=1)),
        use=_floats([entry["ddd_per_day"] for entry in classes.values()]),
        share=_floats([product["share"] for product in products]),
        pack=_floats([pack for _, pack in words.products]),
        sold=_ints([(day_of(date(first, 1, 1)), day_of(date(last + 1, 1, 1))) for first, last in years]),
        before_2017=_ints(before),
        adherence_lowest=dispensing["adherence_lowest"],
        switch=dispensing["switch_product"],
        stock=dispensing["days_in_stock"],
        chronic=_ints([words.classes.index(name) for name in chronic]),
        chronic_start=_floats([[classes[name]["start_man"], classes[name]["start_woman"]] for name in chronic]),
        chronic_years=_floats([classes[name]["years"] for name in chronic]),
        passing=_ints([words.classes.index(name) for name in passing]),
        passing_share=_cumulative(np.transpose([classes[name]["passing"] for name in passing])),
    )


def _laboratory(parameters: Parameters, words: Vocabulary) -> Laboratory:
    analyses, panels = parameters["analyses"], parameters["panels"]
    most = max(map(len, panels.values()))
    numbers = {name: row for row, name in enumerate(words.analysis_names)} | {"hba1c": HBA1C}
    keys = ("man", "woman", "per_year", "between", "within", "with_ckd")
    hba1c, screening = parameters["hba1c"], parameters["screening"]
    screened = ("general", "metabolic", "thyroid", "acute", "pregnancy")
    return Laboratory(
        ticks=_floats([10.0 ** entry["decimals"] for entry in analyses.values()]),
        is_log=np.array([entry.get("log", False) for entry in analyses.values()]),
        shape=_floats([[entry.get(key, 0.0) for key in keys] for entry in analyses.values()]),
        panel=_ints([[numbers[name] for name in listed] + [-1] * (most - len(listed)) for listed in panels.values()]),
        screening=_floats([screening[name] for name in screened[:3]]),
        screened=_ints([words.panels.index(name) for name in screened]),
        hospital_hba1c=screening["hospital_hba1c"],
        measurement_sd=hba1c["measurement_sd"],
        sd_per_excess=hba1c["sd_per_excess"],
        raised_share=hba1c["raised_share"],
        raised_mean=hba1c["raised_mean"],
        repeated_share=hba1c["repeated_share"],
        repeated_days=_ints(hba1c["repeated_days"]),
        dcct_only_until=day_of(hba1c["dcct_only_until"]),
        dcct_and_ifcc_until=day_of(hba1c["dcct_and_ifcc_until"]),
        overlooked=hba1c["overlooked_share"],
    )


def _primary(parameters: Parameters, words: Vocabulary) -> Primary:
    visits, sampling, children = parameters["visits"], parameters["sampling"], parameters["children"]
    other = parameters["other_services"]
    names = list(dict.fromkeys([*other["man"], *other["woman"]]))
    rates = _floats([[other[sex].get(name, [0.0] * N_BANDS) for name in names] for sex in ("man", "woman")])
    rates = np.ascontiguousarray(rates.transpose(0, 2, 1))
    return Primary(
        visits=_by_sex(visits),
        telephone=visits["telephone"],
        email=visits["email"],
        email_from=day_of(visits["email_from"]),
        home=_floats(visits["home"]),
        sd_persons=visits["log_sd_persons"],
        illness=visits["illness"],
        last_year=visits["last_year_of_life"],
        prescribe=_floats(parameters["prescribing"]["share"]),
        sample=_floats(sampling["share"]),
        sample_illness=sampling["illness"],
        sample_evened=sampling["evened"],
        other=np.ascontiguousarray(rates.sum(axis=2)),
        other_share=_cumulative(rates),
        other_service=_ints([words.service_names.index(name) for name in names]),
        service=_ints([words.service_names.index(name) for name in NAMED_SERVICES]),
        settlement=parameters["settlement"]["mean_weeks"],
        child_rate=children["services_per_year"],
        child_until=children["until_age"],
        child_diabetes=children["share_with_diabetes"],
        child_foot=children["foot_per_year"],
    )


def _hospital(parameters: Parameters, words: Vocabulary) -> Hospital:
    kinds = [parameters[name] for name in ("inpatient", "outpatient", "emergency")]
    causes = parameters["causes"]
    weights = _floats([entry["weight"] for entry in causes.values()]).T
    is_urgent = np.array([entry.get("urgent", False) for entry in causes.values()])
    return Hospital(
        rate=_floats([_by_sex(kind) for kind in kinds]),
        illness=_floats([kind["illness"] for kind in kinds]),
        last_year=_floats([kind["last_year_of_life"] for kind in kinds]),
        samples=_floats(parameters["samples"]["share"]),
        cause_share=_cumulative([weights * ~is_urgent, weights * is_urgent]),
        cause_specialty=_ints([words.specialty_names.index(entry["specialty"]) for entry in causes.values()]),
        cause_set=_ints([words.sets.index(name) for name in causes]),
    )


def _conditions(parameters: Parameters, words: Vocabulary, conditions: list[str], treatments: list[str]) -> Conditions:
    rows = {name: entry for name, entry in parameters["conditions"].items() if name in conditions}
    names = list(rows)
    therapies = [
        row
        for row in parameters["therapies"]
        if row["treatment"] in treatments
        and all(row.get(key, conditions[0]) in conditions for key in ("begun_for", "with"))
    ]
    drugs = [row for row in parameters["condition_drugs"] if row["condition"] in names]
    return Conditions(
        column=_ints([conditions.index(name) for name in names]),
        codes=_ints([[words.sets.index(entry[key]) for key in ("codes", "later")] for entry in rows.values()]),
        specialty=_ints([words.specialty_names.index(entry["specialty"]) for entry in rows.values()]),
        rate=_floats([[entry.get(rate, 0.0) for rate in CONDITION_RATES] for entry in rows.values()]),
        panel=_ints([words.panels.index(entry["panel"]) for entry in rows.values()]),
        diabetes=_ints([_position(names, name) for name in ("t1d", "t2d")]),
        ckd=_position(names, "ckd"),
        gdm=_position(conditions, "gdm"),
        therapy=_ints([_therapy(row, words, conditions, treatments) for row in therapies]).reshape(-1, 6),
        indicated=_floats([row.get("indicated", 0.0) for row in therapies]),
        drug=_ints([(names.index(row["condition"]), words.classes.index(row["class"])) for row in drugs]).reshape(
            -1, 2
        ),
        drug_share=_floats([(row["share"], row["delay_days"]) for row in drugs]).reshape(-1, 2),
        admitted_on_death=parameters["last_days"]["admitted_on_death"],
        pregnancy=_floats([parameters["pregnancies"][name] for name in PREGNANCY_NUMBERS]),
        pregnancy_set=_ints([words.sets.index(name) for name in ("pregnancy", "delivery", "gdm")]),
        obstetrics=words.specialty_names.index("obstetrics"),
        insulin=words.classes.index("insulin_basal"),
    )


def _therapy(
    row: Mapping[str, Any], words: Vocabulary, conditions: list[str], treatments: list[str]
) -> tuple[int, int, int, int, int, int]:
    return (
        treatments.index(row["treatment"]),
        words.classes.index(row["class"]),
        _position(conditions, row.get("begun_for")),
        _position(conditions, row.get("with")),
        _position(list(TRAP_NAMES), row.get("trap")),
        row.get("indications", 0),
    )


def _position(names: list[str], name: str | None) -> int:
    return names.index(name) if name in names else -1
