"""Acts on the cohorts that the catalogue offers: make one, publish it with its truth beside."""

import hashlib
import json
import os
import secrets
import shutil
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sandkasse.actions.cohort_recipes import CLASS_COHORT, CLASS_PERSONS, Recipe, find_recipe
from sandkasse.catalogue.partial import partial_folder
from sandkasse.cohort.model import load_model
from sandkasse.cohort.run_folder import place_tree
from sandkasse.cohort.simulate import Plan, run_plan
from sandkasse.cohort.validation import extrapolation
from sandkasse.compute.engines import Engine, choose_runner
from sandkasse.core.clock import Clock, system_clock
from sandkasse.core.progress_bar import Progress, no_progress
from sandkasse.core.provenance import record_provenance
from sandkasse.core.settings import Settings

if TYPE_CHECKING:
    from sandkasse.catalogue.card import Card, CardDraft

_VERSION = "1.0.0"
_OPEN_SEED = "not secret: "
_PACKAGES = ("numba", "numpy", "pyarrow")


@dataclass(frozen=True)
class MakeRequest:
    """A cohort of the catalogue that somebody wants.

    Attributes:
        name: Its short name: mini, class, region or nation.
        engine: Where it is made.
        n_persons: Another number of persons than the recipe's, for tests.
        seed: A seed that is not secret, for tests of lessons; otherwise a secret one is drawn and kept.
    """

    name: str
    engine: Engine = field(default_factory=Engine)
    n_persons: int | None = None
    seed: int | None = None


def make_cohort(
    settings: Settings, request: MakeRequest, *, progress: Progress = no_progress, clock: Clock = system_clock
) -> "Card":
    """Make a cohort of the catalogue and publish it; does nothing if it is there.

    The truth lies beside the datasets, for the graders alone. It is put in its place just before the dataset, so that a
    published dataset always has its truth. What an interrupted run has finished is not made again.

    Args:
        settings: Where the store is.
        request: Which cohort.
        progress: Told of finished persons, then of files.
        clock: Gives the day that the card names.

    Returns:
        The dataset's card.

    Raises:
        NotFoundError: If there is no such cohort.
        RunInterruptedError: If the run was stopped; finished shards are kept.
        StorageFullError: If the disk fills up; finished shards are kept.
    """
    from sandkasse.catalogue.store import Store  # it brings the table engine, which who simulates need not wait for

    recipe = find_recipe(request.name)
    store = Store(settings.datasets, settings.content / "datasets")
    truth = settings.truth / recipe.dataset_id / _VERSION
    present = [card for card in store.list() if card.id == recipe.dataset_id]
    if present and truth.is_dir():
        return present[0]
    plan = plan_cohort(settings, request)
    settings.truth.mkdir(parents=True, exist_ok=True, mode=0o700)
    settings.truth.chmod(0o700)
    runner = choose_runner(request.engine, logs=settings.run / "engines" / recipe.dataset_id)
    unfinished = unfinished_folder(settings, recipe)
    with run_plan(plan, unfinished, runner=runner, cache=settings.kernels, progress=progress) as (_, run):

        def write(folder: Path) -> None:
            shutil.rmtree(truth, ignore_errors=True)
            with partial_folder(truth) as hidden:
                hidden.chmod(0o700)
                place_tree(run.folder / "truth", hidden)
            place_tree(run.folder / "registers", folder)

        card = store.publish(_draft(recipe, plan, clock().date()), write, progress=progress)
    run.remove()
    return card


def publish_class_cohort(
    settings: Settings,
    *,
    progress: Progress = no_progress,
    clock: Clock = system_clock,
    n_persons: int = CLASS_PERSONS,
    seed: int | None = None,
) -> "Card":
    """Publish the simulated cohort that lessons are graded on; does nothing if it is there.

    Args:
        settings: Where the store is.
        progress: Told of finished persons.
        clock: Gives the day that the card names.
        n_persons: How many persons.
        seed: A seed that is not secret, for tests of lessons; otherwise a secret one is drawn and kept.

    Returns:
        The dataset's card.
    """
    return make_cohort(settings, MakeRequest("class", n_persons=n_persons, seed=seed), progress=progress, clock=clock)


