"""Make `published-rates.csv` from the data set DMepi of the R package Epi.

    Rscript -e 'write.csv(Epi::DMepi, "DMepi.csv", row.names = FALSE)'
    python make_published_rates.py DMepi.csv published-rates.csv

One-year ages are put together in ten-year bands; nothing else is changed. Licence and citation: `data/README.md`.
"""

import sys
from pathlib import Path

import pandas as pd


def aggregate(dmepi: pd.DataFrame) -> pd.DataFrame:
    """Put one-year ages together in ten-year bands.

    Args:
        dmepi: Columns sex (M or F), A (age in whole years), P (calendar year), X, D.nD, Y.nD, D.DM, Y.DM.

    Returns:
        One row for each sex, calendar year and age band; person-years rounded to a tenth.
    """
    bands = dmepi.assign(
        koen=dmepi["sex"].map({"M": 1, "F": 2}),
        year=dmepi["P"],
        age_from=dmepi["A"] // 10 * 10,
    )
    sums = bands.groupby(["koen", "year", "age_from"], as_index=False)[["X", "Y.nD", "D.nD", "D.DM", "Y.DM"]].sum()
    return sums.rename(
        columns={
            "X": "new_cases",
            "Y.nD": "person_years_without",
            "D.nD": "deaths_without",
            "D.DM": "deaths_with",
            "Y.DM": "person_years_with",
        }
    ).round({"person_years_without": 1, "person_years_with": 1})


if __name__ == "__main__":
    source, target = (Path(argument) for argument in sys.argv[1:3])
    aggregate(pd.read_csv(source)).to_csv(target, index=False)
