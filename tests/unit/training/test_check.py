"""`check` in a notebook, against a portal that tests play."""

import json
import threading
from html.parser import HTMLParser
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pyarrow as pa
import pytest

from sandkasse.core.errors import (
    AnswerShapeError,
    ExerciseNotFoundError,
    PortalUnreachableError,
    RateLimitedError,
    SandkasseError,
    TrainingModuleNotFoundError,
)
from sandkasse.notebook.check import BlankCard, VerdictCard, check
from sandkasse.training.verdict import DominatingError, Measure, Reference, Verdict
from sandkasse.training.wire import read_submission

VERDICT = Verdict(
    module="small",
    exercise="who",
    passed=False,
    says="It finds 48% of the persons.",
    score=0.64,
    pass_at=0.85,
    attainable=0.98,
    reference=Reference(name="Hospital diagnoses <alone>", score=0.48),
    measures=(
        Measure(name="Sensitivity", value=0.48),
        Measure(name="Sensitivity", value=0.5, group="women"),
        Measure(name="Sensitivity", value=None, group="men"),
        Measure(name="Predictive value", value=0.9, group="men"),
    ),
    dominating=DominatingError(id="missed", title="Missed & gone"),
    hint="Look at <other> registers.",
    tries=4,
    tries_left=16,
    notes=("Undiagnosed persons do not count.",),
)


class Portal:
    """Answers as it is told, and remembers what it was asked."""

    def __init__(self):
        self.status, self.body, self.headers = 200, VERDICT.to_json(), {}
        self.asked = []
        portal = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                portal.asked.append((self.path, dict(self.headers), body))
                self.send_response(portal.status)
                for name, value in portal.headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(portal.body)))
                self.end_headers()
                self.wfile.write(portal.body)

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def portal(monkeypatch):
    found = Portal()
    monkeypatch.setenv("SANDKASSE_PORTAL", found.url)
    monkeypatch.setenv("SANDKASSE_TOKEN", "secret-token")
    monkeypatch.setenv("SANDKASSE_MODULE", "small")
    yield found
    found.close()


def test_a_table_is_sent_as_arrow_with_the_token(portal):
    card = check("who", pa.table({"pnr": ["1", "2"]}))
    ((path, headers, body),) = portal.asked
    assert path == "/api/attempts"
    assert headers["Authorization"] == "Bearer secret-token"
    sent = read_submission(headers["Content-Type"], body)
    assert (sent.exercise, sent.answer["pnr"].to_pylist()) == ("who", ["1", "2"])
    assert isinstance(card, VerdictCard)
    assert card.verdict == VERDICT
    assert not card.passed


def test_a_number_is_sent_as_json(portal):
    check("how-many", 3)
    assert json.loads(portal.asked[0][2]) == {"exercise": "how-many", "answer": 3}


@pytest.mark.parametrize("blank", [..., None])
def test_three_dots_are_not_sent(portal, blank):
    card = check("who", blank)
    assert isinstance(card, BlankCard)
    assert "not answered yet" in repr(card)
    assert "Not answered yet" in card._repr_html_()
    assert portal.asked == []


def test_an_answer_of_no_known_kind_is_not_sent(portal):
    with pytest.raises(AnswerShapeError):
        check("who", object())
    assert portal.asked == []


@pytest.mark.parametrize(
    ("code", "status", "expected"),
    [
        ("exercise-not-found", 404, ExerciseNotFoundError),
        ("rate-limited", 429, RateLimitedError),
        ("answer-shape", 422, AnswerShapeError),
        ("something-new", 418, SandkasseError),
    ],
)
def test_the_portals_errors_come_back_as_what_they_were(portal, code, status, expected):
    portal.status = status
    portal.body = json.dumps({"code": code, "message": "What happened.", "next": "what to do"}).encode()
    with pytest.raises(expected) as caught:
        check("who", 3)
    assert (caught.value.message, caught.value.next_step) == ("What happened.", "what to do")


@pytest.mark.parametrize("body", [b"<html>", b"", b"[]", b'{"code": 3}'])
def test_a_reply_that_is_none_is_told(portal, body):
    portal.status, portal.body = 502, body
    with pytest.raises(PortalUnreachableError, match="status 502"):
        check("who", 3)
    portal.status = 200
    with pytest.raises(PortalUnreachableError):
        check("who", 3)


