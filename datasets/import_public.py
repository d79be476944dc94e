# ruff: noqa: E501  the sentences of the cards are left as they are
"""Make the shipped public datasets from the files that their publishers gave out; for maintainers, never at run time.

    python datasets/import_public.py --source DIR [--licences /usr/share/common-licenses] [NAME …]

`DIR` holds the tables of the R packages *Epi* 2.47 and *survival* 3.5-3 as comma-separated files (`DMlate.csv`, …) with a
header row, `NA` for missing. Names and types change on the way, values never: what each column was called stands in the
contract. The datasets land beside this script.
"""

import argparse
import csv
import os
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from sandkasse.catalogue.card import CONTRACT_FILE, Card, CardDraft, Citation, Licence
from sandkasse.catalogue.seal import seal
from sandkasse.contract import Code, Column, Contract, Key, Reference, Table, write_contract
from sandkasse.contract.model import LogicalType, Provenance

CREATED = date(2026, 11, 22)
MISSING = ("NA", "NaN")
EPI_URL = "https://doi.org/10.32614/CRAN.package.Epi"
SURVIVAL_URL = "https://doi.org/10.32614/CRAN.package.survival"
EPI = Citation(
    text="Carstensen B, Plummer M, Läärä E, Hills M (2022). Epi: A Package for Statistical Analysis in Epidemiology. R "
    "package version 2.47.",
    doi="10.32614/CRAN.package.Epi",
)
SURVIVAL = Citation(
    text="Therneau T (2023). A Package for Survival Analysis in R. R package version 3.5-3.",
    doi="10.32614/CRAN.package.survival",
)
GPL_2 = Licence(name="GPL-2.0-only", url="https://spdx.org/licenses/GPL-2.0-only.html", file="LICENCE.txt")
LGPL_2 = Licence(name="LGPL-2.0-or-later", url="https://spdx.org/licenses/LGPL-2.0-or-later.html", file="LICENCE.txt")
LICENCE_TEXTS = {"GPL-2.0-only": "GPL-2", "LGPL-2.0-or-later": "LGPL-2"}
NOT_ASSESSED = (
    "Sandkasse has not assessed whether the persons are anonymous; the data are here because they are public."
)

SEX_LETTERS = {"M": "man", "F": "woman"}

PARSERS: dict[str, tuple[Callable[[str], Any], pa.DataType]] = {
    "string": (str, pa.string()),
    "integer": (int, pa.int32()),
    "number": (float, pa.float64()),
    "boolean": ({"0": False, "1": True}.__getitem__, pa.bool_()),
    "date": (date.fromisoformat, pa.date32()),
}


@dataclass(frozen=True)
class Taken:
    """A column, and what it was called in the published file (`#` is the row's number)."""

    source: str
    name: str
    type: LogicalType
    description: str
    unit: str = ""
    codes: dict[Any, str] = field(default_factory=dict)
    required: bool = True
    bounds: tuple[Any, Any] = (None, None)

    def promise(self, source_file: str) -> Column:
        """Give the column as the contract promises it."""
        origin = "the row's number in the file" if self.source == "#" else f"column {self.source}"
        return Column(
            name=self.name,
            type=self.type,
            description=self.description,
            unit=self.unit,
            codes=tuple(Code(value, label) for value, label in self.codes.items()),
            required=self.required,
            minimum=self.bounds[0],
            maximum=self.bounds[1],
            provenance=Provenance(source=f"{source_file}, {origin}"),
        )


@dataclass(frozen=True)
class TakenTable:
    """A table, and the published file that it was taken from."""

    source: str
    name: str
    description: str
    granularity: str
    columns: tuple[Taken, ...]
    keys: tuple[tuple[str, ...], ...] = ()
    references: tuple[Reference, ...] = ()

    def promise(self) -> Table:
        """Give the table as the contract promises it."""
        return Table(
            name=self.name,
            description=self.description,
            granularity=self.granularity,
            columns=tuple(column.promise(self.source) for column in self.columns),
            keys=tuple(Key(columns, primary=not index) for index, columns in enumerate(self.keys)),
            references=self.references,
            provenance=Provenance(source=self.source),
        )

    def read(self, folder: Path) -> pa.Table:
        """Read the published file: the same rows in the same order, under the new names and types."""
        with (folder / f"{self.source}.csv").open(encoding="utf-8", newline="") as handle:
            rows = list(csv.DictReader(handle))
        expected = {column.source for column in self.columns} - {"#"}
        if not rows or set(rows[0]) != expected:
            sys.exit(f"{self.source}.csv has other columns than this script expects: {sorted(set(rows[0]) ^ expected)}")
        return pa.table({column.name: _take(column, rows) for column in self.columns})


