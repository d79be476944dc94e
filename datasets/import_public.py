"""Make the shipped public datasets from the files that their publishers gave out; for maintainers, never at run time.

    python datasets/import_public.py --source DIR [--licences /usr/share/common-licenses] [NAME …]

`DIR` holds the tables of the R packages *Epi* 2.47 and *survival* 3.5-3 as comma-separated files (`DMlate.csv`, …) with
a header row, `NA` for missing. Names and types change on the way, values never: what each column was called stands in
the contract. The datasets land beside this script; `_public/` has one file for each source, with what cards say.
"""

import argparse
import sys
from pathlib import Path

from _public.epi import EPI_DATASETS
from _public.survival import SURVIVAL_DATASETS
from _public.tables import PublicDataset, import_dataset

DATASETS: tuple[PublicDataset, ...] = (*EPI_DATASETS, *SURVIVAL_DATASETS)


def main() -> None:
    """Import the named datasets, or all."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", choices=[*(dataset.card.id for dataset in DATASETS), []])
    parser.add_argument("--source", type=Path, required=True, help="folder of the published comma-separated files")
    parser.add_argument("--licences", type=Path, default=Path("/usr/share/common-licenses"), help="licence texts")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent, help="where the datasets land")
    arguments = parser.parse_args()
    for dataset in DATASETS:
        if not arguments.names or dataset.card.id in arguments.names:
            target = arguments.out / dataset.card.id
            card = import_dataset(dataset, arguments.source, target, licences=arguments.licences)
            sys.stdout.write(f"{card.reference}: {sum(card.rows.values()):,} rows, {card.bytes:,} bytes\n")


if __name__ == "__main__":
    main()
