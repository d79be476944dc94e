"""The log of one notebook server: bounded, and without the tokens that its user could print (edge)."""

import asyncio
from contextlib import suppress
from io import BytesIO
from pathlib import Path
from typing import IO

LONGEST_BYTES = 1 << 20  # our choice: enough to find a fault, too little to fill a disk
_CHUNK_BYTES = 1 << 16
_LONGEST_LINE_BYTES = 8192


class LogFile:
    """Takes a server's output line by line.

    Args:
        path: The file; made anew.
        secrets: Texts that must not appear in it.
    """

    def __init__(self, path: Path, *, secrets: tuple[str, ...]) -> None:
        self._path = path
        self._secrets = tuple(secret.encode() for secret in secrets if secret)
        self._written = 0
        self.last_line = ""

    async def take_from(self, stream: asyncio.StreamReader) -> None:
        """Write what comes until the stream ends; what cannot be written, or is too much, is read and forgotten.

        A server whose output nobody reads stops; one whose log is lost does not.
        """
        held = b""
        with self._open() as file:
            while chunk := await stream.read(_CHUNK_BYTES):
                *lines, held = (held + chunk).split(b"\n")
                for line in lines:
                    self._write(file, line)
                if len(held) > _LONGEST_LINE_BYTES:
                    held = self._write_part(file, held)
            if held:
                self._write(file, held)

    def _open(self) -> IO[bytes]:
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            return self._path.open("wb", buffering=0)
        except OSError:
            return BytesIO()

    def _write_part(self, file: IO[bytes], held: bytes) -> bytes:
        """Write an endless line's beginning; its last bytes stay, for a secret may lie across the cut."""
        keep = max((len(secret) for secret in self._secrets), default=1)
        clean = self._scrub(held)
        self._write(file, clean[:-keep])
        return clean[-keep:]

    def _write(self, file: IO[bytes], line: bytes) -> None:
        clean = self._scrub(line)
        if clean.strip():
            self.last_line = clean.decode("utf-8", "replace").strip()[-300:]
        if self._written < LONGEST_BYTES:
            self._written += len(clean) + 1
            with suppress(OSError):  # the disk is full
                file.write(clean + b"\n")

    def _scrub(self, line: bytes) -> bytes:
        for secret in self._secrets:
            line = line.replace(secret, b"[removed]")
        return line
