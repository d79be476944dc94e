"""Data: the catalogue, a dataset, and one of its tables."""

from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Annotated, Any

from fastapi import APIRouter, Query
from fastapi.responses import Response

from sandkasse.core.errors import SandkasseError, TableNotFoundError
from sandkasse.portal.acts import Acts, ColumnProfileView, ColumnView, DatasetView, TableView
from sandkasse.portal.charts import draw_years
from sandkasse.portal.render import TIERS, take_page
from sandkasse.portal.visit import SignedIn

router = APIRouter(prefix="/data")

LOOKED_AT = 3  # pictures that fit side by side
HITS_AT_MOST = 8  # codes shown beside a column that a search found
SHORTEST_CODE = 3  # characters of a code that stands for the longer ones below it: DE10 for DE102

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
    found_in = {card.id: columns for card in cards if (columns := _search(visit.desk.acts, card, q)) is not None}
    fitting = [card for card in cards if card.id in found_in]
    chosen = [c for c in fitting if (not domain or c.domain in domain) and (not tier or c.tier in tier)]
    return visit.page(
        "data/list.html",
        paging=take_page(sorted(chosen, key=_richest_first), page),
        found_in=found_in,
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
        looked=_choose_tables(view),
        years=draw_years({table.name: table.period for table in view.tables}),
        snippets=visit.desk.acts.write_snippets(dataset_id),
    )


@router.get("/{dataset_id}/look")
def show_look(visit: SignedIn, dataset_id: str) -> Response:
    """Show pictures of the first columns that have one; loaded by the dataset's page, or read alone."""
    view = visit.desk.acts.show_dataset(dataset_id)
    tables = _choose_tables(view)
    drawn = [
        (table, _choose_pictures(table, visit.desk.acts.profile_table(dataset_id, table.name))) for table in tables
    ]
    each = LOOKED_AT if len(tables) == 1 else 1
    pictures = [(table, *picture) for table, pictures in drawn for picture in pictures[:each]]
    return visit.page("data/look.html", view=view, card=view.card, tables=tables, pictures=pictures)


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


def _richest_first(card: Any) -> tuple[int, str]:
    return -len(card.tables), card.title.casefold()


def _choose_tables(view: DatasetView) -> Sequence[TableView]:
    """Choose what a first look is taken at: the first table, or of many tables the largest of different columns."""
    if len(view.tables) <= LOOKED_AT:
        return view.tables[:1]
    by_columns: dict[tuple[str, ...], TableView] = {}  # a register before and after a reform looks the same twice
    for table in sorted(view.tables, key=lambda table: -table.rows):
        by_columns.setdefault(tuple(column.name for column in table.columns), table)
    return list(by_columns.values())[:LOOKED_AT]


def _choose_pictures(
    table: TableView, profile: Sequence[ColumnProfileView]
) -> list[tuple[ColumnProfileView, ColumnView | None]]:
    """Order a table's pictures by how much they say: codes that have titles, then shapes, then other values."""
    columns = {column.name: column for column in table.columns}
    drawn = [(p, columns.get(p.name)) for p in profile if p.picture and p.distinct > 1]

    def order(pair: tuple[ColumnProfileView, ColumnView | None]) -> tuple[bool, bool]:
        return not (pair[1] and pair[1].listed), pair[0].kind != "histogram"

    return sorted(((p, column) for p, column in drawn if column is None or not column.is_key), key=order)


def _search(acts: Acts, card: Any, words: str) -> Sequence[str] | None:
    """Search a card, then its dataset's columns and codes; nothing if it does not fit.

    Returns:
        The columns that have every word, as `table.column`, where the card itself has not.
    """
    said = " ".join((card.id, card.title, card.summary, card.domain, *card.keywords, *card.modalities)).casefold()
    if all(word in said for word in words.casefold().split()):
        return ()
    with suppress(SandkasseError):  # a dataset whose contract cannot be read is found by its card
        found = _find_columns(acts.show_dataset(card.id).tables, words)
        return tuple(f"{table.name}.{column.name}" for table, columns in found for column in columns) or None
    return None


def _find_columns(tables: Iterable[TableView], words: str) -> list[tuple[TableView, Sequence[ColumnView]]]:
    """Find the columns whose name, description or codes have every word; all of them for no words."""
    wanted = words.casefold().split()
    found = ((table, [c for column in table.columns if (c := _find_in(table, column, wanted))]) for table in tables)
    return [(table, columns) for table, columns in found if columns]


def _find_in(table: TableView, column: ColumnView, wanted: Sequence[str]) -> ColumnView | None:
    """Give the column with the codes that have the words which it lacks itself; nothing if it does not fit."""
    said = " ".join((table.name, table.title, column.name, column.says, column.type, column.unit, column.trap))
    codes = f"{said} {' '.join(f'{code} {title}' for code, title in column.codes)}".casefold()
    lacking = [word for word in wanted if word not in codes]
    if not lacking:
        return column
    hits = tuple((code, title) for code, title in column.listed if all(_names(code, title, word) for word in lacking))
    return replace(column, hits=hits[:HITS_AT_MOST]) if hits else None


def _names(code: str, title: str, word: str) -> bool:
    """Tell whether a word occurs in a code or its title, or is a longer code below it."""
    code = code.casefold()
    below = len(code) >= SHORTEST_CODE and not code.isdigit() and word.startswith(code)
    return below or word in code or word in title.casefold()


def _take_table(view: DatasetView, name: str) -> TableView:
    table = view.table(name)
    if table is None:
        raise TableNotFoundError.among(
            "table", name, (known.name for known in view.tables), command=f"the page of {view.card.title}"
        )
    return table
