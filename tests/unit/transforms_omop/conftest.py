"""A few persons' registers, their OMOP form, and a made-up download of vocabularies."""

import zipfile
from collections.abc import Callable
from datetime import date, datetime, time
from pathlib import Path

import ibis
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from sandkasse.compute.local import InProcess
from sandkasse.transforms.omop.athena import read_athena
from sandkasse.transforms.omop.build import Built, Release, build_omop

RELEASE = Release("Made up", "made-up", "nobody", "Three persons", "tests", date(2025, 1, 1), date(2025, 1, 2))

MOMENT = datetime.combine(date(2020, 4, 13), time(12, 25))
LATER = datetime.combine(date(2020, 4, 14), time(1, 25))
ANNE, BENT, CARL = "000000000011", "000000000022", "000000000033"


def _bef() -> pa.Table:
    rows = [(ANNE, 2, date(1950, 3, 4), "101", date(year, 1, 1)) for year in range(1986, 2025)]
    # Bent was abroad on 1 January 1991 and 1992, and died in 2003.
    rows += [(BENT, 1, date(1940, 5, 6), "751", date(y, 1, 1)) for y in range(1986, 2004) if y not in (1991, 1992)]
    rows += [(CARL, 1, date(2019, 2, 6), "751", date(year, 1, 1)) for year in range(2020, 2025)]
    names = ("pnr", "koen", "foed_dato", "kom", "referencetid")
    return pa.table({name: list(values) for name, values in zip(names, zip(*rows, strict=True), strict=True)})


@pytest.fixture
def registers() -> dict[str, pa.Table]:
    """Give the register tables of three persons, and records of a fourth who is in no population register."""
    return _registers()


def _registers() -> dict[str, pa.Table]:
    return {
        "bef": _bef().cast(
            pa.schema(
                [
                    ("pnr", pa.string()),
                    ("koen", pa.int8()),
                    ("foed_dato", pa.date32()),
                    ("kom", pa.string()),
                    ("referencetid", pa.date32()),
                ]
            )
        ),
        "dod": pa.table({"pnr": [BENT], "doddato": [date(2003, 6, 7)]}),
        "lmdb": pa.table(
            {
                "pnr": [ANNE, ANNE, ANNE, BENT, "000000000099"],
                "eksd": [date(2001, 1, 1), date(2001, 1, 20), date(2005, 1, 1), date(2003, 6, 1), date(1996, 1, 1)],
                "atc": ["A10BA02", "A10BA02", "A10BD07", "Z99ZZ99", "A10BA02"],
                "volume": [20.0, 20.0, 28.0, 50.0, 20.0],
                "apk": pa.array([1, 2, 1, 1, 1], pa.int32()),
                "indo": ["", "", "", "", ""],
            }
        ),
        "lpr_adm": pa.table(
            {
                "pnr": [ANNE, BENT],
                "recnum": ["000000000000000101", "000000000000000102"],
                "d_inddto": [date(1979, 4, 3), date(1999, 9, 9)],
                "c_spec": ["08", "77"],
                "c_pattype": ["0", "2"],
            }
        ),
        "lpr_diag": pa.table(
            {
                "recnum": ["000000000000000101", "000000000000000102", "000000000000000102"],
                "c_diag": ["25009", "DE119", "DZ030"],
                "c_diagtype": ["A", "A", "B"],
            }
        ),
        "lpr3a_kontakt": pa.table(
            {
                "pnr": [CARL],
                "dw_ek_kontakt": ["000000000000000101"],
                "kont_starttidspunkt": pa.array([MOMENT], pa.timestamp("ms")),
                "kont_ans_hovedspec": ["medicinsk endokrinologi"],
            }
        ),
        "lpr3a_diagnose": pa.table(
            {
                "dw_ek_kontakt": ["000000000000000101"] * 2,
                "diag_kode": ["DE109", "DE119"],
                "diag_type": ["A", "B"],
                "senere_afkraeftet": ["Nej", "Ja"],
            }
        ),
        "sssy": pa.table(
            {
                "pnr": [CARL, CARL, CARL, ANNE, ANNE],
                "barnmak": pa.array([0, 0, 0, 0, 1], pa.int8()),
                "speciale": ["80101", "80210", "80101", "80101", "80101"],
                "honuge": ["1906", "1906", "1905", "2053", "2101"],
            }
        ),
        "lab_forsker": pa.table(
            {
                "pnr": [ANNE, ANNE],
                "samplingdate": [date(2014, 5, 21), date(2014, 5, 21)],
                "analysiscode": ["NPU27300", "NPU99999"],
                "value": [50.0, 1.0],
            }
        ),
    }


