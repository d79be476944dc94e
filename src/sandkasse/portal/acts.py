"""What the portal asks of the acts, as one record of functions: the real ones, or a test's own.

Cards, modules and verdicts are shown as the acts give them; where a page needs another shape, it is described here
and made in `site_acts.py`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sandkasse.portal.charts import Picture


@dataclass(frozen=True)
class ColumnView:
    """A column as its dataset's page shows it.

    Attributes:
        name: The column.
        type: Of its values.
        says: What it holds.
        unit: Of its values.
        codes: Every code that the contract allows, with its meaning.
        code_system: The list that its codes come from, where the contract does not name each.
        listed: The codes of that list that have a title here.
        is_required: Whether every row has a value.
        is_key: Whether it tells rows apart.
        trap: What to mind.
        hits: The codes that a search found.
    """

    name: str
    type: str
    says: str = ""
    unit: str = ""
    codes: tuple[tuple[str, str], ...] = ()
    code_system: str = ""
    listed: tuple[tuple[str, str], ...] = ()
    is_required: bool = False
    is_key: bool = False
    trap: str = ""
    hits: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class TableView:
    """A table as its dataset's page shows it."""

    name: str
    says: str
    rows: int
    columns: tuple[ColumnView, ...]
    granularity: str = ""
    period: str = ""
    title: str = ""


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
        only: Which rows the histogram shows, where it does not show all.
        only_unit: The unit of those rows, where the table says it row by row.
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
    only: str = ""
    only_unit: str = ""

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
        why_not_isolated: In practice mode, the reason in a few words.
    """

    list_datasets: Callable[[], Sequence[Any]]
    list_faults: Callable[[], Sequence[str]]
    show_dataset: Callable[[str], DatasetView]
    write_snippets: Callable[[str], Sequence[SnippetView]]
    preview_table: Callable[[str, str], PreviewView]
    profile_table: Callable[[str, str], Sequence[ColumnProfileView]]
    list_modules: Callable[[], Sequence[Any]]
    list_module_faults: Callable[[], Sequence[str]]
    show_module: Callable[[str], Any]
    list_progress: Callable[[str], Sequence[ExerciseProgress]]
    read_submission: Callable[[str, bytes], Any]
    submit_attempt: Callable[[str, str, str, Any], Any]
    list_workspaces: Callable[[str], Sequence[Any]]
    start_workspace: Callable[[str, str], str]
    stop_workspace: Callable[[str, str], None]
    offers_workspaces: bool = True
    is_isolated: bool = True
    why_not_isolated: str = ""
