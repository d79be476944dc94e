"""What a training module is: `module.yaml` as a frozen, typed record."""

import re
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from sandkasse.core.errors import ExerciseNotFoundError, ModuleInvalidError
from sandkasse.training.languages import LANGUAGES, LanguageId

MODULE_FILE = "module.yaml"
ANSWERS_FILE = "answers.py"

Identifier = Annotated[str, Field(pattern=r"^[a-z][a-z0-9]*(-[a-z0-9]+)*$", max_length=60)]
Words = Annotated[str, Field(min_length=1)]
DefinitionName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$", max_length=60)]
Hours = Annotated[float, Field(gt=0, le=200)]
Minutes = Annotated[int, Field(gt=0, le=600)]


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True)


class Link(_Record):
    """A name and where to read more."""

    name: Words
    url: str | None = None


class Author(_Record):
    """Who wrote the module."""

    name: Words
    orcid: str | None = None
    affiliation: str | None = None


class Citation(_Record):
    """A publication that the module builds on."""

    text: Words
    doi: str | None = None


class LessonFiles(_Record):
    """A lesson and its worked solution, in a language other than Python."""

    lesson: str
    solution: str


class Part(_Record):
    """One sitting of a module.

    Attributes:
        id: Unique in the module.
        title: What the sitting is about.
        lesson: The lesson's file in the module's folder (Jupytext: MyST `.md` or percent `.py`).
        solution: The worked solution's file.
        minutes: How long a learner needs.
        r: The same sitting in R, where there is one.
    """

    id: Identifier
    title: Words
    lesson: str
    solution: str
    minutes: Minutes
    r: LessonFiles | None = None

    def files_in(self, language: LanguageId) -> LessonFiles | None:
        """Give lesson and solution in a language; nothing if the part is not written in it."""
        return LessonFiles(lesson=self.lesson, solution=self.solution) if language == "python" else self.r


class ErrorKind(_Record):
    """A kind of error that can dominate an answer, with the hint that it earns.

    Attributes:
        id: Unique in the exercise; either one of the grader's own kinds or a name that its parameters or `trap`
            explain.
        title: The kind in words ("Metformin for polycystic ovaries").
        hint: One hint for a learner whose answer it dominates; says what to look at, not what to write.
        trap: The trap of the truth (`traps.trap`) whose persons count to this kind.
        side: Which errors of these persons count: persons named who should not be, persons missed, the wrong type,
            or any.
    """

    id: Identifier
    title: Words
    hint: Words
    trap: str | None = None
    side: Literal["extra", "missed", "type", "date", "any"] = "any"


class ReferenceMethod(_Record):
    """A method to compare with: SQL that gives an answer to the exercise, scored by the exercise's own grader.

    Attributes:
        name: The method in words.
        sql: One SELECT over the dataset's tables that gives the answer's columns.
        source: Where the method comes from.
    """

    name: Words
    sql: Words
    source: str | None = None


class AcceptedAnswer(_Record):
    """A right approach, as `module test` tries it: a function of `answers.py`."""

    answer: str
    title: Words


class RefusedAnswer(_Record):
    """A plausible wrong answer that must not pass.

    Attributes:
        answer: A function of `answers.py`.
        title: What is wrong with it.
        error: The kind of error that must dominate, if that is part of the promise.
    """

    answer: str
    title: Words
    error: str | None = None