@pytest.fixture
def all_registers() -> dict[str, pa.Table]:
    """Give the three persons' registers with every table and column that is read anywhere."""
    found = _registers()
    adm, kontakt = found["lpr_adm"], found["lpr3a_kontakt"]
    found["lpr_adm"] = adm.append_column("d_uddto", pa.array([date(1979, 4, 9), date(1999, 12, 1)]))
    found["lpr3a_kontakt"] = (
        kontakt.append_column("kont_sluttidspunkt", pa.array([LATER], pa.timestamp("ms")))
        .append_column("kont_type", pa.array(["ALCA00"]))
        .append_column("prioritet", pa.array(["ATA1"]))
    )
    found["lab_forsker"] = (
        found["lab_forsker"]
        .append_column("unit", pa.array(["%", "parsec"]))
        .append_column("referenceinterval_lowerlimit", pa.array([20.0, None]))
        .append_column("referenceinterval_upperlimit", pa.array([42.0, None]))
    )
    return found | {
        "vnds": pa.table({"pnr": [BENT], "indud_kode": ["U"], "haend_dato": [date(1990, 8, 1)]}),
        "dodsaasg": pa.table({"pnr": [BENT], "d_dodsdato": [date(2003, 6, 7)], "c_dodtilgrundl_acme": ["E119"]}),
        "ddv": pa.table({"pnr": [ANNE], "vaccinationsdato": [date(2021, 3, 3)], "atc": ["J07BN01"], "vaccine": ["x"]}),
        "lpr_bes": pa.table(
            {
                "recnum": ["000000000000000102"] * 3,
                "d_ambdto": [date(1999, 9, 9), date(1999, 11, 11), date(2001, 1, 1)],
            }
        ),
        "lpr_opr": pa.table({"recnum": ["000000000000000101"], "c_opr": ["40480"], "d_odto": [date(1979, 4, 4)]}),
        "lpr_sksopr": pa.table(
            {
                "recnum": ["000000000000000102"] * 2,
                "c_opr": ["KFNG05A", "UXRA00"],
                "c_oprart": ["V", "V"],
                "d_odto": [date(1999, 11, 11), date(1999, 12, 24)],
            }
        ),
        "lpr3a_procregistrering": pa.table(
            {
                "dw_ek_kontakt": ["000000000000000101"],
                "proc_kode": ["KNFB20"],
                "proc_kode_type": ["P"],
                "proc_starttidspunkt": pa.array([MOMENT], pa.timestamp("ms")),
            }
        ),
        # Psychiatry may give the same number to another contact.
        "t_psyk_adm": pa.table(
            {
                "pnr": [ANNE, ANNE],
                "recnum": ["000000000000000102"] * 2,
                "d_inddto": [date(2010, 5, 5)] * 2,
                "c_spec": ["50", "50"],
                "c_pattype": ["2", "2"],
                "d_uddto": [date(2010, 6, 6)] * 2,
            }
        ),
        "t_psyk_diag": pa.table({"recnum": ["000000000000000102"], "c_diag": ["DF200"], "c_diagtype": ["A"]}),
        "t_psyk_bes": pa.table({"recnum": ["000000000000000102"], "d_ambdto": [date(2010, 5, 20)]}),
        "cancer": pa.table(
            {
                "pnr": [ANNE],
                "d_diagnosedato": [date(2015, 7, 8)],
                "c_icd10": ["C50.9"],
                "c_morfo03": ["85003"],
            }
        ),
        "mfr": pa.table(
            {
                "cpr_barn": [CARL],
                "cpr_moder": [ANNE],
                "foedselsdato": [date(2019, 2, 6)],
                "vaegt_barn": pa.array([3500], pa.int32()),
                "gestationsalder_dage": pa.array([280], pa.int32()),
            }
        ),
    }


@pytest.fixture
def write_registers(tmp_path: Path) -> Callable[..., dict[str, list[Path]]]:
    """Give a function that writes register tables as Parquet, whole or in parts by person."""

    def write(tables: dict[str, pa.Table], name: str = "registers") -> dict[str, list[Path]]:
        files = {}
        for table, rows in tables.items():
            path = tmp_path / name / table / "part-00000.parquet"
            path.parent.mkdir(parents=True)
            pq.write_table(rows, path)
            files[table] = [path]
        return files

    return write


@pytest.fixture
def build(
    tmp_path: Path, write_registers: Callable[..., dict[str, list[Path]]]
) -> Callable[..., tuple[Built, dict[str, pa.Table]]]:
    """Give a function that turns register tables into OMOP tables."""

    def run(tables: dict[str, pa.Table], name: str = "omop", **more: object) -> tuple[Built, dict[str, pa.Table]]:
        out = tmp_path / name
        out.mkdir()
        files = more.pop("files", None) or write_registers(tables, f"{name}-registers")
        built = build_omop(files, out, release=RELEASE, runner=InProcess(), **more)  # type: ignore[arg-type]
        return built, {folder.name: pq.read_table(folder) for folder in sorted(out.iterdir())}

    return run


@pytest.fixture(scope="session")
def _omop_once(tmp_path_factory: pytest.TempPathFactory) -> dict[str, pa.Table]:
    folder = tmp_path_factory.mktemp("omop")
    files = {}
    for name, table in _registers().items():
        files[name] = [folder / f"{name}.parquet"]
        pq.write_table(table, files[name][0])
    athena = _write_athena(folder / "athena.zip", ATHENA)
    (folder / "out").mkdir()
    build_omop(
        files,
        folder / "out",
        release=RELEASE,
        runner=InProcess(),
        read_codes=lambda codes: read_athena(athena, codes),
    )
    # The engine writes rows in the order in which its threads finish; tests that break a row by place need one order.
    return {path.name: _in_order(pq.read_table(path)) for path in sorted((folder / "out").iterdir())}


