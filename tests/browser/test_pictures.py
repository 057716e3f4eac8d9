"""Pictures are taken of the part of a page that they are said to show."""

from __future__ import annotations

import io
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser

from website.pictures import Picture, take

PAGE = """\
<!doctype html><title>x</title><style>body { margin: 0; background: white } div { height: 3000px }
@media (prefers-color-scheme: dark) { body { background: black; color: white } }</style><div></div><p id="end">end</p>"""


def test_a_picture_starts_at_its_element_in_its_scheme(chromium: Browser, tmp_path: Path) -> None:
    file = tmp_path / "page.html"
    file.write_text(PAGE, encoding="utf-8")
    picture = Picture(page="x", width=200, height=30, scheme="dark", start="#end")
    image = Image.open(io.BytesIO(take(chromium, file, picture))).convert("RGB")
    assert image.size == (300, 45)
    assert image.getpixel((299, 0)) == (0, 0, 0)
    assert len(image.getcolors() or ()) > 2, "the text is not in it"
