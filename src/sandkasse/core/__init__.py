"""What every layer may use: errors, settings, clock, hashing, provenance, the database connection, progress."""
