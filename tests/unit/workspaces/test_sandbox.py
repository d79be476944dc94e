from pathlib import Path

import pytest

from sandkasse.workspaces.sandbox import Interpreter, View, current_interpreter, plan_sandbox


def plan(tmp_path: Path, *, shown: tuple[Path, ...] = (), hidden: tuple[Path, ...] = ()) -> list[str]:
    for folder in (*shown, *hidden):
        folder.mkdir(parents=True, exist_ok=True)
    view = View(tmp_path / "own", {"demo": tmp_path / "data"}, hidden, {"JUPYTER_TOKEN": "secret"})
    return plan_sandbox(view, Interpreter(Path("/usr/bin/python3"), shown))


def mounts(words: list[str]) -> list[tuple[str, str]]:
    """Give (kind, place) of every mount, in order."""
    found = []
    for index, word in enumerate(words):
        if word in {"--bind", "--ro-bind"}:
            found.append((word, words[index + 2]))
        if word in {"--tmpfs", "--remount-ro"}:
            found.append((word, words[index + 1]))
    return found


def test_one_folder_alone_is_writable(tmp_path):
    words = plan(tmp_path, shown=(tmp_path / "environment",))
    assert [place for kind, place in mounts(words) if kind == "--bind"] == ["/home/learner"]
    assert "--dev-bind" not in words
    assert "/etc" not in words


@pytest.mark.parametrize(
    "flag",
    [
        "--unshare-user",
        "--unshare-pid",
        "--unshare-ipc",
        "--disable-userns",
        "--clearenv",
        "--die-with-parent",
        "--new-session",
    ],
)
def test_every_separation_is_asked_for(tmp_path, flag):
    assert flag in plan(tmp_path)


def test_what_is_hidden_inside_what_is_shown_is_covered_and_sealed(tmp_path):
    environment = tmp_path / "environment"
    words = plan(tmp_path, shown=(environment,), hidden=(environment / "share" / "lessons",))
    order = mounts(words)
    cover = ("--tmpfs", str(environment / "share" / "lessons"))
    assert order.index(("--ro-bind", str(environment))) < order.index(cover)
    assert order.index(cover) < order.index(("--remount-ro", cover[1]))


def test_what_is_shown_inside_what_is_hidden_is_seen(tmp_path):
    clone = tmp_path / "usr" / "clone"
    words = plan(tmp_path, shown=(tmp_path / "usr", clone / ".venv"), hidden=(clone,))
    order = mounts(words)
    assert order.index(("--tmpfs", str(clone))) < order.index(("--ro-bind", str(clone / ".venv")))


def test_what_is_hidden_outside_what_is_shown_is_not_even_named(tmp_path):
    words = plan(tmp_path, shown=(tmp_path / "environment",), hidden=(tmp_path / "store",))
    assert str(tmp_path / "store") not in words


def test_kernel_settings_are_sealed_after_they_are_mounted(tmp_path):
    words = plan(tmp_path)
    assert words.index("--proc") < words.index("--remount-ro")
    assert ("--remount-ro", "/proc") in mounts(words)
    assert ("--remount-ro", "/") in mounts(words)


def test_the_interpreter_is_shown_wherever_it_lies():
    ours = current_interpreter()
    assert any(ours.executable.is_relative_to(folder) for folder in ours.shown)
    real = ours.executable.resolve()
    assert real.is_relative_to("/usr") or any(real.is_relative_to(folder) for folder in ours.shown)
    assert Path(__file__).parents[3] not in ours.shown
