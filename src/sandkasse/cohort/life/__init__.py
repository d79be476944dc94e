"""The life stage: what truly happens to each person, before anyone observes it."""

from sandkasse.cohort.life.record import NEVER, LifeShard
from sandkasse.cohort.life.simulate import simulate_life

__all__ = ["NEVER", "LifeShard", "simulate_life"]
