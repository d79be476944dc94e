"""The modules that a site offers: folders with a `module.yaml`."""

from dataclasses import dataclass
from pathlib import Path

from sandkasse.core.errors import ModuleInvalidError, TrainingModuleNotFoundError
from sandkasse.training.spec import MODULE_FILE, Module, read_module

LIST_COMMAND = "sandkasse module list"


@dataclass(frozen=True)
class ShelvedModule:
    """A module and the folder that holds it."""

    module: Module
    folder: Path


class Library:
    """The modules under one folder, one folder a module.

    Args:
        shelf: Usually `<content>/modules`.
    """

    def __init__(self, shelf: Path) -> None:
        self._shelf = shelf

    def ids(self) -> tuple[str, ...]:
        """List the modules' ids, sorted, whether or not their files are right."""
        if not self._shelf.is_dir():
            return ()
        return tuple(sorted(path.name for path in self._shelf.iterdir() if (path / MODULE_FILE).is_file()))

    def list(self) -> tuple[ShelvedModule, ...]:
        """List the modules that can be read, by id."""
        found = []
        for module_id in self.ids():
            try:
                found.append(self.take(module_id))
            except ModuleInvalidError:
                continue
        return tuple(found)

    def folder(self, module_id: str) -> Path:
        """Give a module's folder.

        Raises:
            TrainingModuleNotFoundError: If there is none of this id; names the nearest.
        """
        if module_id not in self.ids():
            raise TrainingModuleNotFoundError.among("training module", module_id, self.ids(), command=LIST_COMMAND)
        return self._shelf / module_id

    def take(self, module_id: str) -> ShelvedModule:
        """Read a module.

        Raises:
            TrainingModuleNotFoundError: If there is none of this id.
            ModuleInvalidError: If its `module.yaml` is not right.
        """
        folder = self.folder(module_id)
        return ShelvedModule(module=read_module(folder), folder=folder)
