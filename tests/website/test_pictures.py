"""The pictures of README and documentation are there, small, shown with a text, and known to the command."""

from __future__ import annotations

import io
import re

import pytest
from PIL import Image

from tests.support.paths import ROOT
from website.pictures import FOLDER, MAX_BYTES, PAGES, PICTURES, with_palette

SHOWING = [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]


def test_the_command_takes_every_picture() -> None:
    """None is left from an earlier version, and each is of a page that the command can make."""
    assert {file.name for file in FOLDER.iterdir()} == PICTURES.keys()
    assert {picture.page for picture in PICTURES.values()} == PAGES.keys()


@pytest.mark.parametrize("name", PICTURES)
def test_pictures_are_small_and_shown_with_a_text(name: str) -> None:
    data = (FOLDER / name).read_bytes()
    assert len(data) <= MAX_BYTES
    image = Image.open(io.BytesIO(data))
    picture = PICTURES[name]
    assert (image.format, image.width / image.height) == (
        "PNG",
        pytest.approx(picture.width / picture.height, rel=0.01),
    )
    texts = re.findall(
        rf"!\[([^]]*)\]\((?:docs/)?pictures/{name}\)", "\n".join(page.read_text() for page in SHOWING)
    )
    assert texts
    assert all(len(text) > 60 for text in texts)


def test_few_colours_look_the_same() -> None:
    """Text on a ground, with its smooth edges, differs by less than an eye sees."""
    shades = Image.linear_gradient("L").convert("RGB").crop((0, 0, 64, 64))
    out = io.BytesIO()
    shades.save(out, format="PNG")
    few = Image.open(io.BytesIO(with_palette(out.getvalue()))).convert("RGB")
    pairs = zip(shades.tobytes(), few.tobytes(), strict=True)
    assert max(abs(before - after) for before, after in pairs) <= 3
