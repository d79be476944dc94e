"""What the pages show, with nothing, one and many."""

from datetime import timedelta

import pytest
from portal_builders import NOW, make_card, make_module, make_progress, make_workspace

from sandkasse.core.errors import ContractInvalidError
from sandkasse.portal.acts import ColumnProfileView, ColumnView, DatasetView, TableView
from sandkasse.portal.charts import draw_histogram, draw_values

LISTS = {"/data": "dataset", "/learn": "module"}


@pytest.mark.parametrize("path", ["/", "/learn", "/data", "/workspaces", "/progress"])
@pytest.mark.parametrize("count", [0, 1, 500])
def test_every_list_shows_nothing_one_and_many(open_portal, path, count):
    client = open_portal(
        n_datasets=count,
        n_modules=count,
        progress=tuple(entry for n in range(count) for entry in make_progress(f"module-{n}")),
        workspaces=tuple(make_workspace(f"module-{n}", state="running" if n % 2 else "ended") for n in range(count)),
    )
    page = client.read(path)
    assert len(page.find("h1")) == 1
    if path in LISTS and count:
        assert f"{count} {LISTS[path]}" in page.text
    if count == 0:
        assert page.find("main")
        assert any(link in {"/data", "/learn"} for link in page.links)


@pytest.mark.parametrize("path", ["/data", "/learn"])
def test_a_long_list_comes_in_pages_that_lose_nothing(open_portal, path):
    client = open_portal(n_datasets=100, n_modules=100)
    seen = set()
    for number in (1, 2, 3):
        page = client.read(f"{path}?page={number}")
        seen |= {link for link in page.links if link.startswith(f"{path}/")}
    assert len(seen) == 100
    assert "Page 3 of 3" in client.read(f"{path}?page=99").text
    assert "Page 1 of 3" in client.read(f"{path}?page=-1").text


def test_the_catalogue_begins_with_the_dataset_of_most_tables(open_portal):
    files = [{"path": f"data/{n}.parquet", "table": n, "rows": 1, "bytes": 1, "sha256": "0" * 64} for n in "abc"]
    cards = (make_card(1), make_card(2), make_card(3, files=files))
    client = open_portal(list_datasets=lambda: cards)
    named = [link for link in client.read("/data").links if link.startswith("/data/dataset-")]
    assert list(dict.fromkeys(named)) == ["/data/dataset-3", "/data/dataset-1", "/data/dataset-2"]


def test_the_catalogue_is_searched_and_filtered(open_portal):
    client = open_portal(n_datasets=8)
    assert "2 datasets of 8" in client.read("/data?domain=trials").text
    assert "4 datasets of 8" in client.read("/data?domain=trials&domain=registers").text
    assert "2 datasets of 8" in client.read("/data?tier=twin").text
    assert "0 datasets of 8" in client.read("/data?tier=twin&domain=trials").text
    assert "1 dataset of 8" in client.read("/data?q=DIABETES+number+3").text
    nothing = client.read("/data?q=%3Cscript%3E")
    assert "No dataset fits" in nothing.text
    assert nothing.find("input", id="q")[0]["value"] == "<script>"
    assert client.read("/data?domain=nonsense&tier=nonsense").text.count("No dataset fits") == 1


def test_the_modules_are_filtered_and_mapped(open_portal):
    client = open_portal(n_modules=9)
    page = client.read("/learn")
    assert len(page.find("a", **{"class": "map-node"})) == 9
    assert len(page.find("path", **{"class": "map-arrow"})) == 6  # each module but the first three builds on one
    assert "3 modules of 9" in client.read("/learn?level=advanced").text
    assert "3 modules of 9" in client.read("/learn?hours=short").text
    assert "1 module of 9" in client.read("/learn?level=advanced&domain=imaging").text
    assert "No module fits" in client.read("/learn?q=nothing").text


