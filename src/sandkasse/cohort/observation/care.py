"""The parameters of care, read from TOML and compiled to arrays that the kernel reads."""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from importlib.resources import files
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

EPOCH = date(1970, 1, 1)
FIRST_YEAR, LAST_YEAR = 1977, 2024
FIRST_DAY = (date(FIRST_YEAR, 1, 1) - EPOCH).days
END_DAY = (date(LAST_YEAR + 1, 1, 1) - EPOCH).days
QUANTILES = 2048

TRAPS = (
    "undiagnosed",
    "miscoded",
    "retracted",
    "type_confusion",
    "metformin_pcos",
    "glp1_weight_loss",
    "sglt2_heart_failure",
    "atc_moved_2017",
    "gestational_diabetes",
    "hba1c_units",
    "lab_coverage",
    "settlement_week",
    "child_mark",
    "outpatient_1995",
    "sicker_tested_more",
)
(
    UNDIAGNOSED,
    MISCODED,
    RETRACTED,
    TYPE_CONFUSION,
    METFORMIN_PCOS,
    GLP1_WEIGHT_LOSS,
    SGLT2_HEART_FAILURE,
    ATC_MOVED_2017,
    GESTATIONAL_DIABETES,
    HBA1C_UNITS,
    LAB_COVERAGE,
    SETTLEMENT_WEEK,
    CHILD_MARK,
    OUTPATIENT_1995,
    SICKER_TESTED_MORE,
) = range(len(TRAPS))

_SOURCES = ("places", "diagnoses", "drugs", "laboratory", "services", "errors", "care")
_MAX_CODES = 12


class CareArrays(NamedTuple):
    """What the kernel reads; rows follow the names in `Vocabulary`.

    Attributes:
        elective_day: Day of the year of each quantile, by year: weekdays, few in July and around Christmas, int16,
            shape (n_years, QUANTILES).
        acute_day: As above, every day alike.
        year_start: First day of each year and of the one after the last, int32, shape (n_years + 1,).
        region_of: Region of each municipality code, int8, shape (1000,).
        lab_start: First day of each region's laboratories in lab_forsker, int32, shape (n_regions,).
        diagnosis: Code numbers of each set in ICD-8 and in ICD-10, int16, shape (n_sets, 2, _MAX_CODES).
        diagnosis_n: How many of them are used, int16, shape (n_sets, 2).
        condition_column: Column of the condition in the life, int16, shape (n_conditions,).
        condition_set: Set of codes of the condition, int16, shape (n_conditions,).
        condition_specialty: Specialty that follows the condition, int16, shape (n_conditions,).
        condition_rate: Rates in the order of `CONDITION_RATES`, float64, shape (n_conditions, n_rates).
        therapy: Treatment column, drug class, condition that it must have been begun for or -1, condition that the person
            must have or -1, int16, shape (n_therapies, 4).
        therapy_trap: The trap that it is, or -1, int16, shape (n_therapies,).
        therapy_indications: Number of indication codes that prescriptions of it may carry, int16, shape (n_therapies,).
        therapy_indicated: Share of persons whose prescriptions carry one, float64, shape (n_therapies,).
        class_products: First product of a drug class and the one after its last, int16, shape (n_classes, 2).
        class_ddd_per_day: float64, shape (n_classes,).
        product_share: float64, shape (n_products,).
        product_pack: Defined daily doses in a pack, float64, shape (n_products,).
        product_days: First day on the market and the one after the last, int32, shape (n_products, 2).
        product_before_2017: The same pack under its code until 2016, int16, shape (n_products,).
        column: Columns of the life in the order of `COLUMNS`, -1 where the life has none, int16.
        number: Single parameters in the order of `NUMBERS`, float64.
    """

    elective_day: npt.NDArray[np.int16]
    acute_day: npt.NDArray[np.int16]
    year_start: npt.NDArray[np.int32]
    region_of: npt.NDArray[np.int8]
    lab_start: npt.NDArray[np.int32]
    diagnosis: npt.NDArray[np.int16]
    diagnosis_n: npt.NDArray[np.int16]
    condition_column: npt.NDArray[np.int16]
    condition_set: npt.NDArray[np.int16]
    condition_specialty: npt.NDArray[np.int16]
    condition_rate: npt.NDArray[np.float64]
    therapy: npt.NDArray[np.int16]
    therapy_trap: npt.NDArray[np.int16]
    therapy_indications: npt.NDArray[np.int16]
    therapy_indicated: npt.NDArray[np.float64]
    class_products: npt.NDArray[np.int16]
    class_ddd_per_day: npt.NDArray[np.float64]
    product_share: npt.NDArray[np.float64]
    product_pack: npt.NDArray[np.float64]
    product_days: npt.NDArray[np.int32]
    product_before_2017: npt.NDArray[np.int16]
    column: npt.NDArray[np.int16]
    number: npt.NDArray[np.float64]


