"""Describe the model, number by number with its source, and describe what a simulated folder holds."""

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from sandkasse.core.errors import InvalidInputError

_FOLDERS = ("params", "params_observation")
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
    """List every parameter of the model with what its file says of its source."""
    return tuple(parameter for path in parameter_files() for parameter in _parameters(path))


def parameter_files() -> tuple[Path, ...]:
    """List the shipped parameter files."""
    root = Path(str(files("sandkasse.cohort")))
    return tuple(path for folder in _FOLDERS for path in sorted((root / folder).glob("*.toml")))


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
    notes = _notes(path.read_text(encoding="utf-8"))
    for name, value in _flat(tomllib.loads(path.read_text(encoding="utf-8"))):
        parts = re.sub(r"\[\d+\]", "", name).split(".")
        found = ""
        for end in range(len(parts), -1, -1):
            found = notes.get(".".join(parts[:end]), "")
            if found:
                break
        yield Parameter(path.name, name, str(value), found)


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
