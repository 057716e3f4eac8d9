"""Untrusted text is sanitized wherever it is displayed, and otherwise unchanged."""

from __future__ import annotations

import unicodedata
from io import StringIO

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console
from rich.table import Table

from runner.reports.cells import plain_text
from runner.reports.runs import runs_table
from runner.reports.scores import score_remarks, score_table
from runner.sanitize import sanitize, sanitize_line
from tests.support.records import run_record, summary_of

BAD = "\N{REPLACEMENT CHARACTER}"
BIDI = "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f\u061c"


def rendered(table: Table) -> str:
    """Return the bytes that a terminal would receive."""
    console = Console(file=StringIO(), force_terminal=True, width=200, legacy_windows=False)
    console.print(table)
    assert isinstance(console.file, StringIO)
    return console.file.getvalue()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("\x1b[31mred\x1b[0m", f"{BAD}[31mred{BAD}[0m"),
        ("\x1b]0;title\x07", f"{BAD}]0;title{BAD}"),
        ("\x1b]8;;http://x\x1b\\link", f"{BAD}]8;;http://x{BAD}\\link"),
        ("\x9b2J", f"{BAD}2J"),
        ("nul\0", f"nul{BAD}"),
        ("over\rwritten", f"over{BAD}written"),
        ("back\b\b\b\x7f", f"back{BAD * 4}"),
        ("form\ffeed\vtab", f"form{BAD}feed{BAD}tab"),
        (BIDI, BAD * len(BIDI)),
        ("zero\u200bwidth\ufeff", f"zero{BAD}width{BAD}"),
        ("line\u2028paragraph\u2029", f"line{BAD}paragraph{BAD}"),
        ("\ud800", BAD),
        ("\ue000", BAD),
        ("tag\U000e0041", f"tag{BAD}"),
        ("\x85", BAD),
        ("a\u3164b\u034fc\uffa0d", f"a{BAD}b{BAD}c{BAD}d"),
        ("🙂\U000e0101\U000e01ef", f"🙂{BAD}{BAD}"),
        ("e" + "\u0301" * 10 + "e\u0301", "e" + "\u0301" * 8 + BAD * 2 + "e\u0301"),
        ("x" + "\u20dd\u0489" * 5, "x" + "\u20dd\u0489" * 4 + BAD * 2),
        (b"\xff\xfeabc", f"{BAD}{BAD}abc"),
        (b"caf\xc3\xa9 \xc3", f"café {BAD}"),
        (b"\xed\xa0\x80", BAD * 3),
    ],
    ids=ascii,
)
def test_harmful(text: str | bytes, expected: str) -> None:
    """Escapes, overrides, NULs and broken UTF-8 each become a visible U+FFFD."""
    assert sanitize(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "plain, with\ttab\nand line",
        "Größe, naïve, Ærøskøbing",
        "Привет, Ελλάδα, 日本語, 한국어, ไทย, हिन्दी",
        "שלום עולם, مرحبا",
        "ε ≤ 10⁻⁵ · ∑ √ → ½ €",
        "e\u0301 (combining)",
        "🙂🚀❤\ufe0f",
        "bo\u0323\u0302\u0301, שָׁלוֹם, བསྒྲུབས, ท\u0e35\u0e48",
        "[red]no markup here[/red] <b>&amp;</b> =1+1",
    ],
)
def test_ordinary_text_is_kept(text: str) -> None:
    """Text in any script, with tabs and newlines, is unchanged, from bytes too."""
    assert sanitize(text) == text
    assert sanitize(text.encode()) == text


def test_windows_line_ends_are_line_ends() -> None:
    """A carriage return before a newline is part of a line end."""
    assert sanitize("one\r\ntwo") == "one\ntwo"


@given(st.one_of(st.text(), st.binary()))
def test_nothing_harmful_is_left(text: str | bytes) -> None:
    """The result has no control, format or surrogate character, and can be written as UTF-8."""
    result = sanitize(text)
    assert all(
        unicodedata.category(one) not in ("Cc", "Cf", "Cs", "Zl", "Zp") for one in set(result) - {"\n", "\t"}
    )
    result.encode()
    assert sanitize(result) == result


@given(st.text(), st.integers(0, 20))
def test_limit(text: str, limit: int) -> None:
    """A limit cuts the end off and marks it with one character; a shorter text is unchanged."""
    result = sanitize(text, limit)
    assert len(result) <= limit + 1
    assert result.endswith("…") or len(text) <= limit
    if len(text) <= limit:
        assert result == sanitize(text)


@given(st.one_of(st.text(), st.binary()))
def test_one_line(text: str | bytes) -> None:
    """`sanitize_line` returns one line for any input, no longer than its limit."""
    result = sanitize_line(text, 50)
    assert len(result.splitlines()) <= 1
    assert len(result) <= 51


def test_log_that_forges_a_line() -> None:
    """A name with newlines cannot start a line of its own in a report."""
    assert sanitize_line("mine\nunlearn: score 1.0\n") == "mine unlearn: score 1.0"


@pytest.mark.parametrize(
    "text", ["[red]x[/red]", "[/]", "[link=http://x]y[/link]", ":smile:", "[bold", "\\[x]"]
)
def test_table_shows_markup_literally(text: str) -> None:
    """Square brackets in untrusted text are displayed, not interpreted, and cannot break the table."""
    table = Table()
    table.add_column()
    table.add_row(plain_text(text))
    shown = rendered(table)
    assert text in shown
    assert "\x1b[31m" not in shown
    assert "http://x\x1b" not in shown


def test_reports_are_plain_all_over() -> None:
    """Every cell and remark with untrusted text is displayed without terminal commands."""
    hostile = "[red]\x1b]0;t\x07\u202e[/red]"
    summary = summary_of(submission=hostile, reason=hostile, warnings=[hostile])
    run = run_record(verdict="crashed", detail=hostile)
    console = Console(file=StringIO(), force_terminal=True, width=200, no_color=True, legacy_windows=False)
    for one in (score_table([summary]), runs_table([run]), *score_remarks([summary], with_suspicions=True)):
        console.print(one)
    assert isinstance(console.file, StringIO)
    shown = console.file.getvalue()
    assert "\x1b]" not in shown
    assert "\u202e" not in shown
    assert shown.count("[red]") == 6
    assert shown.count("[/red]") == 6
