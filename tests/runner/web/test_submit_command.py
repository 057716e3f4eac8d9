"""`unlearn submit`: what it sends, repeats, refuses and shows, over real HTTP."""

from __future__ import annotations

import io
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from runner.cli.main import run_words
from runner.cli.web.client import ATTEMPTS, CompetitionClient, EntryAnswer, checked_server
from runner.cli.web.submit import follow
from runner.cli.web.token import read_token
from runner.cli.web.upload_bar import upload_bar
from runner.errors import ConfigurationError, HostNotReadyError

TOKEN = "t" * 43
LOST = 0
"""A status: the connection ends without an answer."""


class FakeServer(ThreadingHTTPServer):
    """Answers with what is queued, the last answer again and again; records the requests."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answers: list[tuple[int, dict[str, Any], dict[str, str]]] = []
        self.requests: list[tuple[str, str, dict[str, str], bytes]] = []

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def answer(self, status: int, body: dict[str, Any] | None = None, **headers: str) -> None:
        self.answers.append((status, body or {}, headers))


class _Handler(BaseHTTPRequestHandler):
    server: FakeServer

    def do_GET(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.server.requests.append((self.command, self.path, dict(self.headers), body))
        answers = self.server.answers
        status, document, headers = answers.pop(0) if len(answers) > 1 else answers[0]
        if status == LOST:
            self.close_connection = True
            return
        text = json.dumps(document).encode()
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(text))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(text)

    do_PUT = do_GET  # noqa: N815 - the library's name

    def log_message(self, *_: object) -> None:
        """Print nothing."""


@pytest.fixture
def server() -> Iterator[FakeServer]:
    with FakeServer() as fake:
        thread = threading.Thread(target=fake.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield fake
        fake.shutdown()
        thread.join()


@pytest.fixture
def delays() -> list[float]:
    return []


@pytest.fixture
def client(server: FakeServer, delays: list[float]) -> CompetitionClient:
    return CompetitionClient(server.address, TOKEN, report=lambda _: None, sleep=delays.append)


def handed_in(state: str = "received", **fields: Any) -> dict[str, Any]:
    return {
        "entry": {"id": 7, "state": state, **fields},
        "is_new": True,
        "remaining": 4,
        "resets_at": "2026-12-01T00:00:00+01:00",
    }


@pytest.fixture
def code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("UNLEARN_TOKEN", TOKEN)
    file = tmp_path / "mine.py"
    file.write_text("def unlearning(net, retain, forget, val): ...\n")
    return file


def submit(server: FakeServer, code: Path, *words: str) -> int:
    try:
        run_words(["submit", str(code), "--phase", "feedback", "--server", server.address, *words])
    except SystemExit as ending:
        return int(ending.code or 0)
    return 0


def test_submit(server: FakeServer, code: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A file is packed and sent with token and key; entry, remaining and reset are printed, the token is not."""
    server.answer(200, {"max_bytes": 1000})
    server.answer(201, handed_in())
    assert submit(server, code) == 0
    _, (method, path, headers, body) = server.requests
    assert (method, path) == ("PUT", "/api/v1/phases/feedback/entries?file_name=mine.zip")
    assert headers["Authorization"] == f"Bearer {TOKEN}"
    assert len(headers["Idempotency-Key"]) >= 20
    assert body.startswith(b"PK")
    printed = capsys.readouterr()
    assert "entry 7: received" in printed.out
    assert "remaining: 4; resets at 2026-12-01T00:00:00+01:00" in printed.out
    assert TOKEN not in printed.out + printed.err


