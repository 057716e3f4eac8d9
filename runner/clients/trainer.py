"""What a trainer says while it works: progress is told, its troubles are raised, the rest is handed on.

The trainer runs our code, but on an organizer's data and with an organizer's network: its words are
shown harmless, and that it gives up is their fault or the host's as it says.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from runner.clients.channel import Channel, StreamEndedError
from runner.errors import ConfigurationError, HostNotReadyError, SandboxLostError
from runner.progress import Reporter
from runner.sanitize import sanitize_line
from runner.units import duration
from sandbox.protocol.frames import Frame, ProtocolViolationError

_SILENCE_SECONDS: Final = 3600.0
_REASON_CHARACTERS: Final = 600


def trainer_frames(
    channel: Channel,
    *,
    name: str,
    reporter: Reporter,
    until: str,
    refusal: str,
    silence_seconds: float = _SILENCE_SECONDS,
) -> Iterator[Frame]:
    """Yield what comes besides progress, up to the first frame of the kind ``until``, and that one, too.

    Args:
        channel: Of a trainer that was sent all that it needs.
        name: Of the challenge, for the reporter.
        reporter: Is told of progress.
        until: The kind of the last frame.
        refusal: How the sentence begins if the trainer finds its job at fault.
        silence_seconds: How long the trainer may say nothing.

    Raises:
        ConfigurationError: the data or the network are of no use.
        HostNotReadyError: the container does not see the device.
        SandboxLostError: the trainer ended, or fell silent.
    """
    while True:
        try:
            frame = channel.receive(silence_seconds)
        except (StreamEndedError, ProtocolViolationError) as error:
            raise SandboxLostError(f"The trainer ended early{channel.complaint()}.") from error
        if frame is None:
            raise SandboxLostError(f"The trainer said nothing for {duration(silence_seconds)}.")
        if frame.kind == "progress":
            stage = "original model" if frame.text("stage") == "original" else frame.text("stage")
            reporter.count(f"{name}: {stage}", frame.integer("done"), frame.integer("total"))
        elif frame.kind == "failed":
            raise ConfigurationError(f"{refusal}: {_reason(frame)}.")
        elif frame.kind == "unready":
            raise HostNotReadyError(f"The trainer cannot use the device: {_reason(frame)}.")
        else:
            yield frame
            if frame.kind == until:
                return


def _reason(frame: Frame) -> str:
    return sanitize_line(frame.text("reason"), _REASON_CHARACTERS)
