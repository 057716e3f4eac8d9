"""Text of strangers in a page: cut, visible, escaped."""

from __future__ import annotations

import time

import pytest

from runner.pages.text import NAME_GRAPHEMES, block, line, name, plain_line, plain_name


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("mine", "mine"),
        ("<script>alert(1)</script>", "&lt;script&gt;alert(1)&lt;/script&gt;"),
        ("\uff1cscript\uff1e", "&lt;script&gt;"),
        ('"><img src=x>', "&#34;&gt;&lt;img src=x&gt;"),
        ("a\u202egnp.exe", "a\\u202egnp.exe"),
        ("a\u2066b\u2069\u200b\u200d", "a\\u2066b\\u2069\\u200b\\u200d"),
        ("a\x1b[2Jb\x00", "a\\x1b[2Jb\\x00"),
        ("a\n\t b", "a b"),
        ("\ud800", "\\ud800"),
        ("\U000e0041", "\\U000e0041"),
        ("\u3164", "\\u1160"),
        ("e\u0301", "\u00e9"),
        ("x" + "\u0301" * 50, "x" + "\u0301" * 4),
        ("\U0001f1e9\U0001f1ea", "\U0001f1e9\U0001f1ea"),
        ("{{ 7*7 }}{% raw %}", "{{ 7*7 }}{% raw %}"),
        ("", "(no name)"),
    ],
)
def test_a_name_shows_what_is_in_it(text: str, shown: str) -> None:
    """Markup is text, invisible characters are escapes, forms that look alike are one."""
    assert name(text) == f'<bdi dir="auto">{shown}</bdi>'


def test_a_name_is_cut_at_graphemes() -> None:
    """A mark on a character and the second letter of a flag do not count."""
    assert plain_name("a" * NAME_GRAPHEMES) == "a" * NAME_GRAPHEMES
    assert plain_name("a" * 65) == "a" * 64 + "…"
    assert plain_name("q\u0302" * 65) == "q\u0302" * 64 + "…"
    assert plain_name("\U0001f1e9\U0001f1ea" * 64) == "\U0001f1e9\U0001f1ea" * 64


@pytest.mark.parametrize(
    "text",
    ["a" * 10_000_000, "\u0301" * 10_000_000, "\ufdfa" * 3_000_000, "\n" * 10_000_000],
    ids=["letters", "marks", "ligatures", "lines"],
)
def test_ten_megabytes_cost_no_more_than_a_line(text: str) -> None:
    """They are cut before anything else is done."""
    begun = time.monotonic()
    shown = (name(text), line(text), block(text))
    assert max(map(len, shown)) < 20_000
    assert time.monotonic() - begun < 1


def test_a_line_is_cut_at_its_limit() -> None:
    """With a mark where it is."""
    assert plain_line("a\nb", 3) == "a b"
    assert plain_line("a" * 400) == "a" * 300 + "…"
    assert line("<b>", 10) == '<bdi dir="auto">&lt;b&gt;</bdi>'


def test_a_block_shows_its_end() -> None:
    """Newlines and tabs stay, all other controls are escapes; what is left out is marked."""
    assert block("a\tb\r\n<i>\x1b[0m\n") == "a\tb\n&lt;i&gt;\\x1b[0m"
    assert block("1\n2\n3", lines=2) == "…\n2\n3"
    assert block("abcdef", characters=3) == "…\ndef"
