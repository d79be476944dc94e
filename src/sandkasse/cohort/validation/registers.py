"""The register tables of a simulated folder, as Ibis tables, and the events that case definitions read in them."""

from dataclasses import dataclass
from pathlib import Path

import ibis
from ibis import _
from ibis.expr.types import Table

from sandkasse.core.errors import InvalidInputError

MEMORY_LIMIT = "2GB"
_WANTED = ("bef", "dod", "lmdb", "lpr_adm", "lpr_diag", "sysi", "sssy", "lab_forsker")
# Psychiatry has registers of its own before LPR3; a delivery may lack them.
_LPR2 = (("lpr_adm", "lpr_diag"), ("t_psyk_adm", "t_psyk_diag"))
_LPR3 = {
    "a": ("lpr3a_kontakt", "lpr3a_diagnose", "kont_starttidspunkt", "diag_kode"),
    "f": ("lpr3f_kontakter", "lpr3f_diagnoser", "dato_start", "diagnosekode"),
}


@dataclass(frozen=True)
class Registers:
    """Registers that are open.

    Attributes:
        tables: Ibis tables by name.
    """

    tables: dict[str, Table]

    def __getitem__(self, name: str) -> Table:
        return self.tables[name]

    def __contains__(self, name: str) -> bool:
        return name in self.tables


def open_registers(folder: Path) -> Registers:
    """Open the registers that `cohort simulate` wrote, on DuckDB with a bound to its memory.

    Args:
        folder: Holds `data/<table>.parquet` or `data/<table>/part-*.parquet`, or a folder `registers` that does.

    Raises:
        InvalidInputError: If tables are missing.
    """
    connection = ibis.duckdb.connect(memory_limit=MEMORY_LIMIT)
    tables = {}
    folder = folder / "registers" if (folder / "registers" / "data").is_dir() else folder
    for path in sorted((folder / "data").glob("*")):
        if path.name.startswith("."):
            continue
        name = path.stem
        tables[name] = connection.read_parquet(str(path / "*.parquet" if path.is_dir() else path), table_name=name)
    missing = [name for name in _WANTED if name not in tables]
    if missing:
        raise InvalidInputError(
            f"expected a simulated cohort in {folder.name}/, did not find the tables {', '.join(missing)}",
            next_step="name the folder that `sandkasse cohort simulate --out` wrote",
        )
    return Registers(tables)


def list_diagnoses(registers: Registers) -> Table:
    """Give every hospital diagnosis that was not retracted: `pnr`, `day`, `code`."""
    found = [
        registers[contacts].join(registers[diagnoses], "recnum").select("pnr", day=_.d_inddto, code=_.c_diag)
        for contacts, diagnoses in _LPR2
        if contacts in registers
    ]
    for contacts, diagnoses, start, code in _LPR3.values():
        if contacts in registers:
            new = registers[contacts].join(registers[diagnoses].filter(_.senere_afkraeftet == "Nej"), "dw_ek_kontakt")
            found.append(new.select("pnr", day=new[start].cast("date"), code=new[code]))
    return ibis.union(*found, distinct=False) if len(found) > 1 else found[0]


def list_hospital_contacts(registers: Registers) -> Table:
    """Give every hospital contact: `pnr`, `day`, `kind` (`inpatient`, `outpatient`, `emergency`; LPR3: `contact`)."""
    old = registers["lpr_adm"]
    kind = old.c_pattype.cases(("0", "inpatient"), ("1", "inpatient"), ("2", "outpatient"), else_="emergency")
    found = [old.select("pnr", day=_.d_inddto, kind=kind)]
    for contacts, _diagnoses, start, _code in _LPR3.values():
        if contacts in registers:
            table = registers[contacts]
            found.append(table.select("pnr", day=table[start].cast("date"), kind=ibis.literal("contact")))
    return ibis.union(*found, distinct=False) if len(found) > 1 else found[0]


def list_services(registers: Registers) -> Table:
    """Give every service of primary care on the person's own number: `pnr`, `week` (its Monday), `service`."""
    services = ibis.union(registers["sysi"], registers["sssy"], distinct=False).filter(_.barnmak == 0)
    # The registers hold the week as yyww, of this century or the last.
    century = ibis.ifelse(services.honuge[:2].cast("int32") >= 77, "19", "20")
    monday = (century + services.honuge + "1").as_timestamp("%G%V%u").cast("date")
    return services.select("pnr", week=monday, service=services.speciale)


def list_residents(registers: Registers, year: int) -> Table:
    """Give the residents of 1 January of a year: `pnr`, `sex` (1 man, 2 woman), `age` in whole years."""
    day = ibis.date(year, 1, 1)
    here = registers["bef"].filter(_.referencetid == day)
    age = (day.epoch_days() - here.foed_dato.epoch_days()) / 365.25
    return here.select("pnr", sex=here.koen.cast("int8"), age=age.floor().cast("int32"))
