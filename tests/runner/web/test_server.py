"""The service as a process: slow, huge and false requests end, memory stays, and it stops in good order."""

from __future__ import annotations

import re
import signal
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx2
import pytest

from runner.store.paths import uploads_folder
from runner.units import MIB
from tests.runner.contest.conftest import Contest
from tests.runner.web.conftest import CODE, add_tokens, token_of
from tests.support.web.service import WebService, web_service

SECONDS = 1.0
"""Limits of slow clients in these tests."""
PATIENCE = 30.0
"""Far longer than any limit, for a machine that is busy."""
PATH = "/api/v1/phases/feedback/entries?file_name=a.py"


@pytest.fixture(scope="module")
def served(contest_template: Contest, tmp_path_factory: pytest.TempPathFactory) -> Contest:
    contest = contest_template.copied(tmp_path_factory.mktemp("served") / "contest")
    add_tokens(contest)
    return contest


@pytest.fixture(scope="module")
def service(served: Contest) -> Iterator[WebService]:
    """Return a service with short limits."""
    limits: dict[str, Any] = {
        "header_seconds": SECONDS,
        "body_grace_seconds": SECONDS,
        "uploads_per_minute": 100_000,
    }
    with web_service(served.folder, served.store_folder, **limits) as running:
        yield running


def head(length: object, *, more: str = "") -> bytes:
    """Return the request line and headers of an upload."""
    lines = (
        f"PUT {PATH} HTTP/1.1",
        "Host: localhost",
        f"Authorization: Bearer {token_of('alpha')}",
        f"Content-Length: {length}",
        *([more] if more else []),
    )
    return "\r\n".join(lines).encode() + b"\r\n\r\n"


def exchange(service: WebService, *parts: bytes, end: bool = False, pause: float = 0.0) -> bytes:
    """Send parts, with a pause before each further one; return all that is answered until the connection ends."""
    with socket.create_connection(("127.0.0.1", service.port), timeout=PATIENCE) as connection:
        for number, part in enumerate(parts):
            if number:
                time.sleep(pause)
            try:
                connection.sendall(part)
            except OSError:
                break
        if end:
            connection.shutdown(socket.SHUT_WR)
        answer = b""
        try:
            while piece := connection.recv(1 << 16):
                answer += piece
        except ConnectionResetError:
            pass
        return answer


def works(service: WebService) -> bool:
    return httpx2.get(f"{service.address}/healthz", timeout=PATIENCE).status_code == 200


def upload_names(contest: Contest) -> list[str]:
    folder = uploads_folder(contest.store_folder)
    return sorted(file.name for file in folder.iterdir()) if folder.is_dir() else []


def test_headers_that_never_end(service: WebService) -> None:
    """A connection that sends nothing, or a header now and then, is closed; others are answered meanwhile."""
    drip = [b"GET /healthz HTTP/1.1\r\n", *[b"X: y\r\n"] * 30]
    with ThreadPoolExecutor(8) as pool:
        slow = [
            pool.submit(exchange, service, *parts, pause=0.2)
            for parts in ([b""], [b"GET"], drip)
            for _ in range(2)
        ]
        assert works(service)
        begun = time.monotonic()
        assert [each.result() for each in slow] == [b""] * 6
        assert time.monotonic() - begun < PATIENCE


def test_head_leaves_the_connection_usable(service: WebService) -> None:
    """The answer to HEAD ends with its headers, so the next one on the connection is read rightly."""
    lines = "{} /api/v1/phases HTTP/1.1\r\nHost: localhost\r\n{}\r\n"
    answer = exchange(
        service, lines.format("HEAD", "").encode(), lines.format("GET", "Connection: close\r\n").encode()
    )
    first, second, body = answer.split(b"\r\n\r\n")
    length = f"content-length: {len(body)}".encode()
    for headers in (first, second):
        assert headers.startswith(b"HTTP/1.1 200 OK")
        assert length in headers


def test_a_body_that_drips_is_ended(service: WebService, served: Contest) -> None:
    """One byte now and then: 408, and nothing is kept."""
    before = upload_names(served)
    answer = exchange(service, head(1000), *[b"x"] * 100, pause=0.1)
    assert answer.startswith(b"HTTP/1.1 408")
    assert upload_names(served) == before
    assert works(service)


