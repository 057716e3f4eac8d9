"""Untrusted text, as it is displayed in terminals, files and pages."""

from __future__ import annotations

import unicodedata

from runner.sanitize import sanitize, sanitize_line

INSTRUMENTED = ("runner.sanitize",)
_HARMFUL = {"Cc", "Cf", "Cs", "Zl", "Zp"}


def one_input(data: bytes) -> None:
    """No character remains that moves a cursor or reorders text, and sanitizing twice changes nothing."""
    as_text = data.decode("utf-8", errors="surrogatepass") if _is_text(data) else data.decode("latin-1")
    for text in (data, as_text):
        shown = sanitize(text)
        assert all(unicodedata.category(one) not in _HARMFUL for one in set(shown) - {"\n", "\t"})
        assert all(unicodedata.bidirectional(one) not in _BIDI for one in shown)
        assert sanitize(shown) == shown
        shown.encode()
        line = sanitize_line(text, 40)
        assert len(line) <= 41
        assert len(line.splitlines()) <= 1
        assert sanitize_line(line, 41) == line


_BIDI = {"LRE", "LRO", "RLE", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}


def _is_text(data: bytes) -> bool:
    try:
        data.decode("utf-8", errors="surrogatepass")
    except UnicodeDecodeError:
        return False
    return True


def seeds() -> dict[str, bytes]:
    """Return a few texts to begin with."""
    return {
        "plain": "Größe, Привет, 日本語 🙂\r\n\tindented".encode(),
        "escapes": b"\x1b]0;title\x07\x1b[31mred\x9b2J\rover\b\b",
        "bidi": "\u202eabc\u2066def\u2069\u200f\u061c".encode(),
        "broken": b"\xff\xfe\xed\xa0\x80\xf4\x90\x80\x80\xc3",
        "separators": "a\u2028b\u2029c\x85d\x1ce\u3000f".encode(),
    }
