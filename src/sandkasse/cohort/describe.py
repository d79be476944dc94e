"""Describe the model, number by number with its source, and describe what a simulated folder holds."""

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from html import escape
from importlib.resources import files
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from sandkasse.cohort.picture import draw_model
from sandkasse.cohort.specification import read_specification
from sandkasse.core.errors import InvalidInputError

_FOLDERS = ("params", "params_observation")
OUR_CHOICE = "our choice"
_SOURCE = re.compile(
    r"\b10\.\d{4,}/|PMID|PMC\d|et al\.|\b\d{4};\s?\d|Statistics Denmark|Statens Serum Institut|Health Data Authority|"
    r"WHO Collaborating|\bosdc\b|R package"
)
"""How a source is written in the parameter files: a DOI or number of a paper, a citation, a publisher of figures."""
_HEADING = re.compile(r"^\[+([^\]]+)\]+\s*$")
_KEY = re.compile(r"^([A-Za-z0-9_\"-]+)\s*=")


@dataclass(frozen=True)
class Parameter:
    """One number or list of the model.

    Attributes:
        file: The parameter file it stands in.
        name: Its table and key.
        value: Its value, as text.
        note: What the file says of it: a source, or that it is our choice.
    """

    file: str
    name: str
    value: str
    note: str


@dataclass(frozen=True)
class TableSummary:
    """What one table of a simulated folder holds.

    Attributes:
        table: Its name.
        rows: Number of rows.
        bytes: Size of its files.
        years: First and last year of its date column, if it has one.
    """

    table: str
    rows: int
    bytes: int
    years: str


def describe_model() -> tuple[Parameter, ...]:
    """List every parameter of the model with what its file says of its source.

    Of the life, every number; of the observation, every entry.
    """
    return tuple(parameter for path in parameter_files() for parameter in _parameters(path))


def is_our_choice(note: str) -> bool:
    """Say whether a note says that an entry, or part of it, is our choice."""
    return OUR_CHOICE in note.lower()


def names_source(note: str) -> bool:
    """Say whether a note names where an entry, or part of it, was published."""
    return bool(_SOURCE.search(note))


def parameter_files() -> tuple[Path, ...]:
    """List the shipped parameter files."""
    root = Path(str(files("sandkasse.cohort")))
    return tuple(path for folder in _FOLDERS for path in sorted((root / folder).rglob("*.toml")))


def describe_page() -> str:
    """Write the model as one page: its picture, and every number with its source, file by file.

    Returns:
        A self-contained HTML document that follows the reader's light or dark scheme and needs no script.
    """
    specification = read_specification(Path(str(files("sandkasse.cohort"))) / "params")
    listed: dict[str, list[Parameter]] = {}
    for parameter in describe_model():
        listed.setdefault(parameter.file, []).append(parameter)
    titles = {f"conditions/{condition.name}.toml": condition.title for condition in specification.conditions}
    notes = [parameter.note for rows in listed.values() for parameter in rows]
    n_own = sum(map(is_our_choice, notes))
    n_beside = sum(is_our_choice(note) and names_source(note) for note in notes)
    return "".join(
        (
            '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>The cohort\'s model</title>',
            f'<meta name="viewport" content="width=device-width, initial-scale=1"><style>{_PAGE_STYLE}</style></head>',
            "<body><main><h1>The cohort's model</h1>",
            f"<p>{len(specification.conditions)} conditions, {len(specification.general.treatments)} treatments. ",
            f"Of {len(notes):,} entries, {n_own:,} are our choice, in whole or in part, {n_beside:,} of them beside a ",
            f"source; the other {len(notes) - n_own:,} name a source.</p>",
            f"{_READING}<figure>{draw_model(specification)}</figure><h2>Every number, and where it comes from</h2>",
            *(_details(file, rows, titles.get(file, "")) for file, rows in listed.items()),
            "</main></body></html>",
        )
    )


_READING = (
    "<p>Whatever a simulated person lives through follows from this model. It was written from published figures and "
    "from choices of ours: no person's record went into it, and so nobody stands behind a row that it makes.</p>"
    "<p>Read from left to right: lifelong traits and habits, conditions, treatments, death. A thicker line is a "
    "stronger effect. Rest the pointer on a box to see its arrows alone, or on a line for its number and source.</p>"
)


def _details(file: str, rows: list[Parameter], title: str) -> str:
    cells = "".join(
        f"<tr><th scope=row>{escape(row.name)}</th><td>{escape(row.value)}</td><td>{escape(row.note)}</td></tr>"
        for row in rows
    )
    return (
        f"<details><summary>{escape(title)} <code>{escape(file)}</code> "
        f"<small>{len(rows)} entries</small></summary><table><thead><tr><th>entry</th>"
        f"<th>value</th><th>source</th></tr></thead><tbody>{cells}</tbody></table></details>"
    )


_PAGE_STYLE = """
:root{color-scheme:light dark;--paper:#faf9f6;--ink:#1b2326;--quiet:#50595c;--line:#dcd9d0}
@media (prefers-color-scheme:dark){:root{--paper:#12181a;--ink:#e9e7e2;--quiet:#adb5b5;--line:#2e393c}}
body{margin:0;background:var(--paper);color:var(--ink);font:16px/24px -apple-system,"Segoe UI",Roboto,"Noto Sans",
Ubuntu,sans-serif}
main{max-width:1300px;margin:0 auto;padding:24px 16px}
figure{margin:24px 0;overflow-x:auto}svg{min-width:900px;width:100%}
summary{cursor:pointer;padding:8px 0;border-top:1px solid var(--line)}
table{border-collapse:collapse;font-size:14px;line-height:20px;width:100%}
p{max-width:80ch}code,small{color:var(--quiet);font-size:14px}
td,th{text-align:left;vertical-align:top;padding:4px 12px 4px 0;border-top:1px solid var(--line);font-weight:400;
overflow-wrap:anywhere}
"""


