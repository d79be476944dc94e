"""What all tests share: how examples are drawn, and tools of one area that several kinds of its tests need."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest
from hypothesis import HealthCheck, settings

# A busy machine is no fault, and the same tests ask the same questions on every run. To look for new examples:
# pytest --hypothesis-profile=search
settings.register_profile("search", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("same", settings.get_profile("search"), derandomize=True)
settings.load_profile("same")

TESTS = Path(__file__).parent


def load_tools(place: str) -> ModuleType:
    """Import a file of tests that holds tools, once; tests are no packages that could be imported by name.

    Args:
        place: The file, relative to this folder, without `.py`.
    """
    name = place.replace("/", "_")
    if name not in sys.modules:
        specification = importlib.util.spec_from_file_location(name, TESTS / f"{place}.py")
        assert specification is not None
        assert specification.loader is not None
        module = importlib.util.module_from_spec(specification)
        sys.modules[name] = module
        specification.loader.exec_module(module)
    return sys.modules[name]


@pytest.fixture(scope="session")
def bench() -> ModuleType:
    """Lives made by hand and their registers."""
    return load_tools("unit/cohort_registers/bench")


@pytest.fixture(scope="session")
def r4() -> ModuleType:
    """The rules of FHIR R4, and registers made by hand to export."""
    return load_tools("unit/transforms_fhir/r4")
