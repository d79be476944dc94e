"""The site's grading key: made once, readable by the site's owner only (edge)."""

import os
import secrets
from contextlib import suppress
from pathlib import Path

from sandkasse.core.errors import UpstreamError

KEY_FILE = "grading.key"
KEY_BYTES = 32


def read_grading_key(folder: Path) -> bytes:
    """Read the key that decides secret halves and rounding; make it on the first call.

    Two processes that make it at once end up with the same key.

    Args:
        folder: The site's secrets.

    Raises:
        UpstreamError: If the file is not a key.
    """
    path = folder / KEY_FILE
    if not path.is_file():
        _make_key(path)
    key = path.read_bytes()
    if len(key) != KEY_BYTES:
        raise UpstreamError(
            f"The site's grading key has {len(key)} bytes instead of {KEY_BYTES}.",
            next_step="put the key back from the backup; a new one would move every mark",
        )
    return key


def _make_key(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = path.with_name(f".{path.name}.partial-{os.getpid()}-{secrets.token_hex(4)}")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(secrets.token_bytes(KEY_BYTES))
            file.flush()
            os.fsync(file.fileno())
        # A link fails where the key exists already: whoever comes second reads the first one's key.
        with suppress(FileExistsError):
            os.link(draft, path)
    finally:
        draft.unlink()
