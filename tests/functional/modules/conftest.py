"""What the tests of training modules share: one class cohort, and each module's record, answers and pictures.

A test that asks for `module_id` (or a fixture that needs it) runs for every folder of `modules/`; in a file that says
`MODULE = "<id>"` it runs for that module alone.
"""

import importlib.util
import json
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

from sandkasse.actions.cohorts import CLASS_COHORT, publish_class_cohort
from sandkasse.core.settings import Settings, read_settings
from sandkasse.training.lessons import read_notebook
from sandkasse.training.spec import Module, read_module

MODULES = Path(__file__).parents[3] / "modules"
# Any seed will do: what is expected is computed from the cohort. Fixed, so that a failure can be looked at.
SEED, SALT, GRADING_KEY = "20260101", "00" * 32, bytes(range(32))


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "module_id" in metafunc.fixturenames:
        every = sorted(path.parent.name for path in MODULES.glob("*/module.yaml"))
        only = getattr(metafunc.module, "MODULE", None)
        metafunc.parametrize("module_id", [only] if only else every, scope="session")


@pytest.fixture(scope="session")
def class_cohort(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """A site with the class cohort of a fixed seed, made once for all modules; nothing in it may be changed."""
    settings = read_settings({"SANDKASSE_HOME": str(tmp_path_factory.mktemp("home"))})
    settings.secrets.mkdir(parents=True, mode=0o700)
    (settings.secrets / f"{CLASS_COHORT}.json").write_text(json.dumps({"seed": SEED, "salt": SALT}))
    (settings.secrets / "grading.key").write_bytes(GRADING_KEY)
    publish_class_cohort(settings)
    return settings


@pytest.fixture(scope="session")
def folder(module_id: str) -> Path:
    return MODULES / module_id


@pytest.fixture(scope="session")
def module(folder: Path) -> Module:
    return read_module(folder)


@pytest.fixture(scope="session")
def load_script(folder: Path) -> Callable[[str], ModuleType]:
    """Import a Python file of the module's folder by its name, without `.py`; no cache is left beside it."""

    def load(name: str) -> ModuleType:
        specification = importlib.util.spec_from_file_location(
            f"{folder.name}_{name}".replace("-", "_"), folder / f"{name}.py"
        )
        assert specification is not None
        assert specification.loader is not None
        code = importlib.util.module_from_spec(specification)
        was_writing, sys.dont_write_bytecode = sys.dont_write_bytecode, True
        try:
            specification.loader.exec_module(code)
        finally:
            sys.dont_write_bytecode = was_writing
        return code

    return load


@pytest.fixture(scope="session")
def answers(load_script: Callable[[str], ModuleType]) -> ModuleType:
    return load_script("answers")


@pytest.fixture(scope="session")
def pictures(module: Module, folder: Path) -> list[tuple[str, str]]:
    """The cells of the lessons in Python that draw: (part's id, source)."""
    return [
        (part.id, cell.source)
        for part in module.parts
        for cell in read_notebook(folder, part.lesson, module_id=module.id).cells
        if "alt.Chart" in cell.source
    ]
