"""Builders of what the portal shows, without any data on the disk; the browser's tests use them too."""

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from sandkasse.actions import attempts
from sandkasse.actions.people import issue_sign_in, sign_in
from sandkasse.actions.site import Site, open_site
from sandkasse.actions.workspaces import WorkspaceView
from sandkasse.catalogue.card import Card
from sandkasse.core.errors import DatasetNotFoundError, TrainingModuleNotFoundError
from sandkasse.core.settings import Settings
from sandkasse.migrations import upgrade
from sandkasse.portal.acts import (
    Acts,
    ColumnProfileView,
    ColumnView,
    DatasetView,
    ExerciseProgress,
    PreviewView,
    SnippetView,
    TableView,
)
from sandkasse.portal.charts import draw_histogram, draw_values
from sandkasse.training.verdict import Verdict
from sandkasse.training.views import ModuleView

ORIGIN = "http://127.0.0.1:8765"
NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
TIERS = ("public", "simulated", "twin", "anonymised")
DOMAINS = ("registers", "trials", "epidemiology", "genomics")


def make_card(number: int = 0, **changes) -> Card:
    """A dataset's card; numbers differ in domain, tier and date."""
    facts = {
        "id": f"dataset-{number}",
        "version": "1.0.0",
        "title": f"Dataset number {number} of persons with diabetes",
        "summary": "A random sample of 10,000 persons. One row a person, with `sex` and dates.",
        "domain": DOMAINS[number % 4],
        "tier": TIERS[number % 4],
        "licence": {"name": "CC-BY-4.0", "url": "https://creativecommons.org/licenses/by/4.0/"},
        "publisher": "A publisher",
        "how_published": "On its own page.",
        "anonymity": "Not assessed by us.",
        "citations": [{"text": "Author A (2020). A paper. A journal.", "doi": "10.1000/xyz"}],
        "persons": 10_000 + number,
        "modalities": ["registers"],
        "period": "1995–2009",
        "country": "DK",
        "created": date(2026, 1, 1) + timedelta(days=number),
        "how_to_get_real": "Apply to the data controller.",
        "keywords": ["diabetes"],
        "known_faults": ["The rows of `chol` repeat those of `hdl`."],
        "contract": {"name": f"dataset-{number}", "version": "1.0.0", "sha256": "0" * 64},
        "files": [
            {"path": f"data/{name}.parquet", "table": name, "rows": 1000, "bytes": 5000, "sha256": "0" * 64}
            for name in ("persons", "visits")
        ],
    }
    return Card.model_validate({**facts, **changes})


def make_dataset(card: Card) -> DatasetView:
    """A dataset of two tables that share their columns."""
    columns = (
        ColumnView("person_id", "integer", "Number of the person.", is_required=True, is_key=True),
        ColumnView("sex", "string", "Sex.", codes=(("M", "man"), ("F", "woman"))),
        ColumnView("hba1c", "number", "Long-term blood glucose.", unit="mmol/mol", trap="Old units before 2012."),
    )
    tables = tuple(TableView(name, f"The table {name}.", 1000, columns, "one row per person") for name in card.tables)
    return DatasetView(card, tables, (card.version,))


