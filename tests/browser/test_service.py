"""The web service in a browser, over TLS: a team logs in, hands in, sees its report, chooses, logs out."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme
import uvicorn
from playwright.sync_api import Browser, Page

from runner.contest.opened import open_contest
from runner.web.app import make_app
from runner.web.context import WebContext
from runner.web.sessions import load_key
from runner.web.settings import WebSettings
from tests.browser.examination import axe_faults
from tests.runner.contest.conftest import Contest
from tests.runner.web.conftest import (
    CODE,
    add_tokens,
    contest,
    contest_template,
    database,
    site_of,
    token_of,
)

__all__ = ["contest", "contest_template", "database"]  # fixtures
HOSTILE = "<img src=x onerror=alert(1)>\u202e.py"


@pytest.fixture
def address(contest: Contest, tmp_path: Path) -> Iterator[str]:
    """Serve a contest over TLS, and yield where."""
    contest.stores = True
    add_tokens(contest)
    certificate = trustme.CA().issue_cert("localhost")
    public, private = tmp_path / "certificate.pem", tmp_path / "key.pem"
    public.write_bytes(b"".join(blob.bytes() for blob in certificate.cert_chain_pems))
    private.write_bytes(certificate.private_key_pem.bytes())
    with (
        socket.create_server(("127.0.0.1", 0)) as listener,
        open_contest(contest.folder, contest.store_folder) as opened,
    ):
        origin = f"https://localhost:{listener.getsockname()[1]}"
        app = make_app(
            WebContext(
                contest=opened,
                settings=WebSettings(origin=origin),
                key=load_key(contest.store_folder),
            )
        )
        config = uvicorn.Config(
            app, ssl_certfile=public, ssl_keyfile=private, lifespan="off", log_level="warning", ws="none"
        )
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        yield origin
        server.should_exit = True
        thread.join(timeout=30)


def examined(page: Page, label: str) -> list[str]:
    """Return what is wrong with a page: accessibility, width, script, what it says on the console."""
    faults = axe_faults(page, label)
    page.set_viewport_size({"width": 360, "height": 700})
    if page.evaluate("document.documentElement.scrollWidth") > 360:
        faults.append(f"{label}: wider than a phone")
    page.set_viewport_size({"width": 1200, "height": 800})
    if page.locator("script").count():
        faults.append(f"{label}: has a script")
    return faults


def test_a_team_in_a_browser(chromium: Browser, contest: Contest, address: str, tmp_path: Path) -> None:
    """All that a team does works without scripts, and every page it meets is a good one."""
    file = tmp_path / HOSTILE.replace("/", "")
    file.write_bytes(CODE)
    context = chromium.new_context(ignore_https_errors=True, bypass_csp=True)
    page = context.new_page()
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("dialog", lambda dialog: said.append(f"dialog: {dialog.message}"))
    faults: list[str] = []

    def look(label: str) -> None:
        faults.extend(examined(page, label))

    page.goto(address)
    look("home")
    page.get_by_role("link", name="Log in").click()
    look("login")
    page.get_by_label("Access token").fill("x" * 43)
    page.get_by_role("button", name="Log in").click()
    assert page.get_by_role("alert").is_visible()
    look("a wrong token")
    page.get_by_label("Access token").fill(token_of("alpha"))
    page.get_by_role("button", name="Log in").click()
    (cookie,) = context.cookies()
    assert cookie["name"] == "__Host-session"
    assert (cookie["httpOnly"], cookie["secure"], cookie["sameSite"]) == (True, True, "Strict")
    page.goto(f"{address}/phases/feedback")
    look("phase")
    page.locator("input[type=file]").set_input_files(
        {"name": "mine.py", "mimeType": "text/x-python", "buffer": file.read_bytes()}
    )
    page.get_by_role("button", name="Hand in").click()
    assert page.url.endswith("/entries/1")
    look("an entry that waits")
    with site_of(contest) as site:
        site.evaluate()
    page.goto(f"{address}/entries/1")
    assert "scored" in page.locator("main").inner_text() or "scored" in page.locator("header").inner_text()
    look("an entry with its report")
    for path in ("entries", "phases/feedback/leaderboard", "phases/final", "entries/999", "nothing"):
        page.goto(f"{address}/{path}")
        look(path)
    page.goto(f"{address}/phases/final")
    page.get_by_role("checkbox").check()
    page.get_by_role("button", name="Choose").click()
    assert page.get_by_role("checkbox").is_checked()
    page.get_by_role("button", name="Log out").click()
    assert context.cookies() == []
    page.goto(f"{address}/entries/1")
    assert "Log in with a token" in page.inner_text("main")
    context.close()
    assert faults == []
    # Chromium advises a name beside the token, and reports the answers that are meant to be refused.
    assert [line for line in said if "status of 4" not in line and not line.startswith("[DOM]")] == []
