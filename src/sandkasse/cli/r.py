"""`sandkasse r`: whether R is there, and how it finds Sandkasse."""

import os

import typer

from sandkasse.actions import r_language as actions
from sandkasse.cli.output import JsonOption, print_json, print_line

app = typer.Typer(no_args_is_help=True, help="Use Sandkasse from R.")


@app.command()
def show(json: JsonOption = False) -> None:
    """Say whether R and its packages are there, what is missing, and how to install it."""
    found = actions.describe_r(os.environ)
    if json:
        print_json(found)
        return
    print_line(f"R          {found['program'] or 'not installed'}")
    for name, is_there in found["packages"].items():
        print_line(f"{name:<10} {'yes' if is_there else 'no'}")
    print_line()
    print_line(f"next: {found['next']}")


@app.command()
def install(json: JsonOption = False) -> None:
    """Put the R package `sandkasse` into a library of its own, and print the lines that R needs to find it."""
    lines = actions.install_r(os.environ)
    if json:
        print_json({"lines": lines})
        return
    print_line("# Put these lines at the top of your R script, or into ~/.Rprofile:")
    for line in lines:
        print_line(line)
