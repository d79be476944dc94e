"""The model's picture shows every box and every arrow that the parameters write, and the page every number."""

from html import escape
from xml.etree import ElementTree as ET

import pytest

from sandkasse.cohort.describe import (
    _parameters,
    describe_model,
    describe_page,
    is_our_choice,
    names_source,
)
from sandkasse.cohort.model import PARAMS
from sandkasse.cohort.picture import draw_model, model_arrows
from sandkasse.cohort.specification import read_specification

SVG = "{http://www.w3.org/2000/svg}"


def test_every_cause_condition_and_treatment_has_its_box_and_every_row_its_arrow(wide):
    drawn = ET.fromstring(draw_model(wide.specification))
    boxes = {group.get("class").split("n-", 1)[1] for group in drawn.iter(f"{SVG}g")}
    traits = {f"trait-{name}" for name in wide.traits}
    social = {"body_mass", "education", "income", "death", "municipality"}
    assert boxes == {*wide.conditions, *wide.treatments, *wide.exposures, *traits, *social}
    arrows = model_arrows(wide.specification)
    assert len(list(drawn.iter(f"{SVG}path"))) == len(arrows)
    known = {(arrow.source, arrow.target, arrow.kind) for arrow in arrows}
    assert known >= {
        ("trait-standing", "trait-pressure", "down"),
        ("trait-standing", "gambling", "down"),
        ("gambling", "chill", "up"),
        ("chill", "death", "up"),
        ("chill_vaccine", "chill", "down"),
        ("weakness", "chill_vaccine", "brings"),
        ("trait-standing", "education", "up"),
        ("municipality", "trait-socioeconomic", "differs"),
    }
    place = next(a for a in arrows if (a.source, a.target) == ("municipality", "trait-psychosis"))
    assert "capital +0.3" in place.words
    assert "rural -0.3" in place.words
    assert all(arrow.words for arrow in arrows)


def test_boxes_do_not_lie_upon_each_other(wide):
    drawn = ET.fromstring(draw_model(wide.specification))
    places = [tuple(float(rect.get(key)) for key in ("x", "y", "width", "height")) for rect in drawn.iter(f"{SVG}rect")]
    height = float(drawn.get("viewBox").split()[3])
    for i, (x, y, width, tall) in enumerate(places):
        assert y + tall <= height
        for other_x, other_y, other_width, other_tall in places[:i]:
            beside = x >= other_x + other_width or other_x >= x + width
            assert beside or y >= other_y + other_tall or other_y >= y + tall


def test_boxes_and_lists_are_named_in_words_not_by_our_short_names():
    specification = read_specification(PARAMS)
    drawn = ET.fromstring(draw_model(specification))
    titles = {group.find(f"{SVG}title").text for group in drawn.iter(f"{SVG}g")}
    assert {"Liability to type 1 diabetes", "Liability to type 2 diabetes"} <= titles
    assert not {"t1d", "t2d"} & titles
    page = describe_page()
    for condition in specification.conditions:
        assert f"{escape(condition.title)} <code>conditions/{condition.name}.toml</code>" in page


def test_every_entry_names_a_source_or_says_that_it_is_our_choice():
    listed = describe_model()
    files = {parameter.file for parameter in listed}
    names = [condition.name for condition in read_specification(PARAMS).conditions]
    assert files >= {"model.toml", "treatments.toml", *(f"conditions/{name}.toml" for name in names)}
    silent = [row for row in listed if not (is_our_choice(row.note) or names_source(row.note))]
    assert [f"{row.file}: {row.name}: {row.note}" for row in silent] == []
    statin = [row for row in listed if row.file == "treatments.toml" and "10.1016/S0140-6736(05)67394-1" in row.note]
    assert any(row.name.endswith("hazard_ratio") and row.value == "0.77" for row in statin)


@pytest.mark.parametrize(
    ("note", "ours", "named"),
    [
        ("", False, False),
        ("the same", False, False),
        ("chance of a panel of tests at 10 contacts in 2015", False, False),
        ("Rates: our choice", True, False),
        ("Our choice, after Demant et al. 2013", True, True),
        ("0.77, doi:10.1016/S0140-6736(05)67394-1", False, True),
        ("65.6 % undiagnosed, PMID 30222048", False, True),
        ("1,622 in 1995-2000, Blood 2015;126(23):1740", False, True),
        ("Statistics Denmark, Municipality groups v1:2018", False, True),
    ],
)
def test_a_note_is_read_for_what_it_says_of_an_entry_s_origin(note, ours, named):
    assert is_our_choice(note) is ours
    assert names_source(note) is named


def test_a_comment_without_an_origin_is_joined_to_those_of_what_it_stands_in(tmp_path):
    path = tmp_path / "params_observation" / "made_up.toml"
    path.parent.mkdir()
    path.write_text(
        "# What a file holds: our choice.\n\n[first]\nplain = 1\nsaid = 2  # share of visits\n"
        "# Rates of the second table, PMID 1.\n[second]\nplain = 3\nsaid = 4  # our choice: four\n"
    )
    notes = {row.name: row.note for row in _parameters(path)}
    assert notes == {
        "first.plain": "What a file holds: our choice.",
        "first.said": "share of visits — What a file holds: our choice.",
        "second.plain": "Rates of the second table, PMID 1.",
        "second.said": "our choice: four",
    }


def test_the_page_counts_as_sourced_alone_only_what_is_nowhere_said_to_be_our_choice():
    notes = [row.note for row in describe_model()]
    own = sum("our choice" in note.lower() for note in notes)
    page = describe_page()
    assert f"Of {len(notes):,} entries, {own:,} are our choice, in whole or in part" in page
    assert f"the other {len(notes) - own:,} name a source." in page


def test_the_page_holds_the_picture_and_every_number_and_no_script():
    page = describe_page()
    assert "<svg" in page
    assert "<script" not in page
    assert page.count("<tr>") == len(describe_model()) + len({row.file for row in describe_model()})
