"""Collect the pages of the site: ``build/site/pages`` gets every page, with links that lead within the site.

The pages lie where readers of the repository look for them, and link to each other and to code by paths
of the repository. The site has pages only: a link to anything else becomes its text, which names the file.
"""

from __future__ import annotations

import posixpath
import re
import shutil
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final

DOCS: Final = "docs/"
ELSEWHERE: Final[Mapping[str, str]] = {
    "README.md": "index.md",
    "CHANGELOG.md": "changelog.md",
    "CONTRIBUTING.md": "contributing.md",
    "SECURITY.md": "security.md",
    "benchmarks/README.md": "benchmarks.md",
}
"""Pages of the site that are not in ``docs/``, and their places in the site."""

_SHOWN: Final = frozenset({".md", ".svg", ".png"})
_FENCE: Final = re.compile(r"^ {0,3}(```|~~~)")
_LINK: Final = re.compile(r"(?P<image>!?)\[(?P<text>(?:`[^`]*`|[^]`])*)]\((?P<target>[^)\s]+)\)")
_ITEM: Final = re.compile(r"(?P<indent> *)[*-] ")
_OUTSIDE: Final = re.compile(r"^[a-z]+:")


class LinkError(Exception):
    """A page shows an image that the site does not have."""


def site_path(path: str) -> str | None:
    """Return where the site has a file of the repository; None if it does not have it."""
    if path in ELSEWHERE:
        return ELSEWHERE[path]
    return path.removeprefix(DOCS) if path.startswith(DOCS) and Path(path).suffix in _SHOWN else None


def collect(root: Path, folder: Path) -> None:
    """Write all pages and images of the site.

    Args:
        root: The repository.
        folder: Where they are written; what it contained is removed.

    Raises:
        LinkError: a page shows an image that the site does not have.
    """
    shutil.rmtree(folder, ignore_errors=True)
    for path in sources(root):
        place = site_path(path)
        assert place is not None
        file = folder / place
        file.parent.mkdir(parents=True, exist_ok=True)
        if path.endswith(".md"):
            text = (root / path).read_text(encoding="utf-8")
            file.write_text(within_site(text, path), encoding="utf-8")
        else:
            shutil.copyfile(root / path, file)


def sources(root: Path) -> Iterator[str]:
    """Yield the paths, in the repository, of all pages and images of the site."""
    files = [file.relative_to(root).as_posix() for file in (root / DOCS).rglob("*.*")]
    yield from sorted(file for file in files if site_path(file) is not None)
    yield from ELSEWHERE


def within_site(text: str, path: str) -> str:
    """Return a page whose links lead to pages of the site, or are plain text.

    Args:
        text: The page, in Markdown.
        path: Of the page, in the repository.

    Raises:
        LinkError: it shows an image that the site does not have.
    """
    return "".join(_outside_code(text.splitlines(keepends=True), path))


def _outside_code(lines: Iterable[str], path: str) -> Iterator[str]:
    fence, before = "", ""
    for line in lines:
        match = _FENCE.match(line)
        if match and fence in ("", match[1]):
            fence = "" if fence else match[1]
            yield line
        elif fence:
            yield line
        else:
            yield from _list_as_built(before, _LINK.sub(lambda link: _in_site(link, path), line))
        before = line


def _list_as_built(before: str, line: str) -> Iterator[str]:
    """Yield a line as the builder needs it: a blank line before a list, four spaces before a list in it."""
    match = _ITEM.match(line)
    if match is None:
        yield line
    elif match["indent"]:
        yield f"    {line.lstrip()}"
    else:
        if before.strip() and not before.startswith(" ") and not _ITEM.match(before):
            yield "\n"
        yield line


def _in_site(link: re.Match[str], path: str) -> str:
    target, hash_sign, fragment = link["target"].partition("#")
    if not target or _OUTSIDE.match(target):
        return link[0]
    in_repository = posixpath.normpath(posixpath.join(posixpath.dirname(path), target))
    place, here = site_path(in_repository), site_path(path)
    assert here is not None
    if place is None:
        if link["image"]:
            raise LinkError(f"{path} shows {target}, which is no image of the site.")
        return link["text"]
    relative = posixpath.relpath(place, posixpath.dirname(here) or ".")
    return f"{link['image']}[{link['text']}]({relative}{hash_sign}{fragment})"
