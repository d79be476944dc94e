"""`sandkasse module`: training modules, for learners and for those who write them."""

import os
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from sandkasse.actions import modules
from sandkasse.cli.output import JsonOption, print_json, print_line, print_table, progress_reporter
from sandkasse.core.errors import ModuleInvalidError
from sandkasse.core.settings import Settings, read_settings

app = typer.Typer(no_args_is_help=True, help="See, run, write and test training modules.")

ModuleArgument = Annotated[str, typer.Argument(help="The module's id.")]


class Which(StrEnum):
    """Which notebook of a part."""

    LESSON = "lesson"
    SOLUTION = "solution"


class Form(StrEnum):
    """What an executed notebook is written as."""

    IPYNB = "ipynb"
    HTML = "html"


class Code(StrEnum):
    """In which language a lesson's code is written."""

    PYTHON = "python"
    R = "r"


@app.command("list")
def list_(as_json: JsonOption = False) -> None:
    """List the training modules of this site."""
    found = modules.list_modules(_settings())
    if as_json:
        print_json([module.model_dump(mode="json") for module in found])
        return
    rows = [[m.id, m.title, m.level, f"{m.hours:g}", len(m.exercises), m.language] for m in found]
    print_table(["module", "title", "level", "hours", "exercises", "language"], rows, empty="No training modules here.")
    for fault in modules.list_module_faults(_settings()):
        typer.echo(fault, err=True)


@app.command()
def show(module: ModuleArgument, as_json: JsonOption = False) -> None:
    """Show a module: what you will be able to do, its parts and its exercises."""
    found = modules.show_module(_settings(), module)
    if as_json:
        print_json(found.model_dump(mode="json"))
        return
    for line in modules.format_module(found):
        print_line(line)


@app.command()
def run(
    module: ModuleArgument,
    *,
    part: Annotated[str | None, typer.Option(help="One part; all if not said.")] = None,
    which: Annotated[Which, typer.Option(help="The lesson or its worked solution.")] = Which.LESSON,
    form: Annotated[Form, typer.Option(help="A notebook or a page.")] = Form.IPYNB,
    language: Annotated[Code, typer.Option(help="Of the lessons' code.")] = Code.PYTHON,
    out: Annotated[Path, typer.Option(help="Folder to write into.")] = Path(),
    as_json: JsonOption = False,
) -> None:
    """Run a module's lessons from top to bottom, and write them with their outputs."""
    written = modules.run_lesson(
        _settings(), module, out, part_id=part, which=which.value, form=form.value, language=language.value
    )
    if as_json:
        print_json([str(path) for path in written])
        return
    for path in written:
        print_line(f"wrote {path}")


@app.command()
def check(
    module: ModuleArgument,
    exercise: Annotated[str, typer.Argument(help="The exercise's id.")],
    answer: Annotated[str, typer.Argument(help="A CSV, Parquet or Arrow file; or the number or text itself.")],
    as_json: JsonOption = False,
) -> None:
    """Check an answer against the truth in this machine's own store."""
    verdict = modules.check_file_offline(_settings(), module, exercise, answer)
    if as_json:
        print_json(verdict.model_dump(mode="json"))
        return
    for line in modules.format_verdict(verdict):
        print_line(line)
    print_line("Checked on your own machine, and not recorded: certificates come from hosted sites only.")


@app.command()
def lint(module: ModuleArgument, as_json: JsonOption = False) -> None:
    """Look over a module's files, one line a finding."""
    found = modules.lint_module(_settings(), module)
    if as_json:
        print_json({"module": found.id, "findings": []})
    else:
        print_line(f"{found.id}: {len(found.parts)} parts and {len(found.exercises)} exercises, no findings")


@app.command("test")
def rehearse(module: ModuleArgument, as_json: JsonOption = False) -> None:
    """Run a module's lessons and solutions, and try its right and wrong answers."""
    with progress_reporter(f"Testing {module}") as report:
        found = modules.test_module(_settings(), module, progress=report)
    if as_json:
        print_json(found)
    else:
        rows = [
            [_mark(is_right=r.is_right, was_run=r.was_run), r.what, r.subject, r.title, r.says] for r in found.results
        ]
        print_table(["", "what", "of", "title", "found"], rows, empty="Nothing to test.")
    if not found.is_right:
        n_wrong = sum(not result.is_right for result in found.results)
        raise ModuleInvalidError(
            f"{n_wrong} of {len(found.results)} things in {module!r} are wrong.", next_step="mend them, and test again"
        )


@app.command()
def new(
    module: ModuleArgument,
    *,
    title: Annotated[str, typer.Option(help="As the catalogue shows it.")],
    as_json: JsonOption = False,
) -> None:
    """Begin a new module from the template."""
    folder = modules.create_module(_settings(), module, title=title)
    if as_json:
        print_json({"folder": str(folder)})
        return
    print_line(f"wrote {folder}")
    print_line(f"next: sandkasse module test {module}")


def _mark(*, is_right: bool, was_run: bool) -> str:
    if not was_run:
        return "skipped"
    return "ok" if is_right else "WRONG"


def _settings() -> Settings:
    return read_settings(os.environ)
