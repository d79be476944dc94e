"""A report as data: sections of words, tables and pictures; written as one page, or as Markdown and picture files."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from html import escape
from importlib.resources import files
from pathlib import Path


@dataclass(frozen=True)
class Picture:
    """A picture.

    Attributes:
        name: Name of its file, without the ending.
        svg: The drawing.
        says: What it shows, for those who do not see it.
    """

    name: str
    svg: str
    says: str


@dataclass(frozen=True)
class Grid:
    """A table.

    Attributes:
        head: Titles of the columns.
        rows: Cells, as texts and numbers as they are to be read.
        says: What it shows.
    """

    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    says: str = ""


@dataclass(frozen=True)
class Section:
    """One section.

    Attributes:
        title: Its heading.
        words: Paragraphs.
        pictures: Pictures.
        grids: Tables.
    """

    title: str
    words: tuple[str, ...] = ()
    pictures: tuple[Picture, ...] = ()
    grids: tuple[Grid, ...] = ()


@dataclass(frozen=True)
class Report:
    """A report.

    Attributes:
        title: Its title.
        headline: The one sentence that a hurried reader reads.
        made: What was measured, and by which command.
        sections: Its sections.
        second: The sentence to be read beside the headline.
    """

    title: str
    headline: str
    made: str
    sections: tuple[Section, ...] = field(default=())
    second: str = ""


def to_html(report: Report) -> str:
    """Write a report as one page that needs nothing else."""
    style = (files("sandkasse.cohort.validation") / "style.css").read_text(encoding="utf-8")
    links = "".join(f'<a href="#s{n}">{escape(s.title)}</a>' for n, s in enumerate(report.sections))
    sections = "".join(_section_html(section, number) for number, section in enumerate(report.sections))
    second = f"<p>{escape(report.second)}</p>" if report.second else ""
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8">'
        f'<meta name="viewport" content="width=device-width, initial-scale=1"><title>{escape(report.title)}</title>'
        f"<style>{style}</style></head><body><main><h1>{escape(report.title)}</h1>"
        f'<p class="headline">{escape(report.headline)}</p>{second}<p class="quiet">{escape(report.made)}</p>'
        f'<nav aria-label="Sections">{links}</nav>{sections}</main></body></html>\n'
    )


def _section_html(section: Section, number: int) -> str:
    words = "".join(f"<p>{escape(paragraph)}</p>" for paragraph in section.words)
    pictures = "".join(
        f'<figure role="img" aria-label="{escape(picture.says)}">{picture.svg}</figure>' for picture in section.pictures
    )
    grids = "".join(_grid_html(grid) for grid in section.grids)
    return f'<section id="s{number}"><h2>{escape(section.title)}</h2>{words}{pictures}{grids}</section>'


def _grid_html(grid: Grid) -> str:
    kinds = [' class="num"' if _is_number(column) else "" for column in zip(*grid.rows, strict=True)] or [""] * len(
        grid.head
    )
    head = "".join(f'<th scope="col"{kind}>{escape(name)}</th>' for name, kind in zip(grid.head, kinds, strict=True))
    rows = "".join(
        "<tr>" + "".join(f"<td{kind}>{escape(cell)}</td>" for cell, kind in zip(row, kinds, strict=True)) + "</tr>"
        for row in grid.rows
    )
    caption = f'<caption class="quiet">{escape(grid.says)}</caption>' if grid.says else ""
    return f'<div class="scroll"><table>{caption}<thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>'


def _is_number(column: Sequence[str]) -> bool:
    return all(not cell or cell.strip("+-±%., 0123456789") in ("", "points") for cell in column)


def write_markdown(report: Report, figures: Path) -> str:
    """Write a report as Markdown, its pictures as files.

    Args:
        report: The report.
        figures: Folder for the pictures; the text links to it as `figures/`.

    Returns:
        The text.
    """
    figures.mkdir(parents=True, exist_ok=True)
    parts = [f"# {report.title}", f"**{report.headline}**", *([report.second] if report.second else []), report.made]
    for section in report.sections:
        parts += [f"## {section.title}", *section.words]
        for picture in section.pictures:
            (figures / f"{picture.name}.svg").write_text(picture.svg, encoding="utf-8")
            parts.append(f"![{picture.says}](figures/{picture.name}.svg)")
        parts += [_grid_markdown(grid) for grid in section.grids]
    return "\n\n".join(parts) + "\n"


def _grid_markdown(grid: Grid) -> str:
    lines = [grid.head, ("---",) * len(grid.head), *grid.rows]
    table = "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)
    return f"{grid.says}:\n\n{table}" if grid.says else table
