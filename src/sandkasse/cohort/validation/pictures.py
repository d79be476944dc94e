"""The report's pictures: charts in Vega-Lite, drawn to SVG on this machine."""

import re
from collections.abc import Mapping
from typing import Any

import altair as alt
import pandas as pd
import vl_convert

# Okabe and Ito's colours, told apart by colour-blind readers too.
BLACK, BLUE, VERMILION, GREEN, ORANGE = "#000000", "#0072b2", "#d55e00", "#009e73", "#e69f00"
SERIES = {"published": BLACK, "simulated": BLUE, "simulated registers": VERMILION}
WIDTH, HEIGHT = 300, 210
SMALL_WIDTH, SMALL_HEIGHT = 165, 110
MANY = 4
_QUIET, _SHADE = "#555555", "#eeeeee"
_ROLES = re.compile(r' role="graphics-\w+"| aria-roledescription="[^"]*"')


def draw_lines(  # noqa: PLR0913  what one picture says of its axes
    rows: pd.DataFrame,
    *,
    title: str,
    source: str,
    across: str,
    up: str,
    log: bool = False,
    zero: bool = True,
    shaded_from: float | None = None,
) -> str:
    """Draw points for what is published and lines for what is simulated.

    Args:
        rows: `x`, `y`, `series`, and `panel` if there are several.
        title: What the picture shows.
        source: Where its numbers come from.
        across: Title of the horizontal axis.
        up: Title of the vertical axis.
        log: Whether the vertical axis is logarithmic.
        zero: Whether the vertical axis begins at zero.
        shaded_from: Where on the horizontal axis a shade begins, to the right end.

    Returns:
        SVG.
    """
    names = [name for name in SERIES if name in set(rows.series)] + sorted(set(rows.series) - set(SERIES))
    spare = [BLUE, VERMILION, GREEN, ORANGE, "#cc79a7", "#56b4e9", BLACK]
    known = [SERIES.get(name) or spare[at % len(spare)] for at, name in enumerate(names)]
    base = alt.Chart(rows).encode(
        x=alt.X("x:Q", title=across, axis=alt.Axis(format="d"), scale=alt.Scale(zero=False, nice=False)),
        y=alt.Y("y:Q", title=up, scale=alt.Scale(type="log") if log else alt.Scale(zero=zero)),
        color=alt.Color(
            "series:N",
            scale=alt.Scale(domain=names, range=known),
            title=None,
            legend=alt.Legend(orient="bottom") if len(names) > 1 else None,
        ),
    )
    points = base.transform_filter("datum.series == 'published'").mark_point(size=28, filled=True)
    drawn = base.transform_filter("datum.series != 'published'").mark_line(strokeWidth=2)
    layers = [drawn, points]
    if shaded_from is not None:
        ends = alt.Chart(rows).transform_aggregate(last="max(x)").transform_calculate(begin=f"{shaded_from}")
        # The rectangle has the chart's height, since it is told no vertical place.
        layers.insert(0, ends.mark_rect(color=_SHADE).encode(x=alt.X("begin:Q", title=across), x2="last:Q"))
    return _finish(_panels(alt.layer(*layers), rows), title, source)


def draw_bars(rows: pd.DataFrame, *, title: str, source: str, across: str, up: str) -> str:
    """Draw bars.

    Args:
        rows: `x` (text, in order), `y`, and `panel` if there are several.
        title: What the picture shows.
        source: Where its numbers come from.
        across: Title of the horizontal axis.
        up: Title of the vertical axis.

    Returns:
        SVG.
    """
    order = list(dict.fromkeys(rows.x))
    bars = (
        alt.Chart(rows)
        .mark_bar(color=BLUE)
        .encode(
            x=alt.X("x:N", title=across, sort=order, axis=alt.Axis(labelAngle=0)),
            y=alt.Y("y:Q", title=up),
        )
    )
    return _finish(_panels(bars, rows), title, source)


