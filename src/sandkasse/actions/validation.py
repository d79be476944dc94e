"""Acts that ask how believable the simulated cohort is."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from sandkasse.cohort.kernels import cache_folder, enable_cache
from sandkasse.cohort.validation.report import Report, to_html, write_markdown
from sandkasse.cohort.validation.validate import validate_cohort as make_report
from sandkasse.core.errors import InvalidInputError
from sandkasse.core.progress_bar import Progress, no_progress
from sandkasse.core.settings import Settings

FEWEST = 1_000


@dataclass(frozen=True)
class ValidationRequest:
    """A validation that somebody wants.

    Attributes:
        out: The file to be written: `.html` for one page, `.md` with a folder `figures` beside it, or `.json`.
        persons: How many lives to compare with the published figures.
        seeds: Their seed; of further ones the headline alone is told.
        registers: Folder of `cohort simulate`, whose care is described too.
    """

    out: Path
    persons: int = 200_000
    seeds: tuple[int, ...] = (1,)
    registers: Path | None = None


def validate_cohort(settings: Settings, request: ValidationRequest, *, progress: Progress = no_progress) -> Report:
    """Compare the cohort with published figures and write the report.

    Args:
        settings: Where compiled kernels are kept.
        request: What is wanted.
        progress: Told of simulated persons.

    Returns:
        The report that was written.

    Raises:
        InvalidInputError: If there are too few persons, the file's ending is unknown, or the registers are not there.
    """
    if request.persons < FEWEST:
        raise InvalidInputError(
            f"expected at least {FEWEST:,} persons, got {request.persons:,}", next_step="choose more --persons"
        )
    if request.out.suffix not in (".html", ".md", ".json"):
        raise InvalidInputError(
            f"expected a file that ends in .html, .md or .json, got {request.out.name!r}",
            next_step="name the report, for example validation.html",
        )
    if not request.seeds:
        raise InvalidInputError("expected a seed, got none", next_step="choose --seed 1")
    enable_cache(cache_folder(settings.kernels))
    report = make_report(n_persons=request.persons, seeds=request.seeds, registers=request.registers, progress=progress)
    request.out.parent.mkdir(parents=True, exist_ok=True)
    draft = request.out.with_name(f".{request.out.name}.partial")
    draft.write_text(_write(report, request.out), encoding="utf-8")
    draft.replace(request.out)
    return report


def _write(report: Report, out: Path) -> str:
    if out.suffix == ".html":
        return to_html(report)
    if out.suffix == ".md":
        return write_markdown(report, out.parent / "figures")
    plain = asdict(report)
    for section in plain["sections"]:
        section["pictures"] = [picture["says"] for picture in section["pictures"]]
    return json.dumps(plain, ensure_ascii=False, indent=2) + "\n"
