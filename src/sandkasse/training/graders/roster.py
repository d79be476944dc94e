"""The persons that a list is graded against, laid out once: who has it, who is undiagnosed, which half, which trap."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field

from sandkasse.core.errors import AnswerShapeError
from sandkasse.training.coarse import CoarseRounding, is_in_feedback_half
from sandkasse.training.graders.base import Material, Parameters
from sandkasse.training.graders.shapes import FEWEST_NAMED
from sandkasse.training.population import (
    BoolArray,
    Expression,
    Grouping,
    Population,
    group_labels,
    holds,
    select_population,
)
from sandkasse.training.spec import ErrorKind

LEAST_SHARE_NAMED = 0.1  # our choice: an answer that names fewer than a tenth of the expected number is not graded
LEAST_NAMED_STEP = 50  # so that the refusal does not tell how many persons have it
FEWEST_IN_ERROR = 10  # our choice: a kind of error with fewer persons behind it is not named

IntArray = npt.NDArray[np.int64]


class RosterParameters(Parameters):
    """Whom an answer is about.

    Attributes:
        population: Among whom.
        positive: Who truly has it; all conditions must hold.
        detected: Of whom somebody had found it; all conditions must hold. Empty: everyone's was found.
        groups: For which groups the measures are shown apart.
        condition: What the persons have, in words, for the sentences of the verdict.
    """

    population: Population
    positive: tuple[Expression, ...] = Field(min_length=1)
    detected: tuple[Expression, ...] = ()
    groups: tuple[Grouping, ...] = ()
    condition: str = "the condition"

    def roster_columns(self) -> set[str]:
        """Name the columns of the truth's `persons` that the roster needs."""
        columns = {"pnr"} | self.population.columns()
        for part in (*self.positive, *self.detected):
            columns |= part.columns()
        for grouping in self.groups:
            columns |= {"sex": {"koen"}, "age": {"foed_dato"}, "type": {"diabetes_type"}}[grouping.by]
        return columns


@dataclass(frozen=True, eq=False)
class Roster:
    """The population, person by person; arrays run (person,).

    Attributes:
        pnr: Identifiers.
        has_it: Who truly has it.
        is_undiagnosed: Has it, and nobody had found it.
        in_feedback: On which half.
        groups: Label to mask.
        type_groups: The labels that are types; persons without the condition have none.
        traps: Error kind to the mask of persons of its trap.
        errors: The kinds of error that the module describes.
        key: The site's grading key.
        scope: What distinguishes this exercise's rounding from another's.
    """

    pnr: pa.Array
    has_it: BoolArray
    is_undiagnosed: BoolArray
    in_feedback: BoolArray
    groups: Mapping[str, BoolArray]
    type_groups: frozenset[str]
    traps: Mapping[str, BoolArray]
    errors: tuple[ErrorKind, ...]
    key: bytes
    scope: bytes

    @property
    def counts(self) -> BoolArray:
        """Who counts: everyone but the undiagnosed, who are their own denominator."""
        return ~self.is_undiagnosed

    def rows_of(self, pnr: pa.ChunkedArray) -> tuple[IntArray, BoolArray]:
        """Find named persons.

        Returns:
            The roster's rows of those who belong to the population, and which of the named ones those are.
        """
        rows = pc.fill_null(pc.index_in(pnr, value_set=self.pnr), -1).to_numpy()
        inside = rows >= 0
        return rows[inside].astype(np.int64), inside

    def rounding(self, given: npt.NDArray[np.generic]) -> CoarseRounding:
        """Make the rounding of one answer; `given` is the answer laid out over the roster."""
        return CoarseRounding(self.key, self.scope + given.tobytes())


def build_roster(parameters: RosterParameters, material: Material, persons: pa.Table) -> Roster:
    """Lay out the truth of a population's persons.

    Args:
        parameters: Whom the answer is about.
        material: What answers are compared with.
        persons: The truth's rows of the population (`persons_of`).
    """
    has_it = holds(persons, parameters.positive)
    is_detected = has_it & holds(persons, parameters.detected)
    return Roster(
        pnr=persons["pnr"].cast(pa.large_string()).combine_chunks(),
        has_it=has_it,
        is_undiagnosed=has_it & ~is_detected,
        in_feedback=is_in_feedback_half(persons["pnr"], key=material.key),
        groups=_groups(persons, parameters.groups),
        type_groups=frozenset(_groups(persons, tuple(group for group in parameters.groups if group.by == "type"))),
        traps=_traps(persons["pnr"], material),
        errors=material.errors,
        key=material.key,
        scope=material.scope,
    )