def describe_folder(folder: Path) -> tuple[TableSummary, ...]:
    """Summarise the tables of a simulated folder: rows, bytes and years, from the files' own statistics.

    Raises:
        InvalidInputError: If there are no Parquet files below the folder.
    """
    tables: dict[str, list[Path]] = {}
    for path in sorted(folder.rglob("*.parquet")):
        name = path.parent.name if path.name.startswith("part-") else path.stem
        tables.setdefault(name, []).append(path)
    if not tables:
        raise InvalidInputError(
            f"There are no tables in {folder.name!r}.", next_step="give a folder that `sandkasse cohort simulate` made"
        )
    return tuple(_summary(name, paths) for name, paths in tables.items())


def _summary(name: str, paths: list[Path]) -> TableSummary:
    years: list[int] = []
    rows = 0
    for path in paths:
        metadata = pq.read_metadata(path)
        rows += metadata.num_rows
        years += _years(metadata)
    span = f"{min(years)}–{max(years)}" if years else ""
    return TableSummary(name, rows, sum(path.stat().st_size for path in paths), span)


def _years(metadata: Any) -> Iterator[int]:
    """Give the years of the smallest and largest date of the event's date column, which is the last one."""
    columns = [index for index in range(metadata.num_columns) if metadata.schema.column(index).name != "foed_dato"]
    for group in range(metadata.num_row_groups):
        for index in columns:
            statistics = metadata.row_group(group).column(index).statistics
            if statistics is not None and statistics.has_min_max and hasattr(statistics.min, "year"):
                yield statistics.min.year
                yield statistics.max.year


def _parameters(path: Path) -> Iterator[Parameter]:
    text = path.read_text(encoding="utf-8")
    notes, tables = _notes(text), tomllib.loads(text)
    folder = path.parent.name
    name_of_file = f"{folder}/{path.name}" if folder == "conditions" else path.name
    sourced = _sources(tables)
    for name, value in _flat(tables):
        if folder != "params_observation" and not _has_number(value):
            continue
        found = next((sourced[upper] for upper in _enclosing(name) if upper in sourced), "")
        yield Parameter(name_of_file, name, str(value), found or _remark(notes, name))


def _remark(notes: Mapping[str, str], name: str) -> str:
    """Join the comments on an entry and on what it stands in, until one says where the entry comes from."""
    parts = re.sub(r"\[\d+\]", "", name).split(".")
    said: list[str] = []
    for end in range(len(parts), -1, -1):
        note = notes.get(".".join(parts[:end]))
        if note:
            said.append(note)
            if is_our_choice(note) or names_source(note):
                break
    return " — ".join(said)


def _has_number(value: Any) -> bool:
    if isinstance(value, list):
        return any(map(_has_number, value))
    return isinstance(value, int | float) and not isinstance(value, bool)


def _enclosing(name: str) -> Iterator[str]:
    """Give the tables that an entry stands in, from the innermost out."""
    parts = name.split(".")
    for end in range(len(parts) - 1, -1, -1):
        yield ".".join(parts[:end])


def _sources(table: Mapping[str, Any], prefix: str = "") -> dict[str, str]:
    """Read the `source` of each table that has one, by its name."""
    out = {prefix: str(table["source"])} if isinstance(table.get("source"), str) else {}
    for key, value in table.items():
        name = f"{prefix}.{key}".lstrip(".")
        if isinstance(value, dict):
            out |= _sources(value, name)
        elif isinstance(value, list):
            for number, entry in enumerate(value):
                if isinstance(entry, dict):
                    out |= _sources(entry, f"{name}[{number}]")
    return out


def _flat(table: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in table.items():
        name = f"{prefix}{key}"
        if isinstance(value, dict):
            yield from _flat(value, f"{name}.")
        elif isinstance(value, list) and value and isinstance(value[0], dict):
            for number, entry in enumerate(value):
                yield from _flat(entry, f"{name}[{number}].")
        else:
            yield name, value


def _notes(text: str) -> dict[str, str]:
    """Read what the comments say: of the whole file, of the table or key below them, of the key before them."""
    notes: dict[str, str] = {}
    waiting: list[str] = []
    table = ""
    for line in text.splitlines():
        stripped = line.strip()
        heading, key = _HEADING.match(stripped), _KEY.match(stripped)
        if stripped.startswith("#"):
            waiting.append(stripped.lstrip("# "))
            continue
        if heading:
            table = heading[1]
            _keep(notes, table, waiting)
        elif key:
            trailing = stripped.partition("  # ")[2]
            _keep(notes, f"{table}.{key[1]}".lstrip("."), [*waiting, trailing] if trailing else waiting)
        elif waiting:
            _keep(notes, table, waiting)
        waiting = []
    return notes


def _keep(notes: dict[str, str], name: str, lines: list[str]) -> None:
    if lines:
        notes[name] = (notes.get(name, "") + " " + " ".join(lines)).strip()
