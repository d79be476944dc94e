"""Questions about effects that have a name."""

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from pydantic import TypeAdapter

from sandkasse.cohort.causal import Estimand

_FILE = Path(__file__).with_name("estimands.toml")


@dataclass(frozen=True)
class NamedEstimand:
    """A question with a name.

    Attributes:
        name: By which it is asked.
        title: What is asked, in words.
        estimand: The question.
    """

    name: str
    title: str
    estimand: Estimand


@cache
def named_estimands() -> tuple[NamedEstimand, ...]:
    """Read the questions that `estimands.toml` names, in its order; a key that a question lacks is refused."""
    rows = tomllib.loads(_FILE.read_text("utf-8"))["named"]
    return TypeAdapter(tuple[NamedEstimand, ...]).validate_python(rows)