def persons_of(parameters: RosterParameters, material: Material) -> pa.Table:
    """Take the population out of the truth."""
    persons = material.truth["persons"]
    return persons.filter(pa.array(select_population(persons, parameters.population)))


def check_enough_named(parameters: RosterParameters, roster: Roster, n_named: int) -> None:
    """Refuse an answer about so few persons that a verdict on it would be a verdict on each of them.

    Raises:
        AnswerShapeError: If it names too few persons of the population.
    """
    n_wanted = int((roster.has_it & roster.counts).sum())
    n_least = max(FEWEST_NAMED, int(LEAST_SHARE_NAMED * n_wanted) // LEAST_NAMED_STEP * LEAST_NAMED_STEP)
    if n_named < n_least:
        raise AnswerShapeError(
            f"The answer names fewer than {n_least} persons of the population ({parameters.population.words}); "
            "so short a list is not graded.",
            next_step="check that pnr is the register's own text, and hand in everyone whom your rule finds",
        )


def find_dominating(roster: Roster, wrong: Mapping[str, BoolArray], sides: Mapping[str, BoolArray]) -> dict[str, int]:
    """Count the errors by kind: the module's traps first, and what no trap explains under the grader's own kinds.

    Args:
        roster: The persons.
        wrong: The grader's kinds of error, each a mask of persons.
        sides: What `side` of an error kind stands for, each a mask; `any` among them.

    Returns:
        Persons by kind of error.
    """
    explained = np.zeros(len(roster.pnr), dtype=bool)
    sizes: dict[str, int] = {}
    for error in roster.errors:
        if error.id in roster.traps:
            caught = roster.traps[error.id] & sides.get(error.side, np.zeros_like(explained))
            explained |= caught
            sizes[error.id] = int(caught.sum())
    for kind, mask in wrong.items():
        sizes[kind] = int((mask & ~explained).sum())
    return sizes


def name_dominating(sizes: Mapping[str, int], rounding: CoarseRounding) -> str | None:
    """Name the kind of error with most persons, counted in fives; None if there are fewer than ten of each."""
    shown = {kind: rounding.count(size, name=f"error {kind}") for kind, size in sizes.items()}
    largest = max(shown, key=lambda kind: shown[kind])
    return largest if shown[largest] >= FEWEST_IN_ERROR else None


def note_on_undiagnosed(
    parameters: RosterParameters, roster: Roster, named: BoolArray, rounding: CoarseRounding
) -> tuple[str, ...]:
    """Say how undiagnosed persons are counted, and how many of them the answer names."""
    if not parameters.detected:
        return ()
    hidden = roster.is_undiagnosed & roster.in_feedback
    found = rounding.share(int((hidden & named).sum()), int(hidden.sum()), name="undiagnosed")
    rule = "Undiagnosed persons count neither as missed nor as wrongly named"
    return (f"{rule}." if found is None else f"{rule}; your answer names {found:.0%} of them.",)


def _groups(persons: pa.Table, groupings: tuple[Grouping, ...]) -> dict[str, BoolArray]:
    masks: dict[str, BoolArray] = {}
    for grouping in groupings:
        labels = np.array(group_labels(persons, grouping), dtype=object)
        for label in sorted(set(labels.tolist()) - {""}, key=_natural):
            masks[label] = labels == label
    return masks


def _natural(label: str) -> tuple[int, str]:
    digits = re.match(r"\d+", label)
    return (int(digits[0]) if digits else -1, label)


def _traps(pnr: pa.ChunkedArray, material: Material) -> dict[str, BoolArray]:
    traps = material.truth.get("traps")
    masks: dict[str, BoolArray] = {}
    for error in material.errors:
        if error.trap is None or traps is None:
            continue
        caught = traps.filter(pc.equal(traps["trap"], error.trap))["pnr"].cast(pnr.type).combine_chunks()
        masks[error.id] = np.asarray(pc.is_in(pnr, value_set=caught).to_numpy(), dtype=bool)
    return masks
