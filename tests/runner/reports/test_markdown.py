"""Markdown: text of strangers stands in code alone, and the policy holds as everywhere."""

from __future__ import annotations

import re

import pytest

from runner.reports.participant import filtered_view
from runner.reports.views.markdown import code_block, code_span, markdown_text
from tests.support.pages.reports import STATUSES, report_of_status

HOSTILE = [
    "[click](https://example.org) ![x](https://example.org/x.png)",
    "<script>alert(1)</script><img src=x>",
    "@everyone #1 org/repo#2 www.example.org",
    "`code` ```` and ``` fences",
    "a | b \\| c \\\\| d",
    "\n# heading\n- item\n```\nescaped?",
    "$\\frac{$ $`x`$",
    "\u202etxt.exe\x1b[2J\x00",
    "`",
    "x" * 10_000_000,
]


def outside_code(text: str) -> str:
    """Return Markdown without fenced blocks and code spans, as CommonMark finds them."""
    text = re.sub(r"(?ms)^(`{3,})text$.*?^\1$", "BLOCK", text)
    return re.sub(r"(?<!`)(`+)(?!`)(.+?)(?<!`)\1(?!`)", "CODE", text)


@pytest.mark.parametrize("hostile", HOSTILE, ids=range(len(HOSTILE)))
@pytest.mark.parametrize("status", ["scored", "failed", "refused"])
def test_hostile_text_stays_in_code(status: str, hostile: str) -> None:
    """Outside of code the document is the same as with a harmless text."""
    text = markdown_text(report_of_status(status, hostile).view)
    assert outside_code(text) == outside_code(markdown_text(report_of_status(status).view))
    assert len(text) < 50_000
    assert not re.search("[\x00-\x08\x0b-\x1f\u202a-\u202e]", text)


@pytest.mark.parametrize("hostile", HOSTILE, ids=range(len(HOSTILE)))
def test_a_code_span_is_one_line_and_one_cell(hostile: str) -> None:
    """Its fence is longer than any within; no bar in a table is without its backslash."""
    span = code_span(hostile, in_table=True)
    assert "\n" not in span
    assert outside_code(span) == "CODE"
    assert not re.search(r"(?<!\\)(\\\\)*\|", span)
    assert outside_code(code_block(f"x\n{hostile}")) == "BLOCK"


@pytest.mark.parametrize("status", STATUSES)
def test_every_status_is_written(status: str) -> None:
    """With a heading and a table."""
    text = markdown_text(report_of_status(status).view)
    assert text.startswith("### Machine unlearning: `plain`, ")
    assert "|---|---|" in text


def test_markdown_shows_what_the_policy_allows() -> None:
    """Under `verdict-only` nothing that the submission wrote."""
    view = report_of_status("failed", "pixels-7-31").view.model_copy(
        update={"submission": "mine", "challenge": "c", "path": "p"}
    )
    assert "pixels-7-31" in markdown_text(filtered_view(view, "full"))
    assert "pixels-7-31" not in markdown_text(filtered_view(view, "verdict-only"))