CONDITION_RATES = (
    "admitted",
    "outpatient_early",
    "outpatient_late",
    "early_years",
    "gp",
    "tests",
    "also_coded",
    "foot",
)
ADMITTED, OUTPATIENT_EARLY, OUTPATIENT_LATE, EARLY_YEARS, GP_VISITS, TESTS, ALSO_CODED, FOOT = range(
    len(CONDITION_RATES)
)

_CONDITION_COLUMNS = ("t1d", "t2d", "gdm", "pcos", "obesity", "mi", "stroke", "hf", "ckd")
_GLUCOSE_LOWERING = ("metformin", "sulfonylurea", "dpp4", "glp1", "sglt2", "insulin")
COLUMNS = (*_CONDITION_COLUMNS, *_GLUCOSE_LOWERING)
T1D, T2D, GDM, PCOS, OBESITY, MI, STROKE, HF, CKD = range(9)
FIRST_GLUCOSE_LOWERING, INSULIN = 9, 14

# Where each single parameter stands in the files: its table and its key.
_NUMBER_KEYS = (
    ("hba1c", "measurement_sd"),
    ("hba1c", "dcct_only_until"),
    ("hba1c", "dcct_and_ifcc_until"),
    ("hba1c", "overlooked_share"),
    ("errors", "type_confusion_t1d"),
    ("errors", "type_confusion_t2d"),
    ("errors", "unspecified_type"),
    ("settlement", "mean_weeks"),
    ("practices", "per_municipality"),
    ("practices", "log_sd_contacts"),
    ("practices", "log_sd_testing"),
    ("registers", "outpatients_from"),
    ("registers", "emergency_until"),
    ("registers", "icd10_from"),
    ("dispensing", "adherence_lowest"),
    ("dispensing", "switch_product"),
    ("dispensing", "days_in_stock"),
)
(
    MEASUREMENT_SD,
    DCCT_ONLY_UNTIL,
    DCCT_AND_IFCC_UNTIL,
    OVERLOOKED,
    CONFUSION_T1D,
    CONFUSION_T2D,
    UNSPECIFIED_TYPE,
    SETTLEMENT_WEEKS,
    PRACTICES,
    SD_CONTACTS,
    SD_TESTING,
    OUTPATIENTS_FROM,
    EMERGENCY_UNTIL,
    ICD10_FROM,
    ADHERENCE_LOWEST,
    SWITCH_PRODUCT,
    DAYS_IN_STOCK,
) = range(len(_NUMBER_KEYS))


@dataclass(frozen=True)
class Vocabulary:
    """The words behind the numbers in observed events.

    Attributes:
        diagnoses: Diagnosis codes.
        sets: Names of the sets of diagnosis codes.
        specialties: (c_spec, text as in LPR3).
        atc: ATC code of each product.
        volume: Defined daily doses in a pack of each product.
        indications: Indication codes.
        analyses: (NPU code, unit, decimals).
        services: Five-digit service codes.
        regions: Names of the regions.
    """

    diagnoses: tuple[str, ...]
    sets: tuple[str, ...]
    specialties: tuple[tuple[str, str], ...]
    specialty_names: tuple[str, ...]
    atc: tuple[str, ...]
    volume: tuple[float, ...]
    indications: tuple[str, ...]
    indication_names: tuple[str, ...]
    analyses: tuple[tuple[str, str, int], ...]
    analysis_names: tuple[str, ...]
    services: tuple[str, ...]
    service_names: tuple[str, ...]
    regions: tuple[str, ...]


@dataclass(frozen=True)
class Care:
    """The compiled parameters of care and the words behind their numbers."""

    arrays: CareArrays
    words: Vocabulary
    parameters: Mapping[str, Any]


def read_parameters() -> dict[str, Any]:
    """Read the shipped parameter files into one mapping, one key for each table in them."""
    folder = files("sandkasse.cohort") / "params_observation"
    parameters: dict[str, Any] = {}
    for name in _SOURCES:
        parameters |= tomllib.loads((folder / f"{name}.toml").read_text(encoding="utf-8"))
    return parameters


