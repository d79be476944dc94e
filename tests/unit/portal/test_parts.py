"""The small parts: pictures, words, the map, the vendored script."""

import hashlib
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from portal_builders import make_module

from sandkasse.portal import render
from sandkasse.portal.charts import HEIGHT, WIDTH, draw_histogram, draw_values
from sandkasse.portal.learning_map import CELL_WIDTH, NODE_HEIGHT, NODE_WIDTH, draw_map

VENDOR = Path(render.STATIC) / "vendor"
FUNCTIONAL_VENDOR = Path(__file__).parents[2] / "functional" / "vendor"


@given(st.lists(st.integers(0, 10**9), min_size=1, max_size=60))
def test_a_histogram_keeps_the_proportions_and_hides_no_row(counts):
    drawn = draw_histogram([str(n) for n in range(len(counts))], counts, low="a", high="b", name="x")
    assert [mark.count for mark in drawn.marks] == counts
    for mark in drawn.marks:
        assert (mark.height > 0) == (mark.count > 0)
        assert 0 <= mark.x <= mark.x + mark.width <= WIDTH
        assert mark.y >= -0.01
        assert mark.y + mark.height == pytest.approx(HEIGHT)
    heights = {mark.count: mark.height for mark in drawn.marks}
    assert all(heights[a] <= heights[b] for a in heights for b in heights if a <= b)


def test_bars_of_values_are_relative_to_the_largest():
    drawn = draw_values(["a", "b", "c"], [200, 50, 0], name="x")
    assert [mark.width for mark in drawn.marks] == [100, 25, 0]
    assert drawn.says == "Most frequent values of x: a (200), b (50), c (0)."


def test_the_maps_nodes_do_not_overlap_and_arrows_go_where_they_say():
    modules = [make_module(n) for n in range(30)]
    drawn = draw_map(modules)
    boxes = [(node.x, node.y) for node in drawn.nodes]
    assert len(set(boxes)) == 30
    for x, y in boxes:
        clash = [b for b in boxes if b != (x, y) and abs(b[0] - x) < NODE_WIDTH and abs(b[1] - y) < NODE_HEIGHT]
        assert clash == []
        assert x % CELL_WIDTH == 0
    assert len(drawn.arrows) == 27
    assert "Module number 0: who has diabetes? comes before Module number 3: who has diabetes?" in {
        arrow.says for arrow in drawn.arrows
    }


def test_a_long_title_is_cut_on_the_map_only():
    node = draw_map([make_module(0, title="Word " * 40)]).nodes[0]
    assert len(node.lines) == 2
    assert node.lines[1].endswith("…")
    assert node.title == "Word " * 40


@pytest.mark.parametrize(
    ("share", "said"), [(None, "–"), (0, "0 %"), (0.001, "< 1 %"), (0.565, "56 %"), (0.999, "> 99 %"), (1, "100 %")]
)
def test_shares_are_said_without_hiding_few(share, said):
    assert render.say_percent(share) == said


@pytest.mark.parametrize(
    ("size", "said"), [(0, "0 bytes"), (999, "999 bytes"), (4500, "4.5 kB"), (203_000, "203 kB"), (1_800_000, "1.8 MB")]
)
def test_sizes_are_said_in_their_unit(size, said):
    assert render.say_size(size) == said


@pytest.mark.parametrize(
    ("code", "said"), [("a", "years"), ("kg/m2", "kg/m²"), ("{packs}", "packs"), ("mmol/L", "mmol/L")]
)
def test_units_are_said_as_people_do(code, said):
    assert render.say_unit(code) == said


@given(st.text(alphabet="ab`<>&\"'", max_size=40))
def test_code_marks_let_nothing_through(text):
    html = str(render.mark_code(text))
    assert set(re.findall(r"<[^>]*>", html)) <= {"<code>", "</code>"}
    assert html.count("<code>") == html.count("</code>")


@pytest.mark.parametrize("folder", [VENDOR, FUNCTIONAL_VENDOR])
def test_vendored_scripts_are_as_published(folder):
    readme = (folder / "README.md").read_text(encoding="utf-8")
    stated = dict(re.findall(r"`([\w.-]+\.js)`.*`([0-9a-f]{64})`", readme))
    found = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.glob("*.js")}
    assert stated == found != {}
    for licence in re.findall(r"`([\w-]+-LICENSE\.txt)`", readme):
        assert (folder / licence).stat().st_size > 200


def test_type_sizes_and_spaces_are_the_scales():
    css = (render.STATIC / "portal.css").read_text(encoding="utf-8")
    sizes = {int(size) for size in re.findall(r"font-size: (\d+)px", css)} | {16}
    assert sizes == {14, 16, 20, 28, 40}
