"""The languages that lessons are written in: their kernels, and how a lesson calls `check`."""

import ast
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Literal

from sandkasse.core.r_language import KERNEL_NAME, KERNELS_FOLDER, NEEDED_BY_LESSONS, find_r

LanguageId = Literal["python", "r"]

_MAGIC = re.compile(r"^(\s*)[%!].*$", re.MULTILINE)
_R_TEXT_OR_REMARK = re.compile(r"\"(?:\\.|[^\"\\])*\"|'(?:\\.|[^'\\])*'|#.*")
_R_CALL = re.compile(r"(?<![\w.$])(?:sandkasse::)?check\s*\(")
_R_FIRST = re.compile(r"\s*(\"(?P<double>[^\"\\]*)\"|'(?P<single>[^'\\]*)')\s*(?P<rest>[,)])")
_R_BLANK = re.compile(r"\s*NULL\s*\)")


@dataclass(frozen=True)
class Language:
    """A language that lessons are written in.

    Attributes:
        id: As `module.yaml` names it.
        title: Its name.
        kernel: The notebook's `kernelspec`.
        formats: File suffix to Jupytext format.
        kernels_folder: Where its kernel is found; absent for the running Python's own.
    """

    id: LanguageId
    title: str
    kernel: Mapping[str, str]
    formats: Mapping[str, str]
    kernels_folder: Path | None = None


PYTHON = Language(
    id="python",
    title="Python",
    kernel=MappingProxyType({"name": "python3", "display_name": "Python 3", "language": "python"}),
    formats=MappingProxyType({".md": "md:myst", ".py": "py:percent"}),
)
R = Language(
    id="r",
    title="R",
    kernel=MappingProxyType({"name": KERNEL_NAME, "display_name": "R", "language": "R"}),
    formats=MappingProxyType({".md": "md:myst", ".R": "R:percent"}),
    kernels_folder=KERNELS_FOLDER,
)
LANGUAGES: Mapping[LanguageId, Language] = MappingProxyType({"python": PYTHON, "r": R})


def why_not_here(language: LanguageId, environment: Mapping[str, str]) -> str:
    """Say in one line why lessons in a language cannot run here; empty when they can.

    Args:
        language: Which.
        environment: Names the search path for programs.
    """
    return find_r(environment).why_not(needed=NEEDED_BY_LESSONS) if language == "r" else ""


@dataclass(frozen=True)
class CheckCall:
    """One call of `check` in a cell.

    Attributes:
        exercise: The exercise's id; absent where it is not written as a text.
        is_blank: Whether it says that the answer is still to be given.
        is_last: Whether it is the last thing in its cell, so that Python shows its card.
    """

    exercise: str | None
    is_blank: bool
    is_last: bool


def find_check_calls(language: LanguageId, source: str) -> tuple[CheckCall, ...]:
    """Find the calls of `check` in a code cell.

    Raises:
        SyntaxError: If the cell is not Python; R's grammar is R's own to judge, when the lesson is run.
    """
    return tuple(_calls_in_python(source) if language == "python" else _calls_in_r(source))


def _calls_in_python(source: str) -> Iterator[CheckCall]:
    tree = ast.parse(_MAGIC.sub(r"\g<1>pass", source))
    last = tree.body[-1] if tree.body else None
    for node in ast.walk(tree):
        if not (isinstance(node, ast.Call) and _is_check(node.func)):
            continue
        first = node.args[0] if node.args else None
        is_text = isinstance(first, ast.Constant) and isinstance(first.value, str)
        answer = node.args[1] if len(node.args) > 1 else None
        yield CheckCall(
            exercise=str(first.value) if is_text and isinstance(first, ast.Constant) else None,
            is_blank=answer is None or (isinstance(answer, ast.Constant) and answer.value in (..., None)),
            is_last=isinstance(last, ast.Expr) and last.value is node,
        )


def _is_check(function: ast.expr) -> bool:
    if isinstance(function, ast.Name):
        return function.id == "check"
    return isinstance(function, ast.Attribute) and function.attr == "check" and isinstance(function.value, ast.Name)


def _calls_in_r(source: str) -> Iterator[CheckCall]:
    # Texts and remarks become blanks of the same length, so that a call named in them is not taken for one.
    code = _R_TEXT_OR_REMARK.sub(lambda found: " " * len(found.group()), source)
    for call in _R_CALL.finditer(code):
        first = _R_FIRST.match(source, call.end())
        if first is None:
            yield CheckCall(exercise=None, is_blank=False, is_last=True)
            continue
        is_blank = first["rest"] == ")" or _R_BLANK.match(source, first.end()) is not None
        # In R the card shows itself wherever the call stands.
        yield CheckCall(exercise=first["double"] or first["single"] or "", is_blank=is_blank, is_last=True)
