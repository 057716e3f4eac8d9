"""Failures of the project, the host or the operator; never a submission's.

A submission that crashes, stalls or cheats raises nothing here: its failure is a value,
and `runner.verdict.Verdict` names it. What remains is for us or the operator to fix::

    RunnerError                     base class, never raised itself
    ├── ConfigurationError          exit 2: the request makes no sense
    ├── HostNotReadyError           exit 3: no engine, no image, no disk, no such device
    │   ├── EngineAccessError           an engine runs, but this user may not use it
    │   ├── BusyError                   another process works on it: wait, or do something else
    │   ├── UnmetRequirementError       one challenge or phase needs more than this host has
    │   ├── TakenOverError              another process holds this evaluation now
    │   └── StoreLostError              the database of the store does not answer any more
    └── SandboxError                exit 4: the sandbox failed; the run may be attempted again
        ├── SandboxStartError           the container never became ready
        └── SandboxLostError            the container was working, but its end was not observed
            └── EvaluatorFailedError        the evaluator failed, perhaps because of a checkpoint

Any other exception is an error that nobody foresaw: exit 5, and `runner.tracebacks` saves its traceback.

Exit 0 means that every score was written, 1 that a submission earned none. An export of a private challenge
has no references and so no scores: on it, 0 means that all runs ended ``ok``.
"""

from __future__ import annotations

from typing import ClassVar, Final

UNFORESEEN_EXIT_CODE: Final = 5
"""Of an exception that is no RunnerError: a bug of this project, never a submission's failure."""


class RunnerError(Exception):
    """Base of all errors that the command line turns into one sentence and an exit code."""

    exit_code: ClassVar[int]


class ConfigurationError(RunnerError):
    """The operator requested something that makes no sense."""

    exit_code = 2


class HostNotReadyError(RunnerError):
    """This host lacks something that the work needs."""

    exit_code = 3


class EngineAccessError(HostNotReadyError):
    """A container engine runs, but this user may not use it."""

    def __init__(self) -> None:
        super().__init__(
            "A container engine is running, but your user may not use it. Ask its administrator to add you "
            "to the group docker (its members can become root), then log in again."
        )


class BusyError(HostNotReadyError):
    """Another process works on it, and holds its lease."""


class UnmetRequirementError(HostNotReadyError):
    """This host lacks what one challenge or phase requires, such as a runtime; it may have what others do."""


class TakenOverError(HostNotReadyError):
    """Another process holds the lease by now: only that process may write."""


class StoreLostError(HostNotReadyError):
    """The database of the store does not answer, or ended in the middle of a transaction."""


class SandboxError(RunnerError):
    """The sandbox failed, through no fault of the submission."""

    exit_code = 4


class SandboxStartError(SandboxError):
    """The container never became ready."""


class SandboxLostError(SandboxError):
    """The container was working, but its end was not observed."""


class EvaluatorFailedError(SandboxLostError):
    """The evaluator ended by itself, or runs without answering; a checkpoint may be the cause.

    Every other loss of an evaluator has a cause outside the container, or is a bug of ours.
    """