class Exercise(_Record):
    """One question with its grader.

    Attributes:
        id: Unique in the module; what the learner passes to `check`.
        part: The part that asks it.
        title: In a few words.
        prompt: The question as the learner reads it.
        contract: The contract of the dataset that it is graded against.
        grader: A name of the grader registry.
        parameters: What that grader needs; each grader says which.
        errors: The kinds of error that the hints are about.
        reference: A named method to compare with.
        attainable: The best method known, whose score marks what the data allow.
        definitions: Named SELECTs that its SQL sees as tables; those of the module are added when it is read.
        accepted: At least two different right approaches, tried by `module test`.
        refused: Plausible wrong answers, tried by `module test`.
    """

    id: Identifier
    part: str
    title: Words
    prompt: Words
    contract: str
    grader: str
    parameters: dict[str, Any] = Field(default_factory=dict)
    errors: tuple[ErrorKind, ...] = ()
    reference: ReferenceMethod | None = None
    attainable: ReferenceMethod | None = None
    definitions: dict[DefinitionName, Words] = Field(default_factory=dict)
    accepted: tuple[AcceptedAnswer, ...] = ()
    refused: tuple[RefusedAnswer, ...] = ()

    def answers(self) -> tuple[AcceptedAnswer | RefusedAnswer, ...]:
        """List the answers that `module test` tries, the right ones first."""
        return (*self.accepted, *self.refused)

    def error_kind(self, kind: str) -> ErrorKind | None:
        """Find what the module says about a kind of error."""
        return next((error for error in self.errors if error.id == kind), None)


class Module(_Record):
    """A training module as `module.yaml` describes it.

    Attributes:
        id: The folder's name.
        title: As the catalogue shows it.
        version: `major.minor.patch`.
        summary: What it is about, in two or three sentences.
        outcomes: What the learner will be able to do; each begins with a verb.
        domain: The field ("health records").
        level: For whom.
        hours: In all.
        language: Of the lesson's text (BCP 47).
        languages: In which the lessons' code is written; each part is in Python, and in R where it says so.
        prerequisites: Modules to take before.
        background: What else one should know, in words.
        tools: Packages and methods that it teaches.
        contracts: What its lessons open.
        parts: The sittings.
        definitions: Named SELECTs that the SQL of all exercises sees as tables.
        exercises: The questions.
        licence: Of the text.
        authors: Who wrote it.
        citations: What it builds on.
        keywords: For the search.
    """

    id: Identifier
    title: Words
    version: Annotated[str, Field(pattern=r"^\d+\.\d+\.\d+$")]
    summary: Words
    outcomes: Annotated[tuple[Words, ...], Field(min_length=1)]
    domain: Words
    level: Literal["introductory", "intermediate", "advanced"]
    hours: Hours
    language: Annotated[str, Field(pattern=r"^[a-z]{2,3}(-[A-Z]{2})?$")]
    languages: Annotated[tuple[LanguageId, ...], Field(min_length=1)] = ("python",)
    prerequisites: tuple[Identifier, ...] = ()
    background: tuple[Words, ...] = ()
    tools: tuple[Words, ...] = ()
    contracts: Annotated[tuple[str, ...], Field(min_length=1)]
    parts: Annotated[tuple[Part, ...], Field(min_length=1)]
    definitions: dict[DefinitionName, Words] = Field(default_factory=dict)
    exercises: tuple[Exercise, ...] = ()
    licence: Link
    authors: Annotated[tuple[Author, ...], Field(min_length=1)]
    citations: tuple[Citation, ...] = ()
    keywords: tuple[str, ...] = ()
    updated: date | None = None

    @model_validator(mode="after")
    def _ids_are_unique(self) -> "Module":
        for kind, ids in (("part", [part.id for part in self.parts]), ("exercise", [e.id for e in self.exercises])):
            doubled = sorted({name for name in ids if ids.count(name) > 1})
            if doubled:
                raise ValueError(f"{kind} ids occur twice: {', '.join(doubled)}")
        return self

    @model_validator(mode="after")
    def _a_definition_stands_once(self) -> "Module":
        for exercise in self.exercises:
            doubled = sorted(self.definitions.keys() & exercise.definitions.keys())
            if doubled:
                raise ValueError(f"exercise {exercise.id} defines again what the module defines: {', '.join(doubled)}")
        return self

    @model_validator(mode="after")
    def _languages_are_those_of_the_parts(self) -> "Module":
        written = tuple(name for name in LANGUAGES if any(part.files_in(name) for part in self.parts))
        if sorted(self.languages) != sorted(written):
            raise ValueError(f"languages are {', '.join(self.languages)}, and the parts are in {', '.join(written)}")
        return self

    def exercise(self, exercise_id: str) -> Exercise:
        """Find an exercise.

        Raises:
            ExerciseNotFoundError: If there is none of this id; names the nearest.
        """
        for exercise in self.exercises:
            if exercise.id == exercise_id:
                return exercise
        known = [exercise.id for exercise in self.exercises]
        raise ExerciseNotFoundError.among("exercise", exercise_id, known, command=f"sandkasse module show {self.id}")

    def exercises_of(self, part_id: str) -> tuple[Exercise, ...]:
        """List the exercises that a part asks, in their order."""
        return tuple(exercise for exercise in self.exercises if exercise.part == part_id)


