"""How the command line speaks: aligned tables, JSON, one progress line, errors with a next step."""

import sys
from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Annotated, Any

import orjson
import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from sandkasse.core.errors import SandkasseError

JsonOption = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]


def print_json(value: Any) -> None:
    """Print a value as indented JSON on standard output."""
    sys.stdout.buffer.write(orjson.dumps(value, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE, default=str))
    sys.stdout.flush()


def print_table(
    headings: Sequence[str], rows: Iterable[Sequence[object]], *, empty: str, whole: Collection[str] = ()
) -> None:
    """Print rows under headings, aligned; numbers to the right with thousands separated.

    Args:
        headings: One heading a column.
        rows: Values, one sequence a row.
        empty: What to say when there are no rows, with the next step.
        whole: Headings of further columns that are never broken over lines: what the reader types again.
    """
    table = Table(box=None, pad_edge=False, header_style="bold")
    listed = [list(row) for row in rows]
    if not listed:
        print_line(empty)
        return
    for index, heading in enumerate(headings):
        is_number = all(isinstance(row[index], int | float) for row in listed)
        # What a row is called is typed again by the reader: it is never broken.
        table.add_column(
            heading, justify="right" if is_number else "left", overflow="fold", no_wrap=index == 0 or heading in whole
        )
    for row in listed:
        table.add_row(*(Text(_shown(value)) for value in row))
    Console(soft_wrap=False).print(table)


def print_line(text: str = "") -> None:
    """Print one line on standard output, as it is."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def print_error(error: SandkasseError) -> None:
    """Print an error's two lines on standard error."""
    sys.stderr.write(f"{error.message}\nnext: {error.next_step}\n")


class progress_reporter:  # noqa: N801  used like a function: `with progress_reporter("Simulating") as report:`
    """Show the progress of long work on standard error, with a rate and the time that is left.

    Nothing is shown where standard error is not a terminal, except the last line.
    """

    def __init__(self, title: str) -> None:
        self._title = title
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[unit]}"),
            TextColumn("{task.fields[rate]}"),
            TimeRemainingColumn(),
            console=Console(stderr=True),
            transient=True,
            # Drawn when something is reported: with a thread of its own, no worker could be a copy of this process.
            auto_refresh=False,
            disable=not sys.stderr.isatty(),
        )
        self._task = self._bar.add_task(title, total=None, unit="", rate="")

    def __enter__(self) -> Callable[[int, int, str], None]:
        """Begin to show, and give the callback that reports (done, total, unit)."""
        self._bar.start()
        return self._report

    def __exit__(self, *_: object) -> None:
        """Take the line away again."""
        self._bar.stop()

    def _report(self, done: int, total: int, unit: str) -> None:
        speed = self._bar.tasks[0].speed
        rate = f"{speed:,.0f} {unit}/s" if speed else ""
        self._bar.update(self._task, completed=done, total=total, unit=unit, rate=rate, refresh=True)


def _shown(value: object) -> str:
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    return str(value)
