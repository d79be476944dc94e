"""Sandkasse as a learner meets it in a notebook: `open`, `datasets` and `check`."""
