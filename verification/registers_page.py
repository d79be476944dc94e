"""Write `docs/reference/registers.md` and its era map from the contract and `registers/eras.toml`.

    python verification/registers_page.py

Run it when either changes; a test holds the page to the contract.
"""

import re
import tomllib
from html import escape
from pathlib import Path
from typing import Any

from sandkasse.cohort.simulate import contract_path
from sandkasse.contract import read_contract
from sandkasse.contract.model import Column

REFERENCE = Path(__file__).resolve().parents[1] / "docs" / "reference"
FIRST, LAST = 1977, 2024
LEFT, TOP, ROW, YEAR = 210, 60, 44, 15.5
OSDC = "Column definitions of osdc 0.11.3 (Brødbæk, Isaksen, Johnston 2025, MIT)"
COLOURS = {"Statistics Denmark": "#0072B2", "Health Data Authority": "#D55E00", "Statens Serum Institut": "#009E73"}


def main() -> None:
    """Write the page and the picture."""
    eras = tomllib.loads((contract_path().parent / "eras.toml").read_text(encoding="utf-8"))["register"]
    shown = {table.name for table in read_contract(contract_path()).tables}
    eras = [era for era in eras if shown & set(era["tables"].split(", ")) or "…" in era["tables"]]
    (REFERENCE / "figures" / "register-eras.svg").write_text(draw_eras(eras), encoding="utf-8")
    (REFERENCE / "registers.md").write_text(write_page(eras), encoding="utf-8")


def draw_eras(eras: list[dict[str, Any]]) -> str:
    """Draw one bar for each register over the years, with its breaks."""
    width, height = int(LEFT + YEAR * (LAST + 1 - FIRST) + 20), TOP + ROW * len(eras) + 40
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif" role="img">',
        "<title>Which register holds which years, and what breaks within them</title>",
        f'<rect width="{width}" height="{height}" fill="#ffffff"/>',
        '<text x="12" y="22" font-size="16" font-weight="bold" fill="#222">'
        "Which register holds which years, and what breaks within them</text>",
    ]
    for number, (holder, colour) in enumerate(COLOURS.items()):
        x = 12 + 190 * number
        out.append(f'<rect x="{x}" y="34" width="12" height="12" fill="{colour}"/>')
        out.append(f'<text x="{x + 18}" y="45" font-size="12" fill="#222">{holder}</text>')
    for year in range(1980, LAST + 1, 5):
        x = LEFT + YEAR * (year - FIRST)
        out.append(f'<line x1="{x}" y1="{TOP}" x2="{x}" y2="{height - 34}" stroke="#ddd"/>')
        out.append(f'<text x="{x}" y="{height - 18}" font-size="12" text-anchor="middle" fill="#222">{year}</text>')
    for number, era in enumerate(eras):
        out += _row(era, TOP + ROW * number + 8)
    out.append(
        f'<text x="12" y="{height - 3}" font-size="10" fill="#555">Source: the contract and registers/eras.toml; '
        "our registers begin in 1977 at the earliest.</text></svg>"
    )
    return "\n".join(out) + "\n"


def _row(era: dict[str, Any], y: float) -> list[str]:
    first, last = era["years"]
    x, width = LEFT + YEAR * (first - FIRST), YEAR * (last + 1 - first)
    out = [
        f'<text x="12" y="{y + 10}" font-size="12" fill="#222">{escape(era["title"])}</text>',
        f'<text x="12" y="{y + 23}" font-size="9" fill="#555">{escape(era["tables"])}</text>',
        f'<rect x="{x}" y="{y}" width="{width}" height="12" fill="{COLOURS[era["holder"]]}"/>',
    ]
    free = 0.0
    for cut in era.get("break", []):
        at = LEFT + YEAR * (cut["year"] - FIRST)
        out.append(f'<line x1="{at}" y1="{y - 2}" x2="{at}" y2="{y + 15}" stroke="#000" stroke-width="2"/>')
        text = f"{cut['year']} {cut['what']}"
        end = at > LEFT + 0.75 * YEAR * (LAST - FIRST)
        low = at < free
        anchor = "end" if end else "start"
        out.append(
            f'<text x="{at}" y="{y + (33 if low else 23)}" font-size="9" text-anchor="{anchor}" fill="#222">'
            f"{escape(text)}</text>"
        )
        free = at + 5.0 * len(text)
    return out


def write_page(eras: list[dict[str, Any]]) -> str:
    """Write down the eras, and every table and column of the contract."""
    contract = read_contract(contract_path())
    out = [
        "# The registers of `dk-registers`",
        "",
        "Every table and column of the contract, with where its definition comes from, who holds the real data, and",
        "whether somebody compared the definition with the source. The contract itself is",
        "`src/sandkasse/cohort/registers/contract.yaml`; a test holds this page to it.",
        "",
        "![One bar for each register over its years, with marks where codes, tables or coverage change]"
        "(figures/register-eras.svg)",
        "",
        "The same as a table; the data of both are `src/sandkasse/cohort/registers/eras.toml`.",
        "",
        "| register | tables | holder | years | what breaks |",
        "|---|---|---|---|---|",
        *(_era(era) for era in eras),
    ]
    for table in contract.tables:
        out += ["", f"## `{table.name}`: {table.title}", ""]
        out.append(f"{table.description} One row per {table.granularity}. Years: {table.period}.")
        out[-1] += f" Holder: {table.provenance.holder}."
        out += ["", "| column | type | meaning | unit or codes | source | verified |", "|---|---|---|---|---|---|"]
        out += [_column(column) for column in table.columns]
        traps = [f"- `{column.name}`: {column.provenance.trap}" for column in table.columns if column.provenance.trap]
        if traps:
            out += ["", "What misleads:", "", *traps]
    return "\n".join(out) + "\n\n" + CLOSING


def _era(era: dict[str, Any]) -> str:
    first, last = era["years"]
    tables = ", ".join(f"`{name}`" for name in re.split(r", | or ", era["tables"]))
    notes = [f"{cut['year']}: {cut['what']}" for cut in era.get("break", [])]
    notes += [era["also"]] if "also" in era else []
    return f"| {era['title']} | {tables} | {era['holder']} | {first}–{last} | {'; '.join(notes)} |"


def _column(column: Column) -> str:
    values = ", ".join(f"{code.value} {code.label}" for code in column.codes)
    codes = values or column.unit or column.code_system or ""
    source = column.provenance.source.replace(OSDC, "osdc 0.11.3")
    verified = "yes" if column.provenance.verified else "no"
    return f"| `{column.name}` | {column.physical_type} | {column.description} | {codes} | {source} | {verified} |"


CLOSING = """osdc 0.11.3: column definitions published with Brødbæk, Isaksen and Johnston (2025), *osdc*, an R package
(MIT). The classifier it holds is validated in Isaksen et al. 2023, doi:10.2147/CLEP.S407019; that paper is not where
the columns are defined. Other sources name the tables and columns; where verified says no, nobody compared them.
"""


if __name__ == "__main__":
    main()
