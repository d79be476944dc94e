"""What truly happens: traits, exposures, onsets, treatment and death of each person, before anybody observes it."""
