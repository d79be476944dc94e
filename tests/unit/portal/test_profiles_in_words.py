"""Pictures of dates name the years that their bars cover, and no year beyond the last."""

from types import SimpleNamespace

from sandkasse.portal.site_acts import _draw


def _column(edges, counts):
    return SimpleNamespace(kind="histogram", edges=edges, counts=counts, name="day")


def test_bars_of_whole_years_are_named_by_their_years():
    picture = _draw(_column(["2011-01-01T00:00:00", "2012-01-01T00:00:00", "2013-01-01T00:00:00"], [1, 2]))
    assert [mark.label for mark in picture.marks] == ["2011", "2012"]
    assert (picture.low, picture.high) == ("2011", "2012")


def test_bars_of_several_years_are_named_by_their_first_and_last():
    picture = _draw(_column(["1977-01-01", "1982-01-01", "1987-01-01"], [1, 2]))
    assert [mark.label for mark in picture.marks] == ["1977 to 1981", "1982 to 1986"]


def test_other_bars_keep_their_borders():
    picture = _draw(_column([1.0, 2.0, 3.0], [1, 2]))
    assert [mark.label for mark in picture.marks] == ["1 to 2", "2 to 3"]
