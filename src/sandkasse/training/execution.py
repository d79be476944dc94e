"""Runs a lesson from top to bottom in a kernel of its own, without a portal (edge)."""

import os
import re
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sandkasse.core.errors import ModuleInvalidError, UpstreamError, error_classes
from sandkasse.core.settings import (
    BINDINGS_VARIABLE,
    CONTENT_VARIABLE,
    HOME_VARIABLE,
    MODULE_VARIABLE,
    PORTAL_VARIABLE,
    TOKEN_VARIABLE,
    Settings,
)
from sandkasse.training.languages import LANGUAGES, LanguageId
from sandkasse.training.lessons import DATA_FOLDER
from sandkasse.training.verdict import Verdict

VERDICT_MIME = "application/vnd.sandkasse.verdict+json"
OFFLINE = "offline"
CELL_TIMEOUT_S = 600
KERNEL_START_S = 120
ABOUT_NAMES = {"NameError", "AttributeError", "ImportError", "ModuleNotFoundError", "SyntaxError", "IndentationError"}
# R names no kinds of errors; these messages of its own speak of names, and Sandkasse's own end with a next step.
R_ABOUT_NAMES = re.compile(r"could not find function|object '[\w.]+' not found|there is no package called|\nnext: ")


@dataclass(frozen=True)
class Executed:
    """A notebook that ran to its end.

    Attributes:
        notebook: The notebook with its outputs.
        verdicts: What its checks said, in their order.
    """

    notebook: Any
    verdicts: tuple[Verdict, ...]


@contextmanager
def lesson_folder(source: Path) -> Iterator[Path]:
    """Give a temporary folder like the learner's: the module's data files, and nothing else of the module."""
    with tempfile.TemporaryDirectory(prefix="sandkasse-lesson-") as name:
        folder = Path(name)
        if (source / DATA_FOLDER).is_dir():
            shutil.copytree(source / DATA_FOLDER, folder / DATA_FOLDER, symlinks=True)
        yield folder


def offline_environment(settings: Settings, module_id: str, environment: Mapping[str, str]) -> dict[str, str]:
    """Make the environment of a kernel that grades by itself, from the truth in the store of `settings`.

    Args:
        settings: Where datasets, truth and modules lie.
        module_id: Whose lesson it is.
        environment: What else the kernel sees; Sandkasse's own variables are replaced.
    """
    own = {HOME_VARIABLE, CONTENT_VARIABLE, MODULE_VARIABLE, PORTAL_VARIABLE, TOKEN_VARIABLE, BINDINGS_VARIABLE}
    kept = {name: value for name, value in environment.items() if name not in own}
    return {
        **kept,
        HOME_VARIABLE: str(settings.home),
        CONTENT_VARIABLE: str(settings.content),
        MODULE_VARIABLE: module_id,
        PORTAL_VARIABLE: OFFLINE,
    }


def execute_notebook(
    notebook: Any, folder: Path, *, name: str, environment: Mapping[str, str], language: LanguageId = "python"
) -> Executed:
    """Run a notebook in a kernel of its own.

    Args:
        notebook: What to run; it is given its outputs.
        folder: The folder in which it runs.
        name: What to call it in messages.
        environment: The kernel's whole environment.
        language: Of its code.

    Raises:
        ModuleInvalidError: If a cell fails or takes too long; names the cell and the error, without its values.
        UpstreamError: If no kernel starts.
    """
    from nbclient import NotebookClient  # noqa: PLC0415  slow to import, and nobody else needs it
    from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError  # noqa: PLC0415
    from traitlets.config import Config  # noqa: PLC0415

    with tempfile.TemporaryDirectory(prefix="sk-") as private:
        # Sockets in a folder of this user's own instead of open ports: nobody else on the machine can listen in.
        sockets = {"transport": "ipc", "connection_file": f"{private}/kernel.json"}
        client = NotebookClient(
            notebook,
            km=_kernel_manager(language, Config({"KernelManager": sockets})),
            timeout=CELL_TIMEOUT_S,
            startup_timeout=KERNEL_START_S,
            resources={"metadata": {"path": str(folder)}},
        )
        client.owns_km = True  # so that it ends the kernel
        try:
            client.execute(env=dict(environment))
        except CellExecutionError as exc:
            raise _cell_failed(notebook, name, _without_values(str(exc.ename), str(exc.evalue))) from None
        except CellTimeoutError as exc:
            raise _cell_failed(notebook, name, f"no end within {CELL_TIMEOUT_S} s") from exc
        except (DeadKernelError, RuntimeError, OSError) as exc:
            raise UpstreamError(
                f"The {LANGUAGES[language].title} kernel for {name} did not start, or died.",
                next_step="see whether the machine has memory left",
            ) from exc
    return Executed(notebook=notebook, verdicts=_collect_verdicts(notebook))


def read_environment() -> dict[str, str]:
    """Copy this process's environment for a kernel."""
    return dict(os.environ)


def _kernel_manager(language: LanguageId, config: Any) -> Any:
    from jupyter_client.kernelspec import KernelSpecManager  # noqa: PLC0415  slow to import
    from jupyter_client.manager import AsyncKernelManager  # noqa: PLC0415

    written = LANGUAGES[language]
    kernels = KernelSpecManager()
    if written.kernels_folder is not None:
        kernels.kernel_dirs = [str(written.kernels_folder)]
    return AsyncKernelManager(kernel_name=written.kernel["name"], kernel_spec_manager=kernels, config=config)


def _collect_verdicts(notebook: Any) -> tuple[Verdict, ...]:
    found = []
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            data = output.get("data", {})
            if VERDICT_MIME in data:
                told = data[VERDICT_MIME]  # Python's kernel shows an object, R's its text
                found.append(Verdict.from_json(told.encode() if isinstance(told, str) else told))
    return tuple(found)


def _without_values(kind: str, message: str) -> str:
    """Tell a cell's error; its message only where it speaks of names and not of data."""
    own = {error.__name__ for error in error_classes()}
    if message and (kind in own | ABOUT_NAMES or R_ABOUT_NAMES.search(message)):
        return f"{kind}: {message.splitlines()[0]}"
    return kind


def _cell_failed(notebook: Any, name: str, why: str) -> ModuleInvalidError:
    number = sum(1 for cell in notebook.cells if cell.get("execution_count"))
    place = f"its code cell {max(1, number)}"
    return ModuleInvalidError(f"{name} does not run to its end: {place} gives {why}", next_step="mend the cell")
