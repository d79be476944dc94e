"""The real acts, in the shapes that the pages read: over the shipped datasets and modules."""

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from types import SimpleNamespace

import pytest
from portal_builders import make_card, make_session, make_site

from sandkasse.core.errors import DatasetNotFoundError, TableNotFoundError, UpstreamError
from sandkasse.core.settings import find_content
from sandkasse.portal.site_acts import Kept, _view_profile, real_acts


@pytest.fixture
def real_site(tmp_path):
    site = make_site(tmp_path / "real")
    yield replace(site, settings=replace(site.settings, content=find_content()))
    site.engine.dispose()


@pytest.fixture
def acts(real_site):
    return real_acts(real_site)


def test_what_is_kept_is_made_again_when_the_card_changes():
    cards = {"a": make_card(1)}
    made = []
    kept = Kept(cards.get, lambda *names: made.append(names) or len(made))
    assert [kept("a", "t"), kept("a", "t"), kept("a", "u")] == [1, 1, 2]
    cards["a"] = make_card(1, title="Another title")
    assert [kept("a", "t"), kept("a", "t")] == [3, 3]
    del cards["a"]
    assert [kept("a", "t"), kept("a", "t")] == [4, 5]


def test_what_is_being_made_is_waited_for_and_not_made_twice():
    begun, go_on, made = threading.Event(), threading.Event(), []

    def make(*names):
        begun.set()
        go_on.wait(20)
        made.append(names)
        return len(made)

    kept = Kept({"a": make_card(1)}.get, make)
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(kept, "a", "t")
        assert begun.wait(20)
        second = pool.submit(kept, "a", "t")
        go_on.set()
        assert (first.result(20), second.result(20)) == (1, 1)


def test_values_that_are_all_listed_are_counted_not_estimated():
    values = tuple(SimpleNamespace(value=name, label="", n=1) for name in "abc")
    facts = {"nulls": 0, "n_below": 0, "n_above": 0, "only": "", "only_unit": "", "kind": "values", "counts": ()}
    for n_other, says in ((0, (3, False)), (5, (9, True))):
        column = SimpleNamespace(name="c", distinct=9, distinct_is_exact=False, values=values, n_other=n_other, **facts)
        (view,) = _view_profile(SimpleNamespace(rows=8, columns=(column,)))
        assert (view.distinct, view.is_estimated) == says


def test_a_shipped_dataset_has_its_tables_words_and_pictures(acts):
    view = acts.show_dataset("nafld")
    assert {table.name: table.rows for table in view.tables} == {
        "persons": 17_549,
        "measurements": 400_123,
        "events": 34_340,
    }
    persons = view.table("persons")
    assert persons.granularity
    columns = {column.name: column for column in persons.columns}
    assert columns["person_id"].is_key
    assert columns["weight"].unit == "kg"
    profile = {column.name: column for column in acts.profile_table("nafld", "persons")}
    assert set(profile) == set(columns)
    # NA values of `weight` in nafld1, counted from the publisher's own file
    assert profile["weight"].nulls == 4786
    assert sum(mark.count for mark in profile["weight"].picture.marks) + profile["weight"].n_outside == 17_549 - 4786
    assert profile["male"].picture.kind == "values"
    preview = acts.preview_table("nafld", "persons")
    assert len(preview.rows) == 20
    assert preview.columns == tuple(columns)


def test_unknown_names_are_told(acts):
    with pytest.raises(DatasetNotFoundError, match="nafdl"):
        acts.show_dataset("nafdl")
    with pytest.raises(TableNotFoundError, match="person"):
        acts.preview_table("nafld", "person")


def test_without_a_launcher_nothing_is_offered(acts):
    assert not acts.offers_workspaces
    with pytest.raises(UpstreamError):
        acts.start_workspace("laptop", "who-has-diabetes")


def test_every_page_of_the_shipped_content_opens(real_site, acts, open_portal):
    make_session(real_site)
    client = open_portal(acts=acts)
    paths = ["/", "/learn", "/data", "/workspaces", "/progress"]
    paths += [f"/learn/{module.id}" for module in acts.list_modules()]
    for card in acts.list_datasets():
        paths += [f"/data/{card.id}", f"/data/{card.id}/look"]
        paths += [
            f"/data/{card.id}/tables/{table}{part}" for table in card.tables for part in ("", "/profile", "/columns")
        ]
    assert len(paths) > 40
    answers = {path: client.get(path).status_code for path in paths}
    assert {path: status for path, status in answers.items() if status != 200} == {}
