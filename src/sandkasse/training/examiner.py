"""Finds what an exercise is graded against: its contract's dataset, the truth beside it, the results of its SQL."""

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from sandkasse.catalogue.card import Card, card_in
from sandkasse.catalogue.store import Store, no_dataset_keeps
from sandkasse.core.errors import AmbiguousDatasetError, DatasetNotFoundError
from sandkasse.core.hashing import sha256_value
from sandkasse.training.facts import read_truth, run_statements
from sandkasse.training.grading import PreparedExercise, exercise_statements, prepare_exercise, read_parameters
from sandkasse.training.spec import Exercise

KEPT_EXERCISES = 64

_TURNS = tuple(threading.Lock() for _ in range(KEPT_EXERCISES))


@dataclass(frozen=True)
class Ground:
    """A dataset to grade against.

    Attributes:
        card: Its card.
        folder: Its files.
        truth: The folder of its truth; absent for data without one.
    """

    card: Card
    folder: Path
    truth: Path | None


def find_ground(contract: str, store: Store, truth: Path, *, bindings: Mapping[str, Path]) -> Ground:
    """Find the dataset that a contract's exercises are graded against: the bound one, else the site's default.

    Args:
        contract: The contract's name.
        store: The site's datasets.
        truth: Where truths lie, `<dataset-id>/<version>` each.
        bindings: Contract name to dataset folder, where somebody has already chosen.

    Raises:
        DatasetNotFoundError: If no dataset keeps the contract.
        AmbiguousDatasetError: If several do, and none is the default.
    """
    if contract in bindings:
        card, folder = card_in(bindings[contract]), bindings[contract]
    else:
        card = _choose(contract, store.list())
        folder = store.folder(card)
    beside = truth / card.id / card.version
    return Ground(card=card, folder=folder, truth=beside if beside.is_dir() else None)


def prepare_against(module_id: str, exercise: Exercise, ground: Ground, *, key: bytes) -> PreparedExercise:
    """Prepare an exercise against a dataset; what was prepared lately is kept.

    Raises:
        DatasetNotFoundError: If the exercise needs a truth and the dataset has none.
        ModuleInvalidError: If the exercise cannot be graded as it is written.
    """
    # A published dataset and its truth never change, so their folders name their content.
    identity = (sha256_value(exercise.model_dump(mode="json")), ground.folder, ground.truth, key)
    request = _Request(module_id, exercise, ground, key, identity)
    # A class begins all at once: the first answer prepares, the others wait for it instead of doing the same.
    with _TURNS[hash(request) % len(_TURNS)]:
        return _prepare(request)


@dataclass(frozen=True, eq=False)
class _Request:
    module_id: str
    exercise: Exercise
    ground: Ground
    key: bytes
    identity: tuple[object, ...]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Request) and (self.module_id, self.identity) == (other.module_id, other.identity)

    def __hash__(self) -> int:
        return hash((self.module_id, self.identity))


@lru_cache(maxsize=KEPT_EXERCISES)
def _prepare(request: _Request) -> PreparedExercise:
    exercise, ground = request.exercise, request.ground
    grader, parameters = read_parameters(exercise)
    columns = grader.truth_columns(parameters)
    if columns and ground.truth is None:
        raise DatasetNotFoundError(
            f"The exercise {exercise.id!r} is graded against a truth, and {ground.card.id} has none.",
            next_step="use a dataset that was simulated on this site",
        )
    truth = read_truth(ground.truth, columns=columns) if columns and ground.truth else {}
    statements = exercise_statements(exercise)
    facts = run_statements(statements, ground.folder, ground.truth, definitions=exercise.definitions)
    return prepare_exercise(exercise, truth, key=request.key, facts=facts, module_id=request.module_id)


def _choose(contract: str, cards: tuple[Card, ...]) -> Card:
    candidates = [card for card in cards if card.contract.name == contract]
    chosen = [card for card in candidates if card.default_for] or candidates
    if not chosen:
        raise no_dataset_keeps(contract, {card.contract.name for card in cards})
    if len(chosen) > 1:
        listed = ", ".join(card.id for card in chosen)
        raise AmbiguousDatasetError(
            f"{len(chosen)} datasets keep the contract {contract!r}, and none is the site's default: {listed}.",
            next_step="make one of them the default for its contract",
        )
    return chosen[0]
