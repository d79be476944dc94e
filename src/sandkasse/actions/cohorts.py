"""Acts on cohorts: simulate one, publish the class's graded one, describe the model."""

import secrets
import shutil
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, cast

from sandkasse.actions.cohort_catalogue import (
    MakeRequest,
    commit_to,
    make_cohort,
    plan_cohort,
    publish_class_cohort,
    unfinished_folder,
)
from sandkasse.actions.cohort_recipes import CLASS_COHORT, CLASS_PERSONS, RECIPES, find_recipe
from sandkasse.catalogue.partial import partial_folder
from sandkasse.cohort.describe import Parameter, TableSummary, describe_folder, describe_model, describe_page
from sandkasse.cohort.estimate import Estimate, check_room, estimate_run
from sandkasse.cohort.kernels import is_compiled
from sandkasse.cohort.run_folder import place_tree, read_manifest
from sandkasse.cohort.shards import land_file
from sandkasse.cohort.simulate import COMPILING, Options, Plan, Simulated, cache_folder, prepare, run_plan
from sandkasse.compute.consumer import CommandConsumer
from sandkasse.compute.engines import Engine, choose_runner
from sandkasse.compute.local import available_processors
from sandkasse.core.errors import InvalidInputError
from sandkasse.core.progress_bar import Progress, no_progress
from sandkasse.core.settings import Settings

__all__ = [
    "CLASS_COHORT",
    "CLASS_PERSONS",
    "RECIPES",
    "CohortMade",
    "CohortRequest",
    "Engine",
    "Estimate",
    "MakeRequest",
    "commit_to",
    "describe_cohort",
    "describe_simulated",
    "estimate_cohort",
    "estimate_making",
    "make_cohort",
    "publish_class_cohort",
    "simulate_cohort",
    "write_description",
]

# Smaller ones take seconds, and an estimate would take as long.
_ESTIMATED_FROM = 20_001


@dataclass(frozen=True)
class CohortRequest:
    """A cohort that somebody wants.

    Attributes:
        n_persons: How many persons.
        out: Folder to be made, with `registers/` (contract and data), `truth/` and `checksums.json` in it.
        seed: Seed; the same seed gives the same files. Without one, that of an unfinished run, else a random one.
        engine: Where it is made.
        lpr3: Delivery of the patient register from 2019 on, `a` or `f`.
        without_traps: Traps to switch off.
        tier: `clean`, or `messy` with the faults of real deliveries.
        density: `light`, or `register` for the registers' full rate of services.
        keep: `all`, or `none`: then each shard is dropped and `checksums.json` alone is kept.
        consumer: A command that takes each shard, as `compute.consumer` describes.
    """

    n_persons: int
    out: Path
    seed: int | None = None
    engine: Engine = field(default_factory=Engine)
    lpr3: str = "a"
    without_traps: tuple[str, ...] = ()
    tier: str = "clean"
    density: str = "light"
    keep: str = "all"
    consumer: str | None = None


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
    runner = choose_runner(request.engine, logs=unfinished / "logs")
    with (
        run_plan(plan, unfinished, runner=runner, cache=settings.kernels, progress=progress) as (
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


def estimate_cohort(settings: Settings, request: CohortRequest, *, progress: Progress = no_progress) -> Estimate | None:
    """Estimate rows, room and time of a cohort before it is made; None for one of a few seconds.

    Raises:
        InvalidInputError: If the request cannot be met.
        StorageFullError: If the disk cannot hold it.
    """
    out, unfinished = _places(request)
    plan = _plan(request, unfinished)
    return _estimate(settings, plan, request.engine, unfinished, place=out.parent, progress=progress)


def estimate_making(settings: Settings, request: MakeRequest, *, progress: Progress = no_progress) -> Estimate | None:
    """Estimate rows, room and time of a cohort of the catalogue before it is made; None for one of a few seconds.

    Raises:
        NotFoundError: If there is no such cohort.
        StorageFullError: If the disk cannot hold it.
    """
    unfinished = unfinished_folder(settings, find_recipe(request.name))
    # Nothing is drawn and kept before the maker has agreed.
    plan = replace(plan_cohort(settings, replace(request, seed=request.seed or 0)), seed=secrets.randbits(63))
    return _estimate(settings, plan, request.engine, unfinished, place=settings.home, progress=progress)


def _estimate(
    settings: Settings, plan: Plan, engine: Engine, unfinished: Path, *, place: Path, progress: Progress
) -> Estimate | None:
    if plan.n_persons < _ESTIMATED_FROM:
        return None
    progress(0, plan.n_persons, "persons" if is_compiled(settings.kernels) else COMPILING)
    prepare(cache_folder(settings.kernels))
    workers = engine.workers or (available_processors() if engine.scheduler is None else 1)
    estimate = estimate_run(plan, workers=workers)
    present = sum(path.stat().st_size for path in unfinished.rglob("*.parquet"))
    existing = next(folder for folder in (place, *place.parents) if folder.is_dir())
    check_room(estimate, free=shutil.disk_usage(existing).free, present=present)
    return estimate


def describe_cohort() -> tuple[Parameter, ...]:
    """List every parameter of the model, with its source or the words "our choice"."""
    return describe_model()


def write_description(page: Path) -> None:
    """Write the model as a page: its picture, and every number with its source.

    Raises:
        InvalidInputError: If the file exists already, or its folder does not.
    """
    place = page.expanduser()
    if place.exists() or not place.parent.is_dir():
        raise InvalidInputError(
            "The page must be a new file in a folder that exists.", next_step="choose another name for --html"
        )
    land_file(describe_page().encode(), place)


def describe_simulated(folder: Path) -> tuple[TableSummary, ...]:
    """Summarise the tables of a folder that `simulate_cohort` made.

    Raises:
        InvalidInputError: If it holds no tables.
    """
    return describe_folder(folder)


def _places(request: CohortRequest) -> tuple[Path, Path]:
    """Give the folder that is to be made, and that of its unfinished run."""
    out = request.out.expanduser().absolute()
    if out.exists():
        raise InvalidInputError(
            "The folder of --out exists already.", next_step="name a folder that does not exist yet"
        )
    return out, out.with_name(f"{out.name}.unfinished")


def _plan(request: CohortRequest, unfinished: Path) -> Plan:
    seed = request.seed
    if seed is None:
        kept = str((read_manifest(unfinished) or {}).get("seed", ""))
        seed = int(kept) if kept.isdecimal() else secrets.randbits(63)
    return Plan(
        request.n_persons,
        seed,
        options=Options(
            lpr3=cast(Any, request.lpr3),
            without_traps=request.without_traps,
            tier=cast(Any, request.tier),
            density=cast(Any, request.density),
        ),
        keep=cast(Any, request.keep),
        consume=CommandConsumer.from_text(request.consumer) if request.consumer is not None else None,
    )
