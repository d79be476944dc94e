"""`sandkasse dataset`: what the catalogue holds, and how to open it."""

import os
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any, cast

import typer

from sandkasse.actions import datasets as actions
from sandkasse.actions.cohort_recipes import list_makeable
from sandkasse.cli.output import JsonOption, print_json, print_line, print_table, progress_reporter
from sandkasse.core.errors import ContractViolationError
from sandkasse.core.settings import Settings, read_settings

app = typer.Typer(no_args_is_help=True, help="See, open, verify and export datasets.")

DatasetArgument = Annotated[str, typer.Argument(help="The dataset's id, or id@version.")]


@app.command("list")
def list_(json: JsonOption = False) -> None:
    """List the datasets of this site."""
    settings = _settings()
    cards = actions.list_datasets(settings)
    for fault in actions.list_faults(settings):
        typer.echo(fault, err=True)
    if json:
        print_json([card.model_dump(mode="json") for card in cards])
        return
    print_table(
        ["dataset", "title", "tier", "persons", "rows"],
        [[card.id, card.title, card.tier, card.persons, sum(card.rows.values())] for card in cards],
        empty="No datasets here yet. next: sandkasse up",
    )
    if makeable := list_makeable(settings):
        print_line("\nThis site can make:")
        rows = [[recipe.command, recipe.dataset_id, recipe.persons, recipe.room] for recipe in makeable]
        print_table(["command", "dataset", "persons", "room"], rows, empty="", whole=("dataset",))


@app.command()
def show(dataset: DatasetArgument, json: JsonOption = False) -> None:
    """Show a dataset: what it is, its tables and columns, how to cite it."""
    page = actions.show_dataset(_settings(), dataset)
    if json:
        print_json(actions.describe_page(page))
        return
    for line in actions.format_page(page):
        print_line(line)
    for table in page.contract.tables:
        print_line()
        print_line(f"{table.name}: {table.description}")
        print_table(
            ["column", "type", "unit", "meaning"],
            [[column.name, column.type, column.unit, column.description] for column in table.columns],
            empty="No columns.",
        )


@app.command("open")
def open_(dataset: DatasetArgument, json: JsonOption = False) -> None:
    """Say how to open a dataset, and show the first rows of each table."""
    settings = _settings()
    snippets = actions.write_snippets(settings, dataset)
    previews = {table: actions.preview_table(settings, dataset, table, 5) for table in snippets.tables}
    if json:
        rows = {table: preview.to_pylist() for table, preview in previews.items()}
        print_json({"python": snippets.python, "r": snippets.r, "sql": snippets.sql, "first_rows": rows})
        return
    for language, code in (("Python", snippets.python), ("R", snippets.r), ("SQL", snippets.sql)):
        print_line(f"# {language}\n{code}")
    for table, preview in previews.items():
        print_line(f"{table}, first rows:")
        headings = ["column", *(f"row {number}" for number in range(1, preview.num_rows + 1))]
        print_table(
            headings, [[name, *preview[name].to_pylist()] for name in preview.column_names], empty="No columns."
        )
        print_line()


@app.command()
def verify(dataset: DatasetArgument, json: JsonOption = False) -> None:
    """Compare every file of a dataset with its published checksum."""
    with progress_reporter(f"Verifying {dataset}") as report:
        verified = actions.verify_dataset(_settings(), dataset, progress=report)
    if json:
        print_json({"dataset": verified.card.reference, "files": verified.n_files, "bytes": verified.n_bytes})
        return
    print_line(f"{verified.card.reference}: {verified.n_files:,} files, {verified.n_bytes:,} bytes, all as published.")


@app.command()
def check(dataset: DatasetArgument, json: JsonOption = False) -> None:
    """Hold a dataset's tables against its contract again."""
    report = actions.check_dataset(_settings(), dataset)
    if json:
        print_json(report.to_dict())
    else:
        print_table(
            ["table", "column", "problem", "rows"],
            [[finding.table, finding.column, finding.promise, finding.count] for finding in report.findings],
            empty=f"{dataset} keeps its contract.",
        )
    if not report.passed:
        raise typer.Exit(ContractViolationError.exit_code)


@app.command()
def export(
    dataset: DatasetArgument,
    out: Annotated[Path, typer.Option(help="The file to write; for xpt and stata, the folder.")],
    kind: Annotated[str, typer.Option("--format", help="croissant, dcat, schema.org, xpt or stata")] = "croissant",
    address: Annotated[str | None, typer.Option(help="Where this catalogue is reached, https://…")] = None,
    json: JsonOption = False,
) -> None:
    """Write a description of a dataset for other catalogues, or its tables for SAS or Stata."""
    if kind in {"xpt", "stata"}:
        _export_tables(dataset, kind, out, json=json)
        return
    path = actions.export_dataset(_settings(), dataset, cast(Any, kind), out, address=address)
    if json:
        print_json({"file": str(path)})
    else:
        print_line(f"Wrote {path}.")


def _export_tables(dataset: str, kind: str, out: Path, *, json: bool) -> None:
    with progress_reporter(f"Writing {dataset}") as report:
        written = actions.export_tables(_settings(), dataset, cast(Any, kind), out, progress=report)
    files = [str(path) for paths in written.files.values() for path in paths]
    if json:
        print_json({"files": files, "renamed": dict(written.renamed), "reader": str(written.reader)})
        return
    for old, new in written.renamed.items():
        print_line(f"{old} is named {new} there.")
    print_line(f"Wrote {len(files)} files into {written.folder}.")
    print_line(f"next: {written.reader}")


@app.command("import-sas")
def import_sas(
    folder: Annotated[Path, typer.Argument(help="Holds lmdb2019.sas7bdat, lmdb2020.sas7bdat, …")],
    *,
    contract: Annotated[str, typer.Option(help="A contract's name, or an ODCS file.")],
    dataset: Annotated[str, typer.Option("--id", help="The new dataset's id.")],
    tier: Annotated[str, typer.Option(help="public, simulated, twin or anonymised")],
    title: Annotated[str, typer.Option(help="One line for the catalogue.")] = "",
    version: Annotated[str, typer.Option(help="Of the data.")] = "1.0.0",
    json: JsonOption = False,
) -> None:
    """Turn a folder of yearly SAS files into a dataset that keeps a contract."""
    from sandkasse.actions.deliveries import DeliveryRequest, import_delivery

    request = DeliveryRequest(folder, contract, dataset, cast(Any, tier), title, version)
    with progress_reporter(f"Reading {folder.name}") as report:
        found = import_delivery(_settings(), request, progress=report)
    if json:
        print_json({"card": found.card.model_dump(mode="json"), "absent": found.absent, "ignored": found.ignored})
        return
    for line in found.ignored:
        print_line(f"ignored  {line}")
    if found.absent:
        print_line(f"not delivered: {', '.join(found.absent)}")
    rows = sum(found.card.rows.values())
    print_line(f"{found.card.reference}: {found.n_files:,} SAS files, {rows:,} rows, all as the contract promises.")
    print_line(f'next: sandkasse.open("{found.card.contract.name}", dataset="{found.card.id}")')


@app.command()
def cite(dataset: DatasetArgument, json: JsonOption = False) -> None:
    """Say how to cite a dataset, as text and in BibTeX."""
    citations = actions.cite_dataset(_settings(), dataset)
    if json:
        print_json(asdict(citations))
        return
    for text in citations.texts:
        print_line(text)
    print_line(f"\n{citations.bibtex}")


def _settings() -> Settings:
    return read_settings(os.environ)