def make_module(number: int = 0, **changes) -> ModuleView:
    """A module with two parts and three exercises; each builds on the one before it in its domain."""
    facts = {
        "id": f"module-{number}",
        "title": f"Module number {number}: who has diabetes?",
        "version": "1.0.0",
        "summary": "You build a rule that finds persons with diabetes, and measure how good it is.",
        "outcomes": ["Say which register sees whom.", "Build a rule."],
        "domain": ("health records", "genomics", "imaging")[number % 3],
        "level": ("introductory", "intermediate", "advanced")[(number // 3) % 3],
        "hours": (1.5, 6.0, 12.0)[number % 3],
        "language": "en",
        "prerequisites": [f"module-{number - 3}"] if number >= 3 else [],
        "background": ["A first course in Python."],
        "tools": ["Ibis"],
        "contracts": ["dataset-0"],
        "keywords": [],
        "parts": [
            {"id": "one", "title": "What each register sees", "lesson": "01.ipynb", "minutes": 90, "exercises": [
                make_exercise("find", "one", "Find the persons"), make_exercise("count", "one", "Count them")]},
            {"id": "two", "title": "How good is it?", "lesson": "02.ipynb", "minutes": 90, "exercises": [
                make_exercise("rate", "two", "Give the rate")]},
        ],
        "licence": {"name": "CC-BY-4.0", "url": "https://creativecommons.org/licenses/by/4.0/"},
        "authors": [{"name": "An author"}],
        "citations": [],
    }  # fmt: skip
    return ModuleView.model_validate({**facts, **changes})


def make_exercise(name: str, part: str, title: str) -> dict[str, str]:
    return {"id": name, "part": part, "title": title, "prompt": "Which persons?", "expects": "A table of `pnr`."}


def make_progress(module_id: str = "module-0") -> tuple[ExerciseProgress, ...]:
    """One exercise passed, one tried."""
    return (
        ExerciseProgress(module_id, "find", 3, 0.86, 0.93, is_passed=True, last_at=NOW),
        ExerciseProgress(module_id, "count", 1, 0.4, None, is_passed=False, last_at=NOW - timedelta(hours=1)),
    )


def make_workspace(module_id: str = "module-0", *, state: str = "running") -> WorkspaceView:
    ends_at = NOW + timedelta(hours=2) if state == "running" else None
    return WorkspaceView(f"ws-{module_id}", module_id, state, True, NOW - timedelta(minutes=5), ends_at)


def make_profile(_dataset_id: str, _table: str) -> tuple[ColumnProfileView, ...]:
    """A key, a code and a histogram."""
    bars = draw_histogram([f"{n} to {n + 1}" for n in range(30)], list(range(30)), low="0", high="30", name="hba1c")
    codes = draw_values(["M man", "F woman"], [600, 390], name="sex")
    return (
        ColumnProfileView("person_id", 1000, 0, 1000, "identifier", None),
        ColumnProfileView("sex", 1000, 10, 2, "values", codes),
        ColumnProfileView("hba1c", 1000, 565, 80, "histogram", bars, n_outside=2),
    )


@dataclass
class Asked:
    """What was asked of the acts that change something."""

    submitted: list[tuple] = None
    started: list[tuple] = None
    stopped: list[tuple] = None


def make_acts(
    *, n_datasets: int = 1, n_modules: int = 1, progress: tuple = (), workspaces: tuple = (), **changes
) -> tuple[Acts, Asked]:
    """Acts over so many datasets and modules, and a record of what was asked of them."""
    cards = {card.id: card for card in (make_card(n) for n in range(n_datasets))}
    modules = {module.id: module for module in (make_module(n) for n in range(n_modules))}
    asked = Asked([], [], [])

    def take(known, wanted, error, kind):
        if wanted not in known:
            raise error.among(kind, wanted, known, command="see the list")
        return known[wanted]

    def submit(*attempt):
        asked.submitted.append(attempt)
        return Verdict(module=attempt[1], exercise=attempt[2], passed=True, says="Good.", score=0.9)

    def start(*request):
        asked.started.append(request)
        return "http://localhost:9999/w/lab?token=secret"

    acts = Acts(
        list_datasets=lambda: tuple(cards.values()),
        list_faults=tuple,
        show_dataset=lambda name: make_dataset(take(cards, name, DatasetNotFoundError, "dataset")),
        write_snippets=lambda name: (
            SnippetView("Python", f'import sandkasse\n\nds = sandkasse.open("{name}")', "In a workspace"),
            SnippetView("R", "library(duckdb)", "On this machine"),
            SnippetView("SQL", "select 1;", "On this machine"),
        ),
        preview_table=lambda _name, _table: PreviewView(
            ("person_id", "sex", "hba1c"), (True, False, True), (("1", "M", "48"), ("2", None, "39.5"))
        ),
        profile_table=make_profile,
        list_modules=lambda: tuple(modules.values()),
        list_module_faults=tuple,
        show_module=lambda name: take(modules, name, TrainingModuleNotFoundError, "module"),
        list_progress=lambda _user: progress,
        read_submission=attempts.read_submission,
        submit_attempt=submit,
        list_workspaces=lambda _user: workspaces,
        start_workspace=start,
        stop_workspace=lambda *request: asked.stopped.append(request),
    )
    return replace(acts, **changes), asked


def open_there(home: Path, *, clock=lambda: NOW) -> Site:
    """The site whose database lies there."""
    return open_site(Settings(home=home, content=home / "content"), clock=clock)


def make_site(home: Path, *, clock=lambda: NOW) -> Site:
    """A site with an empty, migrated database."""
    site = open_there(home, clock=clock)
    upgrade(site.engine)
    return site


def make_session(site: Site) -> str:
    """Sign the laptop user in."""
    return sign_in(site, issue_sign_in(site))
