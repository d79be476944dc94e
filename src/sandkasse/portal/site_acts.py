"""The acts of a real site, in the shapes that the pages read."""

import threading
from collections import defaultdict
from collections.abc import Callable, Collection, Sequence
from itertools import pairwise
from typing import Any, Generic, TypeVar

from sandkasse.actions import attempts, datasets, modules, workspaces
from sandkasse.actions.site import Site
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
from sandkasse.portal.charts import Picture, draw_histogram, draw_values

PREVIEW_ROWS = 20
LONGEST_VALUE = 60
KEPT_AT_MOST = 500

_Shown = TypeVar("_Shown")


class Kept(Generic[_Shown]):
    """Keeps what was made of a dataset for as long as its card says the same; published data never change.

    Whoever asks for what is being made waits for it: to make it twice at once would take both twice as long.

    Args:
        card_of: Gives a dataset's card now, or nothing.
        make: Makes what is shown, from the dataset's id and what else names it.
    """

    def __init__(self, card_of: Callable[[str], Any], make: Callable[..., _Shown]) -> None:
        self._card_of, self._make = card_of, make
        self._kept: dict[tuple[str, ...], tuple[Any, _Shown]] = {}
        self._making: defaultdict[tuple[str, ...], threading.Lock] = defaultdict(threading.Lock)

    def __call__(self, dataset_id: str, *rest: str) -> _Shown:
        """Give what was kept, or make it."""
        card = self._card_of(dataset_id)
        if card is None:
            return self._make(dataset_id, *rest)  # which says that there is no such dataset
        key = (dataset_id, *rest)
        with self._making[key]:
            kept = self._kept.get(key)
            if kept is not None and kept[0] == card:
                return kept[1]
            made = self._make(*key)
            if len(self._kept) >= KEPT_AT_MOST:
                self._kept.clear()
            self._kept[key] = (card, made)
            return made


def real_acts(site: Site) -> Acts:
    """Give the real acts of a site."""
    settings = site.settings
    launcher = workspaces.show_launcher(site)

    def card_of(dataset_id: str) -> Any:
        return next((card for card in datasets.list_datasets(settings) if card.id == dataset_id), None)

    def show_dataset(dataset_id: str) -> DatasetView:
        page = datasets.show_dataset(settings, dataset_id)
        return DatasetView(page.card, _view_tables(page), page.versions)

    def submit_attempt(user_id: str, module_id: str, exercise_id: str, answer: Any) -> Any:
        return attempts.submit_attempt(
            site, user_id=user_id, module_id=module_id, exercise_id=exercise_id, answer=answer
        )

    return Acts(
        list_datasets=lambda: datasets.list_datasets(settings),
        list_faults=lambda: datasets.list_faults(settings),
        show_dataset=Kept(card_of, show_dataset),
        write_snippets=lambda dataset_id: _view_snippets(dataset_id, datasets.write_snippets(settings, dataset_id)),
        preview_table=Kept(
            card_of,
            lambda dataset_id, table: _view_preview(datasets.preview_table(settings, dataset_id, table, PREVIEW_ROWS)),
        ),
        profile_table=Kept(
            card_of, lambda dataset_id, table: _view_profile(datasets.profile_table(settings, dataset_id, table))
        ),
        list_modules=lambda: modules.list_modules(settings),
        list_module_faults=lambda: modules.list_module_faults(settings),
        show_module=lambda module_id: modules.show_module(settings, module_id),
        list_progress=lambda user_id: _view_progress(attempts.list_progress(site, user_id)),
        read_submission=attempts.read_submission,
        submit_attempt=submit_attempt,
        list_workspaces=lambda user_id: workspaces.list_workspaces(site, user_id=user_id),
        start_workspace=lambda user_id, module_id: (
            workspaces.start_workspace(site, user_id=user_id, module_id=module_id).url
        ),
        stop_workspace=lambda user_id, workspace_id: workspaces.stop_workspace(
            site, user_id=user_id, workspace_id=workspace_id
        ),
        offers_workspaces=launcher is not None,
        is_isolated=launcher is not None and launcher.is_isolated,
        why_not_isolated="" if launcher is None else launcher.why_not_isolated,
    )


def _view_tables(page: Any) -> tuple[TableView, ...]:
    """Join the card's tables, which are there, with the contract's words for them."""
    promised = {table.name: table for table in page.contract.tables}
    return tuple(_view_table(name, rows, promised.get(name)) for name, rows in page.card.rows.items())


