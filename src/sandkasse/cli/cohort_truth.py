"""The commands of `sandkasse cohort` that ask for the truth: effects, and each person's other lives and risks."""

import os
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from sandkasse.cli.output import JsonOption, print_json, print_line, print_table, progress_reporter
from sandkasse.core.errors import InvalidInputError
from sandkasse.core.settings import read_settings

CohortArgument = Annotated[str, typer.Argument(help="A simulated folder, or a cohort of the catalogue, as class.")]
OutcomeOption = Annotated[str, typer.Option(help="A condition's first onset, or death.")]
IndexDayOption = Annotated[datetime, typer.Option(formats=["%Y-%m-%d"], help="The day the courses part.")]
YearsOption = Annotated[float, typer.Option(help="How long after that day.")]
AgesOption = Annotated[tuple[int, int], typer.Option(help="Least and greatest age on that day.")]
FileOption = Annotated[Path, typer.Option(help="A new Parquet file; as secret as the cohort's truth.")]
_INDEX_DAY = datetime(2005, 1, 1)  # noqa: DTZ001  a day, in no zone


def effect(  # noqa: PLR0913  one parameter an option
    outcome: Annotated[str | None, typer.Option(help="A condition's first onset, or death.")] = None,
    course: Annotated[str | None, typer.Option(help="An intervention; an unknown one lists what there is.")] = None,
    *,
    named: Annotated[str | None, typer.Option(help="A question of `cohort estimands`, instead of one's own.")] = None,
    against: Annotated[str, typer.Option(help="What it is compared with.")] = "natural",
    index_day: IndexDayOption = _INDEX_DAY,
    years: YearsOption = 10.0,
    ages: AgesOption = (0, 120),
    persons: Annotated[int, typer.Option(help="How many persons to simulate.")] = 200_000,
    seed: Annotated[int, typer.Option(help="Seed of the cohort.")] = 1,
    as_json: JsonOption = False,
) -> None:
    """Say the true effect of an intervention: risks and mean years under both courses, each with its standard error."""
    from sandkasse.actions import effects  # the simulator of both courses, which the other commands need not load

    if (named is None) != (outcome is not None and course is not None) or (named and (outcome or course)):
        raise InvalidInputError(
            "Expected either a question of one's own or a named one.",
            next_step="give --outcome and --course, or --named alone; `sandkasse cohort estimands` lists the names",
        )
    if named is not None:
        estimand = effects.find_estimand(named).estimand
    else:
        population = effects.Population(index_day.date(), ages=ages)
        estimand = effects.Estimand(population, str(outcome), years, str(course), against)
    with progress_reporter("Simulating both courses") as report:
        found = asdict(
            effects.estimate_effect(
                estimand, n_persons=persons, seed=seed, progress=report, settings=read_settings(os.environ)
            )
        )
    if as_json:
        print_json(found)
        return
    measures = [(name.replace("_", " "), value) for name, value in found.items() if isinstance(value, dict)]
    rows = [(name, round(value["value"], 5), round(value["standard_error"], 5)) for name, value in measures]
    print_table(("measure", "value", "standard error"), rows, empty="Nothing was measured.")
    print_line(f"\n{found['n_persons']:,} persons; hazard ratio {found['hazard_ratio']:.3f}, to be shown, not graded.")


def estimands(as_json: JsonOption = False) -> None:
    """List the questions about effects that have a name."""
    from sandkasse.actions import effects  # the simulator of both courses, which the other commands need not load

    rows = [
        {
            "name": row.name,
            "asks": row.title,
            "outcome": row.estimand.outcome,
            "years": row.estimand.horizon_years,
            "course": str(row.estimand.course),
            "against": str(row.estimand.against),
        }
        for row in effects.named_estimands()
    ]
    if as_json:
        print_json(rows)
        return
    print_table(tuple(rows[0]), (tuple(row.values()) for row in rows), empty="None has a name.")


def lives(
    cohort: CohortArgument,
    *,
    out: FileOption,
    course: Annotated[
        list[str] | None, typer.Option(help="A course, or natural; may be repeated. All if none.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Write what each person's life would have been under named interventions, with the same luck."""
    from sandkasse.actions import counterfactuals  # the simulator, which the other commands need not load

    settings = read_settings(os.environ)
    found = counterfactuals.find_cohort(settings, cohort)
    with progress_reporter("Living the lives again") as report:
        rows = counterfactuals.write_lives(settings, found, out, courses=tuple(course or ()), progress=report)
    if as_json:
        print_json({"file": str(out), "persons": rows})
        return
    print_line(f"{rows:,} persons, a row for each course, in {out}.")


def risks(  # noqa: PLR0913  one parameter an option
    cohort: CohortArgument,
    *,
    outcome: OutcomeOption,
    out: FileOption,
    course: Annotated[str, typer.Option(help="An intervention, or natural: lives as they are.")] = "natural",
    index_day: IndexDayOption = _INDEX_DAY,
    years: YearsOption = 10.0,
    ages: AgesOption = (0, 120),
    draws: Annotated[int, typer.Option(help="Futures of each person; the error falls with their square root.")] = 200,
    as_json: JsonOption = False,
) -> None:
    """Write each person's own true risk of an outcome after a day, by living the future many times."""
    from sandkasse.actions import counterfactuals, effects  # the simulator, which the other commands need not load

    settings = read_settings(os.environ)
    found = counterfactuals.find_cohort(settings, cohort)
    estimand = effects.Estimand(effects.Population(index_day.date(), ages=ages), outcome, years, course)
    with progress_reporter("Living the futures") as report:
        rows = counterfactuals.write_risks(settings, found, out, estimand=estimand, n_draws=draws, progress=report)
    if as_json:
        print_json({"file": str(out), "persons": rows})
        return
    print_line(f"The risks of {rows:,} persons are in {out}.")