@dataclass(frozen=True)
class PublicDataset:
    """A dataset: what its card says, and its tables."""

    card: CardDraft
    tables: tuple[TakenTable, ...]

    def contract(self) -> Contract:
        """Give the contract, named as the dataset."""
        return Contract(
            name=self.card.id,
            version="1.0.0",
            id=f"sandkasse-{self.card.id}",
            domain=self.card.domain,
            purpose=self.card.summary,
            usage="Teaching and the development of methods, under the licence on the card.",
            limitations=" ".join(self.card.known_faults),
            tables=tuple(table.promise() for table in self.tables),
            provenance=Provenance(source=self.card.how_published),
        )


def import_dataset(dataset: PublicDataset, source: Path, target: Path, *, licences: Path) -> Card:
    """Make one dataset's folder; what was there before is replaced only when the new one is whole."""
    partial = target.with_name(f".{target.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    (partial / "data").mkdir(parents=True)
    for table in dataset.tables:
        pq.write_table(table.read(source), partial / "data" / f"{table.name}.parquet", compression="zstd")
    write_contract(dataset.contract(), partial / CONTRACT_FILE)
    shutil.copyfile(licences / LICENCE_TEXTS[dataset.card.licence.name], partial / "LICENCE.txt")
    card = seal(partial, dataset.card)
    shutil.rmtree(target, ignore_errors=True)
    os.rename(partial, target)
    return card


def _take(column: Taken, rows: list[dict[str, str]]) -> pa.Array:
    parse, arrow_type = PARSERS[column.type]
    if column.source == "#":
        return pa.array(range(1, len(rows) + 1), arrow_type)
    texts = (row[column.source] for row in rows)
    return pa.array([None if text in MISSING else parse(text) for text in texts], arrow_type)


YEAR = "decimal calendar year"
_REGISTER_COLUMNS = (
    Taken("#", "person_id", "integer", "Number of the row in the published file; not the register's own number."),
    Taken("sex", "sex", "string", "Sex.", codes=SEX_LETTERS),
    Taken(
        "dobth",
        "birth_year",
        "number",
        "Date of birth as a decimal year: 1997.0 is 1 January 1997. Moved by up to 7 days.",
        unit=YEAR,
        bounds=(1880.0, 2012.0),
    ),
    Taken("dodm", "inclusion_year", "number", "Date of inclusion in the register. Moved by up to 7 days.", unit=YEAR),
    Taken("dodth", "death_year", "number", "Date of death; null if alive at exit.", unit=YEAR, required=False),
    Taken(
        "dooad",
        "oral_drug_year",
        "number",
        "Date of the second prescription of an oral glucose-lowering drug, often used as the start of treatment; null "
        "if there is none.",
        unit=YEAR,
        required=False,
    ),
    Taken(
        "doins",
        "insulin_year",
        "number",
        "Date of the second prescription of insulin, often used as the start of treatment; null if there is none.",
        unit=YEAR,
        required=False,
    ),
    Taken("dox", "exit_year", "number", "Date of exit from follow-up: death or the end of 2009.", unit=YEAR),
)
_REGISTER_CARD: dict[str, Any] = {
    "domain": "registers",
    "tier": "public",
    "licence": GPL_2,
    "publisher": "Bendix Carstensen and co-authors, in the R package Epi; data of the Danish National Board of Health",
    "how_published": "Released as the data set {name} of the R package Epi 2.47; taken from there with names and types "
    "changed, values unchanged.",
    "anonymity": "The publisher states that the persons are a random sample and that every date was moved by up to 7 days; "
    "nothing else is stated by the publisher. " + NOT_ASSESSED,
    "citations": (
        Citation(
            text="Carstensen B, Kristensen JK, Ottosen P, Borch-Johnsen K (2008). The Danish National Diabetes Register: "
            "trends in incidence, prevalence and mortality. Diabetologia 51:2187–2196.",
            doi="10.1007/s00125-008-1156-z",
        ),
        EPI,
    ),
    "persons": 10_000,
    "modalities": ("registers",),
    "country": "DK",
    "created": CREATED,
    "how_to_get_real": "The register's successors are held by the Danish Health Data Authority (Sundhedsdatastyrelsen); "
    "researchers at authorised Danish institutions apply there.",
    "source_url": EPI_URL,
    "default_for": True,
}
_MOVED = (
    "Every date was moved by up to 7 days by the publisher, so dates of one person may stand in an impossible order."
)

DATASETS: tuple[PublicDataset, ...] = (
    PublicDataset(
        CardDraft(
            id="diabetes-register-sample",
            version="1.0.0",
            title="Danish National Diabetes Register: persons included after 1995",
            summary="A random sample of 10,000 persons whose inclusion in the Danish National Diabetes Register falls "
            "after 1 January 1995, followed to death or the end of 2009. One row per person: birth, inclusion, first "
            "treatments, death.",
            period="1995–2009",
            keywords=("diabetes", "survival", "register", "Denmark", "incidence", "mortality"),
            provenance={"file": "DMlate", "package": "Epi 2.47", "import": "datasets/import_public.py"},
            known_faults=(
                _MOVED,
                "The drug dates are those of the second prescription, not of the first.",
                "The sample starts at inclusion in the register, which is not the onset of diabetes.",
            ),
            **{**_REGISTER_CARD, "how_published": _REGISTER_CARD["how_published"].format(name="DMlate")},
        ),
        (
            TakenTable(
                "DMlate",
                "persons",
                "Persons included in the register after 1 January 1995.",
                "one row per person",
                _REGISTER_COLUMNS,
                keys=(("person_id",),),
            ),
        ),
    ),
    PublicDataset(
        CardDraft(
            id="diabetes-register-sample-all",
            version="1.0.0",
            title="Danish National Diabetes Register: persons included at any time",
            summary="A random sample of 10,000 persons from the whole Danish National Diabetes Register, followed to death "
            "or the end of 2009. One row per person. The birth date is known for the dead only: use "
            "diabetes-register-sample where age matters.",
            period="1990–2009",
            keywords=("diabetes", "survival", "register", "Denmark", "mortality", "missing data"),
            provenance={"file": "DMrand", "package": "Epi 2.47", "import": "datasets/import_public.py"},
            known_faults=(
                "The birth date is missing for all 6,253 persons who were alive at exit, and only for them.",
                _MOVED,
                "The drug dates are those of the second prescription, not of the first.",
            ),
            **{**_REGISTER_CARD, "how_published": _REGISTER_CARD["how_published"].format(name="DMrand")},
        ),
        (
            TakenTable(
                "DMrand",
                "persons",
                "Persons included in the register at any time.",
                "one row per person",
                tuple(
                    replace(
                        column,
                        required=False,
                        description="Date of birth as a decimal year; null for everybody who was alive at exit.",
                    )
                    if column.name == "birth_year"
                    else column
                    for column in _REGISTER_COLUMNS
                ),
                keys=(("person_id",),),
            ),
        ),
    ),
    PublicDataset(
        CardDraft(
            id="steno-2",
            version="1.0.0",
            title="Steno-2: intensified treatment of type 2 diabetes, followed for 21 years",
            summary="160 persons with type 2 diabetes and microalbuminuria, allocated to intensified or conventional "
            "treatment in 1992–1994 and followed to the end of 2014: persons, clinic visits and changes of albuminuria. The "
            "records are simulated and give roughly the published results.",
            domain="trials",
            tier="public",
            licence=GPL_2,
            publisher="Bendix Carstensen and co-authors, in the R package Epi; after a trial of Steno Diabetes Center",
            how_published="Released as the data sets steno2, st2clin and st2alb of the R package Epi 2.47; taken from there "
            "with names and types changed, values unchanged.",
            anonymity="The publisher states that the data are entirely simulated, and that all measurements and dates were "
            "randomly perturbed to prevent identification; how is not stated by the publisher. " + NOT_ASSESSED,
            citations=(
                Citation(
                    text="Gæde P, Oellgaard J, Carstensen B, Rossing P, Lund-Andersen H, Parving HH, Pedersen O (2016). Years "
                    "of life gained by multifactorial intervention in patients with type 2 diabetes mellitus and "
                    "microalbuminuria: 21 years follow-up on the Steno-2 randomised trial. Diabetologia 59:2298–2307.",
                    doi="10.1007/s00125-016-4065-6",
                ),
                EPI,
            ),
            persons=160,
            modalities=("clinical", "laboratory"),
            period="1992–2015",
            country="DK",
            created=CREATED,
            how_to_get_real="The trial's own records are held by Steno Diabetes Center Copenhagen; ask there.",
            keywords=("diabetes", "trial", "cardiovascular disease", "albuminuria", "multistate", "longitudinal"),
            source_url=EPI_URL,
            default_for=True,
            provenance={
                "file": "steno2, st2clin, st2alb",
                "package": "Epi 2.47",
                "import": "datasets/import_public.py",
            },
            known_faults=(
                "The records are simulated and perturbed: results resemble the published ones, and equal none of them.",
                "Because every date was moved by itself, dates of one person may stand in an impossible order: 75 of the 93 "
                "dead leave follow-up before their death, and 20 first cardiovascular events fall after the exit.",
                "The publisher gives cholesterol and creatinine in mg/mol; the values are those of mmol/L and µmol/L.",
            ),
        ),
        (
            TakenTable(
                "steno2",
                "persons",
                "The trial's participants with their events.",
                "one row per person",
                (
                    Taken("id", "person_id", "integer", "Number of the person."),
                    Taken(
                        "allo",
                        "allocation",
                        "string",
                        "Treatment that the person was allocated to.",
                        codes={"Int": "intensified treatment", "Conv": "conventional treatment"},
                    ),
                    Taken("sex", "sex", "string", "Sex.", codes=SEX_LETTERS),
                    Taken(
                        "baseCVD", "cvd_at_baseline", "boolean", "Whether there was cardiovascular disease at entry."
                    ),
                    Taken("deathCVD", "cvd_death", "boolean", "Whether the person died of cardiovascular disease."),
                    Taken("doBth", "birth_date", "date", "Date of birth."),
                    Taken("doDM", "diabetes_date", "date", "Date of the diagnosis of diabetes."),
                    Taken("doBase", "entry_date", "date", "Date of entry into the trial."),
                    *(
                        Taken(
                            f"doCVD{number}",
                            f"cvd{number}_date",
                            "date",
                            f"Date of the {word} cardiovascular event; null if there was none.",
                            required=False,
                        )
                        for number, word in ((1, "first"), (2, "second"), (3, "third"))
                    ),
                    Taken(
                        "doESRD",
                        "esrd_date",
                        "date",
                        "Date of end-stage renal disease; null if there was none.",
                        required=False,
                    ),
                    Taken("doEnd", "exit_date", "date", "Date of exit from follow-up."),
                    Taken("doDth", "death_date", "date", "Date of death; null if alive.", required=False),
                ),
                keys=(("person_id",),),
            ),
            TakenTable(
                "st2clin",
                "visits",
                "Measurements at visits to the clinic.",
                "one row per person and visit",
                (
                    Taken("id", "person_id", "integer", "Number of the person."),
                    Taken("doV", "visit_date", "date", "Date of the visit."),
                    Taken("a1c", "hba1c", "number", "Glycated haemoglobin (HbA1c).", unit="mmol/mol", required=False),
                    Taken(
                        "chol",
                        "cholesterol",
                        "number",
                        "Total cholesterol. The publisher gives the unit as mg/mol; the values are those of mmol/L.",
                        unit="mmol/L",
                        required=False,
                    ),
                    Taken(
                        "crea",
                        "creatinine",
                        "number",
                        "Creatinine. The publisher gives the unit as mg/mol; the values are those of µmol/L.",
                        unit="umol/L",
                        required=False,
                    ),
                ),
                keys=(("person_id", "visit_date"),),
                references=(Reference(("person_id",), "persons", ("person_id",)),),
            ),
            TakenTable(
                "st2alb",
                "albuminuria",
                "Changes between states of albuminuria. Everybody enters the trial with microalbuminuria.",
                "one row per person and change",
                (
                    Taken("id", "person_id", "integer", "Number of the person."),
                    Taken("doTr", "change_date", "date", "Date of the change."),
                    Taken(
                        "state",
                        "state",
                        "string",
                        "State that the person changed to.",
                        codes={"Norm": "normoalbuminuria", "Mic": "microalbuminuria", "Mac": "macroalbuminuria"},
                    ),
                ),
                keys=(("person_id", "change_date"),),
                references=(Reference(("person_id",), "persons", ("person_id",)),),
            ),
        ),
    ),
    PublicDataset(
        CardDraft(
            id="salmonella-1996",
            version="1.0.0",
            title="Salmonella Typhimurium on Funen, 1996: a matched case-control study",
            summary="An unusually large number of Salmonella Typhimurium infections was recorded on Funen (Fyn) in late "
            "summer 1996. 47 cases and 89 controls, matched on age, sex and residence, were asked by telephone what they had "
            "eaten; their shops were linked to meat plants.",
            domain="epidemiology",
            tier="public",
            licence=GPL_2,
            publisher="Bendix Carstensen and co-authors, in the R package Epi; data of Tine Hald, Danish Zoonosis Centre",
            how_published="Released as the data set S.typh of the R package Epi 2.47; taken from there with names and types "
            "changed, values unchanged.",
            anonymity="Not stated by the publisher. " + NOT_ASSESSED,
            citations=(
                Citation(
                    text="Mølbak K, Hald T (1997). Salmonella typhimurium udbrud på Fyn sensommeren 1996. En "
                    "case-kontrolundersøgelse. Ugeskrift for Læger 159(36):5372–5377."
                ),
                EPI,
            ),
            persons=136,
            modalities=("questionnaire",),
            period="1996",
            country="DK",
            created=CREATED,
            how_to_get_real="Outbreak investigations in Denmark lie with Statens Serum Institut; ask there.",
            keywords=("infection", "outbreak", "food", "case-control", "conditional logistic regression", "Denmark"),
            source_url=EPI_URL,
            default_for=True,
            provenance={"file": "S.typh", "package": "Epi 2.47", "import": "datasets/import_public.py"},
            known_faults=(
                "Five of the 47 matched sets have one control only, the others two.",
                "The age is missing for 19 persons, and plant 7 for 13.",
            ),
        ),
        (
            TakenTable(
                "S.typh",
                "interviews",
                "The persons who were interviewed, with what they had eaten in the two weeks before.",
                "one row per person",
                (
                    Taken("id", "person_id", "integer", "Number of the person."),
                    Taken("set", "matched_set", "integer", "Number of the matched set: one case and its controls."),
                    Taken("case", "is_case", "boolean", "Whether the person had the infection."),
                    Taken("age", "age", "integer", "Age.", unit="a", required=False, bounds=(0, 120)),
                    Taken("sex", "sex", "integer", "Sex.", codes={1: "man", 2: "woman"}),
                    Taken("abroad", "abroad", "boolean", "Whether the person had been abroad."),
                    *(
                        Taken(source, name, "boolean", f"Whether the person had eaten {food}.", required=False)
                        for source, name, food in (
                            ("beef", "beef", "beef"),
                            ("pork", "pork", "pork"),
                            ("veal", "veal", "veal"),
                            ("poultry", "poultry", "poultry"),
                            ("liverp", "liver_paste", "liver paste"),
                            ("veg", "vegetables", "vegetables"),
                            ("fruit", "fruit", "fruit"),
                            ("egg", "eggs", "eggs"),
                            ("plant7", "plant7", "meat from plant number 7, by the shops it was bought in"),
                        )
                    ),
                ),
                keys=(("person_id",),),
            ),
        ),
    ),
    PublicDataset(
        CardDraft(
            id="nafld",
            version="1.0.0",
            title="Non-alcoholic fatty liver disease in Olmsted County: cases and matched controls",
            summary="Adults with non-alcoholic fatty liver disease diagnosed in 1997–2014 in one county of Minnesota, about "
            "four matched controls each, their measurements before and after, and their metabolic and cardiac events. Three "
            "linked tables in days since the index date, without calendar dates; a 90 % random sample.",
            domain="epidemiology",
            tier="public",
            licence=LGPL_2,
            publisher="Terry M. Therneau, in the R package survival; data of Allen and co-authors, Mayo Clinic",
            how_published="Released as the data sets nafld1, nafld2 and nafld3 of the R package survival 3.5-3; taken from "
            "there with names and types changed, values unchanged.",
            anonymity="The publisher states that all times are days since an index date, that no date of the original was "
            "kept, that ages are whole years and identifiers arbitrary, and that only a 90 % random sample is included. "
            + NOT_ASSESSED,
            citations=(
                Citation(
                    text="Allen AM, Therneau TM, Larson JJ, Coward A, Somers VK, Kamath PS (2018). Nonalcoholic fatty liver "
                    "disease incidence and impact on metabolic burden and death: a 20 year community study. Hepatology "
                    "67:1726–1736."
                ),
                SURVIVAL,
            ),
            persons=17_549,
            modalities=("clinical", "laboratory"),
            period="1997–2014, as days since each person's index date",
            country="US",
            created=CREATED,
            how_to_get_real="The original records belong to the Rochester Epidemiology Project; researchers apply there.",
            keywords=("liver", "NAFLD", "survival", "matched controls", "multistate", "longitudinal", "linked tables"),
            source_url=SURVIVAL_URL,
            default_for=True,
            provenance={
                "file": "nafld1, nafld2, nafld3",
                "package": "survival 3.5-3",
                "import": "datasets/import_public.py",
            },
            known_faults=(
                "In the published file the rows of `chol` repeat those of `hdl` (all but one), and the rows of `dbp` repeat "
                "those of `sbp`: treat them as HDL cholesterol and systolic pressure, and total cholesterol and diastolic "
                "pressure as absent.",
                "3,817 measurements are exact repeats of another row.",
                "Some values are impossible, such as a blood pressure above 10,000.",
                "Because of the 90 % sample, 21 persons name a matched case who is not in the table.",
                "Analyses do not reproduce the article exactly.",
            ),
        ),
        (
            TakenTable(
                "nafld1",
                "persons",
                "Cases and controls at their index date.",
                "one row per person",
                (
                    Taken("id", "person_id", "integer", "Arbitrary number of the person."),
                    Taken("age", "age", "integer", "Age at the index date.", unit="a", bounds=(18, 120)),
                    Taken("male", "male", "boolean", "Whether the person is a man."),
                    Taken("weight", "weight", "number", "Weight.", unit="kg", required=False, bounds=(20.0, 300.0)),
                    Taken("height", "height", "number", "Height.", unit="cm", required=False, bounds=(100.0, 250.0)),
                    Taken(
                        "bmi", "bmi", "number", "Body mass index.", unit="kg/m2", required=False, bounds=(5.0, 100.0)
                    ),
                    Taken(
                        "case.id",
                        "case_id",
                        "integer",
                        "Number of the case that the person is matched to; a case's own number for itself. May name a "
                        "person who is not in the sample.",
                        required=False,
                    ),
                    Taken("futime", "followup_days", "integer", "Time to death or the last follow-up.", unit="d"),
                    Taken("status", "died", "boolean", "Whether the person died at the end of follow-up."),
                ),
                keys=(("person_id",),),
            ),
            TakenTable(
                "nafld2",
                "measurements",
                "Measurements before and after the index date.",
                "one row per measurement; some rows are repeated",
                (
                    Taken("id", "person_id", "integer", "Number of the person."),
                    Taken("days", "day", "integer", "Day of the measurement, counted from the index date.", unit="d"),
                    Taken(
                        "test",
                        "test",
                        "string",
                        "What was measured.",
                        codes={
                            "chol": "cholesterol; repeats hdl in the published file",
                            "hdl": "HDL cholesterol",
                            "sbp": "systolic blood pressure",
                            "dbp": "diastolic blood pressure; repeats sbp in the published file",
                            "fib4": "FIB-4 index of liver fibrosis",
                            "smoke": "smoking: 1 yes, 0 no",
                        },
                    ),
                    Taken(
                        "value",
                        "value",
                        "number",
                        "The measurement. Units are not stated by the publisher; the values are those of mg/dL for "
                        "cholesterol and of mm[Hg] for blood pressure.",
                    ),
                ),
                references=(Reference(("person_id",), "persons", ("person_id",)),),
            ),
            TakenTable(
                "nafld3",
                "events",
                "Diagnoses before and after the index date.",
                "one row per person, day and event",
                (
                    Taken("id", "person_id", "integer", "Number of the person."),
                    Taken("days", "day", "integer", "Day of the event, counted from the index date.", unit="d"),
                    Taken(
                        "event",
                        "event",
                        "string",
                        "What happened.",
                        codes={
                            "nafld": "non-alcoholic fatty liver disease",
                            "diabetes": "diabetes",
                            "htn": "hypertension",
                            "dyslipidemia": "dyslipidaemia",
                            "ang/isc": "angina or ischaemic heart disease",
                            "MI": "myocardial infarction",
                            "afib": "atrial fibrillation",
                            "heart failure": "heart failure",
                            "cardiac arrest": "cardiac arrest",
                            "stroke": "stroke",
                        },
                    ),
                ),
                keys=(("person_id", "day", "event"),),
                references=(Reference(("person_id",), "persons", ("person_id",)),),
            ),
        ),
    ),
    PublicDataset(
        CardDraft(
            id="rotterdam",
            version="1.0.0",
            title="Rotterdam tumour bank: primary breast cancer",
            summary="2,982 women with primary breast cancer operated on in 1978–1993, whose records were in the Rotterdam "
            "tumour bank: tumour, treatment, relapse and death. Used in the literature to build prognostic models.",
            domain="epidemiology",
            tier="public",
            licence=LGPL_2,
            publisher="Terry M. Therneau, in the R package survival; after Royston and Altman",
            how_published="Released as the data set rotterdam of the R package survival 3.5-3; taken from there with names "
            "and types changed, values unchanged.",
            anonymity="Not stated by the publisher. " + NOT_ASSESSED,
            citations=(
                Citation(
                    text="Royston P, Altman DG (2013). External validation of a Cox prognostic model: principles and methods. "
                    "BMC Medical Research Methodology 13:33.",
                    doi="10.1186/1471-2288-13-33",
                ),
                SURVIVAL,
            ),
            persons=2_982,
            modalities=("clinical",),
            period="operated on 1978–1993",
            country="NL",
            created=CREATED,
            how_to_get_real="Not stated by the publisher; ask the authors of the article.",
            keywords=("breast cancer", "survival", "relapse", "prognostic model", "hormone receptor"),
            source_url=SURVIVAL_URL,
            default_for=True,
            provenance={"file": "rotterdam", "package": "survival 3.5-3", "import": "datasets/import_public.py"},
            known_faults=(
                "43 women died without a relapse on a day after their follow-up for relapse had ended; counting them as "
                "relapse-free until death is a choice.",
                "The numbers of the patients have gaps.",
            ),
        ),
        (
            TakenTable(
                "rotterdam",
                "patients",
                "Women operated on for primary breast cancer.",
                "one row per patient",
                (
                    Taken("pid", "patient_id", "integer", "Number of the patient."),
                    Taken("year", "surgery_year", "integer", "Calendar year of the operation.", bounds=(1978, 1993)),
                    Taken("age", "age", "integer", "Age at the operation.", unit="a", bounds=(18, 120)),
                    Taken("meno", "postmenopausal", "boolean", "Whether she was past the menopause."),
                    Taken(
                        "size",
                        "tumour_size",
                        "string",
                        "Size of the tumour, in mm.",
                        unit="mm",
                        codes={"<=20": "20 mm or less", "20-50": "20 to 50 mm", ">50": "more than 50 mm"},
                    ),
                    Taken(
                        "grade",
                        "grade",
                        "integer",
                        "Grade of differentiation.",
                        codes={2: "grade 2", 3: "grade 3"},
                    ),
                    Taken("nodes", "positive_nodes", "integer", "Number of positive lymph nodes.", bounds=(0, None)),
                    Taken(
                        "pgr",
                        "progesterone_receptor",
                        "integer",
                        "Progesterone receptors.",
                        unit="fmol/L",
                        bounds=(0, None),
                    ),
                    Taken(
                        "er", "oestrogen_receptor", "integer", "Oestrogen receptors.", unit="fmol/L", bounds=(0, None)
                    ),
                    Taken("hormon", "hormone_therapy", "boolean", "Whether she was given hormonal treatment."),
                    Taken("chemo", "chemotherapy", "boolean", "Whether she was given chemotherapy."),
                    Taken("rtime", "relapse_days", "integer", "Time to relapse or the last follow-up.", unit="d"),
                    Taken("recur", "relapsed", "boolean", "Whether the cancer came back."),
                    Taken("dtime", "death_days", "integer", "Time to death or the last follow-up.", unit="d"),
                    Taken("death", "died", "boolean", "Whether she died."),
                ),
                keys=(("patient_id",),),
            ),
        ),
    ),
    PublicDataset(
        CardDraft(
            id="pbcseq",
            version="1.0.0",
            title="Primary biliary cholangitis trial, Mayo Clinic: repeated visits",
            summary="312 patients with primary biliary cholangitis (then called cirrhosis), randomised to D-penicillamine or "
            "placebo and seen 1,945 times with a panel of laboratory tests, until death, liver transplantation or the end of "
            "follow-up.",
            domain="trials",
            tier="public",
            licence=LGPL_2,
            publisher="Terry M. Therneau, in the R package survival; data of the Mayo Clinic",
            how_published="Released as the data set pbcseq of the R package survival 3.5-3; taken from there with names and "
            "types changed, values unchanged.",
            anonymity="Not stated by the publisher. " + NOT_ASSESSED,
            citations=(
                Citation(
                    text="Murtaugh PA, Dickson ER, Van Dam GM, Malinchoc M, Grambsch PM, Langworthy AL, Gips CH (1994). Primary "
                    "biliary cirrhosis: prediction of short-term survival based on repeated patient visits. Hepatology "
                    "20:126–134."
                ),
                SURVIVAL,
            ),
            persons=312,
            modalities=("clinical", "laboratory"),
            period="1974–1988, as days since each person's enrolment",
            country="US",
            created=CREATED,
            how_to_get_real="Not stated by the publisher; ask the authors of the article.",
            keywords=("liver", "trial", "survival", "longitudinal", "joint model", "missing data"),
            source_url=SURVIVAL_URL,
            default_for=True,
            provenance={"file": "pbcseq", "package": "survival 3.5-3", "import": "datasets/import_public.py"},
            known_faults=(
                "The last visit before death or transplantation has more missing values than others: extra visits, made "
                "because somebody got worse, did not include the whole panel. That a value is missing tells something.",
                "The publisher's documentation codes treatment as 1 and 2, the file as 1 and 0; the numbers of persons (158 and "
                "154) are those of D-penicillamine and placebo.",
                "The publisher gives albumin in mg/dL; the values are those of g/dL.",
            ),
        ),
        (
            TakenTable(
                "pbcseq",
                "visits",
                "Visits; what belongs to the patient is repeated on every visit.",
                "one row per patient and visit",
                (
                    Taken("id", "patient_id", "integer", "Number of the patient."),
                    Taken(
                        "futime",
                        "followup_days",
                        "integer",
                        "Time from enrolment to death, transplantation or the end of follow-up.",
                        unit="d",
                    ),
                    Taken(
                        "status",
                        "status",
                        "integer",
                        "How follow-up ended.",
                        codes={0: "censored", 1: "liver transplantation", 2: "dead"},
                    ),
                    Taken("trt", "treatment", "integer", "Treatment.", codes={1: "D-penicillamine", 0: "placebo"}),
                    Taken("age", "age", "number", "Age at enrolment.", unit="a", bounds=(18.0, 120.0)),
                    Taken("sex", "sex", "string", "Sex.", codes={"m": "man", "f": "woman"}),
                    Taken(
                        "day", "day", "integer", "Day of the visit, counted from enrolment.", unit="d", bounds=(0, None)
                    ),
                    Taken("ascites", "ascites", "boolean", "Whether there was ascites.", required=False),
                    Taken("hepato", "hepatomegaly", "boolean", "Whether the liver was enlarged.", required=False),
                    Taken("spiders", "spiders", "boolean", "Whether there were spider naevi.", required=False),
                    Taken(
                        "edema",
                        "oedema",
                        "number",
                        "Oedema.",
                        codes={
                            0.0: "none",
                            0.5: "untreated or successfully treated",
                            1.0: "despite diuretic treatment",
                        },
                    ),
                    Taken("bili", "bilirubin", "number", "Serum bilirubin.", unit="mg/dL"),
                    Taken("chol", "cholesterol", "number", "Serum cholesterol.", unit="mg/dL", required=False),
                    Taken(
                        "albumin",
                        "albumin",
                        "number",
                        "Serum albumin. The publisher gives the unit as mg/dL; the values are those of g/dL.",
                        unit="g/dL",
                    ),
                    Taken(
                        "alk.phos",
                        "alkaline_phosphatase",
                        "number",
                        "Alkaline phosphatase.",
                        unit="U/L",
                        required=False,
                    ),
                    Taken("ast", "ast", "number", "Aspartate aminotransferase.", unit="U/mL"),
                    Taken(
                        "platelet",
                        "platelets",
                        "number",
                        "Platelet count. The unit is not stated by the publisher; the values are those of thousands per µL.",
                        unit="10*3/uL",
                        required=False,
                    ),
                    Taken(
                        "protime",
                        "prothrombin_time",
                        "number",
                        "Prothrombin time. The unit is not stated by the publisher; the values are those of seconds.",
                        unit="s",
                    ),
                    Taken(
                        "stage",
                        "stage",
                        "integer",
                        "Histological stage.",
                        codes={stage: f"stage {stage}" for stage in (1, 2, 3, 4)},
                    ),
                ),
                keys=(("patient_id", "day"),),
            ),
        ),
    ),
)


def main() -> None:
    """Import the named datasets, or all."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", choices=[*(dataset.card.id for dataset in DATASETS), []])
    parser.add_argument("--source", type=Path, required=True, help="folder of the published comma-separated files")
    parser.add_argument("--licences", type=Path, default=Path("/usr/share/common-licenses"), help="licence texts")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent, help="where the datasets land")
    arguments = parser.parse_args()
    for dataset in DATASETS:
        if not arguments.names or dataset.card.id in arguments.names:
            target = arguments.out / dataset.card.id
            card = import_dataset(dataset, arguments.source, target, licences=arguments.licences)
            sys.stdout.write(f"{card.reference}: {sum(card.rows.values()):,} rows, {card.bytes:,} bytes\n")


if __name__ == "__main__":
    main()
