"""The report says what was measured, and its headline cannot be better than the figures."""

import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from sandkasse.cohort.validation import extrapolation
from sandkasse.cohort.validation.headline import (
    chance_within,
    compare_seeds,
    expect_share,
    first_list_of,
    headline_of,
    list_changes,
)
from sandkasse.cohort.validation.people import Figure, life_expectancy, read_published, survival
from sandkasse.cohort.validation.pictures import draw_bars, draw_lines
from sandkasse.cohort.validation.report import Grid, Picture, Report, Section, to_html, write_markdown
from sandkasse.cohort.validation.validate import describe_figures


def _figure(simulated, *, role="held out", error=0.0, first=None, why=""):
    return Figure("x", 100.0, simulated, error, role, "persons", "nobody", first_role=first or role, why=why)


def test_the_headline_counts_held_out_figures_within_fifteen_percent():
    figures = [_figure(114.0), _figure(86.0), _figure(116.0), _figure(84.0), _figure(500.0, role="fitted")]
    assert headline_of(figures).startswith("2 of 4 held-out figures (50 %)")


def test_the_chance_to_be_within_the_limit_is_that_of_a_normal_distribution_around_the_simulated_value():
    assert chance_within(_figure(115.0, error=1.0)) == pytest.approx(0.5)
    assert chance_within(_figure(116.0, error=1.0)) == pytest.approx(0.158655, abs=1e-6)
    assert chance_within(_figure(84.0, error=1.0)) == pytest.approx(0.158655, abs=1e-6)
    assert chance_within(_figure(100.0, error=15.0)) == pytest.approx(0.682689, abs=1e-6)
    assert chance_within(_figure(114.0)) == 1.0
    assert chance_within(_figure(math.nan, error=math.nan, role="cannot be compared")) == 0.0


def test_the_headline_gives_the_expected_share_with_its_error():
    figures = [_figure(115.0, error=1.0), _figure(100.0, error=1.0), _figure(85.0, error=1.0), _figure(300.0)]
    # Chances 1/2, 1, 1/2, 0.
    assert expect_share(figures) == pytest.approx((0.5, math.sqrt(0.5) / 4))
    assert "50 ± 18 % are expected" in headline_of(figures)


def test_the_second_sentence_counts_the_first_lists_figures_whatever_they_are_now():
    figures = [
        _figure(100.0),
        _figure(130.0),
        _figure(101.0, role="fitted", first="held out", why="looked at"),
        _figure(math.nan, error=math.nan, role="cannot be compared", first="held out", why="not in the model"),
        _figure(102.0, first="added later"),
        _figure(103.0, role="fitted"),
    ]
    assert headline_of(figures).startswith("2 of 3 held-out figures")
    said = first_list_of(figures)
    assert said.startswith("Of the 4 figures held out in the first list, 2 (50 %) lie within 15 %")
    assert "1 are fitted today, and 1 cannot be compared" in said
    assert [row[2:] for row in list_changes(figures).rows] == [
        ("fitted", "+1 %", "looked at"),
        ("cannot be compared", "—", "not in the model"),
    ]
    grids = describe_figures(figures, [(1, figures), (2, figures)]).grids
    assert grids[0].rows == compare_seeds([(1, figures), (2, figures)]).rows
    assert [len(grid.rows) for grid in grids] == [2, 2, 5]


def test_every_missed_figure_is_named_as_missed():
    grid = describe_figures([_figure(100.0), _figure(120.0)]).grids[-1]
    assert [row[6] for row in grid.rows] == ["", "missed"]


def test_life_expectancy_of_a_level_hazard_is_its_inverse():
    # The abridged table takes deaths to fall half way through five years, so it is near 1/hazard, not equal to it.
    years = np.full(20, 1e6)
    assert life_expectancy(0.02 * years, years) == pytest.approx(50.0, rel=0.002)


def test_remaining_years_at_65_of_a_level_hazard_are_those_at_birth():
    years = np.full(20, 1e6)
    assert life_expectancy(0.02 * years, years, age=65) == pytest.approx(50.0, rel=0.002)
    assert math.isnan(life_expectancy(np.where(np.arange(20) < 19, 0.02, 0.0) * years, years))
    # In each five years the share 5 h / (1 + 5 h / 2) dies.
    assert survival(0.02 * years, years) == pytest.approx((0.95 / 1.05) ** np.arange(20))


def test_years_after_the_sources_are_shaded_in_every_panel():
    rows = pd.DataFrame(
        {"x": [2010, 2016] * 2, "y": [1.0, 2.0] * 2, "series": "new cases", "panel": ["a", "a", "b", "b"]}
    )
    plain = draw_lines(rows, title="t", source="s", across="year", up="")
    shaded = draw_lines(rows, title="t", source="s", across="year", up="", shaded_from=2013)
    assert plain.count("#eeeeee") == 0
    assert shaded.count("#eeeeee") == 2


def test_the_page_of_the_model_says_of_extrapolation_what_the_report_says():
    docs = Path(__file__).resolve().parents[3] / "docs"
    for page in ("reference/cohort-validation.md", "explanation/cohort-life.md"):
        assert extrapolation.SENTENCE in " ".join((docs / page).read_text(encoding="utf-8").split())


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