def _in_order(table: pa.Table) -> pa.Table:
    return table.sort_by([(name, "ascending") for name in table.column_names])


@pytest.fixture
def omop(_omop_once: dict[str, pa.Table]) -> dict[str, pa.Table]:
    """Give the OMOP form of the three persons, with the made-up vocabularies."""
    return dict(_omop_once)


@pytest.fixture
def as_ibis() -> Callable[[dict[str, pa.Table]], dict[str, ibis.Table]]:
    """Give a function that makes Arrow tables Ibis tables of one engine."""

    def convert(tables: dict[str, pa.Table]) -> dict[str, ibis.Table]:
        connection = ibis.duckdb.connect()
        for name, table in tables.items():
            connection.con.register(name, table)
        return {name: connection.table(name) for name in tables}

    return convert


# Made up: these identifiers, names and relations are not those of the OHDSI vocabularies. Real files look like this.
_CONCEPTS = (
    "concept_id concept_name domain_id vocabulary_id concept_class_id standard_concept concept_code valid_start_date "
    "valid_end_date invalid_reason"
)
_RELATIONS = "concept_id_1 concept_id_2 relationship_id valid_start_date valid_end_date invalid_reason"
_ALWAYS = ("19700101", "20991231")


def _lines(header: str, *rows: tuple[object, ...]) -> str:
    return "\n".join("\t".join(str(cell) for cell in row) for row in (header.split(), *rows)) + "\n"


ATHENA = {
    "CONCEPT.csv": _lines(
        _CONCEPTS,
        (900001, 'made-up "diabetes" of type 2', "Condition", "SNOMED", "Disorder", "S", 1001, *_ALWAYS, ""),
        (900002, "made-up diabetes of type 1", "Condition", "SNOMED", "Disorder", "S", 1002, *_ALWAYS, ""),
        (900003, "made-up pregnancy", "Observation", "SNOMED", "Finding", "S", 1003, *_ALWAYS, ""),
        (900004, "made-up old disease", "Condition", "SNOMED", "Disorder", "", 1004, *_ALWAYS, "D"),
        (900011, "E11", "Condition", "ICD10", "ICD10 Hierarchy", "", "E11", *_ALWAYS, ""),
        (900012, "E10.9", "Condition", "ICD10", "ICD10 code", "", "E10.9", *_ALWAYS, ""),
        (900013, "Z03", "Condition", "ICD10", "ICD10 Hierarchy", "", "Z03", *_ALWAYS, ""),
        (900021, "A10BA02", "Drug", "ATC", "ATC 5th", "C", "A10BA02", *_ALWAYS, ""),
        (900022, "Z99ZZ99", "Drug", "ATC", "ATC 5th", "C", "Z99ZZ99", *_ALWAYS, ""),
        (900031, "made-up metformin", "Drug", "RxNorm", "Ingredient", "S", 31, *_ALWAYS, ""),
        (900032, "made-up tablet", "Drug", "RxNorm", "Clinical Drug", "S", 32, *_ALWAYS, ""),
        (900041, "Condition", "Metadata", "Domain", "Domain", "", "OMOP generated", *_ALWAYS, ""),
        (900042, "Disorder", "Metadata", "Concept Class", "Concept Class", "", "OMOP generated", *_ALWAYS, ""),
    ),
    "CONCEPT_RELATIONSHIP.csv": _lines(
        _RELATIONS,
        (900011, 900001, "Maps to", *_ALWAYS, ""),
        (900011, 900004, "Maps to", *_ALWAYS, ""),
        (900011, 900003, "Is a", *_ALWAYS, ""),
        (900012, 900002, "Maps to", *_ALWAYS, ""),
        (900012, 900001, "Maps to", *_ALWAYS, "D"),
        (900013, 900003, "Maps to", *_ALWAYS, ""),
        (900021, 900031, "Maps to", *_ALWAYS, ""),
        (900022, 900032, "Maps to", *_ALWAYS, ""),
    ),
    "VOCABULARY.csv": _lines(
        "vocabulary_id vocabulary_name vocabulary_reference vocabulary_version vocabulary_concept_id",
        ("None", "OMOP Standardized Vocabularies", "made up", "v0.0 made up", 900051),
        ("SNOMED", "made-up SNOMED", "made up", "0", 900052),
    ),
}


@pytest.fixture
def athena_files() -> dict[str, str]:
    """Give the files of a made-up download, to be changed."""
    return dict(ATHENA)


@pytest.fixture
def athena(tmp_path: Path, athena_files: dict[str, str]) -> Path:
    """Give the made-up download as a zip file."""
    return _write_athena(tmp_path / "athena.zip", athena_files)


def _write_athena(path: Path, texts: dict[str, str]) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in texts.items():
            archive.writestr(name, text)
    return path
