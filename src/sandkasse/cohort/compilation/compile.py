"""The whole model as written, compiled."""

from pathlib import Path

from sandkasse.cohort.arms import compile_arms
from sandkasse.cohort.compilation.conditions import (
    compile_acute_deaths,
    compile_detections,
    compile_hazards,
    compile_kinds,
    compile_recurring,
    compile_seasons,
)
from sandkasse.cohort.compilation.effects import compile_effects
from sandkasse.cohort.compilation.exposures import compile_exposures
from sandkasse.cohort.compilation.families import compile_families
from sandkasse.cohort.compilation.figures import compile_entries, compile_population, death_rates, inhabitants
from sandkasse.cohort.compilation.fitted import Fitted
from sandkasse.cohort.compilation.glycaemia import compile_glycaemia
from sandkasse.cohort.compilation.names import Names
from sandkasse.cohort.compilation.persons import compile_persons
from sandkasse.cohort.compilation.places import compile_places
from sandkasse.cohort.compilation.traits import compile_traits, trait_correlations, trait_targets
from sandkasse.cohort.compilation.treatments import check_treatments, compile_starts
from sandkasse.cohort.specification import MOST_CONDITIONS, Specification
from sandkasse.cohort.tables import CompiledModel, LifeTables
from sandkasse.core.errors import InvalidInputError


def compile_model(specification: Specification, *, data: Path, fitted: Fitted) -> CompiledModel:
    """Compile the model.

    Args:
        specification: The model as written.
        data: Folder of the Danish figures.
        fitted: Calibrated tables; empty leaves the incidences as written, with a mean relative hazard of 1.

    Returns:
        The compiled model.

    Raises:
        InvalidInputError: If a row names a condition, treatment, trait, exposure or municipality that does not exist.
    """
    _check_sizes(specification)
    general, conditions, names = specification.general, specification.conditions, Names.of(specification)
    places = compile_places(
        general.places,
        general.place_shifts,
        inhabitants=inhabitants(data),
        n_traits=len(names.traits),
        find=names.trait,
    )
    commons = trait_correlations(general.traits, places)
    entries, persons_in_nation = compile_entries(data, general.window_start)
    parts = {
        **compile_hazards(specification, data, fitted),
        **compile_kinds(conditions, names),
        **compile_detections(conditions, fitted),
        **compile_acute_deaths(conditions),
        **compile_recurring(conditions),
        **compile_seasons(conditions),
        **compile_effects(specification, names),
        **compile_starts(general.treatments, names, fitted),
        **compile_traits(commons, trait_targets(specification), find=names.trait),
        **compile_exposures(general.exposures, commons, find=names.trait),
        "place_group": places.group,
        "place_shift": places.shift,
        **compile_persons(general, find=names.trait),
        **compile_population(general, data),
        **entries,
    }
    tables = LifeTables(**parts)  # type: ignore[arg-type]
    return CompiledModel(
        conditions=names.conditions,
        treatments=names.treatments,
        traits=names.traits,
        exposures=names.exposures,
        recurring=tuple(row.name for row in conditions if row.recurs),
        interventions=tuple(row.name for row in general.interventions),
        tables=tables,
        arms=compile_arms(
            general.interventions,
            preventive=tables.withheld,
            n_exposures=len(names.exposures),
            find=names.find,
        ),
        families=compile_families(general, mortality=death_rates(data), fertility=tables.fertility),
        glycaemia=compile_glycaemia(general.glycaemia, names),
        persons_in_nation=persons_in_nation,
        specification=specification,
    )


def _check_sizes(specification: Specification) -> None:
    """Refuse a model whose numbers of columns or of clocks would run into one another."""
    n = len(specification.conditions)
    if n > MOST_CONDITIONS:
        raise InvalidInputError(
            f"expected at most {MOST_CONDITIONS} conditions, got {n}: a life's record has no number for more",
            next_step="take some off the list in model.toml",
        )
    check_treatments(specification.general.treatments, specification.general.glycaemia)
