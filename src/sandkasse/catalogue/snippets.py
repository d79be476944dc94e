"""The lines of code that open a dataset, in the languages that people bring, and how to cite it."""

import json
import re
from dataclasses import dataclass
from pathlib import Path

from sandkasse.catalogue.card import Card, Citation


@dataclass(frozen=True)
class Snippets:
    """Code that opens a dataset and counts the rows of its first table.

    Attributes:
        python: With Sandkasse, by the contract's name.
        r: With Sandkasse's R package, by the contract's name.
        sql: With DuckDB, from the Parquet files.
        tables: Names of the tables.
    """

    python: str
    r: str
    sql: str
    tables: tuple[str, ...]


def snippets_of(card: Card, folder: Path) -> Snippets:
    """Write the code that opens a dataset.

    Args:
        card: The dataset's card.
        folder: Where its files lie.
    """
    table = card.tables[0]
    explored = "" if card.default_for else f", dataset={_quote(card.id)}"
    python = (
        f"import sandkasse\n\nds = sandkasse.open({_quote(card.contract.name)}{explored})\n"
        f"ds.{table}.count().execute()\nds.{table}.head().to_pandas()\n"
    )
    # Shown to a person, never run here.
    sql = f"select count(*) from read_parquet({_quote_sql(_pattern(card, folder, table))});\n"  # noqa: S608
    explored_r = "" if card.default_for else f", dataset = {_quote(card.id)}"
    opened = f"library(sandkasse)\n\nds <- sandkasse::open({_quote(card.contract.name)}{explored_r})\n"
    r = opened + f'query(ds, "SELECT count(*) AS n FROM {table}")\nhead(ds${table})\n'  # noqa: S608  shown too
    return Snippets(python=python, r=r, sql=sql, tables=card.tables)


def to_bibtex(card: Card) -> str:
    """Give the citations of a card in BibTeX, the data's own paper first."""
    return "\n".join(_entry(card.id, number, citation) for number, citation in enumerate(card.citations, start=1))


def _entry(dataset_id: str, number: int, citation: Citation) -> str:
    year = re.search(r"\((1[89]|20)\d\d\)", citation.text)
    fields = {
        "title": "{" + _title(citation.text) + "}",
        "author": _authors(citation.text),
        "year": year.group().strip("()") if year else "",
        "note": citation.text,
        "doi": citation.doi or "",
    }
    lines = [f"  {name} = {{{_escape(value)}}}," for name, value in fields.items() if value]
    return "\n".join([f"@misc{{{dataset_id}-{number},", *lines, "}", ""])


def _authors(text: str) -> str:
    names = re.split(r"\s*\(\d{4}\)", text)[0].split(",")
    # "Van Dam GM" becomes "Van Dam, GM", so that a bibliography sorts by the family name.
    return " and ".join(re.sub(r"^(.+) (\S+)$", r"\1, \2", name.strip()) for name in names)


def _title(text: str) -> str:
    rest = re.split(r"\(\d{4}\)\.\s*", text, maxsplit=1)[-1]
    return re.split(r"\.\s", rest, maxsplit=1)[0].rstrip(".")


def _escape(text: str) -> str:
    return re.sub(r"([&%$#_])", r"\\\1", text)


def _pattern(card: Card, folder: Path, table: str) -> str:
    files = card.files_of(table)
    whole = len(files) == 1 and files[0].path.count("/") == 1
    return str(folder / files[0].path if whole else folder / "data" / table / "*.parquet")


def _quote_sql(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _quote(text: str) -> str:
    # What JSON quotes, Python and R read back as the same text.
    return json.dumps(text, ensure_ascii=False)
