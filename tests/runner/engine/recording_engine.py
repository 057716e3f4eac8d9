"""A server of Docker's API in this process, that records what is posted to it and knows no containers."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class RecordedRequest:
    """A request that the server received."""

    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class RecordingEngine:
    """What was requested, and the server's address."""

    address: str = ""
    requests: list[RecordedRequest] = field(default_factory=list)

    def posted(self, part: str) -> RecordedRequest:
        """Return the only request whose path has this part."""
        (request,) = [request for request in self.requests if part in request.path]
        return request


@contextmanager
def recording_engine() -> Iterator[RecordingEngine]:
    """Serve Docker's API until the end of the block; it refuses to start containers."""
    engine = RecordingEngine()

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_arguments: object) -> None:
            """Print nothing."""

        def do_GET(self) -> None:
            """Answer with the version."""
            self._record(b"")
            self._answer(200, {"ApiVersion": "1.43", "Version": "25.0", "Components": []})

        def do_DELETE(self) -> None:
            """Accept."""
            self._record(b"")
            self._answer(204, None)

        def do_POST(self) -> None:
            """Accept containers, builds and pulls, and nothing else."""
            if "chunked" in self.headers.get("Transfer-Encoding", ""):
                body = b""
                while size := int(self.rfile.readline(), 16):
                    body += self.rfile.read(size)
                    self.rfile.readline()
                self.rfile.readline()
            else:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            self._record(body)
            if "/containers/create" in self.path:
                self._answer(201, {"Id": "made", "Warnings": []})
            elif "/build" in self.path or "/images/create" in self.path:
                self._answer(200, {"stream": "done"})
            else:
                self._answer(500, {"message": "this engine starts nothing"})

        def _record(self, body: bytes) -> None:
            engine.requests.append(
                RecordedRequest(path=self.path, headers=dict(self.headers.items()), body=body)
            )

        def _answer(self, status: int, content: dict[str, Any] | None) -> None:
            data = b"" if content is None else json.dumps(content).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        engine.address = f"tcp://127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield engine
        finally:
            server.shutdown()
            thread.join()
