"""From inside a workspace's sandbox: each attack is refused there, and succeeds where the protection is off."""

import os
import socket
from pathlib import Path

import pytest

from sandkasse import workspaces

pytestmark = pytest.mark.attack

TARGETS = ("truth", "other workspace", "site database", "secrets", "logs", "solution", "git")

READ = """
import sys
try:
    print("succeeded" if open(sys.argv[1], "rb").read() is not None else "")
except OSError:
    print("refused")
"""
WRITE = """
import sys
try:
    open(sys.argv[1], "ab").write(b"x")
    print("succeeded")
except OSError:
    print("refused")
"""
REMOUNT = """
import ctypes, os, sys
folder = sys.argv[1]
libc = ctypes.CDLL(None, use_errno=True)
flags = [32 | 4096, 32, 32 | 4096 | 2]
done = [libc.mount(None, folder.encode(), None, flag, None) for flag in flags]
done.append(libc.mount(b"none", folder.encode(), b"tmpfs", 0, None))
done.append(libc.umount2(folder.encode(), 2))
try:
    open(folder + "/written", "w").close()
    print("succeeded")
except OSError:
    print("refused")
"""
NEW_NAMESPACE = """
import ctypes, sys
libc = ctypes.CDLL(None, use_errno=True)
print("succeeded" if libc.unshare(0x10000000) == 0 else "refused")
"""
SEE = """
import glob, sys
for path in glob.glob("/proc/[0-9]*/cmdline"):
    try:
        if open(path, "rb").read() == b"sleep\\0" + sys.argv[1].encode() + b"\\0":
            print("succeeded"); break
    except OSError:
        pass
else:
    print("refused")
"""
SIGNAL = """
import os, sys
try:
    os.kill(int(sys.argv[1]), 0)
    print("succeeded")
except OSError:
    print("refused")
"""
TRACE = """
import ctypes, os, sys
libc = ctypes.CDLL(None, use_errno=True)
pid = int(sys.argv[1])
done = libc.ptrace(16, pid, None, None)
if done == 0:
    os.waitpid(pid, 0x40000000)
    libc.ptrace(17, pid, None, None)
print("succeeded" if done == 0 else "refused")
"""
CONNECT = """
import socket, sys
line = socket.socket(socket.AF_UNIX)
try:
    line.connect(chr(0) + sys.argv[1])
    print("succeeded")
except OSError:
    print("refused")
"""
# Writes back what is there: a success changes nothing.
KERNEL_SETTING = """
import os
path = "/proc/sys/kernel/core_pattern"
try:
    value = open(path, "rb").read()
    os.write(os.open(path, os.O_WRONLY), value)
    print("succeeded")
except OSError:
    print("refused")
"""
OPEN_SYSRQ = """
import os
try:
    os.close(os.open("/proc/sysrq-trigger", os.O_WRONLY))
    print("succeeded")
except OSError:
    print("refused")
"""
THROUGH_PROC = """
import glob, sys
for root in glob.glob("/proc/[0-9]*/root") + glob.glob("/proc/[0-9]*/cwd") + glob.glob("/proc/[0-9]*/fd/*"):
    try:
        open(root + sys.argv[1], "rb").read()
        print("succeeded"); break
    except OSError:
        pass
else:
    print("refused")
"""
MOUNTS = """
lines = [line.split() for line in open("/proc/self/mountinfo")]
print(";".join(words[4] for words in lines if "rw" in words[5].split(",")))
"""
DEVICES = {f"/dev/{name}" for name in ("null", "zero", "full", "random", "urandom", "tty")}
INHERITED = """
import os
held = [name for name in os.listdir("/proc/self/fd") if int(name) > 2]
# One is the listing's own.
print("refused" if len(held) <= 1 else "succeeded")
"""


@pytest.mark.parametrize("target", TARGETS)
def test_the_sites_own_files_cannot_be_read(attacker, target):
    path = attacker.store.targets()[target]
    assert attacker.run(READ, path, protection="none") == "succeeded"
    assert attacker.run(READ, path) == "refused"


def test_what_is_covered_inside_what_is_shown_cannot_be_read_or_uncovered(attacker):
    path = attacker.store.covered / "lessons" / "solution.md"
    assert attacker.run(READ, path, protection="nothing covered") == "succeeded"
    assert attacker.run(READ, path) == "refused"
    uncover = (
        "import ctypes, sys; ctypes.CDLL(None).umount2(sys.argv[2].encode(), 2)\n"
        "try:\n    open(sys.argv[1]); print('succeeded')\nexcept OSError:\n    print('refused')"
    )
    assert attacker.run(uncover, path, attacker.store.covered, protection="nothing covered") == "succeeded"
    assert attacker.run(uncover, path, attacker.store.covered) == "refused"


@pytest.mark.parametrize("target", ["truth", "site database"])
def test_the_sites_own_files_cannot_be_reached_through_another_process(attacker, target):
    path = attacker.store.targets()[target]
    assert attacker.run(THROUGH_PROC, path, protection="none") == "succeeded"
    assert attacker.run(THROUGH_PROC, path) == "refused"


def test_the_clone_that_the_package_runs_from_cannot_be_read(attacker):
    clone = Path(__file__).parents[3]
    for path in (clone / "pyproject.toml", clone / "run.py", Path(__file__)):
        if attacker.run(READ, path, protection="none") != "succeeded":
            pytest.skip("this account cannot read the clone anyway")
        assert attacker.run(READ, path) == "refused"


