"""The one place that reads the environment: where the site's store is, and what a workspace was given."""

import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import platformdirs

from sandkasse.core.errors import InvalidInputError

HOME_VARIABLE = "SANDKASSE_HOME"
CONTENT_VARIABLE = "SANDKASSE_CONTENT"
KERNELS_VARIABLE = "SANDKASSE_KERNELS"
PORTAL_VARIABLE = "SANDKASSE_PORTAL"
TOKEN_VARIABLE = "SANDKASSE_TOKEN"  # noqa: S105  the variable's name, not a token
BINDINGS_VARIABLE = "SANDKASSE_BINDINGS"
MODULE_VARIABLE = "SANDKASSE_MODULE"


@dataclass(frozen=True)
class Settings:
    """What the environment says.

    Attributes:
        home: The site's store: database, datasets, truth, workspaces, secrets.
        content: Where the shipped `modules/` and `datasets/` lie.
        kernels: Where compiled kernels are kept; one place a person, as every store can use them.
        portal_url: The portal's address, inside a workspace.
        token: The workspace's own token for the portal; never shown.
        module_id: The module that this workspace was started for.
        bindings: Contract name to dataset folder, inside a workspace or a project.
    """

    home: Path
    content: Path
    kernels: Path = field(default_factory=lambda: _user_cache() / "kernels")
    portal_url: str | None = None
    token: str | None = field(default=None, repr=False)
    module_id: str | None = None
    bindings: Mapping[str, Path] = field(default_factory=dict)

    @property
    def database(self) -> Path:
        """The site's SQLite file."""
        return self.home / "site.db"

    @property
    def datasets(self) -> Path:
        """Published datasets, one folder per id and version."""
        return self.home / "datasets"

    @property
    def truth(self) -> Path:
        """What the graders compare with; never mounted into a workspace."""
        return self.home / "truth"

    @property
    def workspaces(self) -> Path:
        """The learners' own files, one folder per person and module."""
        return self.home / "workspaces"

    @property
    def secrets(self) -> Path:
        """Keys of the site, readable by its owner only."""
        return self.home / "secrets"

    @property
    def run(self) -> Path:
        """Locks and logs of what is running now."""
        return self.home / "run"

    @property
    def cache(self) -> Path:
        """What can be made again: profiles of datasets."""
        return self.home / "cache"


def read_settings(environment: Mapping[str, str]) -> Settings:
    """Read the settings from an environment, usually `os.environ`.

    Raises:
        InvalidInputError: If the bindings are not a JSON object of texts.
    """
    home = environment.get(HOME_VARIABLE) or platformdirs.user_data_dir("sandkasse", appauthor=False)
    content = environment.get(CONTENT_VARIABLE)
    kernels = environment.get(KERNELS_VARIABLE)
    return Settings(
        home=_absolute(home),
        content=_absolute(content) if content else find_content(),
        kernels=_absolute(kernels) if kernels else _user_cache() / "kernels",
        portal_url=environment.get(PORTAL_VARIABLE),
        token=environment.get(TOKEN_VARIABLE),
        module_id=environment.get(MODULE_VARIABLE),
        bindings=_read_bindings(environment.get(BINDINGS_VARIABLE, "{}")),
    )


def find_content() -> Path:
    """Find the shipped modules and datasets: beside `src/` in a clone, else under the interpreter's `share/`."""
    clone = Path(__file__).resolve().parents[3]
    if (clone / "modules").is_dir() and (clone / "run.py").is_file():
        return clone
    return Path(sys.prefix) / "share" / "sandkasse"


def _absolute(folder: str) -> Path:
    return Path(folder).expanduser().absolute()


def _user_cache() -> Path:
    return Path(platformdirs.user_cache_dir("sandkasse", appauthor=False))


def _read_bindings(text: str) -> dict[str, Path]:
    try:
        bindings = json.loads(text)
        return {str(contract): Path(folder) for contract, folder in bindings.items()}
    except (ValueError, AttributeError, TypeError) as exc:
        raise InvalidInputError(
            f"{BINDINGS_VARIABLE} must be a JSON object of contract names and folders.",
            next_step="restart the workspace from the portal",
        ) from exc