def _view_table(name: str, rows: int, promised: Any) -> TableView:
    if promised is None:
        return TableView(name=name, says="", rows=rows, columns=())
    keys = {column for key in promised.keys if key.primary for column in key.columns}
    return TableView(
        name=name,
        says=promised.description or promised.title,
        rows=rows,
        columns=tuple(_view_column(column, keys, promised.never_null) for column in promised.columns),
        granularity=promised.granularity,
        period=promised.period,
        title=promised.title,
    )


def _view_column(column: Any, keys: Collection[str], never_null: Collection[str]) -> ColumnView:
    return ColumnView(
        name=column.name,
        type=column.type,
        says=column.description or column.title,
        unit=column.unit,
        codes=tuple((str(code.value), code.label) for code in column.codes),
        code_system=column.code_system,
        listed=() if column.codes else datasets.list_known_codes(column.code_system),
        is_required=column.name in never_null,
        is_key=column.name in keys,
        trap=column.provenance.trap,
    )


def _view_snippets(dataset_id: str, snippets: Any) -> tuple[SnippetView, ...]:
    outside = f"On this machine, outside a workspace. In a workspace the files lie under /data/{dataset_id}"
    return (
        SnippetView("Python", snippets.python.strip(), "In a workspace, or wherever Sandkasse is installed"),
        SnippetView("R", snippets.r.strip(), "In a workspace, or after sandkasse r install"),
        SnippetView("SQL", snippets.sql.strip(), outside),
    )


def _view_preview(table: Any) -> PreviewView:
    """Write an Arrow table's values as people read them."""
    rows = table.to_pylist()
    kinds = [str(field.type) for field in table.schema]
    return PreviewView(
        columns=tuple(table.column_names),
        numeric=tuple(kind.startswith(("int", "uint", "float", "double", "decimal")) for kind in kinds),
        rows=tuple(tuple(_say_value(row[name]) for name in table.column_names) for row in rows),
    )


def _say_value(value: Any) -> str | None:
    if value is None:
        return None
    if isinstance(value, float):
        return f"{value:.6g}"
    text = str(value)
    return text if len(text) <= LONGEST_VALUE else text[: LONGEST_VALUE - 1] + "…"


def _view_progress(modules: Sequence[Any]) -> tuple[ExerciseProgress, ...]:
    """Flatten the progress of all modules to the exercises that were tried."""
    return tuple(
        ExerciseProgress(
            module_id=module.module_id,
            exercise_id=exercise.id,
            tries=exercise.tries,
            best=exercise.best_score,
            attainable=exercise.attainable,
            is_passed=exercise.passed,
            last_at=exercise.last_at,
        )
        for module in modules
        for exercise in module.exercises
        if exercise.last_at is not None
    )


def _view_profile(profile: Any) -> tuple[ColumnProfileView, ...]:
    """Draw the picture that describes each column."""
    return tuple(
        ColumnProfileView(
            name=column.name,
            rows=profile.rows,
            nulls=column.nulls,
            # Values that are all listed are counted; the engine's estimate may be another number.
            distinct=len(column.values) if _lists_all(column) else column.distinct,
            is_estimated=not (column.distinct_is_exact or _lists_all(column)),
            kind=column.kind,
            picture=_draw(column),
            n_other=column.n_other,
            n_outside=column.n_below + column.n_above,
            only=column.only,
            only_unit=column.only_unit,
        )
        for column in profile.columns
    )


def _lists_all(column: Any) -> bool:
    return column.kind == "values" and not column.n_other


def _draw(column: Any) -> Picture | None:
    if column.kind == "histogram" and column.counts:
        edges = [_say_edge(edge) for edge in column.edges]
        labels = _say_years(edges) or [f"{low} to {high}" for low, high in pairwise(edges)]
        low, high = (labels[0][:4], labels[-1][-4:]) if _say_years(edges) else (edges[0], edges[-1])
        return draw_histogram(labels, column.counts, low=low, high=high, name=column.name)
    if column.kind == "values" and column.values:
        labels = [f"{value.value} {value.label}".strip() or "(empty text)" for value in column.values]
        return draw_values(labels, [value.n for value in column.values], name=column.name)
    return None


def _say_years(edges: list[str]) -> list[str]:
    """Name bars of whole calendar years by their years; nothing if they are not such bars."""
    if not all(edge.endswith("-01-01") for edge in edges):
        return []
    spans = [(int(low[:4]), int(high[:4]) - 1) for low, high in pairwise(edges)]
    return [f"{first}" if first == last else f"{first} to {last}" for first, last in spans]


def _say_edge(edge: float | str) -> str:
    if isinstance(edge, str):
        return edge[:10] if edge.endswith("T00:00:00") else edge
    return f"{edge:,.0f}" if float(edge).is_integer() and abs(edge) >= 10_000 else f"{edge:.4g}"
