"""The parameter files of care, compiled to the arrays that the kernels read."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np

from sandkasse.cohort.observation import care as c
from sandkasse.cohort.observation.calendar import FIRST_YEAR, LAST_YEAR, compile_calendar, day_of
from sandkasse.cohort.observation.care import Care, CareArrays, Density, Floats, Ints
from sandkasse.cohort.observation.traps import NAMES as TRAP_NAMES
from sandkasse.cohort.observation.vocabulary import (
    ERAS,
    Parameters,
    Vocabulary,
    all_products,
    code_sets,
    current_products,
    make_vocabulary,
)
from sandkasse.cohort.records import as_record


def compile_care(
    parameters: Parameters,
    *,
    conditions: Sequence[str],
    treatments: Sequence[str],
    recurring: Sequence[str] = (),
    traits: Sequence[str] = (),
    density: Density = "light",
) -> Care:
    """Turn parameters into arrays, in the columns of a life model.

    Args:
        parameters: As `read_parameters` gives them.
        conditions: The life's conditions, in column order.
        treatments: The life's treatments, in column order.
        recurring: Those of the conditions that come again, in the order of `LifeShard.occurrence_day`.
        traits: The life's traits, in column order.
        density: `register` for every service that the register has, `light` for the contacts themselves alone.

    Returns:
        The compiled care. Conditions and treatments that the life does not have receive none.
    """
    words = make_vocabulary(parameters, conditions=conditions, treatments=treatments)
    life = Life(tuple(conditions), tuple(treatments), tuple(recurring), tuple(traits))
    arrays = CareArrays(
        calendar=compile_calendar(**parameters["planning"]),
        places=_places(parameters),
        codes=_codes(parameters, words),
        false_codes=_false_codes(parameters, words, life),
        drugs=_drugs(parameters, words, life),
        laboratory=_laboratory(parameters, words, life),
        primary=_primary(parameters, words, density),
        hospital=_hospital(parameters, words, life),
        stays=_stays(parameters, words),
        mess=_mess(parameters, words),
        conditions=_conditions(parameters, words, life),
    )
    return Care(as_record(arrays), words, arrays.conditions.rate[:, c.BURDEN].copy())


@dataclass(frozen=True)
class Life:
    """Names of the columns of the life's arrays.

    Attributes:
        conditions: See `LifeShard.onset_day`.
        treatments: See `LifeShard.treatment_day`.
        recurring: See `LifeShard.occurrence_day`.
        traits: See `LifeShard.liability`.
    """

    conditions: tuple[str, ...]
    treatments: tuple[str, ...]
    recurring: tuple[str, ...]
    traits: tuple[str, ...]

    def has(self, entry: Mapping[str, Any]) -> bool:
        """Say whether the life has everything that an entry of a parameter file names."""
        needed = [entry[key] for key in ("condition", "begun_for", "with") if key in entry]
        treatments = [entry["treatment"]] if "treatment" in entry else []
        return set(needed) <= set(self.conditions) and set(treatments) <= set(self.treatments)

    def replaces(self, entry: Mapping[str, Any]) -> bool:
        """Say whether the life itself gives what an entry stands for where it does not (its `unless`)."""
        return bool({entry.get("unless")} & {*self.conditions, *self.treatments})


def _ints(values: Any) -> Ints:
    return np.array(values, dtype=np.int64)


def _floats(values: Any) -> Floats:
    return np.array(values, dtype=np.float64)


def _cumulative(weights: Any) -> Floats:
    """Turn weights along the last axis into cumulative shares."""
    total = np.cumsum(_floats(weights), axis=-1)
    return np.ascontiguousarray(total / total[..., -1:])


def _padded(lists: Sequence[Sequence[float]]) -> Any:
    """Make one array of lists of different lengths, -1 after the last of each."""
    most = max(map(len, lists), default=0)
    return np.array([[*listed, *[-1] * (most - len(listed))] for listed in lists]).reshape(len(lists), most)


def _by_sex(table: Mapping[str, Any]) -> Floats:
    return _floats([table["man"], table["woman"]])


def _places(parameters: Parameters) -> c.Places:
    start = np.full(1000, max(map(day_of, parameters["laboratory_start"].values())), dtype=np.int64)
    for name, codes in parameters["regions"].items():
        start[codes] = day_of(parameters["laboratory_start"][name])
    practices = parameters["practices"]
    return c.Places(start, practices["per_municipality"], practices["log_sd_contacts"], practices["log_sd_testing"])


def _codes(parameters: Parameters, words: Vocabulary) -> c.Codes:
    number = {code: index for index, code in enumerate(words.diagnoses)}
    codes = np.zeros((len(words.sets), 2, c.MAX_CODES), dtype=np.int64)
    counts = np.zeros((len(words.sets), 2), dtype=np.int64)
    for row, eras in enumerate(code_sets(parameters).values()):
        for era, listed in enumerate(eras):
            counts[row, era] = len(listed)
            codes[row, era, : len(listed)] = [number[code] for code in listed]
    errors, registers, of_some = parameters["errors"], parameters["registers"], parameters["codes_of_some"]
    limited = [of_some.get(code) for code in words.diagnoses]
    return c.Codes(
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
        instead=_ints([number[entry["else"]] if entry else -1 for entry in limited]),
        of_sex=_ints([("man", "woman").index(entry["sex"]) if entry else -1 for entry in limited]),
        from_age=_floats([entry["from_age"] if entry else 0.0 for entry in limited]),
    )


def _false_codes(parameters: Parameters, words: Vocabulary, life: Life) -> c.FalseCodes:
    rows = [row for row in parameters["miscoded"] if life.has(row)]
    share = [[row["share"] * (name in row["at"]) for row in rows] + [0.0] for name in words.specialty_names]
    sets = [words.sets.index(parameters["conditions"][row["condition"]]["codes"]) for row in rows]
    return c.FalseCodes(
        share=np.cumsum(_floats(share), axis=1),
        column=_ints([life.conditions.index(row["condition"]) for row in rows] + [0]),
        codes=_ints([*sets, 0]),
        from_age=_floats([row["from_age"] for row in rows] + [0.0]),
        as_main=parameters["errors"]["miscoded_as_main"],
    )


def _drugs(parameters: Parameters, words: Vocabulary, life: Life) -> c.Drugs:
    classes, products = parameters["classes"], all_products(parameters)
    ends = np.cumsum([len(entry["products"]) for entry in classes.values()])
    current = current_products(parameters)
    before = list(range(len(products)))
    moved = [row for row, product in enumerate(current) if "atc_until_2016" in product]
    for former, row in enumerate(moved, start=len(current)):
        before[row] = former
    years = [product["years"] for product in products]
    chronic = [name for name, entry in classes.items() if "start_man" in entry and not life.replaces(entry)]
    everybody = [name for name, entry in classes.items() if "start_man" in entry]
    passing = [name for name, entry in classes.items() if "passing" in entry]
    dispensing = parameters["dispensing"]
    return c.Drugs(
        products=_ints(np.stack([np.concatenate([[0], ends[:-1]]), ends], axis=1)),
        use=_floats([entry["ddd_per_day"] for entry in classes.values()]),
        share=_floats([product["share"] for product in products]),
        pack=_floats([pack for _, pack in words.products]),
        sold=_ints([(day_of(date(first, 1, 1)), day_of(date(last + 1, 1, 1))) for first, last in years]),
        before_2017=_ints(before),
        adherence_lowest=dispensing["adherence_lowest"],
        switch=dispensing["switch_product"],
        stock=dispensing["days_in_stock"],
        errand_days=_floats(dispensing["errand_days"]),
        errand_within=dispensing["errand_within"],
        errand_share=dispensing["errand_share"],
        away_on_saturday=dispensing["away_on_saturday"],
        chronic=_ints([words.classes.index(name) for name in chronic]),
        chronic_stream=_ints([everybody.index(name) for name in chronic]),
        chronic_start=_floats([[classes[name]["start_man"], classes[name]["start_woman"]] for name in chronic]),
        chronic_years=_floats([classes[name]["years"] for name in chronic]),
        passing=_ints([words.classes.index(name) for name in passing]),
        passing_share=_cumulative(np.transpose([classes[name]["passing"] for name in passing])),
    )


def _laboratory(parameters: Parameters, words: Vocabulary, life: Life) -> c.Laboratory:
    analyses, panels = parameters["analyses"], parameters["panels"]
    most = max(map(len, panels.values()))
    numbers = {name: row for row, name in enumerate(words.analysis_names)} | {"hba1c": c.HBA1C}
    keys = ("man", "woman", "per_year", "between", "within")
    shifts = [row for row in parameters["shifts"] if life.has(row)]
    shifts.sort(key=lambda row: words.analysis_names.index(row["analysis"]))
    known = [name for name in parameters["conditions"] if name in life.conditions]
    counts = [sum(row["analysis"] == name for row in shifts) for name in words.analysis_names]
    hba1c, screening = parameters["hba1c"], parameters["screening"]
    groups, beside = parameters["groups"], parameters["beside"]
    screened = ("general", "metabolic", "thyroid", "acute", "pregnancy")
    return c.Laboratory(
        ticks=_floats([10.0 ** entry["decimals"] for entry in analyses.values()]),
        is_log=np.array([entry.get("log", False) for entry in analyses.values()]),
        shape=_floats([[entry.get(key, 0.0) for key in keys] for entry in analyses.values()]),
        trait=_ints([_position(life.traits, entry.get("trait")) for entry in analyses.values()]),
        shift_first=_ints(np.concatenate([[0], np.cumsum(counts)])),
        shift=_ints(
            [
                (_position(known, row.get("condition")), _position(life.treatments, row.get("treatment")))
                for row in shifts
            ]
        ).reshape(-1, 2),
        shift_by=_floats([row["by"] for row in shifts]),
        panel=_ints([[numbers[name] for name in listed] + [-1] * (most - len(listed)) for listed in panels.values()]),
        n_first=sum("beside" not in entry for entry in analyses.values()),
        group=_padded([[words.analysis_names.index(name) for name in listed] for listed in groups.values()]),
        beside=_padded([[list(groups).index(name) for name in beside.get(panel, {})] for panel in panels]),
        beside_share=_padded([list(beside.get(panel, {}).values()) for panel in panels]).astype(np.float64),
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


def _primary(parameters: Parameters, words: Vocabulary, density: str) -> c.Primary:
    visits, sampling, children = parameters["visits"], parameters["sampling"], parameters["children"]
    other, ancillary = parameters["other_services"], parameters["ancillary_services"]
    follow = parameters["follow_up_services"]
    names = list(dict.fromkeys([*other["man"], *other["woman"]]))
    rates = _floats([[other[sex].get(name, [0.0] * c.N_BANDS) for name in names] for sex in ("man", "woman")])
    rates = np.ascontiguousarray(rates.transpose(0, 2, 1))
    return c.Primary(
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
        follow=_ints([words.service_names.index(follow[name]["service"]) if name in follow else -1 for name in names]),
        follow_mean=_floats([[follow.get(name, {}).get(key, 0.0) for key in ("mean", "weeks")] for name in names]),
        service=_ints([words.service_names.index(name) for name in c.NAMED_SERVICES]),
        ancillary=parameters["density"][density],
        ancillary_share=_cumulative(list(ancillary.values())),
        ancillary_service=_ints([words.service_names.index(name) for name in ancillary]),
        settlement=parameters["settlement"]["mean_weeks"],
        child_rate=children["services_per_year"],
        child_until=children["until_age"],
        child_diabetes=children["share_with_diabetes"],
        child_foot=children["foot_per_year"],
    )


def _hospital(parameters: Parameters, words: Vocabulary, life: Life) -> c.Hospital:
    kinds = [parameters[name] for name in ("inpatient", "outpatient", "emergency")]
    causes = parameters["causes"]
    left = [entry.get("left", 0.0) if life.replaces(entry) else 1.0 for entry in causes.values()]
    weights = _floats([entry["weight"] for entry in causes.values()]).T * _floats(left)
    is_urgent = np.array([entry.get("urgent", False) for entry in causes.values()])
    return c.Hospital(
        rate=_floats([_by_sex(kind) for kind in kinds]),
        illness=_floats([kind["illness"] for kind in kinds]),
        last_year=_floats([kind["last_year_of_life"] for kind in kinds]),
        samples=_floats(parameters["samples"]["share"]),
        cause_share=_cumulative([weights * ~is_urgent, weights * is_urgent]),
        cause_specialty=_ints([words.specialty_names.index(entry["specialty"]) for entry in causes.values()]),
        cause_set=_ints(
            [words.sets.index(f"{name}_else" if life.replaces(entry) else name) for name, entry in causes.items()]
        ),
    )


def _stays(parameters: Parameters, words: Vocabulary) -> c.Stays:
    stays, operations = parameters["stays"], parameters["operations"]
    number = {code: index for index, code in enumerate(words.operations)}
    code = np.zeros((len(operations), len(ERAS), c.MAX_CODES), dtype=np.int64)
    counts = np.zeros((len(operations), len(ERAS)), dtype=np.int64)
    for row, entry in enumerate(operations.values()):
        for era, name in enumerate(ERAS):
            counts[row, era] = len(entry[name])
            code[row, era, : len(entry[name])] = [number[listed] for listed in entry[name]]
    begins = [tuple(entry["diagnoses"]) for entry in operations.values()]
    of_diagnosis = [
        next((row for row, those in enumerate(begins) if code.startswith(those)), -1) for code in words.diagnoses
    ]
    return c.Stays(
        mean_days=np.interp(np.arange(FIRST_YEAR, LAST_YEAR + 1), stays["years"], stays["mean_days"]),
        psychiatry=words.specialty_names.index("psychiatry"),
        casualty=words.specialty_names.index("emergency"),
        psychiatry_factor=stays["psychiatry"],
        per_year_of_age=stays["per_year_of_age"],
        least=60.0 * stays["least_hours"],
        outpatient=_floats(stays["outpatient_minutes"]),
        emergency=_floats(stays["emergency_minutes"]),
        acute=np.where(
            [code.startswith(tuple(stays["acute_diagnoses"])) for code in words.diagnoses],
            stays["acute_diagnoses_share"],
            stays["acute_share"],
        ),
        virtual=stays["virtual_share"],
        virtual_from=day_of(stays["virtual_from"]),
        operation=_ints(of_diagnosis),
        share=_floats([entry["share"] for entry in operations.values()]),
        code=code,
        n=counts,
    )


def _mess(parameters: Parameters, words: Vocabulary) -> c.Mess:
    mess, analyses, sets = parameters["mess"], parameters["analyses"], parameters["sets"]
    middle = []
    for entry in analyses.values():
        values = [entry.get(sex, 0.0) for sex in ("man", "woman")]
        middle.append([(np.exp(v) if entry.get("log") else v) * 10.0 ** entry["decimals"] for v in values])
    kept = np.ones(1000)
    for region, codes in parameters["regions"].items():
        kept[codes] = mess["secondary_kept"][region]
    codes = [[sets[name][era][0] for era in ("icd8", "icd10")] for name in ("observation_code", "follow_up_code")]
    return c.Mess(
        share=_floats([mess[name] for name in c.MESS_SHARES]),
        drift_years=_ints(mess["coding_drift_years"]),
        other_unit=_floats([mess["other_units"].get(name, 0.0) for name in words.analysis_names]),
        middle=_floats(middle),
        code=_ints([[words.diagnoses.index(code) for code in pair] for pair in codes]),
        secondary_kept=kept,
    )


def _conditions(parameters: Parameters, words: Vocabulary, life: Life) -> c.Conditions:
    rows = {name: entry for name, entry in parameters["conditions"].items() if name in life.conditions}
    names = list(rows)
    therapies = [row for row in parameters["therapies"] if life.has(row)]
    drugs = [row for row in parameters["condition_drugs"] if row["condition"] in names and not life.replaces(row)]
    extras = [row for row in parameters["condition_services"] if row["condition"] in names]
    return c.Conditions(
        column=_ints([life.conditions.index(name) for name in names]),
        codes=_ints([[words.sets.index(entry[key]) for key in ("codes", "later")] for entry in rows.values()]),
        specialty=_ints([words.specialty_names.index(entry["specialty"]) for entry in rows.values()]),
        rate=_floats([[entry.get(rate, 0.0) for rate in c.CONDITION_RATES] for entry in rows.values()]),
        panel=_ints([words.panels.index(entry["panel"]) for entry in rows.values()]),
        recurs=_ints([_position(life.recurring, name) for name in names]),
        diabetes=_ints([_position(names, name) for name in ("t1d", "t2d")]),
        gdm=_position(life.conditions, "gdm"),
        therapy=_ints([_therapy(row, words, life) for row in therapies]).reshape(-1, 6),
        indicated=_floats([row.get("indicated", 0.0) for row in therapies]),
        drug=_ints([(names.index(row["condition"]), words.classes.index(row["class"])) for row in drugs]).reshape(
            -1, 2
        ),
        drug_share=_floats([(row["share"], row["delay_days"], row.get("days", 0.0)) for row in drugs]).reshape(-1, 3),
        extra=_ints(
            [(names.index(row["condition"]), words.service_names.index(row["service"])) for row in extras]
        ).reshape(-1, 2),
        extra_rate=_floats([(row["share"], row["per_year"], row["years"]) for row in extras]).reshape(-1, 3),
        admitted_on_death=parameters["last_days"]["admitted_on_death"],
        pregnancy=_floats([parameters["pregnancies"][name] for name in c.PREGNANCY_NUMBERS]),
        pregnancy_set=_ints([words.sets.index(name) for name in ("pregnancy", "delivery", "gdm")]),
        obstetrics=words.specialty_names.index("obstetrics"),
        insulin=words.classes.index("insulin_basal"),
    )


def _therapy(row: Mapping[str, Any], words: Vocabulary, life: Life) -> tuple[int, int, int, int, int, int]:
    return (
        life.treatments.index(row["treatment"]),
        words.classes.index(row["class"]),
        _position(life.conditions, row.get("begun_for")),
        _position(life.conditions, row.get("with")),
        _position(TRAP_NAMES, row.get("trap")),
        row.get("indications", 0),
    )


def _position(names: Sequence[str], name: str | None) -> int:
    return list(names).index(name) if name is not None and name in names else -1
