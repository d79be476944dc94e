"""Small pictures as plain geometry: templates draw them as SVG with attributes only, so no style needs to be inline."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

WIDTH, HEIGHT = 300.0, 72.0
GAP = 1.0


@dataclass(frozen=True)
class Mark:
    """One bar: where it stands, and what it says."""

    x: float
    y: float
    width: float
    height: float
    text: str
    label: str
    count: int


@dataclass(frozen=True)
class Picture:
    """A bar picture.

    Attributes:
        kind: `histogram` (bars along a scale) or `values` (one row a value).
        marks: The bars.
        low: The scale's left end, in words.
        high: The scale's right end.
        most: The tallest bar's count.
        says: What the picture shows, for those who cannot see it.
    """

    kind: str
    marks: tuple[Mark, ...]
    low: str
    high: str
    most: int
    says: str


def draw_histogram(labels: Sequence[str], counts: Sequence[int], *, low: str, high: str, name: str) -> Picture:
    """Draw counts along a scale, one bar a bin, over the full width.

    Args:
        labels: What each bin covers, in words.
        counts: Rows of each bin.
        low: The scale's left end.
        high: The scale's right end.
        name: What is counted.
    """
    most = max(counts, default=0)
    step = WIDTH / max(1, len(counts))
    marks = tuple(
        Mark(
            x=round(index * step, 2),
            y=round(HEIGHT - _height(count, most), 2),
            width=round(max(step - GAP, 0.5), 2),
            height=_height(count, most),
            text=f"{label}: {count:,} rows",
            label=label,
            count=count,
        )
        for index, (label, count) in enumerate(zip(labels, counts, strict=True))
    )
    peak = labels[list(counts).index(most)] if most else "none"
    says = f"Histogram of {name} from {low} to {high} in {len(counts)} bars; most rows are at {peak} ({most:,})."
    return Picture("histogram", marks, low, high, most, says)


def draw_values(labels: Sequence[str], counts: Sequence[int], *, name: str) -> Picture:
    """Draw one horizontal bar a value; lengths are relative to the largest.

    Args:
        labels: The values in words, most frequent first.
        counts: Rows of each.
        name: What is counted.
    """
    most = max(counts, default=0)
    marks = tuple(
        Mark(0, 0, round(100 * count / most, 2) if most else 0, 8, f"{label}: {count:,} rows", label, count)
        for label, count in zip(labels, counts, strict=True)
    )
    first = ", ".join(f"{mark.label} ({mark.count:,})" for mark in marks[:3])
    return Picture("values", marks, "", "", most, f"Most frequent values of {name}: {first}.")


@dataclass(frozen=True)
class Years:
    """Which years something covers, as a stretch of a common scale of 0 to 100.

    Attributes:
        x: Where the stretch begins.
        width: How long it is.
    """

    x: float
    width: float


def draw_years(periods: Mapping[str, str]) -> tuple[dict[str, Years], tuple[int, int]] | None:
    """Place periods on one scale of years.

    Args:
        periods: Periods in words that begin with their first and last year (`1977–2018`), by name.

    Returns:
        A stretch for each name, and the scale's first and last year; nothing if a period says no years, or if all say
        the same.
    """
    found = {name: re.match(r"(\d{4})\s*[–-]\s*(\d{4})", words) for name, words in periods.items()}
    years = {name: (int(match[1]), int(match[2])) for name, match in found.items() if match}
    if len(years) < len(periods) or len(set(years.values())) < 2:
        return None
    first, last = min(low for low, _ in years.values()), max(high for _, high in years.values())
    scale = 100 / (last + 1 - first)
    drawn = {
        name: Years(round((low - first) * scale, 1), round((high + 1 - low) * scale, 1))
        for name, (low, high) in years.items()
    }
    return drawn, (first, last)


def _height(count: int, most: int) -> float:
    """A bar that has rows is never invisible."""
    return round(max(1.0, (HEIGHT - 2) * count / most), 2) if count else 0.0
