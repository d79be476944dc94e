"""Acts on cohorts: simulate one, publish the class's graded one, describe the model."""

import hashlib
import json
import os
import secrets
import shutil
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from sandkasse.catalogue.card import Card, CardDraft, Citation, Licence
from sandkasse.catalogue.partial import partial_folder
from sandkasse.catalogue.store import Store
from sandkasse.cohort.describe import Parameter, TableSummary, describe_folder, describe_model
from sandkasse.cohort.simulate import Options, Simulated, simulate_registers
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
        seed: Seed; the same seed gives the same files.
        out: Folder to be made, with `registers/` (contract and data) and `truth/` in it.
        workers: Number of processes, 0 for one a processor.
        lpr3: Delivery of the patient register from 2019 on, `a` or `f`.
        without_traps: Traps to switch off.
    """

    n_persons: int
    seed: int
    out: Path
    workers: int = 0
    lpr3: str = "a"
    without_traps: tuple[str, ...] = ()


def simulate_cohort(settings: Settings, request: CohortRequest, *, progress: Progress = no_progress) -> Simulated:
    """Simulate a cohort into a new folder, which appears whole or not at all.

    Raises:
        InvalidInputError: If the request cannot be met, or the folder exists already.
        RunInterruptedError: If the run was stopped; nothing is left then.
        StorageFullError: If the disk fills up; nothing is left then.
    """
    options = Options(lpr3=request.lpr3, without_traps=request.without_traps)  # type: ignore[arg-type]
    out = request.out.expanduser().absolute()
    if out.exists():
        raise InvalidInputError(
            "The folder of --out exists already.", next_step="name a folder that does not exist yet"
        )
    with partial_folder(out) as partial:
        for name in ("registers", "truth"):
            (partial / name).mkdir()
        (partial / "truth").chmod(0o700)
        return simulate_registers(
            n_persons=request.n_persons,
            seed=request.seed,
            out=partial / "registers",
            truth=partial / "truth",
            runner=LocalPool(request.workers),
            cache=settings.kernels,
            options=options,
            progress=progress,
        )


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
    shutil.rmtree(truth, ignore_errors=True)

    def write(folder: Path) -> None:
        with partial_folder(truth) as hidden:
            hidden.chmod(0o700)
            simulate_registers(
                n_persons=n_persons,
                seed=chosen,
                out=folder,
                truth=hidden,
                runner=LocalPool(),
                cache=settings.kernels,
                progress=progress,
            )

    return store.publish(_draft(n_persons, commitment, clock().date()), write)


def describe_cohort() -> tuple[Parameter, ...]:
    """List every parameter of the model, with its source or the words "our choice"."""
    return describe_model()


def describe_simulated(folder: Path) -> tuple[TableSummary, ...]:
    """Summarise the tables of a folder that `simulate_cohort` made.

    Raises:
        InvalidInputError: If it holds no tables.
    """
    return describe_folder(folder)


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
