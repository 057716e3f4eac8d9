"""A published archive is downloaded once, completely, and only if its hash is the expected one."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from runner.builder.data_files import gather_data
from runner.builder.download import ARCHIVES, PublishedArchive, fetch
from runner.cli.main import command_group
from runner.errors import ConfigurationError, HostNotReadyError
from tests.support import recipe_data

PUBLISHED = recipe_data.tar_archive(recipe_data.cifar_python())


class Home(BaseHTTPRequestHandler):
    """A site with one archive, and one whose transfer breaks off."""

    requests: list[str]

    def do_GET(self) -> None:
        """Answer, and record the request."""
        self.requests.append(self.path)
        if self.path == "/none":
            self.send_error(404)
            return
        self.send_response(200)
        self.send_header("Content-Length", str(len(PUBLISHED)))
        self.end_headers()
        self.wfile.write(PUBLISHED[: -100 if self.path == "/breaks" else None])

    def log_message(self, format: str, *args: object) -> None:
        """Print nothing."""


@pytest.fixture
def home(monkeypatch: pytest.MonkeyPatch) -> Iterator[HTTPServer]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    Home.requests = []
    with HTTPServer(("127.0.0.1", 0), Home) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def at(home: HTTPServer, path: str = "/a") -> PublishedArchive:
    return PublishedArchive(
        name="cifar-10-python.tar.gz",
        url=f"http://127.0.0.1:{home.server_port}{path}",
        sha256=hashlib.sha256(PUBLISHED).hexdigest(),
    )


def test_fetched_once(home: HTTPServer, tmp_path: Path) -> None:
    """The cached archive is used without a request; a damaged one is downloaded again."""
    folder = tmp_path / "not" / "there yet"
    path = fetch(at(home), folder)
    assert path == folder / "cifar-10-python.tar.gz"
    assert path.read_bytes() == PUBLISHED
    assert fetch(at(home), folder) == path
    assert Home.requests == ["/a"]
    path.write_bytes(b"damaged")
    assert fetch(at(home), folder).read_bytes() == PUBLISHED
    assert Home.requests == ["/a", "/a"]
    (only,) = gather_data(path, "cifar10").files
    assert (only.name, only.sha256) == (path.name, at(home).sha256)


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("/none", r"cannot be downloaded \(HTTPError\); fetch it by hand .* --data\."),
        ("/breaks", r"cannot be downloaded|its hash differs"),
    ],
)
def test_failed_download(home: HTTPServer, tmp_path: Path, path: str, words: str) -> None:
    """The error says what to do instead, and no partial file is left."""
    with pytest.raises(HostNotReadyError, match=words):
        fetch(at(home, path), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_file_with_another_hash(home: HTTPServer, tmp_path: Path) -> None:
    """It is not stored."""
    with pytest.raises(HostNotReadyError, match=r"its hash differs\); fetch it by hand"):
        fetch(replace(at(home), sha256="0" * 64), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_without_a_network(home: HTTPServer, tmp_path: Path) -> None:
    """No answer means exit code 3: the host is not ready."""
    home.server_close()
    with pytest.raises(HostNotReadyError, match=r"cannot be downloaded \(ConnectionError\)") as caught:
        fetch(at(home), tmp_path)
    assert caught.value.exit_code == 3


@pytest.mark.parametrize(
    "arguments", [("cifar10", "built", "--data", "here"), ("digits", "built"), ("idx", "built")]
)
def test_download_without_an_archive(arguments: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    """The option is refused for other recipes, and with files of the organizer."""
    with pytest.raises(ConfigurationError, match="Use --download for cifar10 only, and without --data"):
        command_group()(["challenge", "build", *arguments, "--download"], standalone_mode=False)


def test_archives_are_known_by_hash_over_tls() -> None:
    """Each has a SHA-256 and an https address."""
    for archive in ARCHIVES.values():
        assert archive.url.startswith("https://")
        assert len(bytes.fromhex(archive.sha256)) == 32
