"""Write the generated pages: contents, codes, errors, settings, commands. `--check` fails where one is out of date."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import typer

from sandkasse.cli import application
from sandkasse.cohort.conditions_page import conditions_page
from sandkasse.cohort.model import PARAMS
from sandkasse.cohort.specification import read_specification
from sandkasse.contract.codes import code_lists
from sandkasse.core import errors, settings

DOCS = Path(__file__).parent
SECTIONS = {
    "tutorials": ("Tutorials", "Learn by doing, from the beginning to the end."),
    "how-to": ("How-to", "One task each."),
    "reference": ("Reference", "What there is, exactly."),
    "explanation": ("Explanation", "How it works, and why."),
    "decisions": ("Decisions", "What was chosen, and what was refused with which measurement."),
}


def main(arguments: list[str]) -> int:
    """Write or compare every page; returns the number of pages that differ (0 after writing)."""
    pages: dict[str, Callable[[], str]] = {
        "reference/errors.md": errors_page,
        "reference/settings.md": settings_page,
        "reference/cli.md": cli_page,
        "reference/code-lists.md": code_lists_page,
        "reference/conditions.md": lambda: conditions_page(read_specification(PARAMS)),
        "README.md": contents_page,
    }
    differing = []
    for name, make in pages.items():
        path, text = DOCS / name, make()
        if not path.exists() or path.read_text("utf-8") != text:
            differing.append(name)
            if "--check" not in arguments:
                path.write_text(text, "utf-8")
    sys.stdout.write("".join(f"{'differs' if '--check' in arguments else 'written'}: {name}\n" for name in differing))
    return len(differing) if "--check" in arguments else 0


def contents_page() -> str:
    """List every page under its section, by its first heading."""
    lines = ["# Documentation", "", "Made from the pages' own headings."]
    for folder, (title, promise) in SECTIONS.items():
        lines += ["", f"## {title}", "", promise, ""]
        for page in sorted((DOCS / folder).glob("*.md")):
            heading = page.read_text("utf-8").splitlines()[0].removeprefix("# ")
            number = f"{page.name[:4]} " if folder == "decisions" else ""
            lines.append(f"- [{number}{heading}]({folder}/{page.name})")
    return "\n".join([*lines, ""])


def code_lists_page() -> str:
    """Every code list with what its file says of source and licence, and its codes."""
    lists = code_lists()
    head = [
        "# Code lists",
        "",
        "Made from `src/sandkasse/contract/codelists/`: what the codes in the registers mean, as the portal's "
        "search and the tables' pages tell. They are the codes that our registers use, not the classifications. "
        "Operation codes have no titles: those from 1996 on are SKS codes as far as we know them, older ones are "
        "made up in the form of their time (`params_observation/operations.toml`). [What OMOP makes of "
        "them](omop.md#concepts).",
        "",
        "| list | codes | source and licence |",
        "|---|---|---|",
        *(f"| [{one.name}](#{one.name}) | {len(one.titles)} | {one.notes} |" for one in lists),
    ]
    for one in lists:
        head += ["", f"## {one.name}", "", "| code | stands for |", "|---|---|"]
        head += [f"| {code} | {title} |" for code, title in one.titles.items()]
    return "\n".join([*head, ""])


def errors_page() -> str:
    """Table of every error class."""
    rows = [
        f"| {cls.exit_code} | `{cls.code}` | {cls.http_status} | {(cls.__doc__ or '').splitlines()[0]} |"
        for cls in errors.error_classes()
    ]
    head = [
        "# Errors and exit codes",
        "",
        "Made from `core/errors.py`. Exit code 0 is success, 2 is wrong usage of a command.",
        "",
    ]
    return "\n".join([*head, "| exit code | code | HTTP status | meaning |", "|---|---|---|---|", *rows, ""])


def settings_page() -> str:
    """Table of the environment variables and of the folders of a store."""
    variables = {
        settings.HOME_VARIABLE: "folder of the site's store; else the platform's data folder",
        settings.CONTENT_VARIABLE: "where the shipped `modules/` and `datasets/` lie; else found",
        settings.KERNELS_VARIABLE: "where compiled kernels are kept; else the person's cache folder",
        settings.PORTAL_VARIABLE: "the portal's address, inside a workspace; `offline`: grade in this process",
        settings.TOKEN_VARIABLE: "the workspace's token for the portal (set inside a workspace)",
        settings.MODULE_VARIABLE: "the module that a workspace was started for (set inside a workspace)",
        settings.BINDINGS_VARIABLE: "JSON object: contract name to dataset folder (set inside a workspace)",
    }
    folders = {
        name: (attribute.__doc__ or "").strip()
        for name, attribute in vars(settings.Settings).items()
        if isinstance(attribute, property)
    }
    lines = [
        "# Settings",
        "",
        "Made from `core/settings.py`.",
        "",
        "## Environment",
        "",
        "| variable | meaning |",
        "|---|---|",
    ]
    lines += [f"| `{name}` | {meaning} |" for name, meaning in variables.items()]
    lines += ["", "## The store", "", "| setting | meaning |", "|---|---|"]
    lines += [f"| `{name}` | {meaning} |" for name, meaning in folders.items()]
    return "\n".join([*lines, ""])


def cli_page() -> str:
    """Help of every command, as the command line prints it."""
    root = typer.main.get_command(application())
    lines = ["# Command line", "", "Made from the commands' own help. Errors: [exit codes](errors.md)."]
    for name, command in _walk(root, "sandkasse"):
        context = click.Context(command, info_name=name, terminal_width=100, max_content_width=100)
        lines += ["", f"## {name}", "", "```text", command.get_help(context).rstrip(), "```"]
    return "\n".join([*lines, ""])


def _walk(command: Any, name: str) -> list[tuple[str, Any]]:
    found = [(name, command)]
    if hasattr(command, "list_commands"):
        context = click.Context(command, info_name=name)
        for child in command.list_commands(context):
            found += _walk(command.get_command(context, child), f"{name} {child}")
    return found


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
