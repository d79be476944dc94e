"""`sandkasse cohort`: simulated persons and their registers."""

import os
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any, cast

import typer

from sandkasse.actions import cohorts
from sandkasse.cli import cohort_truth
from sandkasse.cli.output import JsonOption, print_json, print_line, print_table, progress_reporter
from sandkasse.core.errors import InvalidInputError
from sandkasse.core.settings import read_settings

# Our choice of what is worth a question.
_LONG_S = 600
_LARGE_BYTES = 10 * 2**30

app = typer.Typer(no_args_is_help=True, help="Simulate persons and what the Danish registers hold on them.")


OutOption = Annotated[Path, typer.Option(help="Folder to make; registers/ and truth/ come into it.")]
SeedOption = Annotated[int | None, typer.Option(help="The same seed gives the same files; random if left out.")]
WorkersOption = Annotated[int, typer.Option(help="Processes, or jobs; 0 means one for each processor here.")]
Lpr3Option = Annotated[str, typer.Option(help="Delivery of the patient register from 2019 on: a or f.")]
TrapOption = Annotated[list[str] | None, typer.Option(help="A trap to switch off; may be repeated.")]
TierOption = Annotated[str, typer.Option(help="clean, or messy with the faults of real deliveries.")]
DensityOption = Annotated[str, typer.Option(help="light, or register for the registers' full rate of services.")]
KeepOption = Annotated[str, typer.Option(help="all, or none: drop each shard and keep its checksums only.")]
ConsumerOption = Annotated[str | None, typer.Option(help="Command that gets the folder of each finished shard.")]
EngineOption = Annotated[str, typer.Option(help="local, dask, slurm or pbs.")]
SchedulerOption = Annotated[str | None, typer.Option(help="Address of a running Dask scheduler, for --engine dask.")]
QueueOption = Annotated[str | None, typer.Option(help="Queue or partition of the jobs, for slurm and pbs.")]
TimeLimitOption = Annotated[str | None, typer.Option(help="Time limit of each job, HH:MM:SS.")]
InterfaceOption = Annotated[str | None, typer.Option(help="Network interface by which jobs reach this machine.")]
YesOption = Annotated[bool, typer.Option("--yes", help="Begin a long run without asking.")]


@app.command()
def simulate(  # noqa: PLR0913  one parameter an option
    *,
    persons: Annotated[int, typer.Option(help="How many persons.")],
    out: OutOption,
    seed: SeedOption = None,
    workers: WorkersOption = 0,
    lpr3: Lpr3Option = "a",
    without_trap: TrapOption = None,
    tier: TierOption = "clean",
    density: DensityOption = "light",
    keep: KeepOption = "all",
    consumer: ConsumerOption = None,
    engine: EngineOption = "local",
    scheduler: SchedulerOption = None,
    queue: QueueOption = None,
    time_limit: TimeLimitOption = None,
    interface: InterfaceOption = None,
    yes: YesOption = False,
    as_json: JsonOption = False,
) -> None:
    """Simulate a cohort: registers in one folder, the truth behind them in another.

    A run that was stopped goes on from its finished shards when the same command is given again.
    """
    request = cohorts.CohortRequest(
        n_persons=persons,
        out=out,
        seed=seed,
        engine=cohorts.Engine(cast(Any, engine), workers, scheduler, queue, time_limit, interface),
        lpr3=lpr3,
        without_traps=tuple(without_trap or ()),
        tier=tier,
        density=density,
        keep=keep,
        consumer=consumer,
    )
    settings = read_settings(os.environ)
    with progress_reporter("Estimating") as report:
        estimate = cohorts.estimate_cohort(settings, request, progress=report)
    _agree(estimate, yes=yes)
    with progress_reporter("Simulating") as report:
        made = cohorts.simulate_cohort(settings, request, progress=report)
    if as_json:
        print_json(_to_plain(made, out))
        return
    print_table(("table", "rows"), made.simulated.rows.items(), empty="Nothing was written.")
    print_line(f"\n{made.simulated.n_persons:,} persons with seed {made.seed}; what was kept is in {out}.")
    if made.simulated.n_continued:
        print_line(f"{made.simulated.n_continued:,} of {made.simulated.n_shards:,} shards were finished before.")
    print_line(f"checksum {made.simulated.sha256}")


