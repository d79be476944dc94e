"""Hand each shard to a program, which takes what it wants before the shard is dropped (edge: starts a process)."""

import os
import shlex
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from sandkasse.cohort.shards import MadeShard, encode_table, part_path
from sandkasse.cohort.simulate import contract_path
from sandkasse.core.errors import InvalidInputError, UpstreamError


@dataclass(frozen=True)
class CommandConsumer:
    """Runs a program for each shard, where the shard was made.

    The program gets a folder as its last argument, with `registers/contract.yaml`,
    `registers/data/<table>/part-N.parquet` and `truth/<table>/part-N.parquet`; the folder is removed when the program
    has ended.

    Attributes:
        command: The program and its arguments.
    """

    command: tuple[str, ...]

    @classmethod
    def from_text(cls, text: str) -> "CommandConsumer":
        """Read a command as a shell's user writes it; no shell runs it.

        Raises:
            InvalidInputError: If it is empty or a quotation mark is open.
        """
        try:
            words = tuple(shlex.split(text))
        except ValueError:
            words = ()
        if not words:
            raise InvalidInputError(
                "The consumer is no command.", next_step='write it in quotes: --consumer "PROGRAM ARGUMENT"'
            )
        return cls(words)

    def __call__(self, shard: MadeShard) -> None:
        """Write the shard beside, run the program on it, and remove it.

        Raises:
            UpstreamError: If the program cannot be started or ends with an error.
        """
        with tempfile.TemporaryDirectory(prefix="sandkasse-shard-") as name:
            folder = Path(name)
            for place, tables in (("registers/data", shard.registers), ("truth", shard.truth)):
                for table, content in tables.items():
                    path = folder / place / part_path(table, shard.number)
                    path.parent.mkdir(parents=True)
                    path.write_bytes(encode_table(content))
            (folder / "registers" / "contract.yaml").write_bytes(contract_path().read_bytes())
            self._run(folder, shard.number)

    def _run(self, folder: Path, number: int) -> None:
        environment = {**os.environ, "SANDKASSE_SHARD": str(number)}
        try:
            code = subprocess.run(
                [*self.command, str(folder)], stdin=subprocess.DEVNULL, env=environment, check=False
            ).returncode
        except OSError as exc:
            raise UpstreamError(
                f"The consumer {self.command[0]!r} cannot be started: {exc.strerror}.",
                next_step="give the path of a program that every worker has",
            ) from exc
        if code:
            raise UpstreamError(
                f"The consumer ended with exit code {code} at shard {number}.",
                next_step="mend it, and give the same command again: finished shards are not made again",
            )
