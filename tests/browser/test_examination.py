"""The examination detects what it is for, and lets a good page pass."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.browser.conftest import Examine
from tests.browser.examination import opened
from tests.support.paths import ROOT

GOOD = """\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8"><meta name="viewport" content="width=device-width">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src data:">
<title>A page</title>
<style>
:root { color-scheme: light dark }
body { background: white; color: black }
@media (prefers-color-scheme: dark) { body { background: black; color: white } }
@media print { body { background: white; color: black } }
.w { width: 730px }
.p { background: white; color: #ccc }
</style>
</head>
<body><main><h1>A page</h1><p>Some text.</p></main></body>
</html>
"""
ACTIVE = """<script>1</script><p onclick="1" style="margin: 0"><a href="javascript:1">x</a></p><img alt="" src="other.png"><p>"""
FAULTS = {
    "active": (
        "<p>",
        ACTIVE,
        ("active content: script", r"active content: p\[onclick]", r"active content: p\[style]", r"active content: a\[href]", r"request: file:.*other\.png", "console: .*'script-src'.*"),
    ),
    "too-wide": (
        "<p>",
        '<button type="button"></button><details><summary>s</summary><p class="w">x</p></details><p>',
        (r"scrolls sideways at 320 px, details open: .*", "wider than paper: 7.*", r"axe, .*button-name \(critical\).*"),
    ),
    "pale": (
        "<p>",
        '<p class="p">',
        (r"axe, light.*color-contrast \(serious\).*", r"axe, dark.*color-contrast \(serious\).*", "pale on paper, light .*"),
    ),
    "pale-in-dark": ("color: white }", "color: #333 }", (r"axe, dark.*color-contrast \(serious\).*",)),
    "pale-on-paper": ("@media print", "@media speech", ("pale on paper, dark scheme: h1 .*", "pale on paper, dark scheme: p .*")),
}  # fmt: skip
"""Each fault: a part of the good page, what replaces it, and the sentences that the examination must have for it."""


def written(folder: Path, page: str) -> Path:
    file = folder / "page.html"
    file.write_text(page, encoding="utf-8")
    return file


def test_a_good_page_passes(examine_file: Examine, tmp_path: Path) -> None:
    assert examine_file(written(tmp_path, GOOD)) == []


@pytest.mark.parametrize("fault", FAULTS)
def test_faults_are_detected(examine_file: Examine, tmp_path: Path, fault: str) -> None:
    """Each by a sentence of its own."""
    part, replacement, sentences = FAULTS[fault]
    with_axe = any(sentence.startswith("axe") for sentence in sentences)
    faults = examine_file(written(tmp_path, GOOD.replace(part, replacement, 1)), with_axe=with_axe)
    for sentence in sentences:
        assert any(re.fullmatch(sentence, text, re.DOTALL) for text in faults), (sentence, faults)


def test_scripts_of_a_page_without_a_policy_are_detected(examine_file: Examine, tmp_path: Path) -> None:
    """A message, a dialog, an exception, a text that a script writes."""
    script = "<script>console.log('hello'); alert('here'); document.body.append('more'); throw 'up'</script></body>"
    page = re.sub("<meta http-equiv.*>", "", GOOD).replace("</body>", script)
    faults = " ".join(examine_file(written(tmp_path, page), with_axe=False))
    for words in (
        "console: hello",
        "dialog: here",
        "exception: up",
        "active content: script",
        "other text without",
    ):
        assert words in faults


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_plots_follow_the_colour_scheme(chromium: Browser, scheme: str) -> None:
    """The ground of a plot is that of the scheme, and its texts contrast with it."""
    file = ROOT / "docs" / "plots" / "null.svg"
    with opened(chromium, color_scheme=scheme) as page:
        page.goto(file.as_uri())
        ground, text = page.evaluate(
            """() => ["#patch_1 path", "text"].map(
                name => Number(getComputedStyle(document.querySelector(name)).fill.match(/[0-9]+/)[0]))"""
        )
    assert (ground > 200, text > 200) == ((True, False) if scheme == "light" else (False, True))
