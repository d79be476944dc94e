"""What made a dataset: software, resolved parameters and environment, enough to make it again."""

import platform
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from importlib.metadata import version
from typing import Any


@dataclass(frozen=True)
class Provenance:
    """How something was made.

    Attributes:
        action: The command or function, in words ("cohort simulate").
        parameters: Every parameter after defaults were filled in; a secret seed stands as its salted hash.
        software: Package names and versions that can change the result.
        python: Version of the interpreter.
        machine: Processor family; bytes are promised equal within one family.
    """

    action: str
    parameters: Mapping[str, Any]
    software: Mapping[str, str]
    python: str
    machine: str

    def to_dict(self) -> dict[str, Any]:
        """Give the record as plain values, for a card."""
        return asdict(self)


def record_provenance(action: str, parameters: Mapping[str, Any], *, packages: tuple[str, ...] = ()) -> Provenance:
    """Record how something is being made, here and now.

    Args:
        action: The command or function, in words.
        parameters: Resolved parameters.
        packages: Further distributions whose versions can change the result.
    """
    names = ("sandkasse", *packages)
    return Provenance(
        action=action,
        parameters=dict(parameters),
        software={name: version(name) for name in names},
        python=platform.python_version(),
        machine=platform.machine(),
    )
