"""Read the parameter files of a folder into the model as written."""

import tomllib
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from sandkasse.cohort.specification.model import Specification
from sandkasse.core.errors import InvalidInputError


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise InvalidInputError(
            f"expected the parameter file {path.name} in {path.parent.name}/, found none",
            next_step="restore the file, or take its name off the list in model.toml",
        ) from error
    except tomllib.TOMLDecodeError as error:
        raise InvalidInputError(
            f"{path.name} is not valid TOML: {error}", next_step="correct the line that is named"
        ) from error


def read_specification(folder: Path) -> Specification:
    """Read and check the model's parameter files.

    Args:
        folder: Holds `model.toml`, `treatments.toml`, perhaps `interventions.toml`, and one file per condition in
            `conditions/`.

    Returns:
        The model as written, conditions in the order that `model.toml` lists.

    Raises:
        InvalidInputError: If a file is missing, is not TOML, or has an unknown, missing or impossible entry.
    """
    general = _read_toml(folder / "model.toml")
    general["treatments"] = _read_toml(folder / "treatments.toml").get("treatment", [])
    if (folder / "interventions.toml").exists():
        general["interventions"] = _read_toml(folder / "interventions.toml").get("intervention", [])
    names = general.get("conditions", [])
    try:
        return Specification.model_validate(
            {
                "general": general,
                "conditions": [_read_toml(folder / "conditions" / f"{name}.toml") for name in names],
            }
        )
    except ValidationError as error:
        first = error.errors()[0]
        where = " → ".join(str(part) for part in first["loc"])
        raise InvalidInputError(
            f"the model's parameters are wrong at {where}: {first['msg']}",
            next_step="correct that entry in the cohort's params folder",
        ) from error
