"""The OMOP Common Data Model 5.4 from the Danish registers.

`plan` says which table is made from what, `tables/` how, `build` runs it, `check` holds any OMOP data set against the
official definitions and the rules of a well-behaved set.
"""
