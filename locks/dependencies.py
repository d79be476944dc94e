"""Build hook: the wheel's dependencies are the names in ``locks/base.in``, so that they stand in one place."""

from pathlib import Path

from hatchling.metadata.plugin.interface import MetadataHookInterface


class DependenciesFromLock(MetadataHookInterface):
    """Read the direct dependencies from the lock's source file."""

    def update(self, metadata: dict[str, object]) -> None:
        """Fill ``dependencies`` from ``locks/base.in``, without the build tool itself."""
        lines = (Path(self.root) / "locks" / "base.in").read_text("utf-8").splitlines()
        metadata["dependencies"] = [line for line in lines if line and not line.startswith("#") and line != "hatchling"]
