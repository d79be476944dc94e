"""The pages, one file per noun of the map."""
