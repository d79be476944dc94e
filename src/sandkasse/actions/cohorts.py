"""Acts on cohorts: simulate one, publish the class's graded one, describe the model."""

import hashlib
import json
import os
import secrets
import shutil
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, cast

from sandkasse.catalogue.card import Card, CardDraft, Citation, Licence
from sandkasse.catalogue.partial import partial_folder
from sandkasse.catalogue.store import Store
from sandkasse.cohort.describe import Parameter, TableSummary, describe_folder, describe_model
from sandkasse.cohort.run_folder import place_tree, read_manifest
from sandkasse.cohort.simulate import Consumer, Options, Plan, Simulated, run_plan
from sandkasse.compute.local import LocalPool
from sandkasse.core.clock import Clock, system_clock
from sandkasse.core.errors import InvalidInputError
from sandkasse.core.progress_bar import Progress, no_progress
from sandkasse.core.provenance import record_provenance
from sandkasse.core.settings import Settings

CLASS_COHORT = "dk-registers-class"
CLASS_PERSONS = 20_000
_VERSION = "1.0.0"
_PACKAGES = ("numba", "numpy", "pyarrow")


@dataclass(frozen=True)
class CohortRequest:
    """A cohort that somebody wants.

    Attributes:
        n_persons: How many persons.
        out: Folder to be made, with `registers/` (contract and data), `truth/` and `checksums.json` in it.
        seed: Seed; the same seed gives the same files. Without one, that of an unfinished run, else a random one.
        workers: Number of processes, 0 for one a processor.
        lpr3: Delivery of the patient register from 2019 on, `a` or `f`.
        without_traps: Traps to switch off.
        keep: `all`, or `none`: then each shard is dropped and `checksums.json` alone is kept.
        consume: Takes each shard's tables in the process that made them.
    """

    n_persons: int
    out: Path
    seed: int | None = None
    workers: int = 0
    lpr3: str = "a"
    without_traps: tuple[str, ...] = ()
    keep: str = "all"
    consume: Consumer | None = None


@dataclass(frozen=True)
class CohortMade:
    """A cohort that was made.

    Attributes:
        seed: Its seed.
        simulated: What was made.
    """

    seed: int
    simulated: Simulated


def simulate_cohort(settings: Settings, request: CohortRequest, *, progress: Progress = no_progress) -> CohortMade:
    """Simulate a cohort into a new folder, which appears whole or not at all.

    Until then, finished shards lie in `<out>.unfinished`; the same request again goes on from there.

    Raises:
        InvalidInputError: If the request cannot be met, the folder exists, or another run is unfinished beside it.
        RunInterruptedError: If the run was stopped; finished shards are kept.
        StorageFullError: If the disk fills up; finished shards are kept.
        StoreInUseError: If another process is making the same folder.
    """
    out = request.out.expanduser().absolute()
    unfinished = out.with_name(f"{out.name}.unfinished")
    if out.exists():
        raise InvalidInputError(
            "The folder of --out exists already.", next_step="name a folder that does not exist yet"
        )
    plan = _plan(request, unfinished)
    with (
        run_plan(plan, unfinished, runner=LocalPool(request.workers), cache=settings.kernels, progress=progress) as (
            made,
            run,
        ),
        partial_folder(out) as partial,
    ):
        for name in ("registers", "truth") if plan.keep == "all" else ():
            (partial / name).mkdir(mode=0o700 if name == "truth" else 0o777)
        place_tree(run.folder, partial, leaving=("shards", "logs", "run.lock"))
    run.remove()
    return CohortMade(plan.seed, made)


