"""Registers into the international forms, in Ibis: the same lines on a laptop and on the database of a secure site."""
