"""A module's lessons as notebooks: Jupytext text in, `.ipynb` with stable cell ids out, and the learner's own copy."""

import hashlib
import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sandkasse.core.errors import InvalidInputError
from sandkasse.training.languages import LANGUAGES, LanguageId
from sandkasse.training.spec import Module, Part, invalid_module

DATA_FOLDER = "data"
RECORD_KEY = "sandkasse"


@dataclass(frozen=True)
class LessonFile:
    """A lesson in the learner's folder.

    Attributes:
        part: Which part's.
        path: The notebook.
        state: `new` was just put there, `kept` is the learner's own and current, `newer-beside` means that the
            lesson has
            changed since the learner's copy was made: the new one lies beside it, and `path` is the learner's own.
        newer: The new lesson's notebook, if it lies beside.
        notice: One sentence for the learner, if there is something to know.
    """

    part: str
    path: Path
    state: str
    newer: Path | None = None
    notice: str | None = None


def read_notebook(folder: Path, name: str, *, module_id: str, language: LanguageId = "python") -> Any:
    """Read a lesson or a solution as a notebook (nbformat 4) with stable cell ids.

    Args:
        folder: The module's folder.
        name: The file in it.
        module_id: Whose it is.
        language: Of its code; its kernel is the one that the notebook opens with.

    Raises:
        ModuleInvalidError: If it is not readable Jupytext.
    """
    import jupytext  # noqa: PLC0415  slow to import; a notebook that checks and a portal that starts need none of it

    path, written = folder / name, LANGUAGES[language]
    if path.suffix not in written.formats:
        kinds = " or ".join(sorted(written.formats))
        raise invalid_module(module_id, [f"{name}: a lesson is a Jupytext text, {kinds}"])
    try:
        notebook = jupytext.reads(path.read_text(encoding="utf-8"), fmt=written.formats[path.suffix])
    except (OSError, UnicodeDecodeError) as exc:
        raise invalid_module(module_id, [f"{name}: cannot be read"]) from exc
    except Exception as exc:  # Jupytext's readers raise whatever their parsers raise
        raise invalid_module(module_id, [f"{name}: is not readable as {written.formats[path.suffix]}"]) from exc
    notebook.metadata["kernelspec"] = dict(written.kernel)
    _give_stable_ids(notebook)
    return notebook


def prepare_lesson(
    module: Module, source: Path, target: Path, *, languages: Sequence[LanguageId] = ("python",)
) -> tuple[LessonFile, ...]:
    """Put the lessons into the learner's folder; what is there already is never written to.

    A lesson that has changed since the learner's copy was made lands beside it under a name with the new version. The
    module's small data files come along, where the learner has none of that name.

    Args:
        module: The module.
        source: The module's folder.
        target: The learner's folder; made if need be.
        languages: Those that run where the learner works; lessons in others are left out.

    Returns:
        One entry a part and language, the first language's parts first.

    Raises:
        ModuleInvalidError: If a lesson is not readable.
        InvalidInputError: If the target is not a folder of its own.
    """
    if target.is_symlink() or (target.exists() and not target.is_dir()):
        raise InvalidInputError(f"{target.name!r} is not a folder.", next_step="choose a folder for the lessons")
    target.mkdir(parents=True, exist_ok=True)
    files = tuple(
        _prepare_part(module, part, source, target, language=language)
        for language in languages
        for part in module.parts
        if part.files_in(language)
    )
    _copy_data(source / DATA_FOLDER, target / DATA_FOLDER)
    return files


def write_executed(notebook: Any, target: Path) -> None:
    """Write a notebook with its outputs: `.ipynb`, or `.html` as one page that needs nothing else.

    Args:
        notebook: What was run.
        target: The file to be made; appears whole or not at all.
    """
    text = notebook_text(notebook)
    if target.suffix == ".html":
        from nbconvert import HTMLExporter  # noqa: PLC0415  slow to import, and nobody else needs it

        text, _ = HTMLExporter().from_notebook_node(notebook)  # type: ignore[no-untyped-call]
    target.parent.mkdir(parents=True, exist_ok=True)
    draft = target.with_name(f".{target.name}.partial-{os.getpid()}")
    draft.write_text(text, encoding="utf-8")
    draft.replace(target)


