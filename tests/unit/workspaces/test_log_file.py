import asyncio
from pathlib import Path

import pytest

from sandkasse.workspaces.log_file import LONGEST_BYTES, LogFile

SECRET = "Qx7-secret-token-9Zp"


def write(path, chunks: list[bytes]) -> LogFile:
    async def run() -> LogFile:
        stream = asyncio.StreamReader(limit=1 << 26)
        for chunk in chunks:
            stream.feed_data(chunk)
        stream.feed_eof()
        log = LogFile(path, secrets=(SECRET, ""))
        await log.take_from(stream)
        return log

    return asyncio.run(run())


def test_lines_are_kept_without_the_secret(tmp_path):
    log = write(tmp_path / "log", [b"one\n", f"token {SECRET} here\n".encode(), b"last"])
    assert (tmp_path / "log").read_text() == "one\ntoken [removed] here\nlast\n"
    assert log.last_line == "last"


@pytest.mark.parametrize("offset", range(48))
def test_a_secret_across_the_cut_of_an_endless_line_is_removed(tmp_path, offset):
    # The line is cut near 8 KiB and where a read ends; the secret is moved over both places.
    line = b"a" * (8192 - 24 + offset) + SECRET.encode() + b"b" * 20_000
    write(tmp_path / "log", [line[:8200], line[8200:]])
    assert SECRET.encode() not in (tmp_path / "log").read_bytes().replace(b"\n", b"")


def test_a_flood_fills_no_disk(tmp_path):
    write(tmp_path / "log", [b"x" * 1000 + b"\n"] * 5000)
    assert LONGEST_BYTES <= (tmp_path / "log").stat().st_size < LONGEST_BYTES + 10_000


def test_the_log_opens_to_its_owner_only(tmp_path):
    write(tmp_path / "run" / "log", [b"x\n"])
    assert (tmp_path / "run").stat().st_mode & 0o077 == 0


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_full_disk_loses_the_log_and_not_the_server():
    log = write(Path("/dev/full"), [b"one\n"] * 100 + [b"last words\n"])
    assert log.last_line == "last words"  # everything was read


def test_a_log_that_cannot_be_opened_is_read_all_the_same(tmp_path):
    (tmp_path / "file").write_text("in the way")
    assert write(tmp_path / "file" / "log", [b"last words\n"]).last_line == "last words"
