"""Is a trainer's progress told, its result handed on, and its trouble somebody's, in one harmless sentence?"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from runner.clients.channel import Channel
from runner.clients.trainer import trainer_frames
from runner.errors import ConfigurationError, HostNotReadyError, RunnerError, SandboxLostError
from runner.sanitize import sanitize_line
from sandbox.protocol.frames import Frame, encode_header
from sandbox.protocol.messages import TO_TRAINER, from_trainer

NASTY = "\x1b[2Jline 3\nof build()\u202e"


class Told:
    """Keeps what a reporter is told."""

    def __init__(self) -> None:
        self.counts: list[tuple[str, int, int]] = []

    def step(self, text: str) -> None:
        """Is not called."""
        raise AssertionError(text)

    def count(self, text: str, done: int, total: int) -> None:
        """Keep it."""
        self.counts.append((text, done, total))


@pytest.fixture
def told() -> Told:
    return Told()


@pytest.fixture
def said(fake_stream: Callable[..., Any], told: Told) -> Callable[..., list[Frame]]:
    """Return what is handed on of a trainer that says these things; it is silent then, or ends."""

    def hear(*things: bytes | None, until: str = "done") -> list[Frame]:
        stream = fake_stream(
            lambda _frame: [(0.0, thing) for thing in things], rules=TO_TRAINER, stderr=b"no \x1b[1mtorch\n"
        )
        channel = Channel(stream, from_trainer())
        channel.send("job")
        return list(
            trainer_frames(
                channel, name="mine", reporter=told, until=until, refusal="It refuses", silence_seconds=0.05
            )
        )

    return hear


def frame(kind: str, payload: bytes = b"", **fields: Any) -> bytes:
    """Return a frame of the trainer's."""
    return encode_header(kind, len(payload), **fields) + payload


def progress(stage: str, done: int) -> bytes:
    """Return how far it is."""
    return frame("progress", stage=stage, done=done, total=4)


@pytest.mark.parametrize("until", ["done", "measured"])
def test_everything_but_progress_is_handed_on(
    said: Callable[..., list[Frame]], told: Told, until: str
) -> None:
    """In order, with the last one; what would come after it is not looked at."""
    found = said(
        progress("original", 1),
        frame("facts", b"{}"),
        progress("references", 2),
        frame(until),
        None,
        until=until,
    )
    assert [one.kind for one in found] == ["facts", until]
    assert found[0].payload == b"{}"
    assert told.counts == [("mine: original model", 1, 4), ("mine: references", 2, 4)]


@pytest.mark.parametrize("until", ["done", "measured"])
@pytest.mark.parametrize(
    ("kind", "error", "begins"),
    [
        ("failed", ConfigurationError, "It refuses: "),
        ("unready", HostNotReadyError, "The trainer cannot use the device: "),
    ],
)
def test_whose_fault_it_is(
    said: Callable[..., list[Frame]], until: str, kind: str, error: type[RunnerError], begins: str
) -> None:
    """The organizer's or the host's, whatever was to come; words that it took from a file are harmless."""
    with pytest.raises(error) as caught:
        said(progress("original", 1), frame(kind, reason=NASTY), until=until)
    assert str(caught.value) == f"{begins}{sanitize_line(NASTY)}."
    assert sanitize_line(str(caught.value), 1000) == str(caught.value)


@pytest.mark.parametrize(
    ("last", "words"),
    [
        (None, "The trainer ended early: no \N{REPLACEMENT CHARACTER}[1mtorch."),
        (b"garbage" * 10, "The trainer ended early: no \N{REPLACEMENT CHARACTER}[1mtorch."),
        (b"", "The trainer said nothing for 1 s."),
    ],
)
def test_a_trainer_that_is_lost(said: Callable[..., list[Frame]], last: bytes | None, words: str) -> None:
    """It ended, said what is no frame, or fell silent: ours to look into, and worth another attempt."""
    with pytest.raises(SandboxLostError) as caught:
        said(progress("original", 1), last)
    assert str(caught.value) == words
