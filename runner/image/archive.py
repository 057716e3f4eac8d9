"""The names in a saved image: an engine that loads it gives them out, whatever images have them already."""

from __future__ import annotations

import json
import posixpath
import re
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, Final

from runner.errors import ConfigurationError
from runner.image.image import REPOSITORY

_LISTS: Final = ("manifest.json", "repositories", "index.json")
"""Where an archive names images: Docker's form, its earlier form, and the one of the OCI."""
_MAX_LIST_BYTES: Final = 4 << 20
_MAX_MEMBERS: Final = 10_000
_NAME: Final = re.compile(rf"(?:localhost/|docker\.io/library/)?({REPOSITORY}:[0-9a-f]{{16}})")
_NAME_ANNOTATION: Final = "io.containerd.image.name"
_MALFORMED: Final = (
    *(tarfile.TarError, ValueError, TypeError, AttributeError, KeyError, RecursionError, EOFError),
)
"""What reading raises where a file is no tar, or its lists have another form."""


def saved_name(file: Path, archive: IO[bytes]) -> str:
    """Return the one name that a saved image has, ``unlearn-sandbox:`` and 16 hex digits.

    Any other name is refused: loading such a file would move that name away from another image.

    Args:
        file: Its path, for messages.
        archive: The open file; left at its beginning.

    Raises:
        ConfigurationError: it is no saved image, or has other names.
    """
    try:
        names = set(_names(_read_lists(archive)))
    except (
        tarfile.TarError,
        ValueError,
        TypeError,
        AttributeError,
        KeyError,
        RecursionError,
        EOFError,
    ) as error:
        raise ConfigurationError(
            f"{file} is not what `unlearn image save` writes: a tar, not compressed, with one image."
        ) from error
    archive.seek(0)
    short = {match[1] for name in names if (match := _NAME.fullmatch(name))}
    if len(short) != 1 or len(short) != len({_plain(name) for name in names}):
        raise ConfigurationError(
            f"{file} does not hold exactly one image with a name like {REPOSITORY}:0123456789abcdef; "
            "loading it could rename other images."
        )
    return short.pop()


def _plain(name: str) -> str:
    match = _NAME.fullmatch(name)
    return match[1] if match else name


def _read_lists(archive: IO[bytes]) -> dict[str, Any]:
    """Return the lists of names in a tar, by the name of their file.

    Raises:
        ValueError: there is none, or one is in it twice, too large, or no plain file.
    """
    lists: dict[str, Any] = {}
    with tarfile.open(fileobj=archive, mode="r:") as tar:
        for number, member in enumerate(tar):
            if number > _MAX_MEMBERS:
                raise ValueError("too many files")
            folder, name = posixpath.split(posixpath.normpath(member.name))
            if name not in _LISTS:
                continue
            content = tar.extractfile(member) if member.isreg() else None
            if content is None or folder or name in lists or member.size > _MAX_LIST_BYTES:
                raise ValueError(f"{name} is not usable")  # in a folder that is a link, it would replace ours
            lists[name] = json.loads(content.read())
    if "manifest.json" not in lists:
        raise ValueError("it has no manifest.json")
    return lists


def _names(lists: dict[str, Any]) -> Iterator[str]:
    """Yield every name that the lists give to an image."""
    for image in lists["manifest.json"]:
        yield from image.get("RepoTags") or [""]
    for repository, tags in lists.get("repositories", {}).items():
        yield from (f"{repository}:{tag}" for tag in tags)
    for manifest in lists.get("index.json", {}).get("manifests", []):
        if name := (manifest.get("annotations") or {}).get(_NAME_ANNOTATION):
            yield str(name)
