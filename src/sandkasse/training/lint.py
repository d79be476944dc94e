"""Looks over a module's files: everything that a reader, a grader or a test of the module would stumble over."""

import ast
import re
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

from sandkasse.catalogue.store import SIMULATED_CONTRACT
from sandkasse.cohort.observation.traps import TRAPS
from sandkasse.core.errors import ModuleInvalidError
from sandkasse.training.facts import check_is_one_select, used_definitions
from sandkasse.training.grading import exercise_statements, read_parameters
from sandkasse.training.languages import LANGUAGES, LanguageId, find_check_calls
from sandkasse.training.lessons import read_notebook
from sandkasse.training.library import ShelvedModule
from sandkasse.training.spec import ANSWERS_FILE, Exercise, Module, Part

FEWEST_ACCEPTED = 2
SIDES = {"classification": {"extra", "missed", "type", "any"}, "dates": {"extra", "missed", "date", "any"}}

_MARKDOWN_IMAGE = re.compile(r"!\[(?P<alt>[^\]]*)\]\(")
_HTML_IMAGE = re.compile(r"<img\b(?P<attributes>[^>]*)>", re.IGNORECASE)
_HTML_ALT = re.compile(r"\balt\s*=\s*(\"[^\"]+\"|'[^']+')", re.IGNORECASE)


def find_faults(shelved: ShelvedModule, known_modules: Collection[str]) -> list[str]:
    """Look over a module.

    Args:
        shelved: The module, whose `module.yaml` is readable.
        known_modules: The ids of all modules of the site.

    Returns:
        One line a finding; empty when all is right.
    """
    module, folder = shelved.module, shelved.folder
    findings = list(_module_faults(module, known_modules))
    functions = _read_functions(folder / ANSWERS_FILE)
    if functions is None:
        findings.append(f"{ANSWERS_FILE} is not readable Python")
    for exercise in module.exercises:
        findings += [
            f"exercise {exercise.id}: {fault}" for fault in _exercise_faults(module, exercise, functions or {})
        ]
    for part in module.parts:
        findings += _part_faults(module, part, folder)
    return findings


def _module_faults(module: Module, known_modules: Collection[str]) -> Iterator[str]:
    for wanted in module.prerequisites:
        if wanted == module.id:
            yield "prerequisites: the module cannot be its own"
        elif wanted not in known_modules:
            yield f"prerequisites: there is no module named {wanted!r}"
    for part in module.parts:
        if not module.exercises_of(part.id):
            yield f"part {part.id}: asks no exercise"
    yield from _definition_faults(module)
    minutes = sum(part.minutes for part in module.parts)
    # Half an hour of slack: hours are told in halves.
    if abs(minutes / 60 - module.hours) > 0.5:
        yield f"hours: {module.hours:g} hours are told, and the parts take {minutes} minutes"


def _definition_faults(module: Module) -> Iterator[str]:
    used: set[str] = set()
    for exercise in module.exercises:
        try:
            statements = exercise_statements(exercise)
        except ModuleInvalidError:  # told with the exercise
            return
        used.update(used_definitions(exercise.definitions, statements.values()))
        for name in sorted(exercise.definitions.keys() - module.definitions.keys() - used):
            yield f"definitions: no SQL of the exercise {exercise.id!r} uses {name!r}"
    for name in sorted(module.definitions.keys() - used):
        yield f"definitions: no SQL uses {name!r}"
    for name, sql in module.definitions.items():
        yield from _select_faults(sql, name=name)


def _select_faults(sql: str, *, name: str) -> Iterator[str]:
    try:
        check_is_one_select(sql, name=name)
    except ModuleInvalidError as exc:
        yield exc.message.replace("\n", " ")


def _exercise_faults(module: Module, exercise: Exercise, functions: dict[str, str]) -> Iterator[str]:
    if exercise.part not in {part.id for part in module.parts}:
        yield f"there is no part named {exercise.part!r}"
    if exercise.contract not in module.contracts:
        yield f"its contract {exercise.contract!r} is not among the module's contracts"
    try:
        own = {name: sql for name, sql in exercise.definitions.items() if name not in module.definitions}
        for name, sql in {**own, **exercise_statements(exercise)}.items():
            check_is_one_select(sql, name=name)
        yield from _error_faults(exercise)
    except ModuleInvalidError as exc:
        yield exc.message.replace("\n", " ")
    yield from _answer_faults(exercise, functions)


