"""`unlearn image` and `setup --image`: what is refused before an engine is asked, and notes."""

from __future__ import annotations

from pathlib import Path

import pytest

from runner.cli.image import note_tag
from runner.cli.interface.system import unsupported_sentence
from runner.image.image import Image
from runner.image.reference import Reference
from runner.image.transfer import ReceivedImage
from tests.support.command import type_command

DIGEST = f"sha256:{'1' * 64}"


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("image", "pull", "host/Team/unlearn"), "'host/Team/unlearn' names no image"),
        (("image", "push", "https://registry.example/unlearn"), "names no image"),
        (("setup", "--image", "registry.example/unlearn@sha256:12"), "names no image"),
        (("image", "pull", ""), "is empty"),
        (
            ("challenge", "export", "none", "--out", "out", "--image", "host/unlearn:1"),
            "names no fixed image",
        ),
    ],
)
def test_a_wrong_reference_is_wrong_usage(words: tuple[str, ...], sentence: str, tmp_path: Path) -> None:
    """In one line, whether an engine runs or not."""
    done = type_command(*words, DOCKER_HOST=f"unix://{tmp_path}/none.sock")
    assert (done.returncode, done.stdout) == (2, "")
    assert sentence in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    "words", [("pull", "host/unlearn:1"), ("push", "host/unlearn:1"), ("save", "out.tar")]
)
def test_without_an_engine_the_host_is_not_ready(words: tuple[str, ...], tmp_path: Path) -> None:
    """As with every command."""
    done = type_command("image", *words, cwd=tmp_path, DOCKER_HOST=f"unix://{tmp_path}/none.sock")
    assert done.returncode == 3
    assert "No container engine answers" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_tag_is_noted(capsys: pytest.CaptureFixture[str]) -> None:
    """With the digest that it names now, as its registry has it; a digest needs no note."""
    references = (f"host/other@{DIGEST}", f"host/unlearn@{DIGEST}")
    image = Image(digest="0" * 64, identity="sha256:2", references=references)
    received = ReceivedImage(image=image, is_present=True, replaced=None)
    note_tag(Reference.parse(f"host/unlearn@{DIGEST}"), received)
    assert capsys.readouterr().err == ""
    note_tag(Reference.parse("host/unlearn:1"), received)
    assert f"what it names now is host/unlearn@{DIGEST}" in capsys.readouterr().err


def test_windows_is_a_sentence() -> None:
    """Without WSL the modules cannot be imported; Linux, WSL 2 and macOS are POSIX."""
    assert unsupported_sentence("posix") is None
    assert "WSL 2" in str(unsupported_sentence("nt"))
