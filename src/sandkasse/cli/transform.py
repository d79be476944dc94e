"""`sandkasse transform`: the registers in international forms."""

import os
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from sandkasse.actions import omop as omop_actions
from sandkasse.actions import transforms as actions
from sandkasse.cli.output import JsonOption, print_json, print_line, print_table, progress_reporter
from sandkasse.core.errors import ContractViolationError
from sandkasse.core.settings import read_settings

app = typer.Typer(no_args_is_help=True, help="Write the registers in international forms.")

SourceArgument = Annotated[
    str, typer.Argument(help="A dataset's id, id@version, or a folder with contract.yaml and data/.")
]


@app.callback()
def transform() -> None:
    """Write the registers in international forms."""


@app.command()
def fhir(
    source: SourceArgument,
    out: Annotated[Path, typer.Option(help="Folder to make; one file for each type of resource comes into it.")],
    simulated: Annotated[
        bool | None,
        typer.Option("--simulated/--real", help="Whether nobody stands behind the rows; asked where no card tells."),
    ] = None,
    gzip: Annotated[bool, typer.Option("--gzip", help="Compress the files.")] = False,
    address: Annotated[str | None, typer.Option(help="Where the files will be served, https://…")] = None,
    workers: Annotated[int, typer.Option(help="Processes; 0 means one for each processor.")] = 0,
    json: JsonOption = False,
) -> None:
    """Write registers as FHIR R4 Bulk Data: NDJSON files and their manifest."""
    request = actions.FhirRequest(source, out, simulated, gzip, address, workers)
    with progress_reporter("Writing FHIR") as report:
        made = actions.transform_to_fhir(read_settings(os.environ), request, progress=report)
    if json:
        print_json({"out": str(out), **asdict(made)})
        return
    print_table(("resource", "number"), made.resources.items(), empty="There was nothing to write.")
    for table, count in made.left_out.items():
        print_line(f"Left out {count:,} rows of {table}; see OperationOutcome.ndjson.")
    print_line(f"\n{sum(made.resources.values()):,} resources, {made.n_bytes:,} bytes, are in {out}.")


@app.command()
def omop(
    source: SourceArgument,
    out: Annotated[Path | None, typer.Option(help="Folder to make; contract.yaml and data/ come into it.")] = None,
    publish: Annotated[bool, typer.Option("--publish", help="Put it into the catalogue, beside its source.")] = False,
    athena: Annotated[
        Path | None, typer.Option(help="Your own download of the vocabularies from Athena, zip file or folder.")
    ] = None,
    workers: Annotated[int, typer.Option(help="Processes; 0 means one for each processor.")] = 0,
    json: JsonOption = False,
) -> None:
    """Write registers as the OMOP Common Data Model 5.4: Parquet tables and their contract."""
    request = omop_actions.OmopRequest(source, out, athena, publish, workers)
    with progress_reporter("Writing OMOP") as report:
        made = omop_actions.transform_to_omop(read_settings(os.environ), request, progress=report)
    if json:
        print_json(omop_actions.describe_result(made))
        return
    print_table(("table", "rows", "with a standard concept"), omop_actions.share_rows(made), empty="Nothing was made.")
    where = made.card.reference if made.card else str(made.folder)
    print_line(f"\n{sum(made.built.rows.values()):,} rows are in {where}.")
    print_line(f"next: sandkasse transform check {where}")


@app.command()
def check(
    dataset: Annotated[str, typer.Argument(help="An OMOP dataset's id, id@version, or a folder with its tables.")],
    json: JsonOption = False,
) -> None:
    """Hold an OMOP data set against the official definitions and the rules of a well-behaved set."""
    with progress_reporter("Checking OMOP") as report:
        found = omop_actions.check_omop_dataset(read_settings(os.environ), dataset, progress=report)
    if json:
        print_json(found.to_dict())
    else:
        for finding in found.findings:
            print_line(omop_actions.format_finding(finding))
        print_line(f"{found.rules:,} rules on {len(found.rows)} tables: {len(found.findings)} broken.")
    if not found.passed:
        raise typer.Exit(ContractViolationError.exit_code)