def _error_faults(exercise: Exercise) -> Iterator[str]:
    grader, parameters = read_parameters(exercise)
    kinds = set(grader.info.kinds) | grader.kinds(parameters)
    ids = [error.id for error in exercise.errors]
    for doubled in sorted({name for name in ids if ids.count(name) > 1}):
        yield f"the error {doubled!r} is described twice"
    for error in exercise.errors:
        if error.trap is None and error.id not in kinds:
            known = ", ".join(sorted(kinds))
            yield f"the error {error.id!r} is no kind of {exercise.grader} and has no trap; kinds: {known}"
        if error.trap is not None and exercise.contract == SIMULATED_CONTRACT and error.trap not in TRAPS:
            yield f"the error {error.id!r} names an unknown trap; there are {', '.join(TRAPS)}"
        if error.trap is not None and error.side not in SIDES.get(exercise.grader, set()):
            yield f"the error {error.id!r} has a trap on the side {error.side!r}, which {exercise.grader} does not know"
    for kind in sorted(grader.kinds(parameters) - set(ids)):
        yield f"the parameters name the error {kind!r}, and errors does not describe it"
    for refused in exercise.refused:
        if refused.error is not None and refused.error not in kinds | set(ids):
            yield f"the refused answer {refused.answer!r} names an unknown error {refused.error!r}"


def _answer_faults(exercise: Exercise, functions: dict[str, str]) -> Iterator[str]:
    names = [item.answer for item in exercise.answers()]
    if len(exercise.accepted) < FEWEST_ACCEPTED:
        yield f"needs at least {FEWEST_ACCEPTED} accepted answers"
    if not exercise.refused:
        yield "needs at least one refused answer"
    for doubled in sorted({name for name in names if names.count(name) > 1}):
        yield f"the answer {doubled!r} is listed twice"
    for name in names:
        if name not in functions:
            yield f"{ANSWERS_FILE} has no function named {name!r}"
    bodies = [functions[item.answer] for item in exercise.accepted if item.answer in functions]
    if len(set(bodies)) < len(bodies):
        yield "two accepted answers are the same code"


def _read_functions(path: Path) -> dict[str, str] | None:
    """Give the public functions of a file with their bodies; none when there is no file, None when it is not Python."""
    if not path.is_file():
        return {}
    try:
        tree = ast.parse(path.read_text(encoding="utf-8"))
    except (SyntaxError, UnicodeDecodeError, OSError):
        return None
    functions = [node for node in tree.body if isinstance(node, ast.FunctionDef) and not node.name.startswith("_")]
    return {node.name: "\n".join(ast.dump(line) for line in node.body) for node in functions}


def _part_faults(module: Module, part: Part, folder: Path) -> list[str]:
    findings: list[str] = []
    for language in LANGUAGES:
        files = part.files_in(language)
        for name, is_solution in ((files.lesson, False), (files.solution, True)) if files else ():
            findings += _file_faults(module, part, folder, name, language=language, is_solution=is_solution)
    return findings


def _file_faults(
    module: Module, part: Part, folder: Path, name: str, *, language: LanguageId, is_solution: bool
) -> list[str]:
    path, suffixes = folder / name, sorted(LANGUAGES[language].formats)
    if path.name != name or path.suffix not in suffixes:
        ending = " or ".join(suffixes)
        return [f"part {part.id}: {name!r} is no file name of the module's folder ending in {ending}"]
    if not path.is_file():
        return [f"part {part.id}: the file {name} does not exist"]
    try:
        notebook = read_notebook(folder, name, module_id=module.id, language=language)
    except ModuleInvalidError as exc:
        return [exc.message.replace("\n", " ")]
    faults = _notebook_faults(module, part, notebook, language=language, is_solution=is_solution)
    return [f"{name}: {fault}" for fault in faults]


def _notebook_faults(
    module: Module, part: Part, notebook: Any, *, language: LanguageId, is_solution: bool
) -> Iterator[str]:
    checked: dict[str, bool] = {}
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            yield from _image_faults(cell.source)
        elif cell.cell_type == "code":
            calls, faults = _check_calls(language, cell.source)
            yield from faults
            checked |= calls
    wanted = {exercise.id for exercise in module.exercises_of(part.id)}
    for missing in sorted(wanted - checked.keys()):
        yield f"does not check the exercise {missing!r}"
    for unknown in sorted(checked.keys() - wanted):
        yield f"checks {unknown!r}, which is no exercise of the part {part.id!r}"
    if is_solution:
        for blank in sorted(name for name, is_blank in checked.items() if is_blank and name in wanted):
            yield f"leaves the exercise {blank!r} unanswered"


def _image_faults(text: str) -> Iterator[str]:
    n_bare = sum(not match["alt"].strip() for match in _MARKDOWN_IMAGE.finditer(text))
    n_bare += sum(not _HTML_ALT.search(match["attributes"]) for match in _HTML_IMAGE.finditer(text))
    if n_bare:
        yield f"{n_bare} pictures without a text alternative"


def _check_calls(language: LanguageId, source: str) -> tuple[dict[str, bool], list[str]]:
    """Find the calls of `check` in a cell: exercise to whether it is left blank, and what is wrong with them."""
    try:
        found = find_check_calls(language, source)
    except SyntaxError as exc:
        return {}, [f"a code cell is not Python (its line {exc.lineno})"]
    calls, faults = {}, []
    for call in found:
        if call.exercise is None:
            faults.append("check is called without the exercise's id as a text")
            continue
        calls[call.exercise] = call.is_blank
        if not call.is_last:
            faults.append(f"check({call.exercise!r}, …) is not the last line of its cell, so its card is not shown")
    return calls, faults
