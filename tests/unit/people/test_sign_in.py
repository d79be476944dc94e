"""Signing in, staying signed in, and what the acts write into the audit log."""

from datetime import timedelta

import pytest
from sqlalchemy import update

from sandkasse.actions import people
from sandkasse.actions.site import Site
from sandkasse.core.database import transaction
from sandkasse.core.errors import NotSignedInError, PolicyDeniedError
from sandkasse.core.settings import Settings
from sandkasse.people import audit, permissions, tokens
from sandkasse.people.accounts import Person, find_person
from sandkasse.people.tables import UserRow


@pytest.fixture
def site(engine, clock, tmp_path):
    return Site(settings=Settings(home=tmp_path, content=tmp_path), engine=engine, clock=clock)


def acts_of(site):
    with transaction(site.engine) as db:
        return [entry.act for entry in reversed(audit.read(db))]


def test_a_code_opens_one_session_and_every_step_is_logged(site):
    code = people.issue_sign_in(site)
    session = people.find_session(site, people.sign_in(site, code))
    assert session.person == Person("laptop", "Laptop user", ("administrator", "trainee"))
    with pytest.raises(NotSignedInError):
        people.sign_in(site, code)
    people.sign_out(site, session)
    assert acts_of(site) == ["person.add", "sign-in.issue", "sign-in.use", "sign-out"]


def test_a_new_code_ends_the_one_before(site):
    first, second = people.issue_sign_in(site), people.issue_sign_in(site)
    with pytest.raises(NotSignedInError):
        people.sign_in(site, first)
    assert people.sign_in(site, second)


def test_codes_and_sessions_end_in_time(site, clock):
    code = people.issue_sign_in(site)
    clock.advance(people.SIGN_IN_LIFETIME)
    with pytest.raises(NotSignedInError):
        people.sign_in(site, code)
    secret = people.sign_in(site, people.issue_sign_in(site))
    clock.advance(people.SESSION_LIFETIME - timedelta(seconds=1))
    assert people.find_session(site, secret)
    clock.advance(timedelta(seconds=1))
    assert people.find_session(site, secret) is None


def test_a_person_who_was_closed_out_is_out_at_once(site, engine):
    secret = people.sign_in(site, people.issue_sign_in(site))
    with transaction(engine) as db:
        db.execute(update(UserRow).values(is_active=False))
    assert people.find_session(site, secret) is None
    with transaction(engine) as db:
        assert find_person(db, "laptop") is None


def test_an_act_that_fails_half_way_leaves_neither_token_nor_line(site, monkeypatch):
    code = people.issue_sign_in(site)

    def fail(*_, **__):
        raise RuntimeError

    with monkeypatch.context() as patched:
        patched.setattr(audit, "write", fail)
        with pytest.raises(RuntimeError):
            people.sign_in(site, code)
    assert people.sign_in(site, code)  # the code was not used up either


@pytest.mark.parametrize(("asked", "opens"), [("m1", True), (None, True), ("m2", False), ("", False)])
def test_a_workspaces_token_opens_its_own_module(site, engine, clock, asked, opens):
    with transaction(engine) as db:
        secret = tokens.issue(
            db, kind="workspace", user_id="laptop", clock=clock, lifetime=timedelta(1), module_id="m1", workspace_id="w"
        )
    if opens:
        assert people.take_workspace_token(site, secret, module_id=asked).module_id == "m1"
    else:
        with pytest.raises(NotSignedInError):
            people.take_workspace_token(site, secret, module_id=asked)


def test_roles_allow_what_their_table_says(site):
    session = people.find_session(site, people.sign_in(site, people.issue_sign_in(site)))
    people.check_may(session, "workspace.use")
    trainee = people.Session(Person("t", "T", ("trainee",)), "x")
    with pytest.raises(PolicyDeniedError, match="administrator") as refused:
        people.check_may(trainee, "audit.read")
    assert refused.value.next_step.endswith("administrator")
    for role, allowed in permissions.ROLES.items():
        assert allowed <= permissions.ROLES["administrator"], role
    assert not permissions.can(("unknown",), "dataset.read")
    assert not permissions.can((), "dataset.read")
