"""The text of a description is read as TOML, at a bounded cost for untrusted text."""

from __future__ import annotations

import tomllib
import tracemalloc

import pytest

from runner.parsers.toml import read_toml

PLAIN = b"""
name = "one.two.three... a 'b' \\" 1.2.3.4.5.6.7.8.9"
[source.training]
epochs = 3
learning_rate = 1e-4
[files]
"public/original.safetensors" = 'x'
[table . "of a \\"name\\"" . 'and another']
least = -9223372036854775808
most = 9223372036854775807
counts = [[1, 2], [true]]
"""


def test_as_the_library_reads_it() -> None:
    """Dots in text, quoted names and the longest integers of TOML are all fine."""
    assert read_toml(PLAIN) == tomllib.loads(PLAIN.decode())
    fifteen = b"a" + b" . a" * 15 + b" = 1"
    assert read_toml(fifteen) == tomllib.loads(fifteen.decode())


ENDLESS = {
    "name": b"\n\na" + b".a" * 2_000_000 + b" = 1",
    "heading": b"\n\n[[a" + b".a" * 2_000_000 + b"]]",
    "quoted": b"\n\n'a'" + b' . "a\\""' * 400_000 + b" = 1",
    "inline": b"\n\nx = {a = {" + b"a." * 16 + b"a = 1}}",
}


@pytest.mark.parametrize("text", ENDLESS.values(), ids=ENDLESS.keys())
def test_a_name_of_many_parts_is_refused_unread(text: bytes) -> None:
    """The library would take hours and terabytes; this takes no more memory than the text a few times."""
    tracemalloc.start()
    try:
        with pytest.raises(ValueError, match=r"a name of more than 16 parts \(at line 3\)"):
            read_toml(text)
        assert tracemalloc.get_traced_memory()[1] < 16 << 20
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("piece", [b"a", b"'", b'"', b"\\", b" ", b"a ", b"'\"", b"a.", b"a.\\", b". "])
def test_looking_for_such_a_name_takes_time_that_grows_with_the_text(piece: bytes) -> None:
    """Four million characters of one kind are looked through at once: squared, none of these would end."""
    with pytest.raises(ValueError, match=r"\(at "):
        read_toml(piece * (4_000_000 // len(piece)) + b"=")


@pytest.mark.parametrize("number", [b"9223372036854775808", b"-9223372036854775809", b"0x" + b"f" * 100_000])
@pytest.mark.parametrize("place", [b"a = %s", b"[a]\nb = [[1], {c = %s}]"])
def test_integers_of_more_than_64_bits_are_refused(number: bytes, place: bytes) -> None:
    """Wherever they stand: Python would not even print the longest."""
    with pytest.raises(ValueError, match="an integer of more than 64 bits"):
        read_toml(place % number)
