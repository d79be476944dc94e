"""Acts on the truth of each person of a cohort that is on this machine: other lives, and risks."""

import os
import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from sandkasse.actions.cohort_catalogue import find_seed
from sandkasse.actions.cohort_recipes import RECIPES, find_recipe
from sandkasse.catalogue.store import Store
from sandkasse.cohort.causal import NATURAL, Estimand
from sandkasse.cohort.counterfactual import PERSONS_AT_ONCE, live_courses, measure_risks
from sandkasse.cohort.kernels import cache_folder, enable_cache
from sandkasse.cohort.model import load_model
from sandkasse.cohort.run_folder import read_manifest
from sandkasse.cohort.tables import CompiledModel
from sandkasse.core.errors import InvalidInputError, NotFoundError
from sandkasse.core.progress_bar import Progress, no_progress
from sandkasse.core.settings import Settings

__all__ = ["NATURAL", "Cohort", "find_cohort", "write_lives", "write_risks"]


@dataclass(frozen=True)
class Cohort:
    """A simulated cohort on this machine.

    Attributes:
        n_persons: How many persons.
        seed: Its seed, secret or not; never shown.
        truth: Folder of its truth.
    """

    n_persons: int
    seed: int
    truth: Path

    def __repr__(self) -> str:
        """Leave the seed out."""
        return f"Cohort(n_persons={self.n_persons})"


def find_cohort(settings: Settings, name: str) -> Cohort:
    """Find a cohort by the name that the catalogue has for it (`class`), or by the folder that it was simulated into.

    Raises:
        NotFoundError: If there is none of that name, or it has not been made.
        InvalidInputError: If the folder holds no cohort with its truth.
    """
    folder = Path(name).expanduser()
    if folder.is_dir():
        manifest = read_manifest(folder) or {}
        seed, truth = str(manifest.get("seed", "")), folder / "truth"
        if not seed.isdecimal() or not truth.is_dir():
            raise InvalidInputError(
                "That folder holds no simulated cohort with its truth.",
                next_step="name a folder that `sandkasse cohort simulate` made, without --keep none",
            )
        return Cohort(int(manifest["n_persons"]), int(seed), truth)
    if name not in {recipe.name for recipe in RECIPES}:
        raise NotFoundError.among(
            "cohort or folder", name, [recipe.name for recipe in RECIPES], command="sandkasse cohort make --help"
        )
    recipe = find_recipe(name)
    for card in Store(settings.datasets, settings.content / "datasets").list():
        known = find_seed(settings, card) if card.id == recipe.dataset_id else None
        if known is not None and card.persons is not None:
            return Cohort(card.persons, known, settings.truth / card.id / card.version)
    raise NotFoundError(f"The cohort {name!r} has not been made here.", next_step=f"make it with: {recipe.command}")


def write_lives(
    settings: Settings, cohort: Cohort, out: Path, *, courses: Sequence[str] = (), progress: Progress = no_progress
) -> int:
    """Write the lives of a cohort under named courses; the file is as secret as the truth, and appears whole or not.

    Args:
        settings: Where compiled kernels are kept.
        cohort: Whose lives.
        out: A new Parquet file.
        courses: Names of interventions and `natural`; all of them if none are named.
        progress: Told of persons done.

    Returns:
        How many persons.

    Raises:
        InvalidInputError: If a course is unknown, the file exists, or the cohort is of another state of the model.
    """
    place = _new_file(out)
    model = _model_of(settings, cohort)
    names = tuple(courses) or (NATURAL, *(row.name for row in model.specification.general.interventions))
    tables = live_courses(model, n_persons=cohort.n_persons, seed=cohort.seed, courses=names)
    return _write(tables, place, total=cohort.n_persons, progress=progress) // len(names)


def write_risks(
    settings: Settings,
    cohort: Cohort,
    out: Path,
    *,
    estimand: Estimand,
    n_draws: int = 200,
    progress: Progress = no_progress,
) -> int:
    """Write each person's own risk of an outcome; see `cohort.counterfactual.measure_risks`.

    Args:
        settings: Where compiled kernels are kept.
        cohort: Whose risks.
        out: A new Parquet file.
        estimand: The question; `against` is not looked at.
        n_draws: Futures of each person.
        progress: Told of persons done, with those who are of the population.

    Returns:
        How many persons are of the population.

    Raises:
        InvalidInputError: If the question cannot be asked, nobody is asked about, the file exists, or the cohort is of
            another state of the model.
    """
    place = _new_file(out)
    model = _model_of(settings, cohort)
    tables = measure_risks(model, estimand, n_persons=cohort.n_persons, seed=cohort.seed, n_draws=n_draws)
    return _write(tables, place, total=cohort.n_persons, progress=progress)


def _model_of(settings: Settings, cohort: Cohort) -> CompiledModel:
    """Give the shipped model, once it has lived the cohort's first lives as the truth tells them."""
    enable_cache(cache_folder(settings.kernels))
    model = load_model()
    lived = live_courses(model, n_persons=cohort.n_persons, seed=cohort.seed, courses=(NATURAL,))
    _hold_against_truth(next(lived), cohort)
    return model


def _hold_against_truth(lives: pa.Table, cohort: Cohort) -> None:
    """See that these are the lives that the cohort was written from, by every pnr and day of death."""
    paths = [cohort.truth / "persons.parquet", *sorted((cohort.truth / "persons").glob("*.parquet"))]
    known = pa.concat_tables(
        [pq.read_table(path, columns=["pnr", "doddato"]) for path in paths if path.is_file()], promote_options="default"
    )
    known = known.set_column(0, "pnr", pc.cast(known["pnr"], pa.string()))
    known = known.filter(pc.is_in(known["pnr"], lives["pnr"])).sort_by("pnr")
    if not known.select(["pnr", "doddato"]).equals(lives.select(["pnr", "doddato"])):
        raise InvalidInputError(
            "That cohort was simulated by another state of the model: its lives cannot be lived again.",
            next_step="simulate it anew, then ask again",
        )


def _new_file(out: Path) -> Path:
    place = out.expanduser().absolute()
    if place.exists() or not place.parent.is_dir():
        raise InvalidInputError(
            "The file must be a new one in a folder that exists.", next_step="choose another name for --out"
        )
    return place


def _write(tables: Iterator[pa.Table], place: Path, *, total: int, progress: Progress) -> int:
    """Write tables one after the other into a file that appears whole or not at all; give the number of rows."""
    beside = place.with_name(f".{place.name}.{secrets.token_hex(4)}")
    writer, rows = None, 0
    progress(0, total, "persons")
    try:
        # Who may read a file of the truth is its owner's decision.
        with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as handle:
            for number, table in enumerate(tables, start=1):
                writer = writer or pq.ParquetWriter(handle, table.schema, compression="zstd")
                writer.write_table(table)
                rows += table.num_rows
                progress(min(total, number * PERSONS_AT_ONCE), total, "persons")
            if writer is not None:
                writer.close()
        if not rows:
            raise InvalidInputError(
                "Nobody of the cohort is asked about.", next_step="ask about a wider population, or a larger cohort"
            )
        beside.replace(place)
    finally:
        beside.unlink(missing_ok=True)
    return rows
