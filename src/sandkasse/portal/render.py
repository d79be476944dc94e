"""Templates: one environment, and how the pages write numbers, sizes and dates."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

FOLDER = Path(__file__).parent
STATIC = FOLDER / "static"

TIERS = {
    "public": ("Public", "Published by its owner. We did not assess its anonymity."),
    "simulated": ("Simulated", "Made from published figures. No person was ever behind a row."),
    "twin": ("Synthetic twin", "Learned from persons' data, released with evidence by its data controller."),
    "anonymised": ("Anonymised", "Anonymised, with the data controller's signed assessment."),
}
# The codes that a reader would not know; other units are shown as they are written.
UNITS = {
    "a": "years",
    "mo": "months",
    "wk": "weeks",
    "d": "days",
    "h": "hours",
    "min": "minutes",
    "s": "seconds",
    "kg/m2": "kg/m²",
    "mm[Hg]": "mmHg",
    "umol/L": "µmol/L",
    "ug/L": "µg/L",
    "10^9/L": "10⁹/L",
    "mL/min/(173/100 m2)": "mL/min/1.73 m²",
    "%": "%",
    "1": "",
}
LEVELS = ("introductory", "intermediate", "advanced")


@cache
def make_environment() -> Environment:
    """Make the templates' environment: autoescaping on, an unknown name is an error."""
    environment = Environment(
        loader=FileSystemLoader(FOLDER / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    environment.filters.update(
        number=say_number,
        size=say_size,
        day=say_day,
        percent=say_percent,
        words=say_id,
        ago=say_ago,
        plural=say_count,
        hours=say_hours,
        unit=say_unit,
        ticks=mark_code,
        dateiso=say_moment,
    )
    environment.globals.update(asset=asset_address, tiers=TIERS, levels=LEVELS, query=make_query)
    return environment


@cache
def asset_address(path: str) -> str:
    """Give the address of a static file, with a mark of its content so that browsers may keep it for ever."""
    mark = hashlib.sha256((STATIC / path).read_bytes()).hexdigest()[:12]
    return f"/static/{path}?v={mark}"


def make_query(**fields: object) -> str:
    """Write a query string, leaving out what is empty; lists become repeated fields."""
    return urlencode({name: value for name, value in fields.items() if value not in ("", None, [], ())}, doseq=True)


def say_number(value: float | None, digits: int = 0) -> str:
    """Write a number with thousands separated, or a dash for none."""
    return "–" if value is None else f"{value:,.{digits}f}"


def say_count(count: int, noun: str, plural: str | None = None) -> str:
    """Write a count with its noun: 1 table, 20,000 persons."""
    return f"{count:,} {noun if count == 1 else plural or noun + 's'}"


def say_size(n_bytes: int) -> str:
    """Write a size in the unit that people use for it."""
    size = float(n_bytes)
    for unit in ("bytes", "kB", "MB", "GB"):
        if size < 1000 or unit == "GB":
            break
        size /= 1000
    return f"{size:.0f} {unit}" if unit == "bytes" or size >= 10 else f"{size:.1f} {unit}"


def say_day(value: date | datetime | None) -> str:
    """Write a day: 3 March 2026."""
    return "–" if value is None else f"{value.day} {value:%B %Y}"


def say_moment(value: date | datetime) -> str:
    """Write a moment for machines (`<time datetime>`)."""
    return value.isoformat()


def say_percent(share: float | None) -> str:
    """Write a share of 0 to 1 in whole per cent; small ones are not rounded to none."""
    if share is None:
        return "–"
    if 0 < share < 0.005:
        return "< 1 %"
    if 0.995 < share < 1:
        return "> 99 %"
    return f"{share:.0%}".replace("%", " %")


def say_hours(value: float) -> str:
    """Write hours: 1.5 hours, 6 hours."""
    return f"{value:g} hour{'' if value == 1 else 's'}"


def say_unit(code: str) -> str:
    """Write a unit as people do: UCUM's `a` as years, `{packs}` as packs."""
    return UNITS.get(code, code[1:-1] if code.startswith("{") and code.endswith("}") else code)


def mark_code(text: str) -> Markup:
    """Write a text whose `code` stands between backticks; everything else is escaped."""
    parts = text.split("`")
    if len(parts) % 2 == 0:
        return escape(text)
    pieces = (Markup("<code>{}</code>").format(part) if at % 2 else escape(part) for at, part in enumerate(parts))
    return Markup("").join(pieces)


def say_id(value: str) -> str:
    """Write an id as words: `public-health` as Public health."""
    words = value.replace("-", " ").replace("_", " ").strip()
    return words[:1].upper() + words[1:]


def say_ago(span: timedelta) -> str:
    """Write a span roughly: 40 minutes, 3 hours, 2 days."""
    minutes = max(0, round(span.total_seconds() / 60))
    if minutes < 1:
        return "less than a minute"
    for size, noun in ((60 * 24, "day"), (60, "hour"), (1, "minute")):
        if minutes >= size * (2 if size > 1 else 1):
            return say_count(minutes // size, noun)
    return say_count(minutes, "minute")


@dataclass(frozen=True)
class Paging:
    """One page's part of a long list.

    Attributes:
        items: What this page shows.
        total: How many there are.
        number: This page, from 1.
        last: The last page.
    """

    items: Sequence[Any] = field(default=())
    total: int = 0
    number: int = 1
    last: int = 1


def take_page(items: Sequence[Any], number: int, *, size: int = 48) -> Paging:
    """Take one page of a list; a number outside it gives the nearest page."""
    last = max(1, -(-len(items) // size))
    number = min(max(1, number), last)
    return Paging(items[(number - 1) * size : number * size], len(items), number, last)
