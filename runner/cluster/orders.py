"""What travels between a coordinator and its nodes. The submission and what it wrote are bytes and text."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from runner.challenge.outputs import NetworkOutputs
from runner.clients.evaluator import Rejected
from runner.clients.runs import PlannedRun
from runner.devices.protocol import Failed
from runner.execution.executor import EvaluatedRun
from runner.execution.settings import Settings
from runner.submission.load import Submission


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """An evaluation, as a node needs it."""

    evaluation: str
    submission: Submission
    challenge_sha256: str
    """Of a challenge that the node has in its cache."""
    limits: Mapping[str, Any]
    """In force, made definite by the coordinator."""
    image: str
    """Digest of the inputs of its image."""
    required_device: str
    """``cpu`` or ``cuda``."""
    settings: Settings
    """As requested; placement and share of the cores are the node's."""

    @property
    def runtime(self) -> str:
        """Return the runtime of its containers; empty for the engine's default."""
        return self.settings.placement.runtime


@dataclass(frozen=True, slots=True, kw_only=True)
class TimingOrder:
    """A challenge on which a node times retraining."""

    challenge_sha256: str
    """Of one that it has in its cache."""
    limits: Mapping[str, Any]
    image: str
    """Digest of the inputs of its image."""
    required_device: str
    """``cpu`` or ``cuda``."""
    runtime: str
    """Of its container; empty for the engine's default."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """Part of an evaluation, for one device."""

    runs: tuple[PlannedRun, ...] = ()
    checkpoints: Mapping[int, bytes] = field(default_factory=dict)
    """Of runs that have ended and are still to be evaluated, by index."""
    id: str = field(default_factory=lambda: uuid.uuid4().hex)
    """By which it is stopped or aborted, and no other that its device has before or after it."""


@dataclass(frozen=True, slots=True)
class Started:
    """A container is ready for its first run."""


@dataclass(frozen=True, slots=True)
class Delivered:
    """A run has ended; its checkpoint is evaluated."""

    run: EvaluatedRun


@dataclass(frozen=True, slots=True)
class Evaluated:
    """A checkpoint of the share is evaluated."""

    index: int
    outputs: NetworkOutputs | Rejected


Message = Started | Delivered | Evaluated | Failed
"""What a device sends of a share, in this order but for the last two; after `Failed`, nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessMark:
    """The process of a device, so that its node can end it, and no other of the same number."""

    pid: int
    created: float
    """Seconds since the epoch, as the kernel has it."""
