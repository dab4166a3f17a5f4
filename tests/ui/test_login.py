"""Logging in by OpenID Connect: what the secrets file may say, and a real browser at a real provider and back."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, ProxySettings, expect
from streamlit.web.server.starlette.starlette_app_utils import create_signed_value

from tests.ui.conftest import served_from
from ui import login_setup

LIMIT_MS = 30_000
SECRET = "a secret of the tests that nobody else knows"
RIGHT: dict[str, Any] = {
    "redirect_uri": "https://board.example.org/oauth2callback",
    "cookie_secret": SECRET,
    "client_id": "megatoken",
    "client_secret": "known to the provider",
    "server_metadata_url": "https://login.example.org/.well-known/openid-configuration",
}
SHARED = {key: RIGHT[key] for key in ("redirect_uri", "cookie_secret")}
NAMED = {key: value for key, value in RIGHT.items() if key not in SHARED}
# Chromium takes every name under localhost for this machine; the pages take it for somebody else's.
BOARD = "board.localhost"
QUESTION = "/sql?sql=SELECT+41%2B1+AS+answer"


@pytest.mark.parametrize(
    ("auth", "said"),
    [
        (RIGHT, ""),
        ({**RIGHT, "redirect_uri": "http://localhost:{port}/oauth2callback"}, ""),
        ({**RIGHT, "client_kwargs": {"prompt": "login"}}, ""),
        ({**SHARED, "google": NAMED, "okta": NAMED}, ""),
        ("on", "auth must be a section"),
        ({}, "[auth] redirect_uri, [auth] cookie_secret, [auth] client_id, [auth] client_secret, "),
        ({**RIGHT, "client_secret": ""}, "[auth] client_secret is missing"),
        ({**SHARED, "google": {"client_id": "megatoken"}}, "[auth.google] client_secret, [auth.google] server_meta"),
        ({**RIGHT, "redirect_uri": "https://board.example.org/"}, "must be the address of these pages and /oauth2call"),
        ({**RIGHT, "redirect_uri": "board.example.org/oauth2callback"}, "such as https://board.example.org/oauth2"),
        ({**RIGHT, "cookie_secret": "x" * 31}, "has 31 characters, it must have 32 or more"),
        ({**RIGHT, "server_metadata_url": "file:///etc/passwd"}, "must begin with https:// or http://"),
        ({**SHARED, "my_own": NAMED}, "[auth.my_own] must be named without an underscore"),
    ],
)
def test_what_is_wrong_with_how_log_in_is_set_up_is_one_sentence(auth, said):
    wrong = login_setup.problem(auth)
    assert said in wrong
    assert bool(wrong) is bool(said)
    assert SECRET not in wrong


def test_one_can_log_in_by_what_auth_names_itself_and_by_each_of_its_sections():
    assert login_setup.providers(RIGHT) == [None]
    assert login_setup.providers({**RIGHT, "client_kwargs": {}, "okta": NAMED}) == [None, "okta"]
    assert login_setup.providers({**SHARED, "google": NAMED, "okta": NAMED}) == ["google", "okta"]


class Saying(BaseHTTPRequestHandler):
    """Says as JSON or not what stands in the path, with the status that stands before it."""

    def do_GET(self) -> None:
        _, status, said = self.path.split("/", 2)
        self.send_response(int(status))
        self.end_headers()
        self.wfile.write(said.encode())

    def log_message(self, *_: object) -> None:
        """Nothing to the terminal."""


def test_a_provider_that_does_not_say_where_to_log_in_is_told_from_one_that_does():
    endpoints = {"authorization_endpoint": "a", "token_endpoint": "t", "jwks_uri": "j"}
    with ThreadingHTTPServer(("127.0.0.1", 0), Saying) as server:
        serving = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        serving.start()
        try:
            host = f"127.0.0.1:{server.server_port}"
            assert login_setup.silence(f"http://{host}/200/{json.dumps(endpoints).replace(' ', '')}") == ""
            assert login_setup.silence(f"http://{host}/404/") == f"{host} does not answer (Not Found)"
            assert login_setup.silence(f"http://{host}/200/hello") == f"{host} answers, but not with JSON"
            assert "not as an OpenID Connect provider does" in login_setup.silence(f"http://{host}/200/[1]")
        finally:
            server.shutdown()
            serving.join()
    assert login_setup.silence(f"http://{host}/") == f"{host} does not answer (Connection refused)"


@contextmanager
def provider() -> Iterator[str]:
    """An identity provider at which Ann and Eve can log in: its address."""
    code = """
import sys
from oidc_provider_mock import User, run_server_in_thread
users = [User(sub=name, claims={"email": f"{name}@example.org"}) for name in ("ann", "eve")]
with run_server_in_thread(user_claims=users) as server:
    print(server.server_port, flush=True)
    sys.stdin.read()
