import threading
from datetime import timedelta

import pytest
from sqlalchemy import text

from sandkasse.core.database import transaction
from sandkasse.core.errors import InvalidInputError
from sandkasse.people import tokens

HOUR = timedelta(hours=1)


def make_token(engine, clock, *, kind="session", **facts):
    with transaction(engine) as db:
        return tokens.issue(db, kind=kind, user_id="laptop", clock=clock, lifetime=HOUR, **facts)


def find_token(engine, clock, secret, *, kind="session"):
    with transaction(engine) as db:
        return tokens.find(db, secret, kind=kind, clock=clock)


def test_a_valid_token_tells_what_it_opens(engine, clock):
    secret = make_token(engine, clock, kind="workspace", module_id="who-has-diabetes", workspace_id="w1")
    found = find_token(engine, clock, secret, kind="workspace")
    assert (found.user_id, found.module_id, found.workspace_id) == ("laptop", "who-has-diabetes", "w1")
    assert found.expires_at == clock() + HOUR


def test_the_secret_is_nowhere_in_the_database(engine, clock, tmp_path):
    secret = make_token(engine, clock)
    with transaction(engine) as db:
        rows = [str(tuple(row)) for row in db.execute(text("SELECT * FROM tokens"))]
    assert rows
    assert all(secret not in row for row in rows)
    files = b"".join(path.read_bytes() for path in tmp_path.glob("site.db*"))
    assert secret.encode() not in files


@pytest.mark.parametrize("kind", ["sign-in", "session", "workspace"])
def test_one_kind_never_passes_for_another(engine, clock, kind):
    secret = make_token(engine, clock, kind=kind, workspace_id="w1")
    for other in {"sign-in", "session", "workspace"} - {kind}:
        assert find_token(engine, clock, secret, kind=other) is None
    assert find_token(engine, clock, secret, kind=kind) is not None


def test_a_token_ends_when_its_lifetime_does(engine, clock):
    secret = make_token(engine, clock)
    clock.advance(HOUR - timedelta(seconds=1))
    assert find_token(engine, clock, secret) is not None
    clock.advance(timedelta(seconds=1))
    assert find_token(engine, clock, secret) is None


def test_a_sign_in_token_works_once(engine, clock):
    secret = make_token(engine, clock, kind="sign-in")
    assert find_token(engine, clock, secret, kind="sign-in") is not None
    assert find_token(engine, clock, secret, kind="sign-in") is None


def test_of_many_simultaneous_uses_one_wins(engine, clock):
    secret = make_token(engine, clock, kind="sign-in")
    found = []
    barrier = threading.Barrier(8)

    def use():
        barrier.wait()
        found.append(find_token(engine, clock, secret, kind="sign-in"))

    threads = [threading.Thread(target=use) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(record is not None for record in found) == 1


def test_a_session_token_works_again_and_again(engine, clock):
    secret = make_token(engine, clock)
    assert find_token(engine, clock, secret) == find_token(engine, clock, secret)


def test_a_revoked_token_ends_at_once(engine, clock):
    secret = make_token(engine, clock)
    record = find_token(engine, clock, secret)
    with transaction(engine) as db:
        tokens.revoke(db, record.id)
    assert find_token(engine, clock, secret) is None


def test_a_workspaces_tokens_end_together_and_no_others(engine, clock):
    first, second = (make_token(engine, clock, kind="workspace", workspace_id="w1") for _ in range(2))
    other = make_token(engine, clock, kind="workspace", workspace_id="w2")
    with transaction(engine) as db:
        tokens.revoke_workspace(db, "w1")
    assert [find_token(engine, clock, s, kind="workspace") is None for s in (first, second, other)] == [
        True,
        True,
        False,
    ]


@pytest.mark.parametrize("secret", ["", "x" * 201, "unknown", "\x00", "ud\ud800"])
def test_what_is_no_secret_finds_nothing(engine, clock, secret):
    assert find_token(engine, clock, secret) is None


@pytest.mark.parametrize(("kind", "lifetime"), [("session", timedelta(0)), ("workspace", HOUR), ("password", HOUR)])
def test_a_token_that_makes_no_sense_is_refused(engine, clock, kind, lifetime):
    with transaction(engine) as db, pytest.raises(InvalidInputError):
        tokens.issue(db, kind=kind, user_id="laptop", clock=clock, lifetime=lifetime)
