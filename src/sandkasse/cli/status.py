"""`sandkasse` alone: where you are, and what to do next."""

import os
from importlib.metadata import version
from typing import Annotated

import typer

from sandkasse.cli.output import print_line
from sandkasse.core.settings import read_settings


def _say_version(is_asked: bool) -> None:
    if is_asked:
        print_line(f"sandkasse {version('sandkasse')}")
        raise typer.Exit


def show(
    context: typer.Context,
    version: Annotated[
        bool, typer.Option("--version", callback=_say_version, is_eager=True, help="Say the version.")
    ] = False,
) -> None:
    """Work with the sandbox; without a command, say where you are and what to do next."""
    if context.invoked_subcommand is not None:
        return
    from sandkasse.actions import datasets, modules, r_language

    settings = read_settings(os.environ)
    cards = datasets.list_datasets(settings)
    lessons = modules.list_modules(settings)
    print_line(f"Store      {settings.home}{'' if settings.database.exists() else ' (not made yet)'}")
    print_line(f"Datasets   {len(cards)}: {', '.join(card.id for card in cards)}")
    print_line(f"Modules    {len(lessons)}: {', '.join(lesson.id for lesson in lessons)}")
    print_line(f"R          {r_language.r_line(os.environ)}")
    print_line()
    print_line("next: sandkasse up             serve the sandbox in your browser")
    print_line("      sandkasse dataset list   see the data")
    print_line("      sandkasse --help         see every command")
