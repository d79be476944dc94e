"""Where the sources of population end; the report, the pages and the catalogue say it in the same words."""

FIRST_YEAR = 2013
"""First calendar year whose deaths and migration are extrapolated."""

SENTENCE = "Deaths and migration after 2012 and births after 2018 are extrapolated from published figures."
SHADED = "Shaded: years after 2012, in which deaths and migration are extrapolated."