def test_modules_are_filtered_by_data_and_code_and_only_where_there_is_a_choice(open_portal):
    modules = tuple(
        make_module(n, languages=["python", "r"] if n else ["python"], contracts=[f"dataset-{n % 2}"]) for n in range(3)
    )
    client = open_portal(n_datasets=2, list_modules=lambda: modules)
    page = client.read("/learn")
    offered = {(box["name"], box["value"]) for box in page.find("input", type="checkbox")}
    assert {("code", "r"), ("data", "dataset-0"), ("data", "dataset-1")} <= offered
    assert not any(name in {"language", "level"} for name, _ in offered)  # all are in English, all introductory
    assert "2 modules of 3" in client.read("/learn?code=r").text
    assert "1 module of 3" in client.read("/learn?data=dataset-1").text
    assert "1 module of 3" in client.read("/learn?data=dataset-0&code=r").text
    assert "0 modules of 3" in client.read("/learn?language=da").text


def test_the_first_page_begins_with_the_module_that_builds_on_nothing(open_portal):
    first, second = make_module(5, level="introductory", prerequisites=[]), make_module(1, level="intermediate")
    page = open_portal(list_modules=lambda: (second, first)).read("/")
    assert page.links.index("/learn/module-5") >= 0
    assert "/learn/module-1" not in page.links


def test_a_dataset_says_what_it_is(open_portal):
    page = open_portal().read("/data/dataset-0")
    for said in ("Public", "10,000", "1995–2009", "Denmark", "CC-BY-4.0", "Apply to the data controller", "1.0.0"):
        assert said in page.text
    assert "https://doi.org/10.1000/xyz" in page.links
    assert "2 codes" in page.text
    assert "Mind: Old units before 2012." in page.text
    assert "<code>chol</code>" in open_portal().get("/data/dataset-0").text


def test_columns_are_searched_by_name_words_and_codes(open_portal):
    client = open_portal()
    for words, found in (("hba1c", 2), ("woman", 2), ("visits glucose", 1), ("nothing", 0)):
        page = client.read(f"/data/dataset-0?column={words}")
        assert len(page.find("details", **{"class": "columns"})) == found, words
    assert "No column fits" in client.read("/data/dataset-0?column=nothing").text


def test_columns_are_searched_by_the_titles_of_listed_codes_and_by_codes_below_them(open_portal):
    listed = (("DE10", "type 1 diabetes"), ("DE11", "type 2 diabetes"), ("1234", "a number"))
    column = ColumnView("c_diag", "string", "Diagnosis.", code_system="SKS", listed=listed, trap="Mind the era.")
    view = DatasetView(make_card(), (TableView("lpr_diag", "Diagnoses.", 10, (column,)),))
    client = open_portal(show_dataset=lambda _: view)
    for words, hits in (
        ("type 2", ["DE11"]),
        ("de109", ["DE10"]),
        ("diagnosis diabetes", ["DE10", "DE11"]),
        ("era", []),
        ("12345", None),  # a longer number is another code
        ("DE12", None),
    ):
        page = client.read(f"/data/dataset-0?column={words}")
        assert bool(page.find("details", **{"class": "columns"})) == (hits is not None), words
        shown = [code for code, _ in listed if f"{code} {dict(listed)[code]}" in " ".join(page.text.split())]
        assert shown == (hits or []), words


def test_a_dataset_is_found_by_its_columns_and_says_in_which(open_portal):
    client = open_portal(n_datasets=3)
    page = client.read("/data?q=glucose")  # in no card
    assert "3 datasets" in page.text
    assert "Found in 2 columns" in page.text
    assert "/data/dataset-1?column=glucose#columns" in page.links
    assert "Found in" not in client.read("/data?q=diabetes").text  # the cards say so themselves
    assert "No dataset fits" in client.read("/data?q=nothing").text


def test_a_dataset_whose_contract_is_broken_is_found_by_its_card(open_portal):
    def broken(_):
        raise ContractInvalidError("The contract cannot be read.", next_step="fetch it again")

    client = open_portal(show_dataset=broken)
    assert "1 dataset" in client.read("/data?q=diabetes").text
    assert "No dataset fits" in client.read("/data?q=glucose").text