@pytest.mark.attack
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_the_token_follows_no_redirect(portal, status):
    other = Portal()
    portal.status, portal.headers = status, {"Location": other.url + "/api/attempts"}
    with pytest.raises(PortalUnreachableError, match=f"status {status}"):
        check("who", 3)
    assert other.asked == []
    other.close()


@pytest.mark.attack
def test_the_token_goes_through_no_proxy(portal, monkeypatch):
    other = Portal()
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, other.url)
    check("who", 3)
    assert len(portal.asked) == 1
    assert other.asked == []
    other.close()


def test_without_a_portal_the_next_step_is_told(monkeypatch):
    monkeypatch.delenv("SANDKASSE_PORTAL", raising=False)
    with pytest.raises(PortalUnreachableError, match="No portal is known") as caught:
        check("who", 3)
    assert "sandkasse up" in caught.value.next_step


def test_a_portal_that_is_gone_is_told_without_the_token(portal):
    portal.close()
    with pytest.raises(PortalUnreachableError, match="does not answer") as caught:
        check("who", 3)
    assert "secret-token" not in str(caught.value)


def test_offline_the_same_graders_answer(site_folder, country, monkeypatch):
    monkeypatch.setenv("SANDKASSE_PORTAL", "offline")
    monkeypatch.setenv("SANDKASSE_HOME", str(site_folder.home))
    monkeypatch.setenv("SANDKASSE_CONTENT", str(site_folder.content))
    monkeypatch.setenv("SANDKASSE_MODULE", "small")
    first = check("who", country.table(country.detected))
    assert first.passed
    assert first.verdict.tries_left is None
    assert check("who", country.table(country.detected)).verdict.tries == first.verdict.tries + 1
    monkeypatch.delenv("SANDKASSE_MODULE")
    with pytest.raises(TrainingModuleNotFoundError, match="No training module is named"):
        check("who", 3)


class Tags(HTMLParser):
    """Collects tags with their attributes, and checks that they close."""

    def __init__(self, html):
        super().__init__()
        self.tags, self.open = [], []
        self.feed(html)
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in ("rect", "line") or not self.get_starttag_text().endswith("/>"):
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def test_the_card_as_text():
    assert repr(VerdictCard(VERDICT)).splitlines() == [
        "Not yet. It finds 48% of the persons.",
        "Score 64% · passes at 85% · Hospital diagnoses <alone>: 48% · best known: 98%",
        "What weighs most: Missed & gone",
        "Hint: Look at <other> registers.",
        "Undiagnosed persons do not count.",
        "Try 4 · 16 more before a pause",
    ]


def test_the_card_as_html_is_whole_named_and_escaped():
    html = VerdictCard(VERDICT)._repr_html_()
    tags = Tags(html).tags
    (bar,) = [attrs for tag, attrs in tags if tag == "svg"]
    assert bar["role"] == "img"
    assert bar["aria-label"].startswith("Score 64%")
    assert tags[0][1]["aria-label"] == "Verdict on who"
    assert {attrs["scope"] for tag, attrs in tags if tag == "th"} == {"col", "row"}
    assert "<alone>" not in html
    assert "<other>" not in html
    assert "Missed &amp; gone" in html
    assert "too few" in html
    assert ">–<" in html
    assert not {tag for tag, _ in tags} & {"script", "style", "link", "img"}


def test_the_card_inherits_the_notebooks_colours():
    html = VerdictCard(VERDICT)._repr_html_()
    assert "background" not in html
    assert "color:#" not in html.replace("border-left", "")
    assert "color:inherit" in html


def test_the_bar_is_left_out_where_there_is_no_score():
    plain = Verdict(module="m", exercise="e", passed=True, says="The number is right.", score=1.0)
    assert "<svg" not in VerdictCard(plain)._repr_html_()
    assert repr(VerdictCard(plain)) == "Passed. The number is right.\nTry 1"


def test_the_notebook_is_given_the_verdict_as_data_too():
    bundle = VerdictCard(VERDICT)._repr_mimebundle_()
    assert Verdict.from_json(bundle["application/vnd.sandkasse.verdict+json"]) == VERDICT
    assert {"text/plain", "text/html"} < bundle.keys()
