"""Text of strangers that has broken pages: markup, scripts, directions, controls, formulas, marks, sizes."""

from __future__ import annotations

from typing import Final

MARKUP: Final = (
    "<script>alert('script')</script>",
    "<img src=x onerror=alert('image')>",
    '" onmouseover="alert(1)" x="',
    "</bdi></title></style></pre></svg><script>alert('ends')</script>",
    "<!-- ]]> --><svg onload=alert(1)><style>*{display:none}</style>",
    "<a href=javascript:alert(1)>link</a><iframe src=//example.org></iframe><base href=//example.org>",
    "&lt;b&gt; &amp; &#60;script&#62;",
    "{{ 7 * 7 }} {% raw %} ${7*7} #{7*7}",
)
INVISIBLE: Final = (
    "\u202egnp.exe\u202c",
    "\u2066left\u2069\u200f\u200e",
    "\x1b[31mred\x1b[0m \x00 \x07 \x9b2J",
    "\ufeff\u200b\u00ad\u180e",
    "\ud800 lone",
)
SHAPES: Final = (
    "$\\frac{$",
    "$" + "{" * 200 + "}" * 200 + "$",
    "=HYPERLINK(1) +1 -1 @SUM(A1)",
    "[bold red]x[/] **x** `x` |x| # x",
    "e\u0300\u0301" * 100,
    "\u0e47\u0489" * 200,
    "ﷺ" * 64,
    "العربية עברית",
    "\U0001f468\u200d\U0001f469\u200d\U0001f467" * 40,
    "W" * 5000,
    "",
    " \u3164 ",
)
HOSTILE: Final = (*MARKUP, *INVISIBLE, *SHAPES)

LONG_WORD: Final = "W" * 10_000
ALL: Final = " ".join(HOSTILE)
"""On one line."""
LINES: Final = "\n".join((*HOSTILE, "\t" * 40 + "far right", "\r\v\f\x85\u2028\u2029end")) + "\n" * 30
