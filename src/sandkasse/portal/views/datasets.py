"""Data: the catalogue, a dataset, and one of its tables."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Query
from fastapi.responses import Response

from sandkasse.core.errors import TableNotFoundError
from sandkasse.portal.acts import DatasetView, TableView
from sandkasse.portal.render import TIERS, take_page
from sandkasse.portal.visit import SignedIn

router = APIRouter(prefix="/data")

LOOKED_AT = 3  # pictures that fit side by side

Words = Annotated[str, Query(max_length=200)]
Choices = Annotated[list[str], Query(max_length=50)]


@router.get("")
def show_catalogue(
    visit: SignedIn,
    q: Words = "",
    domain: Choices = [],  # noqa: B006  FastAPI copies it
    tier: Choices = [],  # noqa: B006
    page: int = 1,
) -> Response:
    """List the datasets that fit the search and the filters."""
    cards = visit.desk.acts.list_datasets()
    fitting = [card for card in cards if _fits(card, q)]
    chosen = [c for c in fitting if (not domain or c.domain in domain) and (not tier or c.tier in tier)]
    return visit.page(
        "data/list.html",
        paging=take_page(sorted(chosen, key=lambda card: card.title.casefold()), page),
        n_all=len(cards),
        faults=visit.desk.acts.list_faults(),
        domains=sorted(Counter(card.domain for card in cards).items()),
        known_tiers=[(t, n) for t, n in ((t, sum(c.tier == t for c in cards)) for t in TIERS) if n],
        q=q,
        domain=domain,
        tier=tier,
    )


@router.get("/{dataset_id}")
def show_dataset(visit: SignedIn, dataset_id: str, column: Words = "") -> Response:
    """Show a dataset: what it is, its tables and columns, how to open and to cite it."""
    view = visit.desk.acts.show_dataset(dataset_id)
    return visit.page(
        "data/show.html",
        view=view,
        card=view.card,
        column=column,
        found=_find_columns(view.tables, column),
        snippets=visit.desk.acts.write_snippets(dataset_id),
    )


@router.get("/{dataset_id}/look")
def show_look(visit: SignedIn, dataset_id: str) -> Response:
    """Show pictures of the first columns that have one; loaded by the dataset's page, or read alone."""
    view = visit.desk.acts.show_dataset(dataset_id)
    table = _take_table(view, view.tables[0].name if view.tables else "")
    columns = {column.name: column for column in table.columns}
    profile = visit.desk.acts.profile_table(dataset_id, table.name)
    keys = {column.name for column in table.columns if column.is_key}
    drawn = [p for p in profile if p.picture and p.distinct > 1 and p.name not in keys]
    drawn.sort(key=lambda p: p.kind != "histogram")  # a shape says more than a list; otherwise as in the table
    return visit.page(
        "data/look.html", view=view, card=view.card, table=table, profile=drawn[:LOOKED_AT], columns=columns
    )


@router.get("/{dataset_id}/tables/{table}/columns")
def show_columns(visit: SignedIn, dataset_id: str, table: str, column: Words = "") -> Response:
    """Show a table's columns with how much is missing in each; loaded when a list of columns is opened."""
    view = visit.desk.acts.show_dataset(dataset_id)
    shown = _take_table(view, table)
    missing_of = {p.name: p.missing for p in visit.desk.acts.profile_table(dataset_id, table)}
    columns = next((columns for _, columns in _find_columns([shown], column)), [])
    return visit.page(
        "data/columns.html", view=view, card=view.card, table=shown, columns=columns, missing_of=missing_of
    )


@router.get("/{dataset_id}/tables/{table}")
def show_table(visit: SignedIn, dataset_id: str, table: str) -> Response:
    """Show a table: its columns and its first rows; what its values look like is loaded after."""
    view = visit.desk.acts.show_dataset(dataset_id)
    shown = _take_table(view, table)
    return visit.page(
        "data/table.html",
        view=view,
        card=view.card,
        table=shown,
        preview=visit.desk.acts.preview_table(dataset_id, table),
    )


@router.get("/{dataset_id}/tables/{table}/profile")
def show_profile(visit: SignedIn, dataset_id: str, table: str) -> Response:
    """Show how the values of a table's columns are distributed, and how many are missing."""
    view = visit.desk.acts.show_dataset(dataset_id)
    shown = _take_table(view, table)
    profile = visit.desk.acts.profile_table(dataset_id, table)
    columns = {column.name: column for column in shown.columns}
    return visit.page("data/profile.html", view=view, card=view.card, table=shown, profile=profile, columns=columns)


def _fits(card: Any, q: str) -> bool:
    """Tell whether every word of the search occurs in what the card says."""
    said = " ".join((card.id, card.title, card.summary, card.domain, *card.keywords, *card.modalities)).casefold()
    return all(word in said for word in q.casefold().split())


def _find_columns(tables: Iterable[TableView], words: str) -> list[tuple[TableView, Sequence[Any]]]:
    """Find the columns whose name, description or codes have every word; all of them for no words."""
    wanted = words.casefold().split()

    def fits(table: TableView, column: Any) -> bool:
        codes = " ".join(f"{value} {label}" for value, label in column.codes)
        said = f"{table.name} {column.name} {column.says} {column.type} {column.unit} {codes}".casefold()
        return all(word in said for word in wanted)

    found = ((table, [column for column in table.columns if fits(table, column)]) for table in tables)
    return [(table, columns) for table, columns in found if columns]


def _take_table(view: DatasetView, name: str) -> TableView:
    table = view.table(name)
    if table is None:
        raise TableNotFoundError.among(
            "table", name, (known.name for known in view.tables), command=f"the page of {view.card.title}"
        )
    return table
