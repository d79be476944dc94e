"""The registers' files on disk: how they fall into parts, which codes they hold, which days they cover."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import date
from pathlib import Path

import duckdb
import pyarrow.parquet as pq

from sandkasse.core.errors import InvalidInputError

CODE_COLUMNS: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("lmdb", "atc", ("DK-ATC",)),
    ("ddv", "atc", ("DK-ATC",)),
    ("lpr_diag", "c_diag", ("DK-SKS", "DK-ICD8")),
    ("t_psyk_diag", "c_diag", ("DK-SKS", "DK-ICD8")),
    ("cancer", "c_icd10", ("DK-SKS", "DK-ICD8")),
    ("dodsaars", "c_dod1", ("DK-SKS", "DK-ICD8")),
    ("dodsaasg", "c_dodtilgrundl_acme", ("DK-SKS", "DK-ICD8")),
    ("dodsaarsager", "doedsaarsag_tilgrundliggende", ("DK-SKS", "DK-ICD8")),
    ("lpr_opr", "c_opr", ("DK-SKS", "DK-OPERATION")),
    ("lpr_sksopr", "c_opr", ("DK-SKS", "DK-OPERATION")),
    ("lpr3a_procregistrering", "proc_kode", ("DK-SKS", "DK-OPERATION")),
    ("lpr3f_procedurer_kirurgi", "procedurekode", ("DK-SKS", "DK-OPERATION")),
    ("lab_forsker", "unit", ("DK-UNIT",)),
    ("t_psyk_adm", "c_spec", ("DK-SPECIALE",)),
    ("lpr3a_diagnose", "diag_kode", ("DK-SKS",)),
    ("lpr3f_diagnoser", "diagnosekode", ("DK-SKS",)),
    ("lab_forsker", "analysiscode", ("DK-NPU",)),
    ("sysi", "speciale", ("DK-YDELSE",)),
    ("sssy", "speciale", ("DK-YDELSE",)),
    ("lpr_adm", "c_spec", ("DK-SPECIALE",)),
    ("lpr3a_kontakt", "kont_ans_hovedspec", ("DK-SPECIALE",)),
    ("lpr3f_kontakter", "hovedspeciale_ans", ("DK-SPECIALE",)),
)
"""Where codes stand, and of which vocabulary they are; of two, the second's codes begin with a digit."""

_AS_WRITTEN = ("DK-SPECIALE", "DK-UNIT")  # words and units, where small letters matter
_GLOB_CHARACTERS = str.maketrans({"[": "[[]", "*": "[*]", "?": "[?]"})
_FIRST_DAYS = (("lpr_adm", "d_inddto"), ("lmdb", "eksd"), ("lab_forsker", "samplingdate"), ("bef", "referencetid"))

Files = Mapping[str, Sequence[Path]]


def connect() -> duckdb.DuckDBPyConnection:
    """Open an engine that keeps quiet: it would draw a progress bar of its own, over ours and into JSON."""
    con = duckdb.connect()
    # In a notebook without ipywidgets the setting cannot be changed, and nothing is drawn.
    with suppress(duckdb.InvalidInputException):
        con.execute("set enable_progress_bar = false")
    return con


def name_files(con: duckdb.DuckDBPyConnection, name: str, paths: Sequence[Path]) -> None:
    """Give Parquet files a name in the engine."""
    con.from_parquet([str(path).translate(_GLOB_CHARACTERS) for path in paths]).create_view(name, replace=True)


def divide(files: Files) -> list[dict[str, tuple[Path, ...]]]:
    """Divide register files into parts that can be made alone: files of one name belong together.

    Returns:
        The files of each part by table; one part with everything where the tables are not divided alike.
    """
    names = {name: {path.name for path in paths} for name, paths in files.items()}
    are_alike = all(len(paths) == len(names[name]) and names[name] <= names["bef"] for name, paths in files.items())
    if not are_alike or len(names["bef"]) == 1:
        return [{name: tuple(paths) for name, paths in files.items()}]
    return [
        {name: tuple(path for path in paths if path.name == part) for name, paths in files.items()}
        for part in sorted(names["bef"])
    ]


def count_persons(files: Files) -> int:
    """Count the persons whom OMOP will know: those of the population register."""
    if not files.get("bef"):
        return 0
    with connect() as con:
        name_files(con, "bef", files["bef"])
        return int(con.execute("select count(distinct pnr) from bef").fetchall()[0][0])


def find_codes(files: Files) -> Iterator[tuple[str, str]]:
    """List every code that the registers hold, as (vocabulary, code)."""
    with connect() as con:
        for table, column, vocabularies in CODE_COLUMNS:
            if table not in files:
                continue
            name_files(con, "registers", files[table])
            if column not in pq.read_schema(files[table][0]).names:
                continue
            shown = column if vocabularies[0] in _AS_WRITTEN else f"upper({column})"
            query = f"select distinct {shown} from registers where {column} is not null order by 1"  # noqa: S608  our names
            for (code,) in con.execute(query).fetchall():
                yield (vocabularies[-1] if code[:1].isdigit() else vocabularies[0]), code


def find_days(files: Files) -> dict[str, date]:
    """Find the days that a transformation needs to know.

    Returns:
        `first_day` of which any register tells, `first_status` and `last_status` of the population register.

    Raises:
        InvalidInputError: If the population register is empty.
    """
    with connect() as con:
        name_files(con, "bef", files["bef"])
        rows = con.execute("select min(referencetid), max(referencetid) from bef").fetchall()
        first, last = rows[0]
        days = []
        for table, column in _FIRST_DAYS:
            if table in files:
                name_files(con, "registers", files[table])
                query = f"select min({column}) from registers"  # noqa: S608  our own names
                days.append(con.execute(query).fetchall()[0][0])
    if first is None:
        raise InvalidInputError("The table bef is empty.", next_step="give a dataset with persons in it")
    return {"first_day": min(day for day in days if day), "first_status": first, "last_status": last}
