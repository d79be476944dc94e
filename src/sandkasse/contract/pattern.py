r"""Regular expressions that mean the same on every engine.

DuckDB uses RE2, PostgreSQL its own advanced expressions, SQLite and pandas Python's. Their common ground is character
classes, groups, alternation and repetition. What differs in meaning (`\d` beyond ASCII, `.` and line ends) is rewritten
before it is compiled; what some engine lacks (look-around, back-references, flags) is refused.
"""

import re
import warnings

import pyarrow as pa
import pyarrow.compute as pc

_CLASSES = {"d": "0-9", "w": "0-9A-Za-z_", "s": " \\t\\n\\r\\f\\v"}
_CONTROL = frozenset("tnrfv")


def check_pattern(pattern: str) -> str | None:
    """Say what keeps a pattern from meaning the same on every engine, or None.

    Args:
        pattern: The regular expression as the contract states it.

    Returns:
        The problem in words, without a full stop, or None if there is none.
    """
    try:
        portable = portable_pattern(pattern)
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # Python warns of sets that other engines read differently
            re.compile(portable)
        pc.match_substring_regex(pa.array([""]), pattern=portable)  # RE2, which DuckDB uses too
    except ValueError as error:
        return str(error) if isinstance(error, _UnportablePatternError) else "the pattern is not a regular expression"
    except (re.error, FutureWarning, OverflowError, RecursionError):
        return "the pattern is not a regular expression"
    return None


class _UnportablePatternError(ValueError):
    """A construct that some engine lacks."""


def portable_pattern(pattern: str) -> str:
    r"""Rewrite a pattern so that every engine reads it alike: `\d` as `[0-9]`, `.` as `[^\n]`.

    Args:
        pattern: The regular expression as the contract states it.

    Returns:
        The same language over ASCII, without shorthands.

    Raises:
        ValueError: If the pattern uses what some engine lacks.
    """
    out: list[str] = []
    inside = False
    at = 0
    while at < len(pattern):
        char = pattern[at]
        if char == "\\":
            out.append(_escape(pattern[at + 1 : at + 2], inside=inside))
            at += 2
            continue
        if inside:
            if char == "[":
                raise _UnportablePatternError("the pattern has [ inside a character class; write \\[")
            inside = char != "]"
        elif char == "[":
            inside = True
        elif pattern.startswith("(?", at) and not pattern.startswith("(?:", at):
            raise _UnportablePatternError("the pattern uses a flag, look-around or named group")
        elif pattern[at : at + 2] in ("*+", "++", "?+", "}+"):
            raise _UnportablePatternError("the pattern uses a possessive repetition")
        out.append("[^\\n]" if char == "." and not inside else char)
        at += 1
    return "".join(out)


def _escape(char: str, *, inside: bool) -> str:
    if char in _CLASSES:
        return _CLASSES[char] if inside else f"[{_CLASSES[char]}]"
    if char.lower() in _CLASSES and char and not inside:
        return f"[^{_CLASSES[char.lower()]}]"
    if char and (char in _CONTROL or (char.isascii() and not char.isalnum())):
        return "\\" + char
    raise _UnportablePatternError("the pattern escapes a letter or digit that not every engine knows")
