"""Take the pictures that README and documentation show: ``python -m website.pictures``, or ``make pictures``.

Pages are made from a made-up evaluation and leaderboard, and opened in Debian's chromium. The same code gives
the same pages; pixels depend on the browser and its fonts, so pictures are taken again when a page has
changed, and looked at. Exit code 1: there is no chromium.
"""

from __future__ import annotations

import argparse
import io
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from PIL import Image
from playwright.sync_api import Browser, sync_playwright

from runner.leaderboard.page import board_page
from runner.pages.report import report_page
from website.made_up import made_up_report
from website.made_up_board import made_up_board

FOLDER: Final = Path(__file__).parents[1] / "docs" / "pictures"
MAX_BYTES: Final = 150_000
"""Of a picture: README and site are read over slow lines too."""
_COLOURS: Final = 128
_SCALE: Final = 1.5
"""Pixels of a picture for each CSS pixel."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """A picture: a part of a page, as a reader with these preferences sees it."""

    page: str
    """Key of `PAGES`."""
    width: int
    """Of the window, in CSS pixels."""
    height: int
    """Of what is shown, in CSS pixels."""
    scheme: Literal["light", "dark"] = "light"
    start: str | None = None
    """Selector of the element at the top; None for the beginning of the page."""


PAGES: Final[Mapping[str, Callable[[], str]]] = {
    "report": lambda: report_page(made_up_report()),
    "leaderboard": lambda: board_page(made_up_board()),
}
PICTURES: Final[Mapping[str, Picture]] = {
    "report.png": Picture(page="report", width=1024, height=820),
    "report-examples.png": Picture(
        page="report", width=1024, height=820, scheme="dark", start="#epsilon"
    ),
    "report-phone.png": Picture(page="report", width=390, height=760),
    "leaderboard.png": Picture(page="leaderboard", width=1280, height=760),
}  # fmt: skip
"""Each picture by the name of its file."""


def take(browser: Browser, file: Path, picture: Picture) -> bytes:
    """Return a picture of a page as PNG with a palette.

    Args:
        browser: A running chromium.
        file: The page.
        picture: What is shown of it.
    """
    viewport = {"width": picture.width, "height": picture.height}
    context = browser.new_context(
        viewport=viewport,  # type: ignore[arg-type]
        color_scheme=picture.scheme,
        device_scale_factor=_SCALE,
        java_script_enabled=False,
    )
    try:
        page = context.new_page()
        page.goto(file.as_uri())
        top = 0.0
        if picture.start is not None:
            box = page.locator(picture.start).bounding_box()
            assert box is not None, f"{picture.start} is not shown"
            top = box["y"]
        clip = {"x": 0, "y": top, "width": picture.width, "height": picture.height}
        return with_palette(page.screenshot(full_page=True, clip=clip))  # type: ignore[arg-type]
    finally:
        context.close()


def with_palette(png: bytes) -> bytes:
    """Return a picture with few colours, which is a third of its size and looks the same."""
    few = Image.open(io.BytesIO(png)).convert("RGB").quantize(_COLOURS, dither=Image.Dither.NONE)
    out = io.BytesIO()
    few.save(out, format="PNG", optimize=True)
    return out.getvalue()


def take_all(folder: Path, program: str) -> None:
    """Write all pictures.

    Args:
        folder: Where they are written.
        program: Path of chromium.
    """
    folder.mkdir(parents=True, exist_ok=True)
    options = ["--no-sandbox"] if os.geteuid() == 0 else []
    with tempfile.TemporaryDirectory() as temporary, sync_playwright() as playwright:
        files = {name: Path(temporary) / f"{name}.html" for name in PAGES}
        for name, file in files.items():
            file.write_text(PAGES[name](), encoding="utf-8")
        browser = playwright.chromium.launch(executable_path=program, args=options)
        for name, picture in PICTURES.items():
            data = take(browser, files[picture.page], picture)
            (folder / name).write_bytes(data)
            print(f"pictures: {name}, {len(data) / 1000:.0f} kB")
        browser.close()


def main() -> None:
    """Take all pictures, and print their sizes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--folder", type=Path, default=FOLDER)
    folder: Path = parser.parse_args().folder
    program = shutil.which("chromium")
    if program is None:
        print("pictures: chromium is not here; `make browser` installs Debian's package.", file=sys.stderr)
        sys.exit(1)
    take_all(folder, program)


if __name__ == "__main__":
    main()
