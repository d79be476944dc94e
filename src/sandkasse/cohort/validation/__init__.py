"""How believable a simulated cohort is: its lives and registers beside published figures, as numbers and pictures."""
