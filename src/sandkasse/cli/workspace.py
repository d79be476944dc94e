"""`sandkasse workspace`: the notebook servers of this site, and whether this machine can isolate them."""

import os
from typing import Annotated

import typer

from sandkasse.actions import workspaces
from sandkasse.cli.output import JsonOption, print_json, print_line, print_table
from sandkasse.core.settings import read_settings

app = typer.Typer(no_args_is_help=True, help="Notebook servers: which ran, and whether this machine can isolate them.")


@app.command("list")
def list_all(
    *,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="At most this many, the newest first.")] = 20,
    as_json: JsonOption = False,
) -> None:
    """List the site's workspaces, the newest first."""
    found = workspaces.list_all_workspaces(read_settings(os.environ), limit=limit)
    if as_json:
        print_json(found)
        return
    print_table(
        ("id", "module", "state", "isolated", "started (UTC)"),
        [(one.id, one.module_id, one.state, one.is_isolated, f"{one.started_at:%Y-%m-%d %H:%M}") for one in found],
        empty="No workspace was started yet. Start one from a module's page: sandkasse up",
    )


@app.command("probe")
def probe(*, as_json: JsonOption = False) -> None:
    """Run the sandbox once and say whether it isolates a workspace on this machine."""
    info = workspaces.probe_isolation()
    if as_json:
        print_json({"is_isolated": info.is_isolated, "isolation": info.isolation, "why_not": info.why_not_isolated})
    elif info.is_isolated:
        print_line("Workspaces are isolated on this machine, by bubblewrap.")
    else:
        print_line(f"Practice mode: {info.why_not_isolated}. Notebooks run as you, and can read what you can read.")
        print_line(
            "next: install bubblewrap 0.8 or newer (on Debian and Ubuntu: apt install bubblewrap), then try again"
        )
