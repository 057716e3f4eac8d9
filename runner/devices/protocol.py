"""What a command and the process of a device tell each other: a JSON object on each line.

The command sends a `Task` and, until its answer, no other. The process sends progress, and then one answer: a
summary, an error, or that it was interrupted. A submission's archive and a challenge's files are read where
they are stored; no object of Python is sent.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from runner.engine.placement import Isolation
from runner.errors import (
    BusyError,
    ConfigurationError,
    EngineAccessError,
    EvaluatorFailedError,
    HostNotReadyError,
    RunnerError,
    SandboxError,
    SandboxLostError,
    SandboxStartError,
    StoreLostError,
    TakenOverError,
    UnmetRequirementError,
)
from runner.validation import Sha256

MAX_LINE_BYTES: Final = 16 << 20
"""Of an answer: a summary, or the sentence of an error."""
_ERRORS: Final = {
    error.__name__: error
    for error in (
        *(ConfigurationError, HostNotReadyError, BusyError, UnmetRequirementError, TakenOverError),
        StoreLostError,
        *(SandboxError, SandboxStartError, SandboxLostError, EvaluatorFailedError),
    )
}
_UNFORESEEN: Final = "unforeseen"


class UnforeseenError(Exception):
    """An error in the process of a device that nobody foresaw; its traceback is saved."""


class _Message(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Task(_Message):
    """An evaluation on a device."""

    store: Path
    submission_sha256: Sha256
    """Of the archive, which is in the store."""
    submission_name: str
    challenge: Path
    challenge_sha256: Sha256
    """Of the challenge that is expected in that folder."""
    image: Sha256
    """Digest of the image that is used."""
    n: int
    keep_going: bool
    keep_checkpoints: bool
    isolation: Isolation
    runtime: str
    device: str
    """As ``--device`` has it."""
    recorded_device: str
    """As it is part of the evaluation's name."""
    executed_on: str
    """Recorded with each attempt."""
    cores: float
    """Its share of the machine's cores."""
    required_device: str


class Step(_Message):
    """A step begins that cannot be counted."""

    kind: Literal["step"] = "step"
    text: str


class Count(_Message):
    """The progress of a step that can be counted."""

    kind: Literal["count"] = "count"
    text: str
    done: int
    total: int


class Scoring(_Message):
    """All runs have ended."""

    kind: Literal["scoring"] = "scoring"


class Ended(_Message):
    """The evaluation has ended; its summary as the store has it."""

    kind: Literal["ended"] = "ended"
    summary: dict[str, object]


class Failed(_Message):
    """The evaluation failed on our side."""

    kind: Literal["failed"] = "failed"
    error: str
    """Name of the class of errors."""
    sentence: str

    @classmethod
    def of(cls, error: RunnerError) -> Failed:
        """Return the message of an error."""
        name = HostNotReadyError if isinstance(error, EngineAccessError) else type(error)
        return cls(error=name.__name__, sentence=str(error))

    @classmethod
    def unforeseen(cls, sentence: str) -> Failed:
        """Return the message of an error that nobody foresaw."""
        return cls(error=_UNFORESEEN, sentence=sentence)

    def as_error(self) -> Exception:
        """Return the error, to be raised by the command."""
        error = _ERRORS.get(self.error)
        return UnforeseenError(self.sentence) if error is None else error(self.sentence)


class Interrupted(_Message):
    """The evaluation was interrupted: finished runs are saved, and the process ends."""

    kind: Literal["interrupted"] = "interrupted"


Answer = Ended | Failed | Interrupted
Message = Annotated[Step | Count | Scoring | Answer, Field(discriminator="kind")]
_ADAPTER: Final[TypeAdapter[Message]] = TypeAdapter(Message)


def message_of(line: bytes) -> Message:
    """Return the message of a line.

    Raises:
        ValueError: it is none.
    """
    return _ADAPTER.validate_json(line)
