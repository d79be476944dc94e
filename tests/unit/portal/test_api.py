"""What a workspace's token opens, and what it does not."""

from datetime import timedelta

import orjson
import pyarrow as pa
import pytest
from portal_builders import make_session

from sandkasse.actions import attempts
from sandkasse.core.database import transaction
from sandkasse.people import tokens
from sandkasse.portal.api import LARGEST_ANSWER
from sandkasse.training import wire

PAGES = ("/", "/learn", "/data", "/data/dataset-0", "/workspaces", "/progress")


@pytest.fixture
def secret(site):
    make_session(site)  # makes the laptop user
    with transaction(site.engine) as db:
        return tokens.issue(
            db,
            kind="workspace",
            user_id="laptop",
            clock=site.clock,
            lifetime=timedelta(hours=1),
            module_id="module-0",
            workspace_id="w1",
        )


@pytest.fixture
def client(open_portal):
    client = open_portal(is_signed_in=False, n_modules=2)
    del client.headers["sec-fetch-site"]  # a kernel sends none
    return client


def bearer(secret):
    return {"authorization": f"Bearer {secret}"}


def send(client, secret, body=b'{"exercise": "find", "answer": 3}', content_type="application/json"):
    return client.post("/api/attempts", content=body, headers={**bearer(secret), "content-type": content_type})


def test_a_number_is_graded(client, secret):
    answer = send(client, secret)
    assert answer.status_code == 200
    assert answer.json()["passed"] is True
    assert client.asked.submitted == [("laptop", "module-0", "find", 3)]


def test_a_table_is_graded(client, secret):
    table = pa.table({"pnr": ["1", "2"]})
    content_type, body = wire.write_submission(wire.Submission("find", table))
    assert send(client, secret, body, content_type).status_code == 200
    assert client.asked.submitted[0][3].equals(table)


def test_the_own_module_can_be_read_and_no_other(client, secret):
    own = client.get("/api/modules/module-0", headers=bearer(secret))
    assert own.json()["title"].startswith("Module number 0")
    other = client.get("/api/modules/module-1", headers=bearer(secret))
    unknown = client.get("/api/modules/nothing", headers=bearer(secret))
    assert (other.status_code, other.json()) == (unknown.status_code, unknown.json())
    assert other.status_code == 401
    assert set(other.json()) == {"code", "message", "next"}


@pytest.mark.attack
@pytest.mark.parametrize("path", PAGES)
def test_the_token_opens_no_page(client, secret, path):
    assert client.get(path, headers=bearer(secret)).status_code == 401
    assert client.get(path, headers={"cookie": f"sandkasse-8765={secret}"}).status_code == 401


@pytest.mark.attack
def test_the_token_starts_and_stops_nothing(client, secret):
    headers = {"cookie": f"sandkasse-8765={secret}", "sec-fetch-site": "same-origin", **bearer(secret)}
    for path in ("/workspaces/start", "/workspaces/w1/stop", "/sign-out"):
        assert client.post(path, data={"module_id": "module-0", "csrf": secret}, headers=headers).status_code == 401
    assert (client.asked.started, client.asked.stopped) == ([], [])


@pytest.mark.attack
def test_a_session_opens_no_interface(client, site):
    session = make_session(site)
    for headers in (
        bearer(session),
        {"cookie": f"sandkasse-8765={session}"},
        {},
        {"authorization": "Basic x"},
        bearer(""),
    ):
        answer = client.post("/api/attempts", json={"exercise": "find", "answer": 3}, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (401, "not-signed-in")
        assert client.get("/api/modules/module-0", headers=headers).status_code == 401
    assert client.asked.submitted == []


@pytest.mark.attack
def test_a_web_page_elsewhere_cannot_use_a_stolen_token(client, secret):
    headers = {**bearer(secret), "origin": "http://localhost:8888"}
    answer = client.post("/api/attempts", json={"exercise": "find", "answer": 3}, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (403, "denied")
    assert client.asked.submitted == []


def test_the_token_dies_with_its_workspace(client, site, secret):
    with transaction(site.engine) as db:
        tokens.revoke_workspace(db, "w1")
    assert send(client, secret).status_code == 401


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"{", "application/json"),
        (b"[]", "application/json"),
        (b'{"exercise": "find", "answer": {"a": 1}}', "application/json"),
        (b"not arrow", "application/vnd.apache.arrow.stream"),
        (b"x", "text/plain"),
        (b"", ""),
    ],
)
def test_what_is_no_answer_is_refused_in_words(client, secret, body, content_type):
    answer = send(client, secret, body, content_type)
    assert answer.status_code == 422
    assert answer.json()["code"] == "answer-shape"
    assert answer.json()["next"]
    assert client.asked.submitted == []


def test_too_much_is_refused_whatever_length_it_claims(client, secret):
    async def pieces():
        for _ in range(LARGEST_ANSWER // 2**20 + 1):
            yield b"x" * 2**20

    answer = client.post("/api/attempts", content=pieces(), headers=bearer(secret))
    assert (answer.status_code, answer.json()["code"]) == (413, "too-large")


def test_the_limit_is_the_graders_own():
    assert LARGEST_ANSWER == wire.MOST_BYTES
    assert attempts.read_submission("application/json", orjson.dumps({"exercise": "e", "answer": 1})).answer == 1


def test_unknown_addresses_answer_in_json(client, secret):
    answer = client.get("/api/users", headers=bearer(secret))
    assert (answer.status_code, set(answer.json())) == (404, {"code", "message", "next"})
    wrong = client.request("DELETE", "/api/attempts", headers=bearer(secret))
    assert (wrong.status_code, set(wrong.json())) == (405, {"code", "message", "next"})
