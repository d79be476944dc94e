"""`sandkasse cohort`: simulated persons and their registers."""

import os
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from sandkasse.actions import cohorts
from sandkasse.cli.output import JsonOption, print_json, print_line, print_table, progress_reporter
from sandkasse.core.settings import read_settings

app = typer.Typer(no_args_is_help=True, help="Simulate persons and what the Danish registers hold on them.")


@app.command()
def simulate(
    persons: Annotated[int, typer.Option(help="How many persons.")],
    out: Annotated[Path, typer.Option(help="Folder to make; registers/ and truth/ come into it.")],
    seed: Annotated[int | None, typer.Option(help="The same seed gives the same files; random if left out.")] = None,
    workers: Annotated[int, typer.Option(help="Processes; 0 means one for each processor.")] = 0,
    lpr3: Annotated[str, typer.Option(help="Delivery of the patient register from 2019 on: a or f.")] = "a",
    without_trap: Annotated[list[str] | None, typer.Option(help="A trap to switch off; may be repeated.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Simulate a cohort: registers in one folder, the truth behind them in another.

    A run that was stopped goes on from its finished shards when the same command is given again.
    """
    request = cohorts.CohortRequest(
        n_persons=persons,
        out=out,
        seed=seed,
        workers=workers,
        lpr3=lpr3,
        without_traps=tuple(without_trap or ()),
    )
    with progress_reporter("Simulating") as report:
        made = cohorts.simulate_cohort(read_settings(os.environ), request, progress=report)
    if as_json:
        print_json(_to_plain(made, out))
        return
    print_table(("table", "rows"), made.simulated.rows.items(), empty="Nothing was written.")
    print_line(f"\n{made.simulated.n_persons:,} persons with seed {made.seed} are in {out}.")
    if made.simulated.n_continued:
        print_line(f"{made.simulated.n_continued:,} of {made.simulated.n_shards:,} shards were finished before.")
    print_line(f"checksum {made.simulated.sha256}")


def _to_plain(made: cohorts.CohortMade, out: Path) -> dict[str, object]:
    simulated = made.simulated
    return {
        "persons": simulated.n_persons,
        "seed": made.seed,
        "rows": dict(simulated.rows),
        "out": str(out),
        "sha256": simulated.sha256,
        "shards": simulated.n_shards,
        "continued": simulated.n_continued,
    }


@app.command()
def describe(
    folder: Annotated[Path | None, typer.Argument(help="A simulated folder; the model itself if left out.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Describe the model, every number with its source, or what a simulated folder holds."""
    if folder is None:
        rows = [asdict(parameter) for parameter in cohorts.describe_cohort()]
    else:
        rows = [asdict(summary) for summary in cohorts.describe_simulated(folder)]
    if as_json:
        print_json(rows)
        return
    print_table(tuple(rows[0]), (tuple(row.values()) for row in rows), empty="There is nothing to describe.")
