"""`sandkasse cohort`: simulated persons and their registers."""

import os
import secrets
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
    """Simulate a cohort: registers in one folder, the truth behind them in another."""
    request = cohorts.CohortRequest(
        n_persons=persons,
        seed=secrets.randbits(63) if seed is None else seed,
        out=out,
        workers=workers,
        lpr3=lpr3,
        without_traps=tuple(without_trap or ()),
    )
    with progress_reporter("Simulating") as report:
        made = cohorts.simulate_cohort(read_settings(os.environ), request, progress=report)
    if as_json:
        print_json({"persons": made.n_persons, "seed": request.seed, "rows": dict(made.rows), "out": str(out)})
        return
    print_table(("table", "rows"), made.rows.items(), empty="Nothing was written.")
    print_line(f"\n{made.n_persons:,} persons with seed {request.seed} are in {out}.")


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