"""
    # not in this process: it stands on a part of Authlib that warns of its end
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as process:
        assert process.stdin and process.stdout
        yield f"http://127.0.0.1:{int(process.stdout.readline())}"
        process.stdin.close()


@pytest.fixture(scope="module")
def board(one_night, tmp_path_factory) -> Iterator[str]:
    """Pages asked for by a name that is not this machine's, with a provider that is there and one that is not."""
    folder = tmp_path_factory.mktemp("board")
    with provider() as address:
        known = "/.well-known/openid-configuration"
        sections = {"auth": SHARED | {"redirect_uri": f"http://{BOARD}:{{port}}/oauth2callback"}}
        sections["auth.ours"] = NAMED | {"server_metadata_url": address + known}
        sections["auth.gone"] = NAMED | {"server_metadata_url": f"http://127.0.0.1:1{known}"}
        sections["megatoken"] = {"sql_users": ["ann@example.org"]}
        (folder / ".streamlit").mkdir()
        (folder / ".streamlit" / "secrets.toml").write_text(toml(sections))
        with served_from(one_night, folder) as (url, _):
            yield url.replace("127.0.0.1", BOARD)


def toml(sections: dict[str, dict[str, Any]]) -> str:
    lines = []
    for name, values in sections.items():
        lines += [f"[{name}]", *(f"{key} = {json.dumps(value)}" for key, value in values.items())]
    return "\n".join(lines)


@pytest.fixture(scope="module")
def page(browser: Browser) -> Iterator[Page]:
    """One page for all: what every visit loads is loaded once. The provider's pages want a style from elsewhere."""
    nowhere = ProxySettings(server="http://127.0.0.1:1", bypass="127.0.0.1,.localhost")
    with browser.new_context(proxy=nowhere) as context:
        context.set_default_timeout(LIMIT_MS)
        yield context.new_page()


@pytest.fixture
def nobody(page: Page) -> Page:
    """A page at which nobody is logged in."""
    page.context.clear_cookies()
    return page


def says(page: Page, text: str) -> None:
    expect(page.get_by_text(text).first).to_be_visible(timeout=LIMIT_MS)


def press(page: Page, name: str) -> None:
    page.get_by_role("button", name=name, exact=True).click()


@pytest.mark.browser
def test_sql_is_off_until_one_has_logged_in_and_after_one_has_logged_out(board, nobody):
    nobody.goto(board + QUESTION)
    says(nobody, "you are not logged in")
    press(nobody, "Log in by gone")
    says(nobody, "cannot log in now: 127.0.0.1:1 does not answer (Connection refused)")
    press(nobody, "Log in by ours")
    press(nobody, "ann")
    says(nobody, "Logged in as ann@example.org; questions are logged.")
    says(nobody, "1 row in")  # the question that one set out with
    press(nobody, "Log out")
    expect(nobody.get_by_role("button", name="End session")).to_be_visible(timeout=LIMIT_MS)  # the provider's own page
    nobody.goto(board + QUESTION)
    says(nobody, "you are not logged in")


@pytest.mark.browser
def test_who_was_turned_away_or_is_not_listed_is_told_so(board, nobody):
    nobody.goto(board + QUESTION)
    press(nobody, "Log in by ours")
    press(nobody, "Deny")
    says(nobody, "the identity provider did not let you in")
    press(nobody, "Log in by ours")
    press(nobody, "eve")
    says(nobody, "eve@example.org may not ask SQL here")
    expect(nobody.get_by_role("button", name="Log out")).to_be_visible()


@pytest.mark.browser
@pytest.mark.parametrize(
    ("secret", "hours_ago", "said"),
    [
        (SECRET, 11, "Logged in as ann@example.org"),
        (SECRET, 13, "You logged in more than 12 hours ago"),
        (SECRET + "?", 1, "you are not logged in"),
    ],
    ids=["ours", "of yesterday", "forged"],
)
def test_a_cookie_counts_while_it_is_ours_and_of_today(board, nobody, secret, hours_ago, said):
    claims = {"is_logged_in": True, "email": "ann@example.org", "iat": int(time.time() - hours_ago * 3600)}
    payload = json.dumps(claims | {"origin": board, "provider": "ours"})
    signed = create_signed_value(secret, "_streamlit_user", payload).decode()
    nobody.context.add_cookies([{"name": "_streamlit_user", "value": signed, "url": board}])
    nobody.goto(board + QUESTION)
    says(nobody, said)


@pytest.mark.browser
def test_at_another_address_than_the_provider_knows_one_is_sent_to_that_one(board, nobody):
    nobody.goto(board.replace(BOARD, "other.localhost") + QUESTION)
    there = nobody.get_by_role("link", name=f"Log in at {board}")
    expect(there).to_have_attribute("href", board + QUESTION, timeout=LIMIT_MS)
