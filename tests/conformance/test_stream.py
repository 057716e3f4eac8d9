"""What every `runner.clients.channel.Stream` does: the one that tests use in memory, and a container's.

The clients' tests rely on the stream in memory, so it must do what a real one does.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from runner.engine.api import ContainerExit, Stream
from runner.errors import SandboxLostError
from sandbox.protocol.frames import encode, encode_header
from tests.conformance import peer

Connect = Callable[[], Stream]
SECONDS = 60.0
STOP = encode("stop")


def receive(stream: Stream, length: int) -> bytes:
    """Return so many bytes; fewer if the stream ends, or is silent for too long."""
    received = b""
    while len(received) < length and (data := stream.receive(SECONDS)):
        received += data
    return received


def receive_all(stream: Stream) -> bytes:
    """Return all bytes until the end of the stream."""
    received = b""
    while (data := stream.receive(SECONDS)) is not None:
        assert data, "the stream does not end"
        received += data
    return received


def await_exit(stream: Stream) -> None:
    """Wait until the container is known not to run."""
    deadline = time.monotonic() + SECONDS
    while stream.is_running() and time.monotonic() < deadline:
        time.sleep(0.01)


def test_sent_bytes_are_answered(connect: Connect) -> None:
    """Bytes that are sent reach the peer, and its answer is received."""
    stream = connect()
    stream.send(encode("submission", b"hello"))
    assert receive(stream, 5) == b"hello"


def test_answers_arrive_in_order(connect: Connect) -> None:
    """Several answers are received in the order of their questions, without loss."""
    stream = connect()
    payloads = [b"%d;" % number for number in range(100)]
    for payload in payloads:
        stream.send(encode("submission", payload))
    expected = b"".join(payloads)
    assert receive(stream, len(expected)) == expected


def test_a_memoryview_is_sent_whole(connect: Connect) -> None:
    """A payload may follow its header without a copy, and may be larger than any buffer on the way."""
    stream = connect()
    payload = bytes(range(256)) * (1 << 12)
    stream.send(encode_header("submission", len(payload)))
    stream.send(memoryview(payload))
    assert receive(stream, len(payload)) == payload


def test_silence_is_an_empty_answer(connect: Connect) -> None:
    """If nothing arrives in time the answer is b"", and later bytes are still received."""
    stream = connect()
    assert stream.receive(0.05) == b""
    assert stream.receive(0.0) == b""
    stream.send(encode("submission", b"late"))
    assert receive(stream, 4) == b"late"


def test_the_end_is_none_from_then_on(connect: Connect) -> None:
    """After all bytes, the end of the stream is None however often it is asked for."""
    stream = connect()
    stream.send(encode("submission", b"last"))
    stream.send(STOP)
    assert receive_all(stream) == b"last"
    assert stream.receive(0.0) is None
    assert stream.receive(0.05) is None


def test_stderr_is_kept_apart(connect: Connect) -> None:
    """What the peer writes to stderr is no part of the stream."""
    stream = connect()
    stream.send(STOP)
    assert receive_all(stream) == b""
    assert stream.stderr == peer.STDERR


def test_how_it_ended(connect: Connect) -> None:
    """The exit is unknown while the container runs, and known after its end."""
    stream = connect()
    assert stream.ending(0.0) is None
    stream.send(STOP)
    receive_all(stream)
    assert stream.ending(SECONDS) == ContainerExit(exit_code=peer.EXIT_CODE, oom_killed=False)


def test_is_running_until_the_end(connect: Connect) -> None:
    """A container runs until it ends by itself."""
    stream = connect()
    assert stream.is_running()
    stream.send(STOP)
    receive_all(stream)
    await_exit(stream)
    assert not stream.is_running()


def test_kill_ends_the_stream(connect: Connect) -> None:
    """A killed container does not run, its stream is at its end, and nothing can be sent to it."""
    stream = connect()
    stream.kill()
    assert stream.receive(SECONDS) is None
    await_exit(stream)
    assert not stream.is_running()
    with pytest.raises(SandboxLostError):
        stream.send(STOP)


def test_kill_drops_what_was_not_received(connect: Connect) -> None:
    """After a kill the end is reached, whether or not an answer was on its way."""
    stream = connect()
    stream.send(encode("submission", b"on its way"))
    stream.kill()
    assert b"on its way".startswith(receive_all(stream))


def test_kill_may_be_repeated(connect: Connect) -> None:
    """A second kill, or one after the end, is no error."""
    stream = connect()
    stream.send(STOP)
    receive_all(stream)
    stream.kill()
    stream.kill()
    assert stream.receive(0.0) is None


def test_remove_may_be_repeated(connect: Connect) -> None:
    """A removed container does not run, and removing it again is no error."""
    stream = connect()
    stream.remove()
    stream.remove()
    assert not stream.is_running()
    with pytest.raises(SandboxLostError):
        stream.send(STOP)


def test_remove_after_the_end(connect: Connect) -> None:
    """A container that has ended is removed like a running one."""
    stream = connect()
    stream.send(STOP)
    receive_all(stream)
    stream.remove()
    assert not stream.is_running()


def test_kill_after_remove(connect: Connect) -> None:
    """A removed container may be killed, as a thread that stops everything does."""
    stream = connect()
    stream.remove()
    stream.kill()
    assert not stream.is_running()
