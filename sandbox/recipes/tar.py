"""Extraction of the members that a recipe needs from an organizer's tar archives, as bytes.

Archives are read in the trainer's memory and never unpacked to a disk. The size that a member announces is
checked before it is read, and so is the total size of the decompressed archive.
"""

from __future__ import annotations

import io
import tarfile
import zlib
from collections.abc import Callable, Mapping
from typing import Final

from sandbox.protocol.clutter import is_clutter
from sandbox.recipes.api import RecipeError

ENDINGS: Final = (".tar.gz", ".tgz", ".tar")
MEMBER_BYTES: Final = 256 << 20
"""CIFAR-100's training examples are one member of 150 MiB, or 220 if pickled anew with protocol 2."""
TOTAL_BYTES: Final = 1 << 30


def expand_archives(files: Mapping[str, bytes], is_needed: Callable[[str], bool]) -> dict[str, bytes]:
    """Return the files with each archive replaced by those of its members that are needed.

    A member's new name is the archive's name, a slash and its own name; ``is_needed`` gets the last part.

    Raises:
        RecipeError: an archive is damaged, or larger than it may be.
    """
    expanded: dict[str, bytes] = {}
    for name, data in files.items():
        if not name.endswith(ENDINGS):
            expanded[name] = data
            continue
        try:
            for member, content in _members(name, data, is_needed):
                if member in expanded:
                    raise RecipeError(f"{member} appears twice")
                expanded[member] = content
        except (tarfile.TarError, EOFError, OSError, zlib.error) as error:
            raise RecipeError(f"{name} cannot be read: {error}") from error
    return expanded


def _members(name: str, data: bytes, is_needed: Callable[[str], bool]) -> list[tuple[str, bytes]]:
    members: list[tuple[str, bytes]] = []
    total = 0
    with tarfile.open(fileobj=io.BytesIO(data), mode="r:*") as archive:
        while (member := archive.next()) is not None:  # its size is checked before anything is skipped
            total += member.size
            if member.size > MEMBER_BYTES or total > TOTAL_BYTES:
                raise RecipeError(f"{name}: {member.name[:100]!r} exceeds the size limit of an archive")
            if not member.isfile() or is_clutter(member.name):
                continue
            if not is_needed(member.name.rpartition("/")[2]):
                continue
            content = archive.extractfile(member)
            assert content is not None, "it is a regular file"
            with content:
                members.append((f"{name}/{member.name}", content.read()))
    return members
