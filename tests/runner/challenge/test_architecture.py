"""An organizer's own module is treated as text only."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from runner.challenge.architecture import choose_architecture_file
from runner.errors import ConfigurationError
from sandbox.protocol.frames import Decoder, encode_header
from sandbox.protocol.jobs import ARCHITECTURE_BYTES, EvaluatorJob
from sandbox.protocol.messages import TO_EVALUATOR


def test_a_module_is_read_and_hashed_and_not_run(tmp_path: Path) -> None:
    """Any content is accepted; a byte order mark is not part of the text."""
    file = tmp_path / "net.py"
    file.write_bytes(b"\xef\xbb\xbfraise SystemExit('r\xc3\xa9seau')\n")
    found = choose_architecture_file(None, file)
    assert found is not None
    assert found.text == "raise SystemExit('réseau')\n"
    assert found.sha256 == hashlib.sha256(file.read_bytes()).hexdigest()


def test_without_a_file_there_is_none() -> None:
    """A name is for the container to judge."""
    assert choose_architecture_file(None, None) is None
    assert choose_architecture_file("resnet50", None) is None


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"#" * (ARCHITECTURE_BYTES + 1), "is larger than 1 MiB"),
        (b"# caf\xe9", "is not UTF-8: byte 5"),
        (None, "No file of a network exists at"),
    ],
)
def test_refused(tmp_path: Path, data: bytes | None, words: str) -> None:
    """A file that is too large, not text or missing is refused in one sentence."""
    if data is not None:
        (tmp_path / "net.py").write_bytes(data)
    with pytest.raises(ConfigurationError, match=words):
        choose_architecture_file(None, tmp_path / "net.py")


def test_a_name_and_a_file_are_one_too_many(tmp_path: Path) -> None:
    """Name and file exclude each other, and the name ``file`` requires a file."""
    with pytest.raises(ConfigurationError, match="not both"):
        choose_architecture_file("resnet18", tmp_path / "net.py")
    with pytest.raises(ConfigurationError, match="--architecture-file"):
        choose_architecture_file("file", None)


@pytest.mark.parametrize("character", ["\x01", "é", "#"])
def test_the_longest_text_fits_into_a_job(character: str) -> None:
    """The longest text fits into a job, however many bytes JSON needs for each of its own."""
    source = character * (ARCHITECTURE_BYTES // len(character.encode()))
    job = EvaluatorJob(architecture="file", classes=10, device="cpu", architecture_source=source)
    payload = job.to_json()
    (frame,) = Decoder(TO_EVALUATOR).feed(encode_header("job", len(payload)) + payload)
    assert EvaluatorJob.from_json(frame.payload) == job
