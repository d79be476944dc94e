# ruff: noqa: E501  the sentences of the cards are left as they are
"""Public datasets of the R package *Epi*: what their cards say, and what their columns were called."""

from dataclasses import replace
from typing import Any

from _public.tables import CREATED, NOT_ASSESSED, PublicDataset, Taken, TakenTable

from sandkasse.catalogue.card import CardDraft, Citation, Licence
from sandkasse.contract import Reference

EPI_URL = "https://doi.org/10.32614/CRAN.package.Epi"
EPI = Citation(
    text="Carstensen B, Plummer M, Läärä E, Hills M (2022). Epi: A Package for Statistical Analysis in Epidemiology. R "
    "package version 2.47.",
    doi="10.32614/CRAN.package.Epi",
)
GPL_2 = Licence(name="GPL-2.0-only", url="https://spdx.org/licenses/GPL-2.0-only.html", file="LICENCE.txt")
SEX_LETTERS = {"M": "man", "F": "woman"}

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

EPI_DATASETS: tuple[PublicDataset, ...] = (
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
)
