"""Is a published archive fetched once, whole, and only if it is the one that is known?"""

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
    """A home page with one archive, one that breaks off, and nothing else."""

    asked: list[str]

    def do_GET(self) -> None:
        """Answer, and note what was asked for."""
        self.asked.append(self.path)
        if self.path == "/none":
            self.send_error(404)
            return
        self.send_response(200)
        self.send_header("Content-Length", str(len(PUBLISHED)))
        self.end_headers()
        self.wfile.write(PUBLISHED[: -100 if self.path == "/breaks" else None])

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@pytest.fixture
def home(monkeypatch: pytest.MonkeyPatch) -> Iterator[HTTPServer]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    Home.asked = []
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
    """The file is what was published, a second time asks nobody, and a damaged one is fetched anew."""
    folder = tmp_path / "not" / "there yet"
    found = fetch(at(home), folder)
    assert found == folder / "cifar-10-python.tar.gz"
    assert found.read_bytes() == PUBLISHED
    assert fetch(at(home), folder) == found
    assert Home.asked == ["/a"]
    found.write_bytes(b"damaged")
    assert fetch(at(home), folder).read_bytes() == PUBLISHED
    assert Home.asked == ["/a", "/a"]
    (only,) = gather_data(found, "cifar10").files
    assert (only.name, only.sha256) == (found.name, at(home).sha256)


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("/none", r"cannot be downloaded \(HTTPError\); fetch it by hand .* --data\."),
        ("/breaks", r"cannot be downloaded|its hash differs"),
    ],
)
def test_not_to_be_had(home: HTTPServer, tmp_path: Path, path: str, words: str) -> None:
    """One sentence says what to do instead, and nothing half is left behind."""
    with pytest.raises(HostNotReadyError, match=words):
        fetch(at(home, path), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_another_file_by_that_name(home: HTTPServer, tmp_path: Path) -> None:
    """What has another hash is not kept."""
    with pytest.raises(HostNotReadyError, match=r"its hash differs\); fetch it by hand"):
        fetch(replace(at(home), sha256="0" * 64), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_without_a_network(home: HTTPServer, tmp_path: Path) -> None:
    """Nobody answers: exit code 3, what stands for a host that lacks something."""
    home.server_close()
    with pytest.raises(HostNotReadyError, match=r"cannot be downloaded \(ConnectionError\)") as caught:
        fetch(at(home), tmp_path)
    assert caught.value.exit_code == 3


@pytest.mark.parametrize(
    "arguments", [("cifar10", "built", "--data", "here"), ("digits", "built"), ("idx", "built")]
)
def test_asked_for_in_vain(arguments: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    """Only what has a home page is downloaded, and in place of files that are named."""
    with pytest.raises(ConfigurationError, match="--download is for cifar10, and in place of --data"):
        command_group()(["challenge", "build", *arguments, "--download"], standalone_mode=False)


def test_archives_are_known_by_hash_over_tls() -> None:
    """And lie at https."""
    for archive in ARCHIVES.values():
        assert archive.url.startswith("https://")
        assert len(bytes.fromhex(archive.sha256)) == 32
