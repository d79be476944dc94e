"""Make `data/practice`: the practice persons of part 1 and 3, whose true lives are open.

    sandkasse cohort simulate --persons 20000 --seed 20240101 --out /tmp/practice
    python modules/who-has-diabetes/make_practice.py /tmp/practice modules/who-has-diabetes/data/practice

Keeps everyone resident on 1 January 2024, the register rows that bear on diabetes, and three tables that exist in a
sandbox alone: `truth_persons`, `truth_traps` and `truth_trace` (all traces of a person in one table, for the picture of
one life).
"""

# ruff: noqa: S608  every part of the statements is written here or names a folder of the command line

import sys
from pathlib import Path

import duckdb

DAY = "DATE '2024-01-01'"
CODES = "'^(DE1[0-4]|249|250|DO0[0-6]|DO8[0-4]|DZ3[37]|DO24|DE282)'"
TABLES = {
    "bef": f"SELECT * FROM raw.bef WHERE referencetid = {DAY}",
    "lmdb": "SELECT * FROM raw.lmdb WHERE atc LIKE 'A10%'",
    "lpr_adm": "SELECT * FROM raw.lpr_adm "
    f"SEMI JOIN (FROM raw.lpr_diag WHERE regexp_matches(c_diag, {CODES})) USING (recnum)",
    "lpr_diag": f"SELECT * FROM raw.lpr_diag WHERE regexp_matches(c_diag, {CODES})",
    "lpr3a_kontakt": "SELECT * FROM raw.lpr3a_kontakt "
    f"SEMI JOIN (FROM raw.lpr3a_diagnose WHERE regexp_matches(diag_kode, {CODES})) USING (dw_ek_kontakt)",
    "lpr3a_diagnose": f"SELECT * FROM raw.lpr3a_diagnose WHERE regexp_matches(diag_kode, {CODES})",
    "sysi": "SELECT * FROM raw.sysi WHERE speciale LIKE '54%'",
    "sssy": "SELECT * FROM raw.sssy WHERE speciale LIKE '54%'",
    "lab_forsker": "SELECT * FROM raw.lab_forsker WHERE analysiscode IN ('NPU27300', 'NPU03835')",
    "truth_persons": "SELECT pnr, koen, foed_dato, diabetes_type, diabetes_onset, diabetes_detected FROM truth.persons",
    "truth_traps": "SELECT DISTINCT pnr, trap FROM truth.traps",
    "truth_trace": """
        SELECT pnr, d_inddto AS day, 'Diagnosis' AS register, c_diag AS code
        FROM raw.lpr_adm JOIN raw.lpr_diag USING (recnum) WHERE regexp_matches(c_diag, '^(DE1[0-4]|249|250)')
        UNION ALL SELECT pnr, CAST(kont_starttidspunkt AS DATE), 'Diagnosis', diag_kode
        FROM raw.lpr3a_kontakt JOIN raw.lpr3a_diagnose USING (dw_ek_kontakt)
        WHERE regexp_matches(diag_kode, '^DE1[0-4]')
        UNION ALL SELECT pnr, eksd, 'Drug', atc FROM raw.lmdb WHERE atc LIKE 'A10%'
        UNION ALL SELECT pnr, samplingdate, 'Blood test', analysiscode FROM raw.lab_forsker
        WHERE analysiscode IN ('NPU27300', 'NPU03835')
        UNION ALL SELECT pnr, CAST(try_strptime('20' || honuge[1:2] || '-' || honuge[3:4] || '-1', '%G-%V-%u') AS DATE),
          'Podiatry', speciale FROM raw.sssy WHERE speciale LIKE '54%' AND barnmak = 0""",
}
# These have no person of their own; they follow their contacts.
FOLLOWS = {"lpr_diag": ("lpr_adm", "recnum"), "lpr3a_diagnose": ("lpr3a_kontakt", "dw_ek_kontakt")}


def make_practice(cohort: Path, target: Path) -> None:
    """Write the practice tables of a simulated cohort.

    Args:
        cohort: What `cohort simulate --out` made: `registers/data/<table>` and `truth/<table>.parquet`.
        target: Folder for `<table>.parquet`; made if need be.
    """
    target.mkdir(parents=True, exist_ok=True)
    connection = duckdb.connect()
    connection.execute("CREATE SCHEMA raw; CREATE SCHEMA truth")
    for folder in sorted((cohort / "registers" / "data").iterdir()):
        files = folder / "*.parquet" if folder.is_dir() else folder
        connection.execute(f"CREATE VIEW raw.{folder.stem} AS FROM read_parquet('{files}')")
    for name in ("persons", "traps"):
        connection.execute(f"CREATE VIEW truth.{name} AS FROM read_parquet('{cohort / 'truth' / name}.parquet')")
    connection.execute(f"CREATE TABLE residents AS SELECT DISTINCT pnr FROM raw.bef WHERE referencetid = {DAY}")
    for name, sql in TABLES.items():
        if name in FOLLOWS:
            contacts, key = FOLLOWS[name]
            kept = (
                f"SELECT * FROM ({sql}) SEMI JOIN (FROM raw.{contacts} SEMI JOIN residents USING (pnr)) USING ({key})"
            )
        else:
            kept = f"SELECT * FROM ({sql}) SEMI JOIN residents USING (pnr)"
        connection.execute(
            f"COPY ({kept} ORDER BY ALL) TO '{target / name}.parquet' "
            "(FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 19)"
        )


if __name__ == "__main__":
    make_practice(Path(sys.argv[1]), Path(sys.argv[2]))
