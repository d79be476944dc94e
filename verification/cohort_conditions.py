"""Compare simulated lives with the published figures of `data/condition_targets.csv`, as a Markdown table.

python verification/cohort_conditions.py [persons, default 200000] [seed, default 1] [--params FOLDER]
"""

import argparse
import sys
import tempfile
from pathlib import Path

from sandkasse.cohort.kernels import enable_cache
from sandkasse.cohort.model import PARAMS, load_model
from sandkasse.cohort.validation.conditions import measure_conditions
from sandkasse.cohort.validation.people import Figure

WITHIN = 0.15


def lines(figures: list[Figure]) -> list[str]:
    """The comparison, and how many figures of each role lie within 15 %."""
    out = ["| figure | unit | published | simulated | standard error | deviation | role |", "|" + " --- |" * 7]
    for figure in figures:
        digits = 0 if figure.published >= 1000 else 2
        numbers = (figure.published, figure.simulated, figure.standard_error)
        cells = " | ".join(f"{number:,.{digits}f}" for number in numbers)
        off = f"{100 * (figure.ratio - 1):+.0f} %"
        out.append(f"| {figure.name} | {figure.unit} | {cells} | {off} | {figure.role} |")
    out.append("")
    for role in ("fitted", "held out"):
        flags = [abs(figure.ratio - 1.0) <= WITHIN for figure in figures if figure.role == role]
        out.append(f"{role}: {sum(flags)} of {len(flags)} within 15 %.")
    return out


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("persons", type=int, nargs="?", default=200_000)
    parser.add_argument("seed", type=int, nargs="?", default=1)
    parser.add_argument("--params", type=Path, default=PARAMS)
    options = parser.parse_args()
    enable_cache(Path(tempfile.gettempdir()) / "cohort-kernels")

    def told(done: int, total: int, what: str) -> None:
        print(f"{done:,} of {total:,} {what}", file=sys.stderr)

    figures = measure_conditions(load_model(options.params), options.persons, seed=options.seed, progress=told)
    print("\n".join(lines(figures)))


if __name__ == "__main__":
    main()