def test_json(server: FakeServer, code: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """--json prints one document; one of an ended entry with its score."""
    server.answer(200, {"max_bytes": 1000})
    server.answer(200, handed_in("scored", score=0.25))
    assert submit(server, code, "--json", "--wait") == 0
    document = json.loads(capsys.readouterr().out)
    assert document["entry"]["score"] == 0.25
    assert document["remaining"] == 4


def test_failed_entry(server: FakeServer, code: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With --wait, an entry that is refused ends with 1, and its reason is printed without control characters."""
    server.answer(200, {"max_bytes": 1000})
    server.answer(201, handed_in("refused", reason="no\x1b[31m entry file"))
    assert submit(server, code, "--wait") == 1
    printed = capsys.readouterr().out
    assert "refused: no" in printed
    assert "\x1b" not in printed


def test_too_large(server: FakeServer, code: Path) -> None:
    """What is larger than the phase allows is not sent."""
    server.answer(200, {"max_bytes": 10})
    with pytest.raises(ConfigurationError, match="Nothing was sent"):
        submit(server, code)
    assert len(server.requests) == 1


def test_repeats(server: FakeServer, client: CompetitionClient, delays: list[float]) -> None:
    """Lost connections and faults of the server are tried again, later each time, under the same key."""
    for status in (LOST, 503, 500):
        server.answer(status)
    server.answer(201, handed_in())
    assert client.hand_in("feedback", "a.zip", b"PK", key="k" * 32).entry.id == 7
    assert {headers["Idempotency-Key"] for _, _, headers, _ in server.requests} == {"k" * 32}
    assert [body for *_, body in server.requests] == [b"PK"] * 4
    assert delays == [1.0, 2.0, 4.0]


def test_sent_bytes(server: FakeServer, client: CompetitionClient) -> None:
    """What was sent is reported piece by piece, and from the beginning where the request is repeated."""
    server.answer(503)
    server.answer(201, handed_in())
    data, sent = b"x" * 100_000, list[int]()
    client.hand_in("feedback", "a.zip", data, key="k", sent=sent.append)
    assert [body for *_, body in server.requests] == [data] * 2
    assert all("Transfer-Encoding" not in headers for _, _, headers, _ in server.requests)
    assert (min(sent) > 0, max(sent)) == (True, len(data))
    falls = sum(later < earlier for earlier, later in pairwise(sent))
    assert (falls, len(set(sent)) > 4) == (1, True)


@pytest.mark.parametrize("is_terminal", [True, False])
def test_a_bar_is_drawn_on_a_terminal_alone(is_terminal: bool) -> None:
    """Into a file or pipe not a byte is written."""
    file = io.StringIO()
    console = Console(file=file, force_terminal=is_terminal, force_interactive=is_terminal, width=80)
    with upload_bar(console, 2_000_000) as sent:
        sent(1_000_000)
        sent(2_000_000)
    assert ("2.0/2.0 MB" in file.getvalue()) == is_terminal
    assert bool(file.getvalue()) == is_terminal


def test_gives_up(server: FakeServer, client: CompetitionClient, delays: list[float]) -> None:
    """A server that stays broken is our fault and no refusal; attempts are bounded."""
    server.answer(502)
    with pytest.raises(HostNotReadyError, match="repeat the command later"):
        client.entry(1)
    assert len(server.requests) == ATTEMPTS == len(delays) + 1


@pytest.mark.parametrize("status", [401, 403, 404, 409, 422, 429])
def test_refusals(server: FakeServer, client: CompetitionClient, status: int) -> None:
    """What the server refuses is one sentence, sanitized, and is not repeated."""
    server.answer(status, {"detail": "The quota is\x1b[2J used."})
    with pytest.raises(ConfigurationError, match=r"^Refused: The quota is") as refused:
        client.phase("feedback")
    assert "\x1b" not in str(refused.value)
    assert len(server.requests) == 1


def test_redirection(server: FakeServer, client: CompetitionClient) -> None:
    """A redirection is not followed, so the token reaches nobody else."""
    server.answer(307, {}, Location=f"{server.address}/elsewhere")
    with pytest.raises(HostNotReadyError, match="does not answer as"):
        client.phase("feedback")
    assert len(server.requests) == 1


def test_netrc(
    server: FakeServer, client: CompetitionClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A password in .netrc does not replace the token."""
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login me password secret\n")
    monkeypatch.setenv("NETRC", str(netrc))
    server.answer(200, {"max_bytes": 1})
    client.phase("a/b")
    _, path, headers, _ = server.requests[0]
    assert headers["Authorization"] == f"Bearer {TOKEN}"
    assert path == "/api/v1/phases/a%2Fb"


def test_another_service(server: FakeServer, client: CompetitionClient) -> None:
    """A server that is no competition's is reported as such."""
    server.answer(200, {"hello": "world"})
    with pytest.raises(HostNotReadyError, match="does not answer as"):
        client.phase("feedback")
    server.answers[:] = [(404, {}, {})]
    with pytest.raises(HostNotReadyError, match="does not answer as"):
        client.phase("feedback")


def test_follow(server: FakeServer, client: CompetitionClient, delays: list[float]) -> None:
    """Each change of state is reported once, also while a fault of the organizers holds the entry."""
    for fields in (
        {"state": "queued", "position": 2},
        {"state": "queued", "position": 2},
        {"state": "held"},
        {"state": "scored", "score": 0.5},
    ):
        server.answer(200, {"id": 7, **fields})
    reports: list[str] = []
    received = EntryAnswer(id=7, state="received")
    entry = follow(client, received, report=reports.append, sleep=delays.append)
    assert (entry.state, entry.score) == ("scored", 0.5)
    assert reports == ["queued, place 2 in the queue", "held"]
    assert len(delays) == 4


@pytest.mark.parametrize(
    "text", ["http://contest.example", "contest.example", "https://a:b@c.example", "https://c.example/x", ""]
)
def test_refused_servers(text: str) -> None:
    """The token travels encrypted, to a server that is plainly named."""
    with pytest.raises(ConfigurationError, match="--server must"):
        checked_server(text)


def test_accepted_servers() -> None:
    """HTTPS everywhere, plain HTTP on this machine."""
    assert checked_server("https://contest.example/") == "https://contest.example"
    assert checked_server("http://localhost:8000") == "http://localhost:8000"
    assert checked_server("http://[::1]:8000") == "http://[::1]:8000"


def test_token_file(tmp_path: Path) -> None:
    """A token is read from a file that nobody else can read, or from the environment."""
    file = tmp_path / "token"
    file.write_text(f"{TOKEN}\n")
    file.chmod(0o644)
    with pytest.raises(ConfigurationError, match="chmod 600"):
        read_token(file, {})
    file.chmod(0o600)
    assert read_token(file, {"UNLEARN_TOKEN": "other"}) == TOKEN
    assert read_token(None, {"UNLEARN_TOKEN": TOKEN}) == TOKEN
    for environment in ({}, {"UNLEARN_TOKEN": "two words"}):
        with pytest.raises(ConfigurationError, match="token"):
            read_token(None, environment)
    with pytest.raises(ConfigurationError, match="cannot be read"):
        read_token(tmp_path / "missing", {})


def test_wrong_certificate(server: FakeServer) -> None:
    """A server without TLS where TLS is expected gets no token."""
    address = server.address.replace("http://", "https://")
    server.answer(200, {"max_bytes": 1})
    with pytest.raises(HostNotReadyError):
        CompetitionClient(address, TOKEN, report=lambda _: None, sleep=lambda _: None).phase("feedback")
    assert not server.requests
