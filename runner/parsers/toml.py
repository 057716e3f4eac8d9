"""What does the text of ``challenge.toml`` say? Read as TOML, within what a stranger's text may cost.

The library takes time and memory that grow with the square of the parts of a dotted name (40 KB of them are
1.5 GB), and reads integers of any length, which Python then refuses to print. TOML itself promises 64 bits.

Source: TOML 1.0.0, sections Keys and Integer.
"""

from __future__ import annotations

import re
import tomllib
from typing import Any, Final

_MOST_PARTS: Final = 16
"""Of a dotted name; ``source.training.epochs`` has three."""
_PART: Final = r"""(?:[A-Za-z0-9_-]++|"(?:[^"\\\n]|\\[^\n])*+"|'[^'\n]*+')[ \t]*+"""
_ENDLESS_NAME: Final = re.compile(rf"(?<![A-Za-z0-9_-]){_PART}(?:\.[ \t]*+{_PART}){{{_MOST_PARTS}}}")
"""Nothing of it is tried twice, so the search takes time that grows with the text."""


def read_toml(text: bytes) -> dict[str, Any]:
    """Return what it says.

    Raises:
        ValueError: it is no TOML that says something of use; the message says why.
        RecursionError: it is nested too deeply.
    """
    decoded = text.decode()
    if endless := _ENDLESS_NAME.search(decoded):
        line = decoded.count("\n", 0, endless.start()) + 1
        raise ValueError(f"a name of more than {_MOST_PARTS} parts (at line {line})")
    found = tomllib.loads(decoded)
    _require_64_bits(found)
    return found


def _require_64_bits(value: object) -> None:
    """Walk through tables and arrays, which are nested as deeply as the library reads them and no deeper."""
    if isinstance(value, dict):
        for inner in value.values():
            _require_64_bits(inner)
    elif isinstance(value, list):
        for inner in value:
            _require_64_bits(inner)
    elif isinstance(value, int) and not -(1 << 63) <= value < 1 << 63:
        raise ValueError("an integer of more than 64 bits")