def read_module(folder: Path) -> Module:
    """Read a module's `module.yaml`; its other files are the lint's business. An unchanged file is parsed once.

    Args:
        folder: The module's folder.

    Raises:
        ModuleInvalidError: With one line for each finding.
    """
    try:
        entry = (folder / MODULE_FILE).stat()
    except OSError as exc:
        raise ModuleInvalidError(f"{folder.name} has no {MODULE_FILE}.", next_step="sandkasse module new") from exc
    return _read_cached(folder, entry.st_mtime_ns, entry.st_size, entry.st_ino)


@lru_cache(maxsize=256)
def _read_cached(folder: Path, _mtime_ns: int, _size: int, _inode: int) -> Module:
    try:
        raw = yaml.load((folder / MODULE_FILE).read_text(encoding="utf-8"), Loader=_Loader)  # noqa: S506  a safe one
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as exc:
        place = getattr(exc, "problem_mark", None)
        where = f" at line {place.line + 1}, column {place.column + 1}" if place else ""
        raise invalid_module(folder.name, [f"{MODULE_FILE} is not readable YAML{where}"]) from exc
    if not isinstance(raw, dict):
        raise invalid_module(folder.name, [f"{MODULE_FILE} must be a mapping with id, title and so on"])
    try:
        module = Module.model_validate(raw)
    except ValidationError as exc:
        raise invalid_module(folder.name, validation_findings(exc)) from exc
    if module.id != folder.name:
        raise invalid_module(folder.name, [f"id is {module.id!r}, and the folder is named {folder.name!r}"])
    return _hand_down_definitions(module)


def _hand_down_definitions(module: Module) -> Module:
    """Give every exercise the module's definitions, since it is graded without its module."""
    exercises = tuple(
        exercise.model_copy(update={"definitions": {**module.definitions, **exercise.definitions}})
        for exercise in module.exercises
    )
    return module.model_copy(update={"exercises": exercises})


def invalid_module(module_id: str, findings: list[str]) -> ModuleInvalidError:
    """Build the error that carries a lint's findings, one a line."""
    count = f"{len(findings)} finding{'s' if len(findings) != 1 else ''}"
    lines = "".join(f"\n- {finding}" for finding in findings)
    return ModuleInvalidError(
        f"Module {module_id!r} has {count}:{lines}", next_step=f"mend them, then: sandkasse module lint {module_id}"
    )


def validation_findings(error: ValidationError, *, under: str = "") -> list[str]:
    """Put pydantic's complaints into one line each: where, and what was expected."""
    findings = []
    for item in error.errors(include_url=False, include_context=False, include_input=False):
        where = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in item["loc"]).lstrip(".")
        message = re.sub(r"^Value error, ", "", item["msg"])
        place = ".".join(part for part in (under, where) if part)
        findings.append(f"{place}: {message}" if place else message)
    return findings


class _Loader(yaml.CSafeLoader):
    """Reads YAML as YAML 1.2 does: `on`, `off`, `yes` and `no` are words, and a key stands once."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """Make a mapping, and refuse a key that stands twice."""
        keys = [key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode)]
        doubled = sorted({key for key in keys if keys.count(key) > 1})
        if doubled:
            raise yaml.constructor.ConstructorError(None, None, f"the key {doubled[0]} stands twice", node.start_mark)
        return super().construct_mapping(node, deep=deep)


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:bool"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_Loader.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile(r"^(?:true|false)$"), list("tf"))