def notebook_text(notebook: Any) -> str:
    """Write a notebook as JSON text."""
    import nbformat  # noqa: PLC0415  slow to import

    return str(nbformat.writes(notebook)) + "\n"  # type: ignore[no-untyped-call]


def _prepare_part(module: Module, part: Part, source: Path, target: Path, *, language: LanguageId) -> LessonFile:
    files = part.files_in(language)
    assert files is not None
    notebook = read_notebook(source, files.lesson, module_id=module.id, language=language)
    fingerprint = hashlib.sha256(notebook_text(notebook).encode()).hexdigest()
    notebook.metadata[RECORD_KEY] = {
        "module": module.id,
        "part": part.id,
        "version": module.version,
        "sha256": fingerprint,
    }
    stem = Path(files.lesson).stem
    own = target / f"{stem}.ipynb"
    if _write_new(own, notebook_text(notebook)):
        return LessonFile(part=part.id, path=own, state="new")
    if fingerprint in _known_fingerprints(own, target, stem):
        return LessonFile(part=part.id, path=own, state="kept")
    newer = _free_name(target, f"{stem}, version {module.version}")
    _write_new(newer, notebook_text(notebook))
    notice = f"This lesson has a new version. Your own notebook is untouched; the new one is {newer.name}."
    return LessonFile(part=part.id, path=own, state="newer-beside", newer=newer, notice=notice)


def _write_new(path: Path, text: str) -> bool:
    """Write a file that does not exist yet, whole or not at all; says whether it did."""
    draft = path.with_name(f".{path.name}.partial-{os.getpid()}")
    draft.write_text(text, encoding="utf-8")
    try:
        os.link(draft, path, follow_symlinks=False)  # fails where anything, even a broken link, has that name
    except FileExistsError:
        return False
    finally:
        draft.unlink()
    return True


def _known_fingerprints(own: Path, target: Path, stem: str) -> set[str]:
    found = {_fingerprint(own)}
    found |= {_fingerprint(path) for path in target.glob(f"{stem}, version *.ipynb")}
    return found - {""}


def _fingerprint(path: Path) -> str:
    """Read which lesson a notebook was made from; empty if it does not say."""
    import nbformat  # noqa: PLC0415  slow to import

    try:
        metadata = nbformat.read(path, as_version=4).metadata  # type: ignore[no-untyped-call]
        return str(metadata[RECORD_KEY]["sha256"])
    except Exception:  # a learner may have put anything there
        return ""


def _free_name(target: Path, stem: str) -> Path:
    path, number = target / f"{stem}.ipynb", 2
    while os.path.lexists(path):
        path, number = target / f"{stem} ({number}).ipynb", number + 1
    return path


def _copy_data(source: Path, target: Path) -> None:
    if not source.is_dir() or target.is_symlink():
        return
    for path in sorted(source.rglob("*")):
        copy = target / path.relative_to(source)
        if path.is_symlink() or not path.is_file() or os.path.lexists(copy):
            continue
        copy.parent.mkdir(parents=True, exist_ok=True)
        draft = copy.with_name(f".{copy.name}.partial-{os.getpid()}")
        shutil.copyfile(path, draft)
        draft.replace(copy)


def _give_stable_ids(notebook: Any) -> None:
    """Name each cell by its content, so that the same lesson gives the same bytes and a changed cell a new id."""
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    seen: dict[str, int] = {}
    for cell in notebook.cells:
        digest = hashlib.sha256(f"{cell.cell_type}\0{cell.source}".encode()).hexdigest()[:16]
        seen[digest] = seen.get(digest, 0) + 1
        cell["id"] = digest if seen[digest] == 1 else f"{digest}-{seen[digest]}"