def test_many_tables_say_what_they_hold_and_which_years(open_portal):
    columns = (ColumnView("code", "string", listed=(("A10", "drugs in diabetes"),)), ColumnView("n", "number"))
    here, there = (ColumnView("only_here", "string"),), (ColumnView("only_there", "string"),)
    more = (there, there, here, (), ())
    tables = tuple(
        TableView(f"t{n}", "", 100 * n, columns + more[n], "row", f"{1977 + 10 * n}–2024", title=f"Register {n}")
        for n in range(5)
    )
    profile = (
        ColumnProfileView("n", 9, 0, 5, "histogram", draw_histogram(["1 to 2"], [9], low="1", high="2", name="n")),
        ColumnProfileView("code", 9, 0, 2, "values", draw_values(["A10 drugs in diabetes"], [9], name="code")),
    )
    client = open_portal(show_dataset=lambda _: DatasetView(make_card(), tables), profile_table=lambda *_: profile)
    page = client.read("/data/dataset-0")
    assert all(f"Register {n}" in page.text for n in range(5))
    spans = [(rect["x"], rect["width"]) for rect in page.find("rect", **{"class": "years-fill"})]
    assert spans[0] == ("0.0", "100.0")
    assert spans[4] == ("83.3", "16.7")  # 2017–2024 of 1977–2024: 40 of 48 years before it, 8 within
    look = client.read("/data/dataset-0/look")
    assert "3 of the largest tables" in look.text
    shown = [link for link in look.links if "/tables/" in link]
    assert shown == [f"/data/dataset-0/tables/t{n}" for n in (4, 2, 1)]  # t3 has the columns of t4
    assert look.text.count("A10 drugs in diabetes") == 3  # codes with titles before shapes
    assert look.find("svg", **{"class": "histogram"}) == []


def test_simulated_data_are_cited_before_what_they_build_on(open_portal):
    from dataclasses import replace

    from portal_builders import make_acts, make_dataset

    def text(tier):
        card = make_card(tier=tier)
        acts, _ = make_acts()
        acts = replace(acts, list_datasets=lambda: (card,), show_dataset=lambda _: make_dataset(card))
        return open_portal(acts=acts).read("/data/dataset-0").text

    itself = "A publisher. Dataset number 0 of persons with diabetes. Version 1.0.0, 2026."
    assert text("simulated").index(itself) < text("simulated").index("Author A (2020)")
    assert text("public").index(itself) > text("public").index("Author A (2020)")


def test_a_table_shows_rows_and_says_what_is_missing(open_portal):
    client = open_portal()
    page = client.read("/data/dataset-0/tables/persons")
    assert "missing" in page.text
    assert "39.5" in page.text
    assert "/data/dataset-0/tables/persons/profile" in page.links  # reading works without a script
    profile = client.read("/data/dataset-0/tables/persons/profile")
    assert "56 %" in profile.text  # 565 of 1,000
    assert "600" in profile.text
    (histogram,) = profile.find("svg", **{"class": "histogram"})
    assert histogram["aria-label"].startswith("Histogram of hba1c from 0 to 30 in 30 bars")
    assert len(profile.find("rect", **{"class": "bar"})) == 29 + 2  # an empty bin draws no bar
    assert "Beyond the ends: 2 rows" in profile.text
    assert "56 %" in client.read("/data/dataset-0/tables/persons/columns").text


@pytest.mark.parametrize(
    ("path", "near"),
    [
        ("/data/datset-0", "dataset-0"),
        ("/data/dataset-0/tables/person", "persons"),
        ("/learn/modul-0", "module-0"),
        ("/data/dataset-0/tables/person/profile", "persons"),
    ],
)
def test_an_unknown_name_names_the_nearest(open_portal, path, near):
    client = open_portal()
    answer = client.get(path)
    assert answer.status_code == 404
    assert f"did you mean {near}" in answer.text


