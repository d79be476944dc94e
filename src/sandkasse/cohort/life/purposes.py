"""What each random draw of the life stage is for; the numbers are part of the cohort's identity and never change.

Draws of clocks and of what a person brings along are indexed by (thing, attempt): attempts beyond the first replace
lives that would not have reached the person's entry.
"""

ENTRY = 1
RESIDENCE = 2
MUNICIPALITY = 3
DELIVERY = 4
LIABILITY_OWN = 10
LIABILITY_FAMILY = 11
BODY_MASS = 12
SMOKING = 13
SET_POINT = 14
ONSET = 20
DETECTION = 21
DEATH = 22
START = 23
STOP = 24
ACUTE = 25

ATTEMPTS = 4096
"""Most lives drawn for one person; the index of a draw is thing × ATTEMPTS + attempt."""
