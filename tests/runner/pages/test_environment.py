"""What every page has: a policy that fits its style sheet, and no way around the escaping."""

from __future__ import annotations

import base64
import hashlib
import re
from pathlib import Path

import pytest
from jinja2 import UndefinedError

from runner.pages.environment import TEMPLATES, page_environment
from runner.pages.style import content_security_policy, style_sheet
from runner.pages.write import write_page

PAGE = """{% extends "base.html" %}{% block title %}{{ title | plain_name }}{% endblock %}
{% block heading %}{{ title | name }}{% endblock %}{% block content %}{{ content }}{% endblock %}"""


def rendered(**values: object) -> str:
    return page_environment().from_string(PAGE).render(**values)


def test_the_policy_allows_the_style_sheet_of_the_page() -> None:
    """The hash is that of the bytes between the tags; newlines are those that a browser hashes."""
    page = rendered(title="mine", content="text")
    (style,) = re.findall(r"<style>(.*?)</style>", page, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert f"style-src 'sha256-{digest}'" in page
    assert content_security_policy() in page
    assert "\r" not in style
    assert "</" not in style_sheet()


def test_a_page_escapes_what_a_template_forgot() -> None:
    """Autoescaping is on."""
    page = rendered(title="</title><script>", content="<script>{{ 7*7 }}")
    assert "<script" not in page
    assert "&lt;script&gt;{{ 7*7 }}" in page


def test_an_undefined_name_is_an_error() -> None:
    """A page with a hole is not written."""
    with pytest.raises(UndefinedError):
        rendered(title="mine")


@pytest.mark.parametrize("file", sorted(TEMPLATES.glob("*.html")), ids=lambda file: file.name)
def test_templates_have_no_style_attribute_and_no_script(file: Path) -> None:
    """The policy would block both."""
    text = file.read_text()
    assert not re.search(r"\sstyle=|<script|javascript:|\son[a-z]+=|\|\s*safe|https?://", text)


def test_a_page_has_one_heading_and_three_landmarks() -> None:
    """And names its language."""
    page = rendered(title="mine", content="text")
    assert [len(re.findall(f"<{tag}[ >]", page)) for tag in ("h1", "header", "main", "footer")] == [
        1,
        1,
        1,
        1,
    ]
    assert '<html lang="en">' in page


def test_a_page_is_written_as_utf_8_whatever_is_in_it(tmp_path: Path) -> None:
    """A lone surrogate is no reason to lose it."""
    write_page(tmp_path / "a" / "page.html", "é\ud800")
    assert (tmp_path / "a" / "page.html").read_bytes() == "é&#55296;".encode()
