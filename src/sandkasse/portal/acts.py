"""What the portal asks of the acts, as one record of functions: the real ones, or a test's own.

Cards, modules and verdicts are shown as the acts give them; where a page needs another shape, it is made here.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import Any

from sandkasse.actions import attempts, datasets, modules, workspaces
from sandkasse.actions.site import Site
from sandkasse.portal.charts import Picture, draw_histogram, draw_values

PREVIEW_ROWS = 20
LONGEST_VALUE = 60


@dataclass(frozen=True)
class ColumnView:
    """A column as its dataset's page shows it."""

    name: str
    type: str
    says: str = ""
    unit: str = ""
    codes: tuple[tuple[str, str], ...] = ()
    code_system: str = ""
    is_required: bool = False
    is_key: bool = False
    trap: str = ""


@dataclass(frozen=True)
class TableView:
    """A table as its dataset's page shows it."""

    name: str
    says: str
    rows: int
    columns: tuple[ColumnView, ...]
    granularity: str = ""
    period: str = ""


@dataclass(frozen=True)
class DatasetView:
    """Everything that a dataset's page shows without reading its rows."""

    card: Any
    tables: tuple[TableView, ...]
    versions: tuple[str, ...] = ()

    def table(self, name: str) -> TableView | None:
        """Find a table."""
        return next((table for table in self.tables if table.name == name), None)


@dataclass(frozen=True)
class SnippetView:
    """A few lines of code that open a dataset, in one language, and where they run."""

    language: str
    code: str
    note: str


@dataclass(frozen=True)
class ColumnProfileView:
    """What a column's values look like.

    Attributes:
        name: The column.
        rows: Rows of the table.
        nulls: Rows without a value.
        distinct: Different values.
        kind: `empty`, `identifier`, `values` or `histogram`.
        picture: The drawn values; absent where a picture would say nothing.
        is_estimated: Whether `distinct` is an estimate.
        n_other: Rows whose value is not among those drawn.
        n_outside: Rows beyond the ends of the histogram.
    """

    name: str
    rows: int
    nulls: int
    distinct: int
    kind: str
    picture: Picture | None
    is_estimated: bool = False
    n_other: int = 0
    n_outside: int = 0

    @property
    def missing(self) -> float:
        """Share of rows without a value."""
        return self.nulls / self.rows if self.rows else 0.0


@dataclass(frozen=True)
class PreviewView:
    """The first rows of a table, as text; None for no value."""

    columns: tuple[str, ...]
    numeric: tuple[bool, ...]
    rows: tuple[tuple[str | None, ...], ...]


@dataclass(frozen=True)
class ExerciseProgress:
    """How far a person came with one exercise."""

    module_id: str
    exercise_id: str
    tries: int
    best: float | None
    attainable: float | None
    is_passed: bool
    last_at: datetime | None = None


@dataclass(frozen=True)
class Acts:
    """What the pages ask, by what they need; every function may raise the project's errors.

    Attributes:
        offers_workspaces: Whether this site starts notebooks at all.
        is_isolated: Whether a workspace is walled off from the site's files; otherwise practice mode.
    """

    list_datasets: Callable[[], Sequence[Any]]
    show_dataset: Callable[[str], DatasetView]
    write_snippets: Callable[[str], Sequence[SnippetView]]
    preview_table: Callable[[str, str], PreviewView]
    profile_table: Callable[[str, str], Sequence[ColumnProfileView]]
    list_modules: Callable[[], Sequence[Any]]
    show_module: Callable[[str], Any]
    list_progress: Callable[[str], Sequence[ExerciseProgress]]
    read_submission: Callable[[str, bytes], Any]
    submit_attempt: Callable[[str, str, str, Any], Any]
    list_workspaces: Callable[[str], Sequence[Any]]
    start_workspace: Callable[[str, str], str]
    stop_workspace: Callable[[str, str], None]
    offers_workspaces: bool = True
    is_isolated: bool = True


def real_acts(site: Site) -> Acts:
    """Give the real acts of a site."""
    settings = site.settings
    launcher = workspaces.show_launcher(site)

    def show_dataset(dataset_id: str) -> DatasetView:
        page = datasets.show_dataset(settings, dataset_id)
        return DatasetView(page.card, _view_tables(page), page.versions)

    def submit_attempt(user_id: str, module_id: str, exercise_id: str, answer: Any) -> Any:
        return attempts.submit_attempt(
            site, user_id=user_id, module_id=module_id, exercise_id=exercise_id, answer=answer
        )

    return Acts(
        list_datasets=lambda: datasets.list_datasets(settings),
        show_dataset=show_dataset,
        write_snippets=lambda dataset_id: _view_snippets(dataset_id, datasets.write_snippets(settings, dataset_id)),
        preview_table=lambda dataset_id, table: _view_preview(
            datasets.preview_table(settings, dataset_id, table, PREVIEW_ROWS)
        ),
        profile_table=lambda dataset_id, table: _view_profile(datasets.profile_table(settings, dataset_id, table)),
        list_modules=lambda: modules.list_modules(settings),
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
    )


def _view_column(column: Any, keys: Collection[str], never_null: Collection[str]) -> ColumnView:
    return ColumnView(
        name=column.name,
        type=column.type,
        says=column.description or column.title,
        unit=column.unit,
        codes=tuple((str(code.value), code.label) for code in column.codes),
        code_system=column.code_system,
        is_required=column.name in never_null,
        is_key=column.name in keys,
        trap=column.provenance.trap,
    )


def _view_snippets(dataset_id: str, snippets: Any) -> tuple[SnippetView, ...]:
    outside = f"On this machine, outside a workspace. In a workspace the files lie under /data/{dataset_id}"
    return (
        SnippetView("Python", snippets.python.strip(), "In a workspace, or wherever Sandkasse is installed"),
        SnippetView("R", snippets.r.strip(), outside),
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
            distinct=column.distinct,
            is_estimated=not column.distinct_is_exact,
            kind=column.kind,
            picture=_draw(column),
            n_other=column.n_other,
            n_outside=column.n_below + column.n_above,
        )
        for column in profile.columns
    )


def _draw(column: Any) -> Picture | None:
    if column.kind == "histogram" and column.counts:
        edges = [_say_edge(edge) for edge in column.edges]
        labels = [f"{low} to {high}" for low, high in pairwise(edges)]
        return draw_histogram(labels, column.counts, low=edges[0], high=edges[-1], name=column.name)
    if column.kind == "values" and column.values:
        labels = [f"{value.value} {value.label}".strip() for value in column.values]
        return draw_values(labels, [value.n for value in column.values], name=column.name)
    return None


def _say_edge(edge: float | str) -> str:
    if isinstance(edge, str):
        return edge[:10] if edge.endswith("T00:00:00") else edge
    return f"{edge:,.0f}" if float(edge).is_integer() and abs(edge) >= 10_000 else f"{edge:.6g}"
