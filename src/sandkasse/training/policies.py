"""How often answers are taken. Our choice: free for a learner, slow for someone who probes the truth."""

from datetime import timedelta
from typing import Final

TRIES_PER_HOUR: Final = 20
TRIES_PER_DAY: Final = 60
DIRECTED_TRIES: Final = 3  # after so many, a wrong number is no longer told to be too high or too low: no bisection

WINDOWS: Final = ((timedelta(hours=1), TRIES_PER_HOUR, "hour"), (timedelta(days=1), TRIES_PER_DAY, "day"))
