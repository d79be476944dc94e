"""The command line: one file per noun, each calling `actions` only."""

import os
import sys

import typer

from sandkasse.cli.output import print_error
from sandkasse.core.errors import RunInterruptedError, SandkasseError

EXIT_USAGE = 2


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
    """Build the command line with every noun."""
    from sandkasse.cli import cohort, dataset, module, status, up, workspace

    application = typer.Typer(
        name="sandkasse",
        help="Realistic health data, lessons that check the answer, and one road to the secure site.",
        invoke_without_command=True,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
    )
    application.callback()(status.show)
    application.command("up")(up.serve)
    for noun in (dataset, cohort, module, workspace):
        application.add_typer(noun.app, name=noun.__name__.rpartition(".")[2])
    return application
