"""A dataset appears whole or not at all, whatever happens while it is written."""

import errno
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pytest

from sandkasse.catalogue import partial
from sandkasse.catalogue.card import CardDraft
from sandkasse.catalogue.store import Store, version_key
from sandkasse.core.errors import (
    ContractViolationError,
    InvalidInputError,
    StorageFullError,
    StoreInUseError,
    UpstreamError,
)

Make = Callable[..., CardDraft]
Write = Callable[..., None]


def left_over(store: Store) -> list[str]:
    """What lies in the site's folder."""
    site = store._site
    return sorted(path.relative_to(site).as_posix() for path in site.rglob("*"))


def test_a_published_dataset_is_there_and_read_only(store: Store, make_draft: Make, write: Write) -> None:
    card = store.publish(make_draft(), write)
    files = [path for path in store.folder(card).rglob("*") if path.is_file()]
    assert len(files) == 3
    assert all(path.stat().st_mode & 0o222 == 0 for path in files)
    assert not [path for path in left_over(store) if ".partial-" in path]


@pytest.mark.parametrize("failure", [RuntimeError("x"), KeyboardInterrupt(), MemoryError(), SystemExit(1)])
def test_an_error_in_the_writer_leaves_nothing(
    store: Store, make_draft: Make, write: Write, failure: BaseException
) -> None:
    def fail(folder: Path) -> None:
        write(folder)
        raise failure

    with pytest.raises(type(failure)):
        store.publish(make_draft(), fail)
    assert left_over(store) == ["small"]
    assert store.list() == ()


@pytest.mark.parametrize(
    "failure",
    [
        OSError(errno.ENOSPC, "No space left on device"),
        OSError(errno.EDQUOT, "Disk quota exceeded"),
        RuntimeError("IO Error: could not write: No space left on device"),
    ],
)
def test_a_full_disk_leaves_nothing_and_says_so(
    store: Store, make_draft: Make, write: Write, failure: Exception
) -> None:
    def fail(folder: Path) -> None:
        write(folder)
        raise ValueError("wrapped") from failure

    with pytest.raises(StorageFullError):
        store.publish(make_draft(), fail)
    assert left_over(store) == ["small"]


def test_an_error_that_is_no_full_disk_stays_itself(store: Store, make_draft: Make) -> None:
    def fail(_folder: Path) -> None:
        raise OSError(errno.EIO, "Input/output error")

    with pytest.raises(OSError, match="Input/output"):
        store.publish(make_draft(), fail)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="mounting a small disk takes root")
def test_a_really_full_disk_leaves_nothing(tmp_path: Path, make_draft: Make, write: Write) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(disk)], check=False, capture_output=True
    )
    if mounted.returncode:
        pytest.skip("this machine does not let root mount a tmpfs")
    try:
        store = Store(disk / "site", tmp_path / "shipped")
        many = pa.table(
            {"pnr": [os.urandom(16).hex() for _ in range(40_000)], "koen": pa.array([1] * 40_000, pa.int8())}
        )
        with pytest.raises(StorageFullError):
            store.publish(make_draft(), lambda folder: write(folder, many))
        assert left_over(store) == ["small"]
        assert store.publish(make_draft(), write).rows == {"bef": 3}
    finally:
        subprocess.run(["umount", str(disk)], check=True)


def test_data_that_break_their_contract_are_not_published(store: Store, make_draft: Make, write: Write) -> None:
    wrong = pa.table({"pnr": ["secret-person", "b"], "koen": pa.array([1, 7], pa.int8())})
    with pytest.raises(ContractViolationError) as caught:
        store.publish(make_draft(), lambda folder: write(folder, wrong))
    assert "secret-person" not in str(caught.value)
    assert left_over(store) == ["small"]


def test_a_version_is_published_once(store: Store, make_draft: Make, write: Write) -> None:
    store.publish(make_draft(), write)
    before = left_over(store)
    with pytest.raises(InvalidInputError, match="never change"):
        store.publish(make_draft(title="Changed"), write)
    assert left_over(store) == before
    assert store.card("small").title == "A small <dataset>"


def test_a_version_that_appears_meanwhile_is_not_overwritten(
    store: Store, make_draft: Make, write: Write, tmp_path: Path
) -> None:
    def write_slowly(folder: Path) -> None:
        write(folder)
        (tmp_path / "site" / "small" / "1.0.0").mkdir()

    with pytest.raises(InvalidInputError, match="never change"):
        store.publish(make_draft(), write_slowly)
    assert left_over(store) == ["small", "small/1.0.0"]


def test_the_newest_version_is_the_one_that_is_listed(store: Store, make_draft: Make, write: Write) -> None:
    for version in ("1.9.0", "1.10.0", "1.10.0-rc1"):
        store.publish(make_draft(version=version), write)
    assert [card.version for card in store.list()] == ["1.10.0"]
    assert [card.version for card in store.versions("small")] == ["1.10.0", "1.10.0-rc1", "1.9.0"]


def test_versions_are_ordered_as_numbers() -> None:
    ordered = ["0.9", "1.0.0-alpha", "1.0.0-rc.2", "1.0.0", "1.0.1", "1.2", "1.10", "2"]
    assert sorted([*ordered[4:], *ordered[:4]], key=version_key) == ordered


def test_a_shipped_id_cannot_be_taken(store: Store, make_draft: Make, write: Write, tmp_path: Path) -> None:
    (tmp_path / "shipped" / "small").mkdir(parents=True)
    with pytest.raises(InvalidInputError, match="comes with the software"):
        store.publish(make_draft(), write)