def compile_care(parameters: Mapping[str, Any], *, conditions: Sequence[str], treatments: Sequence[str]) -> Care:
    """Turn parameters into arrays, in the columns of a life model.

    Args:
        parameters: As `read_parameters` gives them.
        conditions: The life's conditions, in column order.
        treatments: The life's treatments, in column order.

    Returns:
        The compiled care. Conditions and treatments that the life does not have receive none.
    """
    words = _vocabulary(parameters)
    arrays = CareArrays(
        **_calendar(),
        **_places(parameters, words),
        **_diagnoses(parameters, words),
        **_conditions(parameters, words, conditions),
        **_therapies(parameters, conditions, treatments),
        **_products(parameters, words),
        column=_columns(conditions, treatments),
        number=_numbers(parameters),
    )
    return Care(arrays, words, parameters)


def day_of(value: date) -> int:
    """Count days from 1970-01-01."""
    return (value - EPOCH).days


def _vocabulary(parameters: Mapping[str, Any]) -> Vocabulary:
    sets = parameters["sets"]
    codes = dict.fromkeys(code for entry in sets.values() for era in ("icd8", "icd10") for code in entry.get(era, ()))
    products = _all_products(parameters)
    return Vocabulary(
        diagnoses=tuple(codes),
        sets=tuple(sets),
        specialties=tuple((entry["c_spec"], entry["text"]) for entry in parameters["specialties"].values()),
        specialty_names=tuple(parameters["specialties"]),
        atc=tuple(product["atc"] for _, product in products),
        volume=tuple(float(product["pack_ddd"]) for _, product in products),
        indications=tuple(parameters["indications"].values()),
        indication_names=tuple(parameters["indications"]),
        analyses=tuple((a["npu"], a["unit"], a["decimals"]) for a in parameters["analyses"].values()),
        analysis_names=tuple(parameters["analyses"]),
        services=tuple(entry["code"] for entry in parameters["services"].values()),
        service_names=tuple(parameters["services"]),
        regions=tuple(parameters["regions"]),
    )


def _all_products(parameters: Mapping[str, Any]) -> list[tuple[str, Mapping[str, Any]]]:
    """List products of all classes in order, then the same packs under their codes until 2016."""
    current = [(name, product) for name, entry in parameters["classes"].items() for product in entry["products"]]
    former = [
        (name, {**product, "atc": product["atc_until_2016"]})
        for name, product in current
        if "atc_until_2016" in product
    ]
    return current + former


def _calendar() -> dict[str, Any]:
    elective, acute = [], []
    starts = [day_of(date(year, 1, 1)) for year in range(FIRST_YEAR, LAST_YEAR + 2)]
    for start, end in zip(starts, starts[1:], strict=False):
        days = np.arange(start, end)
        weekday = (days + 3) % 7
        months = np.array([date.fromordinal(EPOCH.toordinal() + int(day)).timetuple()[1:3] for day in days])
        weight = np.where(weekday < 5, 1.0, 0.0)
        weight[months[:, 0] == 7] *= 0.55
        weight[(months[:, 0] == 12) & (months[:, 1] >= 23)] *= 0.3
        weight[(months[:, 0] == 12) & (months[:, 1].clip(24, 26) == months[:, 1])] = 0.0
        weight[(months[:, 0] == 1) & (months[:, 1] == 1)] = 0.0
        elective.append(_quantiles(weight))
        acute.append(_quantiles(np.ones(len(days))))
    return {
        "elective_day": np.array(elective, dtype=np.int16),
        "acute_day": np.array(acute, dtype=np.int16),
        "year_start": np.array(starts, dtype=np.int32),
    }


def _quantiles(weight: npt.NDArray[np.float64]) -> npt.NDArray[np.int64]:
    share = np.cumsum(weight) / weight.sum()
    return np.searchsorted(share, (np.arange(QUANTILES) + 0.5) / QUANTILES).astype(np.int64)


def _places(parameters: Mapping[str, Any], words: Vocabulary) -> dict[str, Any]:
    region_of = np.zeros(1000, dtype=np.int8)
    for number, name in enumerate(words.regions):
        region_of[parameters["regions"][name]] = number
    starts = [day_of(parameters["laboratory_start"][name]) for name in words.regions]
    return {"region_of": region_of, "lab_start": np.array(starts, dtype=np.int32)}


