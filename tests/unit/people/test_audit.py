import threading

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from sandkasse.core.database import transaction
from sandkasse.people import audit


def write_line(engine, clock, subject):
    with transaction(engine) as db:
        return audit.write(db, clock=clock, actor="laptop", act="test.write", subject=subject, note="plain")


def find_break(engine):
    with transaction(engine) as db:
        return audit.find_break(db)


@pytest.fixture
def log(engine, clock):
    """Five lines: the laptop user's, and four more."""
    for subject in "abcd":
        write_line(engine, clock, subject)
    return engine


def tamper(engine, statement):
    """Change the log as its owner could: with the guards taken off."""
    with transaction(engine) as db:
        for verb in ("update", "delete"):
            db.execute(text(f"DROP TRIGGER audit_log_no_{verb}"))
        db.execute(text(statement))


def test_an_untouched_log_holds(log):
    assert find_break(log) is None
    with transaction(log) as db:
        newest = audit.read(db, limit=1)[0]
    assert (newest.sequence, newest.subject, newest.details) == (5, "d", {"note": "plain"})


@pytest.mark.parametrize(
    ("statement", "line"),
    [
        ("UPDATE audit_log SET subject = 'z' WHERE sequence = 3", 3),
        ("UPDATE audit_log SET details = '{}' WHERE sequence = 2", 2),
        ("UPDATE audit_log SET at = '2020-01-01 00:00:00.000000' WHERE sequence = 4", 4),
        ("UPDATE audit_log SET actor = 'nobody' WHERE sequence = 5", 5),
        ("DELETE FROM audit_log WHERE sequence = 2", 2),
        ("DELETE FROM audit_log WHERE sequence = 5", 5),
        ("DELETE FROM audit_log WHERE sequence = 1", 1),
        ("UPDATE audit_log SET sequence = 9 WHERE sequence = 5", 5),
    ],
)
def test_a_changed_log_shows_where(log, statement, line):
    tamper(log, statement)
    assert find_break(log) == line


@pytest.mark.parametrize("statement", ["UPDATE audit_log SET actor = 'x'", "DELETE FROM audit_log"])
def test_the_database_refuses_to_change_the_log(log, statement):
    with pytest.raises(IntegrityError, match="append-only"), transaction(log) as db:
        db.execute(text(statement))
    assert find_break(log) is None


def test_an_act_that_fails_leaves_no_line(log, clock):
    def fail():
        with transaction(log) as db:
            audit.write(db, clock=clock, actor="laptop", act="test.fail")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    with transaction(log) as db:
        assert len(audit.read(db)) == 5
    assert find_break(log) is None


def test_simultaneous_writers_make_one_chain(log, clock):
    barrier = threading.Barrier(6)
    failures = []

    def write_many(name):
        barrier.wait()
        try:
            for index in range(5):
                write_line(log, clock, f"{name}{index}")
        except Exception as error:  # a thread's error would be lost
            failures.append(error)

    threads = [threading.Thread(target=write_many, args=(f"t{n}-",)) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert find_break(log) is None
    with transaction(log) as db:
        assert len(audit.read(db)) == 5 + 30