@pytest.mark.parametrize("part", [workspaces.__file__, pytest.__file__], ids=["package", "environment"])
def test_programs_can_be_read_but_not_changed(attacker, part):
    if attacker.user:
        pytest.skip("this account's attacks run on another Python")
    may_write = "import os, sys; print('succeeded' if os.access(sys.argv[1], os.W_OK) else 'refused')"
    assert attacker.run(READ, part) == "succeeded"
    assert attacker.run(may_write, part) == "refused"
    if attacker.run(may_write, part, protection="none") == "succeeded":
        assert attacker.run(WRITE, part) == "refused"


@pytest.mark.parametrize("path", ["/etc/shadow", "/etc/ssl/private", "/etc/machine-id", "/root/.bashrc", "/var/log"])
def test_the_machines_own_files_cannot_be_seen(attacker, path):
    look = "import os, sys; print('succeeded' if os.access(sys.argv[1], os.R_OK) else 'refused')"
    if not os.path.lexists(path):
        pytest.skip(f"this machine has no {path}")
    if attacker.run(look, path, protection="none") != "succeeded":
        pytest.skip(f"this account cannot read {path} anyway")
    assert attacker.run(look, path) == "refused"


def test_own_files_and_data_are_there(attacker):
    assert attacker.run(READ, "/home/learner/mine.txt") == "succeeded"
    assert attacker.run(WRITE, "/home/learner/mine.txt") == "succeeded"
    assert attacker.run(READ, "/data/demo/table.parquet") == "succeeded"


def test_data_cannot_be_written(attacker):
    assert attacker.run(WRITE, attacker.store.dataset / "table.parquet", protection="none") == "succeeded"
    assert attacker.run(WRITE, "/data/demo/table.parquet") == "refused"
    assert attacker.run(WRITE, "/data/demo/new") == "refused"


def test_data_cannot_be_remounted_writable(attacker):
    assert attacker.run(REMOUNT, "/data/demo") == "refused"
    assert not (attacker.store.dataset / "written").exists()
    if not attacker.is_root:
        return  # the control needs root: the plain flags leave capabilities to root alone
    assert attacker.run(WRITE, "/data/demo/new", protection="plain flags") == "refused"
    assert attacker.run(REMOUNT, "/data/demo", protection="plain flags") == "succeeded"
    assert (attacker.store.dataset / "written").exists()
    (attacker.store.dataset / "written").unlink()


def test_only_the_own_folder_and_scratch_are_mounted_writable(attacker):
    lines = attacker.run(MOUNTS).split(";")
    assert set(lines) <= {"/home/learner", "/tmp", "/dev", "/dev/shm", "/dev/pts", *DEVICES}
    assert "/home/learner" in lines


@pytest.mark.parametrize("path", ["/usr/bin/new", "/etc/passwd", "/new", "/data/new"])
def test_nothing_of_the_machine_can_be_written(attacker, path):
    assert attacker.run(WRITE, path) == "refused"


def test_no_new_user_namespace(attacker):
    if attacker.run(NEW_NAMESPACE, protection="none") != "succeeded":
        pytest.skip("this kernel gives this account no user namespace anyway")
    assert attacker.run(NEW_NAMESPACE) == "refused"


def test_other_processes_cannot_be_seen(attacker):
    victim = attacker.spawn("sleep", "57.0625")
    try:
        assert attacker.run(SEE, "57.0625", protection="none") == "succeeded"
        assert attacker.run(SEE, "57.0625") == "refused"
    finally:
        victim.kill()
        victim.wait()


@pytest.mark.parametrize("code", [SIGNAL, TRACE], ids=["signal", "trace"])
def test_other_processes_cannot_be_touched(attacker, code):
    victim = attacker.spawn("sleep", "58")
    try:
        control = attacker.run(code, victim.pid, protection="none")
        assert attacker.run(code, victim.pid) == "refused"
        if control != "succeeded":
            pytest.skip("this kernel refuses it to this account anyway")
    finally:
        victim.kill()
        victim.wait()


def test_abstract_sockets_of_the_machine_cannot_be_reached(attacker):
    name = f"sandkasse-attack-{os.getpid()}"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("\0" + name)
        listener.listen()
        assert attacker.run(CONNECT, name, protection="none") == "succeeded"
        got = attacker.run(CONNECT, name)
    if got == "succeeded" and not _kernel_scopes_sockets():
        pytest.skip("this kernel is older than Linux 6.12: abstract sockets stay in reach, as the documentation says")
    assert got == "refused"


def _kernel_scopes_sockets() -> bool:
    release = os.uname().release.split(".")
    return (int(release[0]), int(release[1])) >= (6, 12)


@pytest.mark.parametrize("code", [KERNEL_SETTING, OPEN_SYSRQ], ids=["core_pattern", "sysrq"])
def test_kernel_settings_cannot_be_written(attacker, code):
    control = attacker.run(code, protection="none")
    assert attacker.run(code) == "refused"
    if control != "succeeded":
        pytest.skip("this account cannot do it outside either")


def test_nothing_open_is_inherited(attacker):
    assert attacker.run(INHERITED) == "refused"
