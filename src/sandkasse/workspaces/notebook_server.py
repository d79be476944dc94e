"""How one JupyterLab is started: its command line, which holds no secret, and its whole environment, which does."""

import json
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote, urlencode

from sandkasse.core.r_language import KERNELS_FOLDER, find_r
from sandkasse.core.settings import BINDINGS_VARIABLE, MODULE_VARIABLE, PORTAL_VARIABLE, TOKEN_VARIABLE
from sandkasse.workspaces.inside import Limits
from sandkasse.workspaces.launcher import WorkspaceRequest
from sandkasse.workspaces.sandbox import DATA_ROOT, LEARNER_HOME, Interpreter, View

# Notebooks and portal never share an origin: the portal is at 127.0.0.1, notebooks at localhost.
NOTEBOOK_HOST = "localhost"
CONFIGURATION = Path(__file__).resolve().parent / "jupyter"
JUPYTER_TOKEN_VARIABLE = "JUPYTER_TOKEN"  # noqa: S105  the variable's name, not a token
_PATH_INSIDE = "/usr/bin:/bin"
_TEMPORARY = Path("/tmp")  # noqa: S108  the sandbox's own, empty at every start
# What practice mode takes over from the machine; the sandbox takes nothing.
_PASSED_ON = ("LANG", "LC_ALL", "PATH", "SYSTEMROOT", "TEMP", "TMP", "TMPDIR", "TZ")


@dataclass(frozen=True)
class Address:
    """Where one server answers, and to whom.

    Attributes:
        port: Its own port.
        base_url: Its own random path, so that cookies, which ignore ports, stay apart.
        token: What its user must show; in the environment and in one redirect, nowhere else.
    """

    port: int
    base_url: str
    token: str = field(repr=False)

    def to_url(self, open_path: str | None) -> str:
        """Give the address that opens JupyterLab, with the token in it."""
        path = f"lab/tree/{quote(open_path)}" if open_path else "lab"
        return f"http://{NOTEBOOK_HOST}:{self.port}{self.base_url}{path}?{urlencode({'token': self.token})}"


@dataclass(frozen=True)
class Places:
    """Where a server finds its things, as it sees them itself.

    Attributes:
        own: The learner's folder.
        temporary: For sockets and scratch; not kept.
        datasets: Dataset id to folder.
    """

    own: Path
    temporary: Path
    datasets: Mapping[str, Path]


def draw_address(port: int) -> Address:
    """Draw a random path and token for a server on this port."""
    return Address(port=port, base_url=f"/{secrets.token_hex(8)}/", token=secrets.token_urlsafe(32))


def places_in_sandbox(request: WorkspaceRequest) -> Places:
    """Say where things are for a server inside the sandbox."""
    return Places(LEARNER_HOME, _TEMPORARY, {name: DATA_ROOT / name for name in request.datasets})


def find_kernels(*, is_isolated: bool, outside: Mapping[str, str]) -> Path | None:
    """Find the folder with the R kernel that knows Sandkasse, where R is there for it.

    Args:
        is_isolated: Whether it is for a sandbox, which shows of the machine's programs those below `/usr`.
        outside: The machine's environment.
    """
    r = find_r({"PATH": _PATH_INSIDE} if is_isolated else outside)
    is_seen = r.home is not None and (not is_isolated or r.home.resolve().is_relative_to("/usr"))
    return KERNELS_FOLDER.parent if r.is_usable and is_seen else None


def plan_view(
    request: WorkspaceRequest,
    address: Address,
    *,
    hidden: tuple[Path, ...],
    executable: Path,
    kernels: Path | None = None,
) -> View:
    """Plan what a workspace sees of the machine.

    Args:
        request: The workspace.
        address: Where it answers.
        hidden: Folders to cover wherever something above them is shown.
        executable: The interpreter that runs inside.
        kernels: Where kernels beside Python's are found.
    """
    environment = {
        **plan_environment(request, address, places_in_sandbox(request), kernels=kernels),
        "PATH": f"{executable.parent}:{_PATH_INSIDE}",
        "LANG": "C.UTF-8",
        "USER": "learner",
        "LOGNAME": "learner",
        "SHELL": "/bin/bash",
    }
    return View(own=request.folder, datasets=request.datasets, hidden=hidden, environment=environment)


