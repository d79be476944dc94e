"""Lives made by hand and their registers, for every test of this area."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest


@pytest.fixture(scope="session")
def bench() -> ModuleType:
    """Give the tools that all kinds of tests of this area share."""
    name = "cohort_registers_bench"
    if name not in sys.modules:
        path = Path(__file__).parents[2] / "unit" / "cohort_registers" / "bench.py"
        spec = importlib.util.spec_from_file_location(name, path)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        spec.loader.exec_module(module)
    return sys.modules[name]