def _diagnoses(parameters: Mapping[str, Any], words: Vocabulary) -> dict[str, Any]:
    number = {code: index for index, code in enumerate(words.diagnoses)}
    codes = np.zeros((len(words.sets), 2, _MAX_CODES), dtype=np.int16)
    counts = np.zeros((len(words.sets), 2), dtype=np.int16)
    for row, name in enumerate(words.sets):
        for era, key in enumerate(("icd8", "icd10")):
            listed = parameters["sets"][name].get(key, [])
            counts[row, era] = len(listed)
            codes[row, era, : len(listed)] = [number[code] for code in listed]
    return {"diagnosis": codes, "diagnosis_n": counts}


def _conditions(parameters: Mapping[str, Any], words: Vocabulary, conditions: Sequence[str]) -> dict[str, Any]:
    rows = [(name, entry) for name, entry in parameters["conditions"].items() if name in conditions]
    return {
        "condition_column": np.array([conditions.index(name) for name, _ in rows], dtype=np.int16),
        "condition_set": np.array([words.sets.index(entry["codes"]) for _, entry in rows], dtype=np.int16),
        "condition_specialty": np.array(
            [words.specialty_names.index(entry["specialty"]) for _, entry in rows], dtype=np.int16
        ),
        "condition_rate": np.array(
            [[entry.get(rate, 0.0) for rate in CONDITION_RATES] for _, entry in rows], dtype=float
        ),
    }


def _therapies(parameters: Mapping[str, Any], conditions: Sequence[str], treatments: Sequence[str]) -> dict[str, Any]:
    classes = list(parameters["classes"])
    known = set(conditions)
    rows = [
        row
        for row in parameters["therapies"]
        if row["treatment"] in treatments and {row.get("begun_for"), row.get("with"), None} <= known | {None}
    ]
    table = [
        (
            treatments.index(row["treatment"]),
            classes.index(row["class"]),
            conditions.index(row["begun_for"]) if "begun_for" in row else -1,
            conditions.index(row["with"]) if "with" in row else -1,
        )
        for row in rows
    ]
    return {
        "therapy": np.array(table, dtype=np.int16).reshape(-1, 4),
        "therapy_trap": np.array([TRAPS.index(row["trap"]) if "trap" in row else -1 for row in rows], dtype=np.int16),
        "therapy_indications": np.array([row.get("indications", 0) for row in rows], dtype=np.int16),
        "therapy_indicated": np.array([row.get("indicated", 0.0) for row in rows], dtype=float),
    }


def _products(parameters: Mapping[str, Any], words: Vocabulary) -> dict[str, Any]:
    products = _all_products(parameters)
    n_current = sum(len(entry["products"]) for entry in parameters["classes"].values())
    former = iter(range(n_current, len(products)))
    before = [
        next(former) if index < n_current and "atc_until_2016" in product else index
        for index, (_, product) in enumerate(products)
    ]
    bounds, first = [], 0
    for entry in parameters["classes"].values():
        bounds.append((first, first + len(entry["products"])))
        first = bounds[-1][1]
    days = [(day_of(date(p["years"][0], 1, 1)), day_of(date(p["years"][1] + 1, 1, 1))) for _, p in products]
    return {
        "class_products": np.array(bounds, dtype=np.int16),
        "class_ddd_per_day": np.array([e["ddd_per_day"] for e in parameters["classes"].values()], dtype=float),
        "product_share": np.array([product["share"] for _, product in products], dtype=float),
        "product_pack": np.array(words.volume, dtype=float),
        "product_days": np.array(days, dtype=np.int32),
        "product_before_2017": np.array(before, dtype=np.int16),
    }


def _columns(conditions: Sequence[str], treatments: Sequence[str]) -> npt.NDArray[np.int16]:
    found = [conditions.index(name) if name in conditions else -1 for name in _CONDITION_COLUMNS]
    found += [treatments.index(name) if name in treatments else -1 for name in _GLUCOSE_LOWERING]
    return np.array(found, dtype=np.int16)


def _numbers(parameters: Mapping[str, Any]) -> npt.NDArray[np.float64]:
    values = [parameters[table][key] for table, key in _NUMBER_KEYS]
    # Years in which something begins are compared with days.
    return np.array([day_of(value) if isinstance(value, date) else float(value) for value in values])