def test_a_module_says_what_it_takes_and_starts(open_portal):
    client = open_portal(progress=make_progress())
    page = client.read("/learn/module-0")
    for said in (
        "Say which register sees whom.",
        "1.5 hours",
        "Introductory",
        "Passed",
        "In progress",
        "Not begun",
        "86 %",
    ):
        assert said in page.text
    assert "/data/dataset-0" in page.links
    answer = client.post("/workspaces/start", data={"csrf": client.csrf(), "module_id": "module-0"})
    assert (answer.status_code, answer.headers["location"]) == (303, "http://localhost:9999/w/lab?token=secret")
    assert client.asked.started == [("laptop", "module-0")]


@pytest.mark.parametrize(
    ("facts", "label"),
    [
        ({}, "Start module"),
        ({"progress": make_progress()}, "Continue"),
        ({"workspaces": (make_workspace(state="ended"),)}, "Continue"),
        ({"workspaces": (make_workspace(),)}, "Open workspace"),
    ],
)
def test_the_button_says_what_it_does(open_portal, facts, label):
    assert label in open_portal(**facts).read("/learn/module-0").text


def test_practice_mode_is_said_openly(open_portal):
    for path in ("/learn/module-0", "/workspaces", "/about"):
        assert "ractice mode" in open_portal(is_isolated=False).read(path).text
    told = open_portal(is_isolated=False, why_not_isolated="bwrap is not installed").read("/workspaces")
    assert "bwrap is not installed" in told.text
    assert "Practice mode" not in open_portal(is_isolated=True).read("/learn/module-0").text


def test_a_site_without_notebooks_says_so(open_portal):
    client = open_portal(offers_workspaces=False)
    page = client.read("/learn/module-0")
    assert "not available on this site" in page.text
    assert page.find("form", action="/workspaces/start") == []
    assert "not available on this site" in client.read("/workspaces").text


def test_workspaces_show_their_time_and_stop(open_portal):
    client = open_portal(workspaces=(make_workspace(), make_workspace("module-1", state="ended")), n_modules=2)
    page = client.read("/workspaces")
    assert "Running" in page.text
    assert "2 hours" in page.text
    assert "files kept" in page.text
    (stop,) = [form["action"] for form in page.find("form") if form["action"].endswith("/stop")]
    assert client.post(stop, data={"csrf": client.csrf()}).headers["location"] == "/workspaces"
    assert client.asked.stopped == [("laptop", "ws-module-0")]


def test_progress_shows_best_scores_against_the_attainable(open_portal):
    page = open_portal(progress=make_progress()).read("/progress")
    scores = [found["aria-label"] for found in page.find("svg", role="img")]
    assert scores == ["Best score 86 %, best attainable 93 %", "Best score 40 %"]
    assert "Give the rate" in page.text  # not tried yet, and listed
    (fill, other) = (
        page.find("rect", **{"class": "score-fill is-passed"}) + page.find("rect", **{"class": "score-fill"})[:1]
    )
    assert (fill["width"], other["width"]) == ("172.0", "80.0")


def test_home_leads_to_what_comes_next(open_portal):
    first = open_portal().read("/")
    assert "Begin with" in first.text
    assert "How it works" in first.text
    back = open_portal(progress=make_progress()).read("/")
    assert "Continue where you left" in back.text
    assert "1 of 3 exercises passed" in back.text
    running = open_portal(progress=make_progress(), workspaces=(make_workspace(),)).read("/")
    assert "Open workspace" in running.text


def test_home_shows_the_newest_data(open_portal):
    page = open_portal(n_datasets=10).read("/")
    assert [link for link in page.links if link.startswith("/data/")] == [f"/data/dataset-{n}" for n in (9, 8, 7)]


