"""Pages of the site link to pages of the site; what is elsewhere in the repository is named and not linked."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.paths import ROOT
from website.collect import LinkError, collect, site_path, sources, within_site


@pytest.mark.parametrize(
    ("path", "line", "expected"),
    [
        ("docs/a.md", "[x](b.md#c)", "[x](b.md#c)"),
        ("docs/a.md", "[x](../README.md)", "[x](index.md)"),
        ("docs/decisions/wall.md", "[index](../decisions.md)", "[index](../decisions.md)"),
        ("docs/decisions/wall.md", "[c](../../CONTRIBUTING.md#words)", "[c](../contributing.md#words)"),
        ("README.md", "see [x](docs/a.md), [y](docs/b/c.md#d)", "see [x](a.md), [y](b/c.md#d)"),
        ("benchmarks/README.md", "[x](../docs/gpu.md)", "[x](gpu.md)"),
        ("docs/a.md", "[image](../requirements/image.in)", "image"),
        ("docs/a.md", "([`tests/x`](../tests/x))", "(`tests/x`)"),
        ("docs/a.md", "[x](https://example.org/a.md) [y](#z)", "[x](https://example.org/a.md) [y](#z)"),
        ("docs/a.md", "![x](plots/null.svg)", "![x](plots/null.svg)"),
    ],
)
def test_links(path: str, line: str, expected: str) -> None:
    """Between pages in `docs/`, from and to pages elsewhere, to files, outside, and to images."""
    assert within_site(f"{line}\n", path) == f"{expected}\n"


def test_code_is_not_changed() -> None:
    """What looks like a link in a block of code stays as it is; the text after the block is changed."""
    text = "```md\n~~~\n[x](../x.py)\n```\n[x](../x.py)\n~~~\n[x](../x.py)\n~~~\n"
    assert within_site(text, "docs/a.md") == text.replace("```\n[x](../x.py)", "```\nx")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("**A**\n* b\n  c\n* d\n", "**A**\n\n* b\n  c\n* d\n"),
        ("a:\n\n* b\n  * c\n", "a:\n\n* b\n    * c\n"),
        ("a\n- b\n", "a\n\n- b\n"),
        ("```\na\n* b\n```\n", "```\na\n* b\n```\n"),
        ("a\n*b* c\n", "a\n*b* c\n"),
    ],
)
def test_lists(text: str, expected: str) -> None:
    """The site's builder takes a line below a paragraph for text, and two spaces for none."""
    assert within_site(text, "docs/a.md") == expected


def test_an_image_that_is_missing_is_an_error() -> None:
    """Its text alone would hide it."""
    with pytest.raises(LinkError, match="shows"):
        within_site("![x](../x.png)\n", "docs/a.md")


def test_all_pages_are_collected(tmp_path: Path) -> None:
    """Each once, and nothing of an earlier collection stays."""
    folder = tmp_path / "pages"
    folder.mkdir()
    (folder / "old.md").write_text("old")
    collect(ROOT, folder)
    places = [site_path(path) for path in sources(ROOT)]
    assert len(places) == len(set(places)) > 20
    assert {file.relative_to(folder).as_posix() for file in folder.rglob("*.*")} == set(places)
    assert {file.name for file in (ROOT / "docs").rglob("*.md")} <= {
        file.name for file in folder.rglob("*.md")
    }
