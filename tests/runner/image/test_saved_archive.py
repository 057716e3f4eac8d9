"""Loading a saved image can move no name but the one that the file's image has."""

from __future__ import annotations

import gzip
import io
import json
import tarfile
from pathlib import Path
from typing import Any

import pytest

from runner.errors import ConfigurationError
from runner.image.archive import saved_name

NAME = "unlearn-sandbox:0123456789abcdef"
OTHER = "unlearn-sandbox:fedcba9876543210"


def manifest(*names: str) -> bytes:
    return json.dumps([{"Config": "c.json", "RepoTags": list(names), "Layers": []}]).encode()


def index(*names: str) -> bytes:
    return json.dumps(
        {"manifests": [{"annotations": {"io.containerd.image.name": name}} for name in names]}
    ).encode()


def archive(*members: tuple[str, Any]) -> io.BytesIO:
    """Return a tar; a member is a name with bytes, or with the target of a symbolic link."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        for name, content in members:
            entry = tarfile.TarInfo(name)
            if isinstance(content, bytes):
                entry.size = len(content)
                tar.addfile(entry, io.BytesIO(content))
            else:
                entry.type, entry.linkname = tarfile.SYMTYPE, content
                tar.addfile(entry)
    packed.seek(0)
    return packed


@pytest.mark.parametrize(
    "members",
    [
        [("manifest.json", manifest(NAME))],
        [("./manifest.json", manifest(NAME))],
        [("layer.tar", b"x" * 5000), ("manifest.json", manifest(NAME)), ("b/layer.tar", "../a/layer.tar")],
        [
            ("manifest.json", manifest(NAME)),
            ("repositories", b'{"unlearn-sandbox": {"0123456789abcdef": "x"}}'),
        ],
        [("index.json", index(f"docker.io/library/{NAME}")), ("manifest.json", manifest(NAME))],
        [("index.json", b'{"manifests": [{}]}'), ("manifest.json", manifest(f"localhost/{NAME}"))],
    ],
)
def test_the_name_in_a_saved_image(members: list[tuple[str, Any]]) -> None:
    """As Docker writes it, before and after version 25, and as Podman does; the file is read again from its start."""
    file = archive(*members)
    assert saved_name(Path("image.tar"), file) == NAME
    assert file.tell() == 0


@pytest.mark.parametrize(
    "members",
    [
        [("manifest.json", manifest("python:3.11-slim-bookworm"))],
        [("manifest.json", manifest(NAME, "unlearn-base:python3.11-bookworm"))],
        [("manifest.json", manifest(NAME, OTHER))],
        [("manifest.json", manifest("unlearn-sandbox:latest"))],
        [("manifest.json", manifest(f"registry.example/{NAME}"))],
        [("manifest.json", manifest())],
        [("manifest.json", b"[]")],
        [("manifest.json", manifest(NAME)), ("repositories", b'{"python": {"3.11-slim-bookworm": "x"}}')],
        [("manifest.json", manifest(NAME)), ("index.json", index(OTHER))],
        [("manifest.json", manifest(NAME)[:-1] + b"," + manifest("debian:12")[1:])],
    ],
)
def test_other_names_are_refused(members: list[tuple[str, Any]]) -> None:
    """They could be those of other images, of this project or of anybody."""
    with pytest.raises(ConfigurationError, match="could rename other images"):
        saved_name(Path("image.tar"), archive(*members))


@pytest.mark.parametrize(
    "members",
    [
        [],
        [("layer.tar", b"x")],
        [("manifest.json", b"{")],
        [("manifest.json", b"[1]")],
        [("manifest.json", b"7")],
        [("manifest.json", b"[" * 100_000)],
        [("manifest.json", manifest(NAME)), ("manifest.json", manifest("debian:12"))],
        [("manifest.json", manifest(NAME)), ("a/../manifest.json", manifest("debian:12"))],
        [("manifest.json", manifest(NAME)), ("d", "."), ("d/manifest.json", manifest("debian:12"))],
        [("manifest.json", "other.json"), ("other.json", manifest(NAME))],
        [("manifest.json", manifest(NAME)), ("repositories", b"[]")],
        [("manifest.json", manifest(NAME)), ("index.json", b'{"manifests": 3}')],
    ],
)
def test_a_file_of_another_form_is_refused(members: list[tuple[str, Any]]) -> None:
    """So is one that would be unpacked to other lists than were read."""
    with pytest.raises(ConfigurationError, match="is not what `unlearn image save` writes"):
        saved_name(Path("image.tar"), archive(*members))


@pytest.mark.parametrize(
    "content",
    [b"", b"text", b"\0" * 5000, gzip.compress(archive(("manifest.json", manifest(NAME))).getvalue())],
)
def test_what_is_no_plain_tar_is_refused(content: bytes) -> None:
    """Compressed files too: decompress them first."""
    with pytest.raises(ConfigurationError, match="not compressed"):
        saved_name(Path("image.tar"), io.BytesIO(content))