def plan_cohort(settings: Settings, request: MakeRequest) -> Plan:
    """Say what is to be made for a cohort of the catalogue; draws its secret seed if it has none yet.

    Raises:
        NotFoundError: If there is no such cohort.
    """
    recipe = find_recipe(request.name)
    persons = request.n_persons or recipe.n_persons or round(load_model().persons_in_nation)
    if request.seed is not None:
        return Plan(persons, request.seed, seed_shown=f"{_OPEN_SEED}{request.seed}")
    seed, commitment = _secret_seed(settings, recipe.dataset_id)
    return Plan(persons, seed, seed_shown=commitment)


def unfinished_folder(settings: Settings, recipe: Recipe) -> Path:
    """Give the folder in which a cohort of the catalogue is being made."""
    return settings.run / "cohorts" / f"{recipe.dataset_id}-{_VERSION}"


def _secret_seed(settings: Settings, dataset_id: str) -> tuple[int, str]:
    """Give a cohort's seed and its salted hash; both are drawn once and kept, readable by the owner only."""
    path = settings.secrets / f"{dataset_id}.json"
    settings.secrets.mkdir(parents=True, exist_ok=True, mode=0o700)
    if not path.exists():
        drawn = {"seed": str(secrets.randbits(64)), "salt": secrets.token_hex(32)}
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as handle:
            json.dump(drawn, handle)
    return _read_seed(path)


def find_seed(settings: Settings, card: "Card") -> int | None:
    """Give the seed of a cohort that was made here, if its card tells it or this site keeps the one it commits to."""
    shown = str(card.seed_commitment or "")
    if shown.startswith(_OPEN_SEED):
        return int(shown.removeprefix(_OPEN_SEED))
    path = settings.secrets / f"{card.id}.json"
    if not path.exists():
        return None
    seed, commitment = _read_seed(path)
    return seed if commitment == shown else None


def _read_seed(path: Path) -> tuple[int, str]:
    """Read a kept seed, with its salted hash."""
    kept = json.loads(path.read_text())
    return int(kept["seed"]), commit_to(kept["seed"], salt=kept["salt"])


def commit_to(seed: str, *, salt: str) -> str:
    """Give the salted hash by which a card commits to a secret seed: sha-256 of salt, colon and seed."""
    return "sha256:" + hashlib.sha256(f"{salt}:{seed}".encode()).hexdigest()


def _draft(recipe: Recipe, plan: Plan, today: date) -> "CardDraft":
    from sandkasse.catalogue.card import CardDraft, Citation, Licence

    parameters: dict[str, Any] = {"n_persons": plan.n_persons, "seed": plan.seed_shown, **plan.options.to_dict()}
    return CardDraft(
        id=recipe.dataset_id,
        version=_VERSION,
        title=f"Danish registers, simulated: {recipe.title}",
        summary=(
            "Simulated residents of Denmark 1977–2024 with their families, and what the national registers hold on "
            "them: population, moves, schooling and income, births, deaths and their causes, prescriptions, hospital "
            "contacts and operations, psychiatry, cancers, vaccinations, primary-care services and laboratory "
            "results, of some forty diseases. Who truly has what since when is known to the graders and not in the "
            "data."
        ),
        domain="registers",
        tier="simulated",
        licence=Licence(name="CC0-1.0", url="https://creativecommons.org/publicdomain/zero/1.0/"),
        publisher="This site, with Sandkasse",
        how_published="Simulated on this site from published figures; no person stands behind any row.",
        anonymity="No persons: every row is simulated from a random seed and published figures.",
        citations=(
            Citation(
                text="Carstensen B et al., Epi: A Package for Statistical Analysis in Epidemiology, R package 2.47"
            ),
            Citation(
                text="Isaksen AA et al. Validation of Register-Based Diabetes Classifiers in Danish Data. "
                "Clin Epidemiol 2023",
                doi="10.2147/CLEP.S407019",
            ),
        ),
        persons=plan.n_persons,
        modalities=("registers", "laboratory"),
        period="1977–2024",
        country="DK",
        created=today,
        provenance=record_provenance("cohort publish", parameters, packages=_PACKAGES).to_dict(),
        seed_commitment=plan.seed_shown,
        how_to_get_real=(
            "Researchers at Danish institutions apply to Statistics Denmark's Research Services or to the Danish "
            "Health Data Authority; the same tables and column names are met there."
        ),
        keywords=(
            "registers",
            "epidemiology",
            "LPR",
            "LMDB",
            "laboratory",
            "families",
            "diabetes",
            "Denmark",
            "simulated",
        ),
        known_faults=(extrapolation.SENTENCE,),
        default_for=recipe.dataset_id == CLASS_COHORT,
    )
