"""Of a line that is redrawn the log has the last state; all other output passes unchanged."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.worker.logs.redrawn_lines import RedrawnLines


def passed(*chunks: bytes) -> bytes:
    lines = RedrawnLines()
    return b"".join(map(lines.add, chunks)) + lines.finish()


@pytest.mark.parametrize(
    ("printed", "stored"),
    [
        (b"\r 0%\r 50%\r100%\n", b"100%\n"),
        (b"before\n\r 0%\r100%\nafter\n", b"before\n100%\nafter\n"),
        (b"a\r\nb\r\n", b"a\r\nb\r\n"),
        (b"a\r\r\nb", b"a\r\nb"),
        (b"a\rb", b"b"),
        (b"a\r", b"a\r"),
        (b"\r\r\r", b"\r"),
        (b"outer\n\rin 0%\x1b[A\n\rin 50%\x1b[A\n\rin 100%\x1b[A\router done\n", b"outer\nouter done\n"),
        (b"one\n\n\rthree\x1b[A\x1b[A\n\n\rthree again\n", b"one\n\nthree again\n"),
        (b"\x1b[31mred\x1b[0m\n", b"\x1b[31mred\x1b[0m\n"),
    ],
)
def test_the_last_state_is_stored(printed: bytes, stored: bytes) -> None:
    """In one piece or byte by byte; a line's end in the style of Windows is no redrawing."""
    assert passed(printed) == stored
    assert passed(*(printed[i : i + 1] for i in range(len(printed)))) == stored


def test_bars_below_each_other_take_a_line_per_state_of_the_upper_one() -> None:
    """As tqdm draws them: down, to the beginning of the line, its text, up."""
    printed = b""
    for epoch in range(20):
        printed += b"\repochs: %3d%%" % (5 * epoch)
        printed += b"".join(b"\n\rbatches: %3d%%\x1b[A" % (batch // 2) for batch in range(200))
        printed += b"\n\r             \r\x1b[A"
    printed += b"\repochs: 100%\n"
    stored = passed(*(printed[i : i + 100] for i in range(0, len(printed), 100)))
    assert len(stored) < len(printed) / 100
    assert stored.endswith(b"epochs: 100%\n")


@given(st.lists(st.binary(max_size=40).map(lambda data: data.replace(b"\r", b"").replace(b"\x1b", b""))))
def test_other_output_is_unchanged(chunks: list[bytes]) -> None:
    """Byte for byte, however it is cut."""
    assert passed(*chunks) == b"".join(chunks)


@given(st.lists(st.sampled_from([b"a", b"b\r", b"\r", b"\n", b"\x1b[A", b"\x1b", b"[A"])), st.data())
def test_cuts_do_not_matter(chunks: list[bytes], data: st.DataObject) -> None:
    """While no line is longer than what is held back."""
    whole = b"".join(chunks)
    cut = data.draw(st.integers(0, len(whole)))
    assert passed(whole[:cut], whole[cut:]) == passed(*chunks) == passed(whole)


@pytest.mark.parametrize("unit", [b"x", b"\r", b"x\r", b"\x1b[A", b"x\x1b[A\n", b"\r\n", b"\x1b[A\r"])
def test_a_flood_holds_little_and_takes_little_time(unit: bytes) -> None:
    """Two lines' length is held at most, and time grows with the length of the output, not with its square."""
    lines = RedrawnLines()
    block = unit * ((1 << 18) // len(unit))
    started_at = time.process_time()
    for _ in range(8):
        lines.add(block)
    assert time.process_time() - started_at < 5.0
    assert len(lines.finish()) <= 4096
