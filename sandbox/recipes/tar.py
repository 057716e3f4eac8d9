"""Files of an organizer's that come in a tar archive: the members that a recipe asks for, as bytes.

Read in the trainer's memory and never unpacked to a disk. What a member may claim is bounded
before it is read, and so is what the whole archive comes to once it is inflated.
"""

from __future__ import annotations

import io
import tarfile
import zlib
from collections.abc import Callable, Mapping
from typing import Final

from sandbox.recipes.api import RecipeError

ENDINGS: Final = (".tar.gz", ".tgz", ".tar")
MEMBER_BYTES: Final = 64 << 20
TOTAL_BYTES: Final = 1 << 30


def opened(files: Mapping[str, bytes], wanted: Callable[[str], bool]) -> dict[str, bytes]:
    """Return the files with every archive among them replaced by those members whose name is wanted.

    A member goes by the archive's name, a slash and its own.

    Raises:
        RecipeError: an archive is damaged, or larger than it may be.
    """
    found: dict[str, bytes] = {}
    for name, data in files.items():
        if not name.endswith(ENDINGS):
            found[name] = data
            continue
        try:
            for member, content in _members(name, data, wanted):
                if member in found:
                    raise RecipeError(f"{member} stands twice")
                found[member] = content
        except (tarfile.TarError, EOFError, OSError, zlib.error) as error:
            raise RecipeError(f"{name} cannot be read: {error}") from error
    return found


def _members(name: str, data: bytes, wanted: Callable[[str], bool]) -> list[tuple[str, bytes]]:
    found: list[tuple[str, bytes]] = []
    total = 0
    with tarfile.open(fileobj=io.BytesIO(data), mode="r:*") as archive:
        while (member := archive.next()) is not None:  # its size is looked at before anything is skipped
            total += member.size
            if member.size > MEMBER_BYTES or total > TOTAL_BYTES:
                raise RecipeError(f"{name}: {member.name[:100]!r} is larger than an archive's file may be")
            if not member.isfile() or not wanted(member.name.rpartition("/")[2]):
                continue
            content = archive.extractfile(member)
            assert content is not None, "it is a file"
            with content:
                found.append((f"{name}/{member.name}", content.read()))
    return found