def publish_class_cohort(
    settings: Settings,
    *,
    progress: Progress = no_progress,
    clock: Clock = system_clock,
    n_persons: int = CLASS_PERSONS,
    seed: int | None = None,
) -> Card:
    """Publish the simulated cohort that lessons are graded on; does nothing if it is there.

    The truth lies beside the datasets, for the graders alone. It is put in its place just before the dataset, so that a
    published dataset always has its truth.

    Args:
        settings: Where the store is.
        progress: Told of finished persons.
        clock: Gives the day that the card names.
        n_persons: How many persons.
        seed: A seed that is not secret, for tests of lessons; otherwise a secret one is drawn and kept.

    Returns:
        The dataset's card.
    """
    store = Store(settings.datasets, settings.content / "datasets")
    truth = settings.truth / CLASS_COHORT / _VERSION
    present = [card for card in store.list() if card.id == CLASS_COHORT]
    if present and truth.is_dir():
        return present[0]
    chosen, commitment = _secret_seed(settings) if seed is None else (seed, f"not secret: {seed}")
    settings.truth.mkdir(parents=True, exist_ok=True, mode=0o700)
    settings.truth.chmod(0o700)
    unfinished = settings.run / "cohorts" / f"{CLASS_COHORT}-{_VERSION}"
    plan = Plan(n_persons, chosen, seed_shown=commitment)
    with run_plan(plan, unfinished, runner=LocalPool(), cache=settings.kernels, progress=progress) as (_, run):

        def write(folder: Path) -> None:
            shutil.rmtree(truth, ignore_errors=True)
            with partial_folder(truth) as hidden:
                hidden.chmod(0o700)
                place_tree(run.folder / "truth", hidden)
            place_tree(run.folder / "registers", folder)

        card = store.publish(_draft(n_persons, commitment, clock().date()), write)
    run.remove()
    return card


def describe_cohort() -> tuple[Parameter, ...]:
    """List every parameter of the model, with its source or the words "our choice"."""
    return describe_model()


def describe_simulated(folder: Path) -> tuple[TableSummary, ...]:
    """Summarise the tables of a folder that `simulate_cohort` made.

    Raises:
        InvalidInputError: If it holds no tables.
    """
    return describe_folder(folder)


def _plan(request: CohortRequest, unfinished: Path) -> Plan:
    seed = request.seed
    if seed is None:
        kept = str((read_manifest(unfinished) or {}).get("seed", ""))
        seed = int(kept) if kept.isdecimal() else secrets.randbits(63)
    return Plan(
        request.n_persons,
        seed,
        options=Options(lpr3=cast(Any, request.lpr3), without_traps=request.without_traps),
        keep=cast(Any, request.keep),
        consume=request.consume,
    )


def _secret_seed(settings: Settings) -> tuple[int, str]:
    """Give the class cohort's seed and its salted hash; both are drawn once and kept, readable by the owner only."""
    path = settings.secrets / f"{CLASS_COHORT}.json"
    settings.secrets.mkdir(parents=True, exist_ok=True, mode=0o700)
    if not path.exists():
        drawn = {"seed": str(secrets.randbits(64)), "salt": secrets.token_hex(32)}
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as handle:
            json.dump(drawn, handle)
    kept = json.loads(path.read_text())
    return int(kept["seed"]), commit_to(kept["seed"], salt=kept["salt"])


def commit_to(seed: str, *, salt: str) -> str:
    """Give the salted hash by which a card commits to a secret seed: sha-256 of salt, colon and seed."""
    return "sha256:" + hashlib.sha256(f"{salt}:{seed}".encode()).hexdigest()


def _draft(n_persons: int, commitment: str, today: date) -> CardDraft:
    parameters: dict[str, Any] = {"n_persons": n_persons, "seed": commitment, "lpr3": "a", "without_traps": []}
    return CardDraft(
        id=CLASS_COHORT,
        version=_VERSION,
        title="Danish registers, simulated: the class's cohort",
        summary=(
            "Simulated residents of Denmark 1977–2024 and what the national registers hold on them: population, "
            "deaths, prescriptions, hospital contacts, primary-care services and laboratory results. Who truly has "
            "diabetes is known to the graders and not in the data."
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
        persons=n_persons,
        modalities=("registers", "laboratory"),
        period="1977–2024",
        country="DK",
        created=today,
        provenance=record_provenance("cohort publish", parameters, packages=_PACKAGES).to_dict(),
        seed_commitment=commitment,
        how_to_get_real=(
            "Researchers at Danish institutions apply to Statistics Denmark's Research Services or to the Danish "
            "Health Data Authority; the same tables and column names are met there."
        ),
        keywords=("diabetes", "registers", "LPR", "LMDB", "Denmark", "simulated"),
        known_faults=("Figures after 2016 are extrapolated.", "Families are not simulated yet."),
        default_for=True,
    )