def plan_practice_environment(
    request: WorkspaceRequest,
    address: Address,
    places: Places,
    *,
    outside: Mapping[str, str],
    kernels: Path | None = None,
) -> dict[str, str]:
    """Plan the environment of a server that nothing isolates: ours, and a few variables of the machine's."""
    passed_on = {name: outside[name] for name in _PASSED_ON if name in outside}
    return {**passed_on, **plan_environment(request, address, places, kernels=kernels)}


def plan_environment(
    request: WorkspaceRequest, address: Address, places: Places, *, kernels: Path | None = None
) -> dict[str, str]:
    """Plan the variables that every notebook server has; two of them are secret."""
    own, temporary = places.own, places.temporary
    folders = {
        "HOME": own,
        # Server configuration that a learner's code left behind is not read: the folder is new at every start.
        "JUPYTER_CONFIG_DIR": temporary / "jupyter-config",
        "JUPYTER_CONFIG_PATH": CONFIGURATION,
        "JUPYTER_RUNTIME_DIR": temporary / "jupyter-runtime",
        "JUPYTER_DATA_DIR": own / ".local" / "share" / "jupyter",
        "JUPYTERLAB_SETTINGS_DIR": own / ".jupyter" / "lab" / "user-settings",
        "JUPYTERLAB_WORKSPACES_DIR": own / ".jupyter" / "lab" / "workspaces",
        "IPYTHONDIR": own / ".ipython",
        "NUMBA_CACHE_DIR": temporary / "numba",
        "XDG_CACHE_HOME": temporary / "cache",
    }
    if kernels is not None:
        # Goes before the learner's own and the machine's kernels.
        folders["JUPYTER_PATH"] = kernels
    bindings = {contract: str(places.datasets[dataset]) for contract, dataset in request.bindings.items()}
    return {
        **{name: str(folder) for name, folder in folders.items()},
        "PYTHONNOUSERSITE": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
        PORTAL_VARIABLE: request.portal_url,
        MODULE_VARIABLE: request.module_id,
        BINDINGS_VARIABLE: json.dumps(bindings),
        TOKEN_VARIABLE: request.portal_token,
        JUPYTER_TOKEN_VARIABLE: address.token,
    }


def plan_command(
    address: Address, *, interpreter: Interpreter, limits: Limits, root: Path, idle_s: float, is_isolated: bool
) -> list[str]:
    """Plan the command line; everybody on the machine may read it.

    Args:
        address: Where the server shall answer.
        interpreter: The Python to run.
        limits: What one process may use.
        root: The folder that JupyterLab shows.
        idle_s: Seconds without activity after which the server ends by itself.
        is_isolated: Whether it runs inside the sandbox.
    """
    python = str(interpreter.executable)
    # -P: a learner's file named like a library (random.py) must not keep the server from starting.
    command = [python, "-P", "-m", "sandkasse.workspaces.inside", limits.to_json(), python, "-P", "-m", "jupyterlab"]
    options: dict[str, object] = {
        "ServerApp.ip": NOTEBOOK_HOST,  # both families: nobody else can take the other one's port
        "ServerApp.port": address.port,
        "ServerApp.port_retries": 0,
        "ServerApp.base_url": address.base_url,
        "ServerApp.root_dir": root,
        "ServerApp.shutdown_no_activity_timeout": round(idle_s),
    }
    if is_isolated:
        # Kernels speak over sockets in the sandbox's own /tmp; on TCP any local process could read their output.
        options["KernelManager.transport"] = "ipc"
    elif hasattr(os, "geteuid") and os.geteuid() == 0:
        options["ServerApp.allow_root"] = True
    return command + [f"--{name}={value}" for name, value in options.items()]
