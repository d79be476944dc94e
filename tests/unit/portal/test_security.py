"""What the guard, the session and the forms refuse."""

import logging
import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from portal_builders import make_acts, make_progress, make_session, make_workspace
from starlette.routing import Route

from sandkasse.core.database import transaction
from sandkasse.people import audit
from sandkasse.portal import api
from sandkasse.portal.security import CONTENT_SECURITY_POLICY, SECURITY_HEADERS, loggable
from sandkasse.portal.views import about, datasets, home, modules, progress, sign_in, workspaces
from sandkasse.portal.views.sign_in import safe_target

ROUTES = [
    route for view in (about, datasets, home, modules, progress, sign_in, workspaces) for route in view.router.routes
]
POSTS = sorted(route.path for route in ROUTES if isinstance(route, Route) and "POST" in route.methods)
PAGES = (
    "/", "/learn", "/learn/module-0", "/data", "/data/dataset-0", "/data/dataset-0/look",
    "/data/dataset-0/tables/persons", "/data/dataset-0/tables/persons/profile",
    "/data/dataset-0/tables/persons/columns", "/workspaces", "/progress", "/about", "/sign-in",
)  # fmt: skip
OPEN = {"/about", "/sign-in"}


def fill(path):
    names = {"module_id": "module-0", "dataset_id": "dataset-0", "table": "persons", "workspace_id": "ws-module-0"}
    return re.sub(r"\{(\w+)\}", lambda found: names[found[1]], path)


def test_the_pages_of_these_tests_are_all_the_pages():
    gets = {fill(route.path) for route in ROUTES if isinstance(route, Route) and "GET" in route.methods}
    assert gets == set(PAGES)


@pytest.mark.parametrize("path", PAGES)
def test_a_page_opens_only_to_those_signed_in(open_portal, path):
    assert open_portal().get(path).status_code == 200
    answer = open_portal(is_signed_in=False).get(path)
    assert answer.status_code == (200 if path in OPEN else 401)
    if path not in OPEN:
        assert "Sign in" in answer.text
        assert "Dataset number" not in answer.text
        assert "Module number" not in answer.text


@pytest.mark.parametrize("path", [*PAGES, "/nothing", "/static/portal.css", "/healthz", "/api/modules/x"])
def test_every_answer_has_the_security_headers(open_portal, path):
    answer = open_portal().get(path)
    assert {name: answer.headers.get(name) for name in SECURITY_HEADERS} == SECURITY_HEADERS
    assert "server" not in answer.headers


def test_the_policy_has_no_unsafe_word():
    assert "unsafe" not in CONTENT_SECURITY_POLICY
    assert "default-src 'none'" in CONTENT_SECURITY_POLICY
    assert "*" not in CONTENT_SECURITY_POLICY.replace("http://localhost:*", "")


@pytest.mark.parametrize("path", [*PAGES, "/nothing"])
@pytest.mark.parametrize("is_signed_in", [True, False])
def test_a_page_has_nothing_inline(open_portal, page_of, path, is_signed_in):
    facts = {"progress": make_progress(), "workspaces": (make_workspace(),), "n_modules": 5, "n_datasets": 5}
    page = page_of(open_portal(is_signed_in=is_signed_in, **facts).get(path).text)
    assert page.find("style") == []
    assert page.find("inline-script") == []
    assert all("src" in found for found in page.find("script"))
    for _, attributes in page.tags:
        assert "style" not in attributes
        assert not any(name.startswith(("on", "hx-on", "hx-vars", "hx-vals")) for name in attributes)
        assert not (attributes.get("href") or "").lower().startswith("javascript:")


@pytest.mark.attack
@pytest.mark.parametrize(
    "host", ["localhost:8765", "127.0.0.1", "127.0.0.1:80", "evil.example", "evil.example:8765", ""]
)
def test_a_foreign_host_name_is_refused(open_portal, host):
    for path in ("/", "/sign-in", "/static/portal.css", "/api/modules/module-0"):
        answer = open_portal().get(path, headers={"host": host})
        assert answer.status_code == 400
        assert "Dataset number" not in answer.text


@pytest.mark.attack
@pytest.mark.parametrize("path", POSTS)
@pytest.mark.parametrize(
    "headers",
    [
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"sec-fetch-site": "none", "origin": "http://localhost:8888"},
        {"origin": "http://localhost:8765"},
        {"origin": "http://127.0.0.1:9999"},
        {"origin": "https://127.0.0.1:8765"},
        {"origin": "null"},
        {},
    ],
)
def test_another_sites_form_is_refused_even_with_the_right_token(open_portal, path, headers):
    client = open_portal()
    form = {"csrf": client.csrf(), "module_id": "module-0", "code": "x" * 43}
    del client.headers["sec-fetch-site"]
    answer = client.post(fill(path), data=form, headers=headers)
    assert answer.status_code == 403
    assert (client.asked.started, client.asked.stopped) == ([], [])


@pytest.mark.attack
@pytest.mark.parametrize("path", [path for path in POSTS if path != "/sign-in"])
@pytest.mark.parametrize("csrf", [None, "", "0" * 64, "ø", "other session"])
def test_a_form_without_this_sessions_token_is_refused(open_portal, site, path, csrf):
    client = open_portal()
    if csrf == "other session":
        csrf = open_portal().csrf()
    form = {"module_id": "module-0"} | ({} if csrf is None else {"csrf": csrf})
    answer = client.post(fill(path), data=form)
    assert answer.status_code == 403
    assert (client.asked.started, client.asked.stopped) == ([], [])
    assert client.get("/").status_code == 200


