"""Credentials of a cluster that we start ourselves: whoever reaches the scheduler without them is turned away.

A Dask scheduler runs the code that it is sent. Without mutual TLS, everybody who reaches its port, any user of the same
machine included, could run code as the user who started it.
"""

import subprocess
from pathlib import Path
from typing import Any

from distributed.security import Security

from sandkasse.core.errors import UpstreamError

_DAYS = "30"


def make_credentials(folder: Path) -> Security:
    """Make a key and a certificate that signs itself, for scheduler, workers and client of one cluster.

    Args:
        folder: An existing folder that every worker reaches; the files in it are readable by their owner only.

    Raises:
        UpstreamError: If the `openssl` program is missing or fails.
    """
    key, certificate = folder / "cluster.key", folder / "cluster.crt"
    key.touch(mode=0o600)
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    command += ["-keyout", str(key), "-out", str(certificate), "-days", _DAYS, "-subj", "/CN=sandkasse"]
    try:
        subprocess.run(command, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError) as exc:
        raise UpstreamError(
            "The openssl program, which makes the cluster's credentials, is missing or failed.",
            next_step="install openssl, or use --engine local",
        ) from exc
    roles = {f"tls_{role}_{kind}": str(path) for role in _ROLES for kind, path in (("key", key), ("cert", certificate))}
    make: Any = Security
    secured: Security = make(tls_ca_file=str(certificate), require_encryption=True, **roles)
    return secured


_ROLES = ("client", "scheduler", "worker")
