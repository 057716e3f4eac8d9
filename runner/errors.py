"""What can go wrong on our side, and only that.

A submission that crashes, stalls or cheats raises nothing here: its failure is a value,
and `runner.verdict.Verdict` names it. What remains is ours or the operator's to mend::

    RunnerError               base class, never raised itself
    ├── ConfigurationError    exit 2: what was asked for makes no sense
    ├── HostNotReadyError     exit 3: no engine, no image, no disk, no such device
    │   └── TakenOverError        another process has this evaluation now
    └── SandboxError          exit 4: the sandbox failed; the run may be attempted again
        ├── SandboxStartError     the container never came to work
        └── SandboxLostError      it worked, but its end went unseen

Exit 0 means that every score was written, 1 that a submission earned none. A challenge that came without
references has no scores to give: there 0 means that all runs were ``ok``.
"""

from __future__ import annotations

from typing import ClassVar


class RunnerError(Exception):
    """Base of all errors that the command line turns into one sentence and an exit code."""

    exit_code: ClassVar[int]


class ConfigurationError(RunnerError):
    """The operator asked for something that makes no sense."""

    exit_code = 2


class HostNotReadyError(RunnerError):
    """This host lacks something that the work needs."""

    exit_code = 3


class TakenOverError(HostNotReadyError):
    """What was to be written is somebody else's to write by now."""


class SandboxError(RunnerError):
    """The sandbox failed, through no fault of the submission."""

    exit_code = 4


class SandboxStartError(SandboxError):
    """The container never came to work."""


class SandboxLostError(SandboxError):
    """The container worked, but its end went unseen."""


class EngineAccessError(HostNotReadyError):
    """An engine is there, for others."""

    def __init__(self) -> None:
        super().__init__(
            "A container engine is there, but your user may not use it; let its administrator add you to the "
            "group docker (whose members can become root), and log in again."
        )


class EvaluatorFailedError(SandboxLostError):
    """It ended by itself, or runs and does not answer: perhaps through a checkpoint that it was sent.

    Whatever else becomes of an evaluator has been done from outside, or is ours.
    """