@app.command()
def make(  # noqa: PLR0913  one parameter an option
    name: Annotated[str, typer.Argument(help="mini, class, region or nation.")],
    *,
    workers: WorkersOption = 0,
    engine: EngineOption = "local",
    scheduler: SchedulerOption = None,
    queue: QueueOption = None,
    time_limit: TimeLimitOption = None,
    interface: InterfaceOption = None,
    yes: YesOption = False,
    as_json: JsonOption = False,
) -> None:
    """Make a cohort of the catalogue: mini (500 persons), class (20,000), region (500,000) or nation (about 9 million).

    It is published with a secret seed, and its truth is kept apart for the graders.
    """
    settings = read_settings(os.environ)
    where = cohorts.Engine(cast(Any, engine), workers, scheduler, queue, time_limit, interface)
    request = cohorts.MakeRequest(name, engine=where)
    with progress_reporter("Estimating") as report:
        estimate = cohorts.estimate_making(settings, request, progress=report)
    _agree(estimate, yes=yes)
    with progress_reporter(f"Making {name}") as report:
        card = cohorts.make_cohort(settings, request, progress=report)
    if as_json:
        print_json(card.model_dump(mode="json", exclude={"files"}))
        return
    print_line(f"{card.reference}: {card.persons:,} persons, {sum(card.rows.values()):,} rows.")
    print_line(f"Open it with: sandkasse dataset open {card.id}")


def _agree(estimate: cohorts.Estimate | None, *, yes: bool) -> None:
    """Show what the run will need, and ask before a long one."""
    if estimate is None:
        return
    room = f"{estimate.bytes / 2**30:,.1f} GiB on the disk" if estimate.bytes else "nothing kept but checksums"
    workers = f"{estimate.workers} worker{'s' if estimate.workers > 1 else ''}"
    about = f"About {estimate.rows:,} rows, {room}, {estimate.seconds / 60:,.1f} minutes on {workers}"
    typer.echo(f"{about}, as this machine is now.", err=True)
    if yes or not (estimate.seconds > _LONG_S or estimate.bytes > _LARGE_BYTES):
        return
    if not sys.stdin.isatty():
        raise InvalidInputError("This is a long run, and nobody is there to be asked.", next_step="add --yes")
    typer.confirm("Begin?", abort=True, err=True)


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
    html: Annotated[Path | None, typer.Option(help="Write the model with its picture as a page, a new file.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Describe the model, every number with its source, or what a simulated folder holds."""
    if html is not None:
        cohorts.write_description(html)
        print_json({"file": str(html)}) if as_json else print_line(f"The page is in {html}.")
        return
    if folder is None:
        rows = [asdict(parameter) for parameter in cohorts.describe_cohort()]
    else:
        rows = [asdict(summary) for summary in cohorts.describe_simulated(folder)]
    if as_json:
        print_json(rows)
        return
    print_table(tuple(rows[0]), (tuple(row.values()) for row in rows), empty="There is nothing to describe.")


@app.command()
def validate(
    out: Annotated[Path, typer.Option(help="The report: a file that ends in .html, .md or .json.")],
    *,
    persons: Annotated[int, typer.Option(help="How many lives to compare with published figures.")] = 200_000,
    seed: Annotated[list[int], typer.Option(help="Their seed; named again, another whose headline is told too.")] = [1],  # noqa: B006
    registers: Annotated[Path | None, typer.Option(help="A simulated folder, whose care is described too.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Compare simulated lives with published Danish figures and write a report with pictures."""
    from sandkasse.actions import validation  # it draws pictures, which the other commands need not wait for

    request = validation.ValidationRequest(out, persons, tuple(seed), registers)
    with progress_reporter("Validating") as report:
        found = validation.validate_cohort(read_settings(os.environ), request, progress=report)
    if as_json:
        print_json({"headline": found.headline, "file": str(out)})
        return
    print_line(found.headline)
    print_line(f"The report is in {out}.")


for _truth in (cohort_truth.effect, cohort_truth.estimands, cohort_truth.lives, cohort_truth.risks):
    app.command()(_truth)
