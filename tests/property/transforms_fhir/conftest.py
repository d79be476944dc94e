"""The rules of FHIR R4 and registers made by hand, for every test of this area."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest


@pytest.fixture(scope="session")
def r4() -> ModuleType:
    """Give the tools that all kinds of tests of this area share."""
    name = "transforms_fhir_r4"
    if name not in sys.modules:
        path = Path(__file__).parents[2] / "unit" / "transforms_fhir" / "r4.py"
        spec = importlib.util.spec_from_file_location(name, path)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        spec.loader.exec_module(module)
    return sys.modules[name]
