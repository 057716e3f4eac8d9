"""One chromium for the tests of a file; where there is none, they are skipped and listed.

For the session would be too long: while Playwright is active, no other test can run a loop of asyncio.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Final

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.browser.examination import examine

FOLDER: Final = Path(__file__).parent
BROWSER_SECONDS: Final = 300.0
"""For a test, its fixtures included: on a busy machine chromium alone takes a dozen seconds to start."""

Examine = Callable[..., list[str]]
"""`tests.browser.examination.examine` in the chromium of this file."""


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """Start Debian's chromium. Nothing is downloaded, and nothing asks another host."""
    if shutil.which("chromium") is None:
        pytest.skip("chromium is not here; `make test` installs Debian's package")
    with launched() as browser:
        yield browser


@contextmanager
def launched() -> Iterator[Browser]:
    """Yield Debian's chromium, running."""
    program = shutil.which("chromium")
    assert program is not None, "Debian's chromium is not installed; make browser installs it"
    options = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=options, timeout=120_000)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def examine_file(chromium: Browser) -> Examine:
    """Return a function that opens a page in chromium, and returns what is wrong with it."""
    return partial(examine, chromium)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests of this folder, and give them their time."""
    for item in items:
        if item.path.is_relative_to(FOLDER):
            item.add_marker(pytest.mark.browser)
            item.add_marker(pytest.mark.timeout(BROWSER_SECONDS))