def test_a_connection_that_ends_in_the_middle_leaves_nothing(service: WebService, served: Contest) -> None:
    """Fewer bytes than declared become no entry."""
    before, entries = upload_names(served), len(served.entries())
    exchange(service, head(1000) + b"x" * 500, end=True)
    deadline = time.monotonic() + PATIENCE
    while upload_names(served) != before and time.monotonic() < deadline:
        time.sleep(0.02)
    assert upload_names(served) == before
    assert len(served.entries()) == entries


def test_ten_gigabytes_are_refused_unread(service: WebService) -> None:
    """By the declared length; the answer comes before the first byte, and memory stays as it is."""
    before = service.memory_bytes
    answers = [exchange(service, head(10 << 30)) for _ in range(20)]
    assert all(answer.startswith(b"HTTP/1.1 413") for answer in answers)
    assert all(b"application/problem+json" in answer for answer in answers)
    assert service.memory_bytes - before < 16 * MIB


def test_more_than_declared_is_not_read(service: WebService, served: Contest) -> None:
    """What comes after the declared length is no part of the file, and no answer is given to it but a refusal."""
    entries = len(served.entries())
    code = CODE + b"# exact"
    answer = exchange(service, head(len(code)) + code + b"z" * (1 << 20), end=True)
    assert answer.startswith(b"HTTP/1.1 201")
    assert b"HTTP/1.1 400" in answer or answer.count(b"HTTP/1.1") == 1
    assert len(served.entries()) == entries + 1


@pytest.mark.parametrize("more", ["Transfer-Encoding: chunked", "Content-Length: 7"])
def test_two_lengths_are_refused(service: WebService, more: str) -> None:
    """A request that a proxy could read in another way gets no entry."""
    answer = exchange(service, head(5, more=more) + b"5\r\nhello\r\n0\r\n\r\n")
    assert re.match(rb"HTTP/1.1 4\d\d", answer)


def test_memory_stays_flat_under_large_uploads(service: WebService, served: Contest) -> None:
    """Many bodies at the limit, side by side, are held on the disk and not in memory."""
    most = httpx2.get(f"{service.address}/api/v1/phases/feedback", timeout=PATIENCE).json()["max_bytes"]
    size = min(most, 40 * MIB)
    content = CODE + b"#" * (size - len(CODE))
    headers = {"Authorization": f"Bearer {token_of('alpha')}"}

    def put(_number: int) -> int:
        url = f"{service.address}{PATH}"
        return httpx2.put(url, content=content, headers=headers, timeout=PATIENCE).status_code

    put(0)
    before = service.memory_bytes
    with ThreadPoolExecutor(4) as pool:
        assert set(pool.map(put, range(8))) == {200}
    assert service.memory_bytes - before < 32 * MIB
    assert len(upload_names(served)) == len(served.entries())


def test_no_server_is_named_and_no_token_is_logged(served: Contest) -> None:
    """Headers name no software; what the process writes has neither tokens nor addresses of requests."""
    with web_service(served.folder, served.store_folder) as running:
        headers = {"Authorization": f"Bearer {token_of('alpha')}"}
        for path in ("/api/v1/entries", "/%00", "/nothing?secret=1"):
            answer = httpx2.get(f"{running.address}{path}", headers=headers, timeout=PATIENCE)
            assert "server" not in answer.headers
        exchange(running, b"\x16\x03\x01 no HTTP\r\n\r\n")
        running.process.send_signal(signal.SIGTERM)
        assert running.process.stderr is not None
        written = running.process.stderr.read()
        assert token_of("alpha") not in written
        assert "secret" not in written


def test_it_stops_after_open_requests(served: Contest) -> None:
    """SIGTERM in the middle of an upload: the upload ends as an entry, then the process ends with 0."""
    code = CODE + b"# while it stops"
    with web_service(served.folder, served.store_folder) as running:
        with socket.create_connection(("127.0.0.1", running.port), timeout=PATIENCE) as connection:
            connection.sendall(head(len(code)) + code[:10])
            assert works(running)  # the upload has begun
            running.process.send_signal(signal.SIGTERM)
            time.sleep(0.3)
            connection.sendall(code[10:])
            assert connection.recv(1 << 16).startswith(b"HTTP/1.1 201")
        assert running.process.wait(PATIENCE) == 0
