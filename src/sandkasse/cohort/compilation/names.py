"""The names of the model's columns, and finding the number of one."""

from collections.abc import Callable, Sequence
from difflib import get_close_matches
from typing import Literal, NamedTuple, Self

from sandkasse.cohort.specification import Specification
from sandkasse.core.errors import InvalidInputError

Find = Callable[[str], int]
"""Gives the number of a name, or raises an `InvalidInputError` with the nearest names."""


class Names(NamedTuple):
    """The model's names in the order of the columns; each method is a `Find`."""

    conditions: tuple[str, ...]
    treatments: tuple[str, ...]
    traits: tuple[str, ...]
    exposures: tuple[str, ...]

    @classmethod
    def of(cls, specification: Specification) -> Self:
        """Take the names from the model as written."""
        general = specification.general
        return cls(
            conditions=tuple(condition.name for condition in specification.conditions),
            treatments=tuple(treatment.name for treatment in general.treatments),
            traits=tuple(trait.name for trait in general.traits),
            exposures=tuple(exposure.name for exposure in general.exposures),
        )

    def find(self, name: str, among: Literal["conditions", "treatments", "exposures"]) -> int:
        """Find a name of the kind that is given, as `CompiledModel.find` does in a compiled model."""
        finds = {"conditions": self.condition, "treatments": self.treatment, "exposures": self.exposure}
        return finds[among](name)

    def trait(self, name: str) -> int:
        """Find a trait."""
        return _find(name, self.traits, "trait")

    def condition(self, name: str) -> int:
        """Find a condition."""
        return _find(name, self.conditions, "condition")

    def treatment(self, name: str) -> int:
        """Find a treatment."""
        return _find(name, self.treatments, "treatment")

    def exposure(self, name: str) -> int:
        """Find an exposure."""
        return _find(name, self.exposures, "exposure")

    def source(self, name: str) -> int:
        """Find what starts an effect; the order is that of the sources in `LifeTables`.

        Args:
            name: A condition, `detected:` and a condition, a treatment, an exposure, or `ex_` and an exposure.
        """
        n, treated = len(self.conditions), len(self.treatments)
        if name.startswith("detected:"):
            return n + self.condition(name.removeprefix("detected:"))
        every = {
            **{condition: i for i, condition in enumerate(self.conditions)},
            **{treatment: 2 * n + i for i, treatment in enumerate(self.treatments)},
            **{exposure: 2 * n + treated + 2 * i for i, exposure in enumerate(self.exposures)},
            **{f"ex_{exposure}": 2 * n + treated + 2 * i + 1 for i, exposure in enumerate(self.exposures)},
        }
        _find(name, list(every), "cause")
        return every[name]

    def target(self, name: str) -> int:
        """Find what an effect acts on: a condition's onset or, after them, `death`."""
        return _find(name, (*self.conditions, "death"), "target")


def _find(name: str, among: Sequence[str], what: str) -> int:
    if name in among:
        return list(among).index(name)
    near = get_close_matches(name, among, n=3) or list(among)
    raise InvalidInputError(
        f"the model names the {what} {name!r}, which it does not have; the nearest are {', '.join(near)}",
        next_step="correct the name in the cohort's params folder",
    )
