import importlib.util
from pathlib import Path

import numpy as np
import pytest

from sandkasse.cohort.life import simulate_life
from sandkasse.cohort.model import load_model

SEED = 20_240_101


@pytest.fixture(scope="session")
def model():
    return load_model()


@pytest.fixture(scope="session")
def lives(model):
    """One cohort of 60,000 persons that the tests of this folder share."""
    return simulate_life(model, np.arange(60_000, dtype=np.int64), seed=SEED)


@pytest.fixture(scope="session")
def wide(tmp_path_factory):
    """A made-up wider world."""
    spec = importlib.util.spec_from_file_location("cohort_life_wide", Path(__file__).with_name("wide.py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    folder = tmp_path_factory.mktemp("wide") / "params"
    module.write_wide(folder)
    return load_model(folder)