def test_home_puts_the_default_dataset_first_among_those_of_one_day(open_portal):
    from dataclasses import replace

    from portal_builders import make_acts

    acts, _ = make_acts()
    day = make_card().created
    cards = tuple(make_card(n, created=day, default_for=n == 1) for n in range(5))
    page = open_portal(acts=replace(acts, list_datasets=lambda: cards)).read("/")
    assert [link for link in page.links if link.startswith("/data/")] == [f"/data/dataset-{n}" for n in (1, 0, 2)]


def test_what_others_wrote_is_escaped(open_portal):
    from dataclasses import replace

    from portal_builders import make_acts, make_dataset

    bad = make_card(title="<script>alert(1)</script>", summary="`<b>` & <i>", how_to_get_real='"><img src=x>')
    acts, _ = make_acts()
    client = open_portal(acts=replace(acts, list_datasets=lambda: (bad,), show_dataset=lambda _: make_dataset(bad)))
    for path in ("/", "/data", "/data/dataset-0", "/data/dataset-0/tables/persons"):
        html = client.get(path).text
        assert "<script>alert" not in html
        assert "<img" not in html
        assert "<i>" not in html
    assert "<code>&lt;b&gt;</code> &amp; &lt;i&gt;" in client.get("/data/dataset-0").text


def test_every_page_has_its_landmarks(open_portal):
    client = open_portal(progress=make_progress(), workspaces=(make_workspace(),))
    for path in (
        "/",
        "/learn",
        "/learn/module-0",
        "/data",
        "/data/dataset-0",
        "/workspaces",
        "/progress",
        "/about",
        "/x",
    ):
        page = client.read(path)
        assert page.find("html", lang="en")
        assert len(page.find("main")) == 1
        assert page.find("a", **{"class": "skip"})
        assert len(page.find("h1")) == 1
        ids = [found["id"] for _, found in page.tags if "id" in found]
        assert len(ids) == len(set(ids)), path


def test_time_left_is_said_in_words(open_portal):
    from sandkasse.portal.render import say_ago

    spans = {90: "90 minutes", 30: "30 minutes", 150: "2 hours", 60 * 50: "2 days", 0.2: "less than a minute"}
    assert {minutes: say_ago(timedelta(minutes=minutes)) for minutes in spans} == spans
    assert NOW.tzinfo


def test_a_module_whose_data_are_absent_cannot_be_started(open_portal):
    page = open_portal(n_datasets=0).read("/learn/module-0")
    assert "dataset-0" in page.text
    assert "not on this site yet" in page.text
    assert page.find("form", action="/workspaces/start") == []


def test_what_cannot_be_read_is_named_beside_the_others(open_portal):
    page = open_portal(list_faults=lambda: ("The card x/card.yaml cannot be read: it is missing.",)).read("/data")
    assert "1 dataset left out" in page.text
    assert "The card x/card.yaml cannot be read" in page.text
    assert "1 dataset" in page.text
    page = open_portal(list_module_faults=lambda: ("Module 'x' has 1 finding.",)).read("/learn")
    assert "1 module left out" in page.text
    assert all("left out" not in open_portal().read(path).text for path in ("/data", "/learn"))


@pytest.mark.parametrize("query", ["page=abc", "page=1e9", "q=" + "x" * 201])
def test_a_query_that_cannot_be_read_is_refused_without_its_value(open_portal, query):
    name, _, value = query.partition("=")
    answer = open_portal().get(f"/data?{query}")
    assert answer.status_code == 400
    assert f"These fields cannot be read: {name}." in answer.text
    assert value not in answer.text


def test_every_status_has_its_page(open_portal):
    client = open_portal()
    titles = {400: "cannot be read", 403: "may not do this", 404: "nothing here", 405: "cannot do that"}
    answers = (
        client.get("/data?page=x"),
        client.post("/sign-out", data={"csrf": "x"}),
        client.get("/x"),
        client.get("/workspaces/start"),
    )
    for answer in answers:
        assert titles[answer.status_code] in answer.text
        assert "Sign out" in answer.text  # the menu stays
    assert {answer.status_code for answer in answers} == set(titles)