def _extra(folder: Path) -> None:
    (folder / "notes.txt").write_text("x")


def _no_parquet(folder: Path) -> None:
    (folder / "data" / "bef.parquet").write_text("pnr\n1\n")


def _link(folder: Path) -> None:
    (folder / "data" / "bef.parquet").rename(folder.parent / "outside.parquet")
    (folder / "data" / "bef.parquet").symlink_to(folder.parent / "outside.parquet")


def _linked_folder(folder: Path) -> None:
    (folder / "data").rename(folder.parent / "outside")
    (folder / "data").symlink_to(folder.parent / "outside")


def _hidden(folder: Path) -> None:
    (folder / "data" / ".bef.parquet").write_bytes(b"x")


def _no_contract(folder: Path) -> None:
    (folder / "contract.yaml").unlink()


def _no_data(folder: Path) -> None:
    (folder / "data" / "bef.parquet").unlink()


@pytest.mark.parametrize("harm", [_extra, _no_parquet, _link, _linked_folder, _hidden, _no_contract, _no_data])
def test_what_is_no_dataset_is_not_published(
    store: Store, make_draft: Make, write: Write, harm: Callable[[Path], None]
) -> None:
    def write_harmed(folder: Path) -> None:
        write(folder)
        harm(folder)

    with pytest.raises(InvalidInputError):
        store.publish(make_draft(), write_harmed)
    assert store.list() == ()
    assert not [path for path in left_over(store) if ".partial-" in path]


def test_two_publishers_of_one_dataset_do_not_meet(store: Store, make_draft: Make, write: Write) -> None:
    def publish_inside(folder: Path) -> None:
        write(folder)
        with pytest.raises(StoreInUseError):
            store.publish(make_draft(version="2.0.0"), write)

    store.publish(make_draft(), publish_inside)
    assert [card.version for card in store.versions("small")] == ["1.0.0"]


KILLED = """
import sys, time
from pathlib import Path
from sandkasse.catalogue.partial import partial_folder
with partial_folder(Path(sys.argv[1]) / "small" / "1.0.0") as folder:
    (folder / "data").mkdir()
    (folder / "data" / "bef.parquet").write_bytes(b"half")
    print("ready", flush=True)
    time.sleep(60)
"""


def test_a_killed_publisher_leaves_no_dataset_and_the_next_one_sweeps(
    store: Store, make_draft: Make, write: Write, tmp_path: Path
) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", KILLED, str(tmp_path / "site")], stdout=subprocess.PIPE, text=True
    ) as publisher:
        assert publisher.stdout is not None
        assert publisher.stdout.readline() == "ready\n"
        assert store.sweep() == 0, "a folder that is being written must not be swept"
        publisher.send_signal(signal.SIGKILL)
    assert [path for path in left_over(store) if ".partial-" in path]
    assert store.list() == ()
    assert store.faults() == ()
    store.publish(make_draft(), write)
    assert not [path for path in left_over(store) if ".partial-" in path]


def test_sweeping_removes_what_a_crash_left(store: Store, tmp_path: Path) -> None:
    (tmp_path / "site" / "small" / ".1.0.0.partial-00" / "data").mkdir(parents=True)
    assert store.sweep() == 1
    assert left_over(store) == ["small"]


def test_everything_is_flushed_before_the_rename(
    store: Store, make_draft: Make, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    flushed: list[str] = []
    real = os.fsync

    def record(descriptor: int) -> None:
        flushed.append(os.readlink(f"/proc/self/fd/{descriptor}"))
        real(descriptor)

    if not Path("/proc/self/fd").is_dir():
        pytest.skip("needs /proc to see what was flushed")
    monkeypatch.setattr(partial.os, "fsync", record)
    store.publish(make_draft(), write)
    names = [Path(path).name for path in flushed]
    assert names.index("card.yaml") < names.index("small")
    assert {"card.yaml", "contract.yaml", "bef.parquet", "data"} <= set(names)
    assert names[-1] == "small", "the parent's entry comes last"


def test_a_place_that_may_not_be_written_is_said_so(
    store: Store, make_draft: Make, write: Write, tmp_path: Path
) -> None:
    (tmp_path / "site").write_text("a file where the folder should be")
    with pytest.raises(UpstreamError, match="may not write"):
        store.publish(make_draft(), write)


RACING = """
import sys
from pathlib import Path
from sandkasse.catalogue.partial import partial_folder
from sandkasse.core.errors import StoreInUseError
won = 0
for number in range(int(sys.argv[2]), 400, 2):
    try:
        with partial_folder(Path(sys.argv[1]) / f"{number}.0.0") as folder:
            others = [p for p in Path(sys.argv[1]).glob(".*.partial-*") if p != folder]
            assert others == [], others
            won += 1
    except StoreInUseError:
        pass
print(won)
"""


def test_racing_writers_never_meet_and_leave_no_lock(tmp_path: Path) -> None:
    """Two processes race for 400 folders: at no moment are there two half-written ones."""
    racers = [
        subprocess.Popen(
            [sys.executable, "-c", RACING, str(tmp_path / "small"), str(first)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for first in (0, 1)
    ]
    told = [racer.communicate(timeout=120) for racer in racers]
    assert [racer.returncode for racer in racers] == [0, 0], told
    made = [path.name for path in (tmp_path / "small").iterdir()]
    assert not [name for name in made if name.startswith(".")]
    assert len(made) == sum(int(out) for out, _ in told) > 0