@pytest.mark.attack
def test_another_sites_script_cannot_read_a_page(open_portal):
    client = open_portal()
    for mode in ("cors", "no-cors", "same-origin"):
        assert client.get("/", headers={"sec-fetch-site": "same-site", "sec-fetch-mode": mode}).status_code == 403
    assert client.get("/", headers={"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate"}).status_code == 200


def test_signing_in_works_once_and_sets_a_careful_cookie(open_portal, site):
    from sandkasse.actions.people import issue_sign_in

    client = open_portal(is_signed_in=False)
    code = issue_sign_in(site)
    answer = client.post("/sign-in", data={"code": f" {code}\n", "target": "/learn"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/learn")
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith("sandkasse-8765=")
    assert {"HttpOnly", "SameSite=lax", "Path=/"} <= set(cookie.split("; "))
    assert client.get("/").status_code == 200
    client.cookies.clear()
    again = client.post("/sign-in", data={"code": code})
    assert again.status_code == 401
    assert "set-cookie" not in again.headers
    assert "not valid" in again.text


def test_over_https_the_cookie_is_bound_to_the_host(open_portal, site):
    from sandkasse.actions.people import issue_sign_in

    client = open_portal(is_signed_in=False, origin="https://sandbox.example:443")
    answer = client.post("/sign-in", data={"code": issue_sign_in(site)}, headers={"host": "sandbox.example:443"})
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith("__Host-sandkasse=")
    assert {"Secure", "HttpOnly", "Path=/"} <= set(cookie.split("; "))


def test_an_old_address_does_not_turn_away_somebody_signed_in(open_portal):
    answer = open_portal().post("/sign-in", data={"code": "used already"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/")


def test_signing_out_ends_the_session_itself(open_portal, site):
    client = open_portal()
    kept = dict(client.cookies)
    assert client.post("/sign-out", data={"csrf": client.csrf()}).status_code == 303
    stolen = open_portal(is_signed_in=False)
    stolen.cookies.update(kept)
    assert stolen.get("/").status_code == 401
    with transaction(site.engine) as db:
        assert audit.read(db, limit=1)[0].act == "sign-out"
        assert audit.find_break(db) is None


@pytest.mark.parametrize("cookie", ["", "x", "ø", "a" * 5000])
def test_a_made_up_cookie_opens_nothing(open_portal, cookie):
    client = open_portal(is_signed_in=False)
    assert client.get("/", headers={"cookie": f"sandkasse-8765={cookie}".encode()}).status_code == 401


@pytest.mark.parametrize("length", ["70000", "-1", "x", None])
def test_a_form_without_a_fitting_length_is_not_read(open_portal, length):
    client = open_portal()
    headers = {"content-type": "application/x-www-form-urlencoded"} | ({"content-length": length} if length else {})

    async def pieces():
        yield b"code=x"

    body = pieces() if length is None else b"x" * 70_000
    assert client.post("/sign-in", content=body, headers=headers).status_code == 413


def test_the_logs_have_no_query_and_no_code(open_portal, site, caplog):
    caplog.set_level(logging.INFO, logger="sandkasse.portal")
    client = open_portal()
    client.get("/data?q=ZZQUERY")
    client.get("/nothing/ZZPATH?token=ZZTOKEN")
    client.post("/sign-in?code=ZZCODE", data={"code": "ZZBODY"})
    lines = "\n".join(record.getMessage() for record in caplog.records)
    assert "GET /data 200" in lines
    assert "POST /sign-in" in lines
    for word in ("ZZQUERY", "ZZTOKEN", "ZZCODE", "ZZBODY", "?"):
        assert word not in lines


def test_a_failure_shows_and_logs_where_but_never_what(open_portal, site, caplog):
    def fail():
        raise ValueError("person 123456 has HIV")

    acts, _ = make_acts()
    client = open_portal(acts=replace(acts, list_datasets=fail))
    answer = client.get("/data")
    lines = "\n".join(record.getMessage() for record in caplog.records)
    assert answer.status_code == 500
    assert "Something went wrong on our side" in answer.text
    assert "123456" not in answer.text + lines
    reference = re.search(r"reference ([0-9a-f]{8})", answer.text)[1]
    assert reference in lines
    assert "ValueError at test_security.py" in lines


@given(st.text(max_size=300))
def test_a_path_cannot_forge_a_line_of_the_log(path):
    written = loggable(path)
    assert written.isprintable()
    assert len(written) <= 200


@pytest.mark.parametrize(
    "target",
    ["//evil.example", "/\\evil.example", "https://evil.example", "evil", "", "/\t/evil.example", "\\\\e", "/a\nb"],
)
def test_no_target_leads_to_another_site(target):
    assert safe_target(target) == "/"


@given(st.text(max_size=50))
def test_every_target_is_a_path_of_this_site(target):
    shown = safe_target(target)
    assert shown.startswith("/")
    assert not shown.startswith(("//", "/\\"))
    assert "\\" not in shown
    assert shown.isprintable()


def test_the_static_files_do_not_lead_out(open_portal):
    client = open_portal(is_signed_in=False)
    for path in ("/static/../app.py", "/static/%2e%2e/app.py", "/static/..%2fapp.py", "/static/vendor/../../app.py"):
        assert client.get(path).status_code == 404


def test_there_is_no_page_beside_the_tested_ones(open_portal):
    client = open_portal()
    for path in ("/docs", "/redoc", "/openapi.json"):
        assert client.get(path).status_code == 404
    assert {route.path for route in api.router.routes} == {"/api/modules/{module_id}", "/api/attempts"}


def test_two_sessions_have_two_form_tokens(open_portal, site):
    assert open_portal().csrf() != open_portal().csrf()
    assert make_session(site) != make_session(site)
