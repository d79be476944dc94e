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