def draw_pyramid(rows: pd.DataFrame, *, title: str, source: str) -> str:
    """Draw a population pyramid: men to the left, women to the right; the published one as an outline.

    Args:
        rows: `age_from`, `sex` (`men` or `women`), `series` (`published` or `simulated`), `persons` in thousands.
        title: What the picture shows.
        source: Where its numbers come from.

    Returns:
        SVG.
    """
    signed = rows.assign(persons=rows.persons.where(rows.sex == "women", -rows.persons))
    base = alt.Chart(signed).encode(
        y=alt.Y("age_from:O", sort="descending", title="age"),
        x=alt.X("persons:Q", title="thousand men · thousand women", axis=alt.Axis(labelExpr="abs(datum.value)")),
    )
    bars = base.transform_filter("datum.series == 'simulated'").mark_bar(opacity=0.75)
    bars = bars.encode(
        color=alt.Color("sex:N", scale=alt.Scale(domain=["men", "women"], range=[BLUE, ORANGE]), title=None)
    )
    ticks = base.transform_filter("datum.series == 'published'").mark_tick(color=BLACK, thickness=2)
    return _finish((bars + ticks).properties(width=520, height=320), title, source)


def draw_matrix(rows: pd.DataFrame, *, title: str, source: str) -> str:
    """Draw how often conditions meet: colour for the ratio of observed to expected, on a scale symmetric around 1.

    Args:
        rows: `one`, `other`, `ratio`; both triangles.
        title: What the picture shows.
        source: Where its numbers come from.

    Returns:
        SVG.
    """
    side = 24 * rows.one.nunique() + 20
    cells = (
        alt.Chart(rows)
        .mark_rect()
        .encode(
            x=alt.X("one:N", title=None, axis=alt.Axis(labelAngle=-45)),
            y=alt.Y("other:N", title=None),
            color=alt.Color(
                "ratio:Q",
                title="observed / expected",
                scale=alt.Scale(scheme="purpleorange", type="log", domain=[0.25, 4.0], domainMid=1.0, clamp=True),
            ),
        )
    )
    return _finish(cells.properties(width=side, height=side), title, source)


def draw_deviations(rows: pd.DataFrame, *, title: str, source: str) -> str:
    """Draw how far each target is met: a point with its Monte Carlo interval on a logarithmic scale around 1.

    Args:
        rows: `name`, `role`, `ratio`, `low`, `high`.
        title: What the picture shows.
        source: Where its numbers come from.

    Returns:
        SVG.
    """
    base = alt.Chart(rows).encode(
        y=alt.Y("name:N", sort=list(rows.name), title=None, axis=alt.Axis(labelLimit=420)),
        color=alt.Color("role:N", scale=alt.Scale(domain=["fitted", "held out"], range=[BLUE, VERMILION]), title=None),
    )
    scale = alt.Scale(type="log", domain=[0.4, 2.5], clamp=True, nice=False)
    bars = base.mark_rule().encode(x=alt.X("low:Q", scale=scale, title="simulated / published"), x2="high:Q")
    points = base.mark_point(filled=True, size=36).encode(x=alt.X("ratio:Q", scale=scale))
    limits = alt.Chart(pd.DataFrame({"at": [0.85, 1.0, 1.15]})).mark_rule(color=_QUIET, strokeDash=[3, 3])
    return _finish((limits.encode(x="at:Q") + bars + points).properties(width=420), title, source)


def _panels(chart: Any, rows: pd.DataFrame) -> Any:
    if "panel" not in rows.columns:
        return chart.properties(width=2 * WIDTH - 80, height=HEIGHT)
    order = list(dict.fromkeys(rows.panel))
    facet = alt.Facet("panel:N", title=None, sort=order)
    if len(order) <= MANY:
        return chart.properties(width=WIDTH, height=HEIGHT).facet(facet=facet, columns=2)
    # Many small pictures: each on its own scale, or the rare would be flat beside the common.
    small = chart.properties(width=SMALL_WIDTH, height=SMALL_HEIGHT).facet(facet=facet, columns=4)
    return small.resolve_scale(y="independent")


def _finish(chart: Any, title: str, source: str) -> str:
    told = alt.TitleParams(title, subtitle=source, anchor="start", fontSize=15, subtitleColor=_QUIET)
    spec: Mapping[str, Any] = chart.properties(title=told, background="white").to_dict()
    # Marks come with roles of their own and without texts; the page gives each picture one text, as a whole.
    return _ROLES.sub("", str(vl_convert.vegalite_to_svg(dict(spec))))
