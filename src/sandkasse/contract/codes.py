"""What the codes of the Danish registers mean: short titles of those that our data use."""

import csv
from collections.abc import Mapping
from functools import lru_cache
from importlib.resources import files
from typing import NamedTuple

_FOLDER = files("sandkasse.contract") / "codelists"
# A column's code system, as contracts name it, and the lists that hold its codes.
_LISTS: Mapping[str, tuple[str, ...]] = {
    "ATC": ("atc",),
    "NPU": ("npu",),
    "Municipality codes of 2007": ("municipality-2007",),
    "SKS specialty codes": ("specialty",),
    "Specialties and services of the health insurance": ("service",),
    "SKS (ICD-10 with a D in front)": ("sks-diagnosis",),
    "ICD-8 until 1993, SKS (ICD-10 with a D in front) from 1994": ("sks-diagnosis", "icd-8"),
}


def code_title(system: str, code: str) -> str:
    """Give the title of a code.

    Args:
        system: The code system, as a contract's `codeSystem` names it.
        code: The code.

    Returns:
        Its title; that of the longest code that begins it where it has none of its own (`DI219` reads `DI21`); empty
        if the system or the code is not known.
    """
    for name in _LISTS.get(system, ()):
        titles = read_code_list(name)
        for length in range(len(code), 0, -1):
            if code[:length] in titles:
                return titles[code[:length]]
    return ""


@lru_cache
def known_codes(system: str) -> tuple[tuple[str, str], ...]:
    """List the codes of a system that have a title here, each with its title.

    Args:
        system: The code system, as a contract's `codeSystem` names it.

    Returns:
        Codes and titles in the order of the lists; nothing for a system without one.
    """
    return tuple(item for name in _LISTS.get(system, ()) for item in read_code_list(name).items())


class CodeList(NamedTuple):
    """A list of codes.

    Attributes:
        name: Name of its file, without the ending.
        notes: What the file says of its source, licence and state.
        titles: Titles by code.
    """

    name: str
    notes: str
    titles: Mapping[str, str]


def code_lists() -> tuple[CodeList, ...]:
    """Give every list of codes, by name."""
    names = sorted(file.name.removesuffix(".csv") for file in _FOLDER.iterdir() if file.name.endswith(".csv"))
    return tuple(CodeList(name, _notes(name), read_code_list(name)) for name in names)


def _notes(name: str) -> str:
    lines = (_FOLDER / f"{name}.csv").read_text(encoding="utf-8").splitlines()
    return " ".join(line.removeprefix("#").strip() for line in lines if line.startswith("#"))


@lru_cache
def read_code_list(name: str) -> Mapping[str, str]:
    """Read a list of codes.

    Args:
        name: Name of its file in `contract/codelists`, without the ending; the file's first lines say its source.

    Returns:
        Titles by code.
    """
    text = (_FOLDER / f"{name}.csv").read_text(encoding="utf-8")
    rows = csv.DictReader(line for line in text.splitlines() if not line.startswith("#"))
    return {row["code"]: row["title"] for row in rows}
