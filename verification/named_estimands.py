"""Measure the truth about every named estimand and write the page that states it.

    python verification/named_estimands.py PERSONS SEED PAGE

Writes `PAGE` (docs/reference/estimands.md) with risks, their difference, mean years and Monte Carlo standard errors.
"""

import sys
from pathlib import Path

from sandkasse.actions.effects import Effect, Measure, NamedEstimand, estimate_effect, named_estimands
from sandkasse.core.settings import read_settings

HEAD = """# Named questions about effects, and their true answers

`sandkasse cohort effect --named NAME` measures one of these anew; `sandkasse cohort estimands` lists them. They stand
as data in `src/sandkasse/cohort/estimands.toml`, and their choice is ours. Both courses begin on the index day, with
the same luck, and nobody is lost. A risk is that of the outcome within the years, a difference is in percentage points;
mean years are those without the outcome, alive (the restricted mean survival time). Behind ± stands one Monte Carlo
standard error. [How to ask your own](../how-to/true-effect.md).

Measured with `python verification/named_estimands.py {persons} {seed} PAGE`: of {persons:,} lives of everyone resident
in 1977–2024, those of the population are counted.

"""


def main() -> None:
    """Measure and write."""
    persons, seed, page = int(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3])
    settings = read_settings({})
    rows = [
        (named, estimate_effect(named.estimand, n_persons=persons, seed=seed, settings=settings))
        for named in named_estimands()
    ]
    page.write_text(HEAD.format(persons=persons, seed=seed) + "\n".join(table(rows)) + "\n", encoding="utf-8")


def table(rows: list[tuple[NamedEstimand, Effect]]) -> list[str]:
    """Write the answers down as the lines of a table."""
    lines = [
        "| name | asks | persons | risk | against | difference | mean years gained | hazard ratio (not graded) |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for named, effect in rows:
        question = named.estimand
        asks = f"{named.title}: {question.course} against {question.against}"
        cells = [
            f"`{named.name}`",
            asks,
            f"{effect.n_persons:,}",
            percent(effect.risk),
            percent(effect.risk_against),
            percent(effect.risk_difference, points=True),
            f"{effect.mean_years_difference.value:.3f} ± {effect.mean_years_difference.standard_error:.3f}",
            f"{effect.hazard_ratio:.2f}",
        ]
        lines.append("| " + " | ".join(cells) + " |")
    return lines


def percent(measure: Measure, *, points: bool = False) -> str:
    """Write a share as per cent, or a difference as percentage points, with its standard error."""
    sign = "+" if points else ""
    return f"{100 * measure.value:{sign}.2f} ± {100 * measure.standard_error:.2f}" + ("" if points else " %")


if __name__ == "__main__":
    main()
