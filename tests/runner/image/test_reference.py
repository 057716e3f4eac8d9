"""The name of an image in a registry is read as engines read it; anything else is one sentence."""

from __future__ import annotations

import pytest

from runner.errors import ConfigurationError
from runner.image.reference import Reference

DIGEST = f"sha256:{'0a' * 32}"


@pytest.mark.parametrize(
    ("text", "name", "tag", "digest"),
    [
        ("registry.example/unlearn", "registry.example/unlearn", "", ""),
        ("registry.example/team/unlearn:2026.1", "registry.example/team/unlearn", "2026.1", ""),
        ("127.0.0.1:5000/unlearn:a_B-c", "127.0.0.1:5000/unlearn", "a_B-c", ""),
        ("[::1]:5000/unlearn", "[::1]:5000/unlearn", "", ""),
        ("localhost:5000/unlearn", "localhost:5000/unlearn", "", ""),
        ("unlearn:5000", "unlearn", "5000", ""),
        (f"registry.example/unlearn@{DIGEST}", "registry.example/unlearn", "", DIGEST),
        (f"registry.example/unlearn:tag@{DIGEST}", "registry.example/unlearn", "tag", DIGEST),
        ("a/b__c--d.e", "a/b__c--d.e", "", ""),
    ],
)
def test_read(text: str, name: str, tag: str, digest: str) -> None:
    """A port is no tag, a tag no port."""
    assert Reference.parse(text) == Reference(name=name, tag=tag, digest=digest)


def test_a_digest_makes_a_tag_beside_it_meaningless() -> None:
    """Engines take one or the other."""
    assert str(Reference.parse(f"host/unlearn:tag@{DIGEST}")) == f"host/unlearn@{DIGEST}"
    assert str(Reference.parse("host/unlearn:tag")) == "host/unlearn:tag"
    assert str(Reference.parse("host/unlearn")) == "host/unlearn"


@pytest.mark.parametrize(
    "text",
    [
        "",
        ":tag",
        "host/",
        "host/Name",
        "host/name:",
        "host/name:-tag",
        "https://host/name",
        "user:password@host/name",
        "host/name@sha256:12",
        "host/name@md5:0123",
        f"host/name@{DIGEST}0",
        "host/na me",
        "host/name\n",
        "host/../name",
        "host/n\N{LATIN SMALL LETTER A WITH DIAERESIS}me",
        "a" * 600,
    ],
)
def test_refused(text: str) -> None:
    """With the form that works."""
    with pytest.raises(ConfigurationError, match="REGISTRY/NAME"):
        Reference.parse(text)


def test_a_long_name_takes_no_time() -> None:
    """The pattern does not backtrack."""
    with pytest.raises(ConfigurationError):
        Reference.parse("a-" * 240 + "!")
