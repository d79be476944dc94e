"""A slow, obvious observation, one person and one event at a time.

It reads the parameter files themselves, not the compiled arrays, and shares with the product the draws' numbering only.
"""
