"""The text of ``challenge.toml`` and ``competition.toml``, read within bounds of time, memory and depth.

The standard library's reader takes time and memory that grow with the square of the parts of a dotted name
(40 KB of them take 1.5 GB), and reads integers of any length, which Python then refuses to print. TOML itself
guarantees 64 bits only.

Source: TOML 1.0.0, sections Keys and Integer.
"""

from __future__ import annotations

import re
import tomllib
from typing import Any, Final

_MAX_PARTS: Final = 16
"""Of a dotted name; ``source.training.epochs`` has three."""
_PART: Final = r"""(?:[A-Za-z0-9_-]++|"(?:[^"\\\n]|\\[^\n])*+"|'[^'\n]*+')[ \t]*+"""
_LONG_NAME: Final = re.compile(rf"(?<![A-Za-z0-9_-]){_PART}(?:\.[ \t]*+{_PART}){{{_MAX_PARTS}}}")
"""Its quantifiers are possessive and do not backtrack, so the search takes time linear in the text."""


def read_toml(text: bytes) -> dict[str, Any]:
    """Return the tables and values of the text.

    Raises:
        ValueError: it is not TOML, or exceeds a bound; the message says why.
        RecursionError: it is nested too deeply.
    """
    decoded = text.decode()
    if long_name := _LONG_NAME.search(decoded):
        line = decoded.count("\n", 0, long_name.start()) + 1
        raise ValueError(f"a name of more than {_MAX_PARTS} parts (at line {line})")
    tables = tomllib.loads(decoded)
    _require_64_bits(tables)
    return tables


def _require_64_bits(value: object) -> None:
    """Walk through tables and arrays, which are nested no deeper than the library can read them."""
    if isinstance(value, dict):
        for inner in value.values():
            _require_64_bits(inner)
    elif isinstance(value, list):
        for inner in value:
            _require_64_bits(inner)
    elif isinstance(value, int) and not -(1 << 63) <= value < 1 << 63:
        raise ValueError("an integer of more than 64 bits")
