"""The report says what was measured, and its headline cannot be better than the figures."""

import numpy as np
import pandas as pd
import pytest

from sandkasse.cohort.validation.people import Figure, life_expectancy, read_published
from sandkasse.cohort.validation.pictures import draw_bars
from sandkasse.cohort.validation.report import Grid, Picture, Report, Section, to_html, write_markdown
from sandkasse.cohort.validation.validate import describe_figures, headline_of


def _figure(simulated, *, role="held out", error=0.0):
    return Figure("x", 100.0, simulated, error, role, "persons", "nobody")


def test_the_headline_counts_held_out_figures_within_fifteen_percent():
    figures = [_figure(114.0), _figure(86.0), _figure(116.0), _figure(84.0), _figure(500.0, role="fitted")]
    assert headline_of(figures).startswith("2 of 4 held-out figures (50 %)")


def test_the_headline_says_where_chance_could_decide():
    assert "for 1 of them chance" in headline_of([_figure(114.0, error=1.0), _figure(100.0, error=1.0)])


def test_every_missed_figure_is_named_as_missed():
    grid = describe_figures([_figure(100.0), _figure(120.0)]).grids[0]
    assert [row[6] for row in grid.rows] == ["", "missed"]


def test_life_expectancy_of_a_level_hazard_is_its_inverse():
    # The abridged table takes deaths to fall half way through five years, so it is near 1/hazard, not equal to it.
    years = np.full(20, 1e6)
    assert life_expectancy(0.02 * years, years) == pytest.approx(50.0, rel=0.002)


def test_published_life_expectancy_is_that_of_denmark():
    deaths = read_published()["deaths"]
    part = slice(2008 - 1977, 2013 - 1977)
    men = life_expectancy(deaths.events[0, :, part].sum(-1), deaths.years[0, :, part].sum(-1))
    women = life_expectancy(deaths.events[1, :, part].sum(-1), deaths.years[1, :, part].sum(-1))
    assert 76.5 < men < 78.5
    assert 80.5 < women < 82.5


def test_a_page_escapes_what_it_is_told_and_needs_nothing_else():
    section = Section("A & B", ("<script>",), (Picture("p", "<svg></svg>", 'said "so"'),), (Grid(("h",), (("1",),)),))
    page = to_html(Report("T", "H", "M", (section,)))
    assert "<script>" not in page
    assert "A &amp; B" in page
    assert 'aria-label="said &quot;so&quot;"' in page
    assert "src=" not in page
    assert 'href="http' not in page


def test_markdown_has_its_pictures_beside(tmp_path):
    section = Section("S", (), (Picture("p", "<svg></svg>", "says"),), (Grid(("a|b",), (("1|2",),), "Grid"),))
    text = write_markdown(Report("T", "H", "M", (section,)), tmp_path / "figures")
    assert (tmp_path / "figures" / "p.svg").read_text(encoding="utf-8") == "<svg></svg>"
    assert "![says](figures/p.svg)" in text
    assert "| 1\\|2 |" in text


def test_a_picture_has_one_text_and_no_unnamed_parts_for_screen_readers():
    rows = pd.DataFrame({"x": ["a", "b"], "y": [1, 2]})
    drawn = draw_bars(rows, title="Contacts", source="nobody", across="age", up="contacts")
    page = to_html(Report("r", "h", "m", (Section("s", pictures=(Picture("contacts", drawn, "Contacts by age"),)),)))
    assert 'role="img" aria-label="Contacts by age"' in page
    assert "graphics-" not in page
