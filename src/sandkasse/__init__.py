"""Sandkasse: an open health data science sandbox.

`sandkasse.open("<contract>")` opens a dataset, `sandkasse.datasets()` lists what there is,
`sandkasse.check(exercise, answer)` checks an answer, and `sandkasse.to_omop(registers)` sees registers as OMOP.
Everything is loaded when it is first used; nothing inside the package imports this module.
"""

from importlib import import_module
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sandkasse import catalogue
    from sandkasse.notebook.check import check
    from sandkasse.notebook.omop import to_omop
    from sandkasse.notebook.open import datasets, open  # noqa: A004

__all__ = ["__version__", "catalogue", "check", "datasets", "open", "to_omop"]

_WHERE = {
    "open": "sandkasse.notebook.open",
    "datasets": "sandkasse.notebook.open",
    "check": "sandkasse.notebook.check",
    "to_omop": "sandkasse.notebook.omop",
}


def __getattr__(name: str) -> Any:
    if name == "__version__":
        return version("sandkasse")
    if name == "catalogue":
        return import_module("sandkasse.catalogue")
    if name in _WHERE:
        return getattr(import_module(_WHERE[name]), name)
    raise AttributeError(f"module 'sandkasse' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
