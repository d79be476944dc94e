"""The command line: one file per noun, each calling `actions` only."""

import os
import sys
from importlib import import_module
from typing import Any

import typer
from typer.core import TyperGroup

from sandkasse.cli.output import print_error
from sandkasse.core.errors import RunInterruptedError, SandkasseError

NOUNS = ("cohort", "dataset", "module", "r", "transform", "workspace")


class _Nouns(TyperGroup):
    """Imports a noun when it is named: `dataset list` does not wait for the simulator."""

    def list_commands(self, ctx: Any) -> list[str]:
        return ["up", *NOUNS]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        if cmd_name not in NOUNS:
            return super().get_command(ctx, cmd_name)
        holder = typer.Typer(rich_markup_mode=None)
        holder.add_typer(import_module(f"sandkasse.cli.{cmd_name}").app, name=cmd_name)
        return typer.main.get_group(holder).get_command(ctx, cmd_name)


def main() -> None:
    """Run the command line; errors that a person can act on become two lines and a documented exit code."""
    try:
        application()(standalone_mode=True)
    except SandkasseError as error:
        print_error(error)
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        sys.exit(RunInterruptedError.exit_code)
    except BrokenPipeError:
        # The reader went away (`sandkasse dataset list | head`): not an error, but Python would complain while closing.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def application() -> typer.Typer:
    """Build the command line."""
    from sandkasse.cli import status, up

    root = typer.Typer(
        name="sandkasse",
        cls=_Nouns,
        help="Realistic health data, lessons that check the answer, and one road to the secure site.",
        invoke_without_command=True,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
    )
    root.callback()(status.show)
    root.command("up")(up.serve)
    return root
