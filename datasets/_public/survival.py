# ruff: noqa: E501  the sentences of the cards are left as they are
"""Public datasets of the R package *survival*: what their cards say, and what their columns were called."""

from _public.tables import CREATED, NOT_ASSESSED, PublicDataset, Taken, TakenTable

from sandkasse.catalogue.card import CardDraft, Citation, Licence
from sandkasse.contract import Reference

SURVIVAL_URL = "https://doi.org/10.32614/CRAN.package.survival"
SURVIVAL = Citation(
    text="Therneau T (2023). A Package for Survival Analysis in R. R package version 3.5-3.",
    doi="10.32614/CRAN.package.survival",
)
LGPL_2 = Licence(name="LGPL-2.0-or-later", url="https://spdx.org/licenses/LGPL-2.0-or-later.html", file="LICENCE.txt")

SURVIVAL_DATASETS: tuple[PublicDataset, ...] = (
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
                        described_by="test",
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
