"""The cohorts that the catalogue offers to make, known without the simulator."""

from dataclasses import dataclass

from sandkasse.core.errors import NotFoundError
from sandkasse.core.settings import Settings

CLASS_COHORT = "dk-registers-class"
CLASS_PERSONS = 20_000


@dataclass(frozen=True)
class Recipe:
    """A cohort that can be made.

    Attributes:
        name: By which it is asked for.
        dataset_id: Of the dataset that it becomes.
        title: What it is.
        n_persons: Number of persons; None for everyone ever resident, as many as the model counts.
        room: Room on the disk, for who decides.
    """

    name: str
    dataset_id: str
    title: str
    n_persons: int | None
    room: str

    @property
    def persons(self) -> str:
        """The number of persons, in words where the model counts them."""
        return "about 9 million" if self.n_persons is None else f"{self.n_persons:,}"

    @property
    def command(self) -> str:
        """What makes it."""
        return f"sandkasse cohort make {self.name}"


RECIPES = (
    Recipe("mini", "dk-registers-mini", "a handful of persons", 500, "a few MB"),
    Recipe("class", CLASS_COHORT, "the class's cohort", CLASS_PERSONS, "some tens of MB"),
    Recipe("region", "dk-registers-region", "as many persons as a small region has", 500_000, "GB"),
    Recipe("nation", "dk-registers-nation", "everyone ever resident 1977–2024", None, "tens of GB"),
)


def find_recipe(name: str) -> Recipe:
    """Give the recipe of a name.

    Raises:
        NotFoundError: If there is none; names the nearest.
    """
    known = {recipe.name: recipe for recipe in RECIPES}
    if name not in known:
        raise NotFoundError.among("cohort", name, known, command="sandkasse cohort make --help")
    return known[name]


def list_makeable(settings: Settings) -> tuple[Recipe, ...]:
    """List the cohorts that this site could make and does not have."""
    from sandkasse.catalogue.store import Store  # it brings the table engine, which who simulates need not wait for

    present = {card.id for card in Store(settings.datasets, settings.content / "datasets").list()}
    return tuple(recipe for recipe in RECIPES if recipe.dataset_id not in present)
