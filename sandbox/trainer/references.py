"""Training of a challenge's networks: the original, and the references in groups.

All are trained in the same way, the original on retain and forget, the references on retain alone.
With balanced class weights, each counts the classes in its own training data.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from multiprocessing.synchronize import Lock
from typing import Any

import torch
from torch import Tensor

from sandbox.networks.architectures import build, memory_format_of
from sandbox.networks.outputs import Outputs, outputs_of
from sandbox.networks.probes import Probes
from sandbox.protocol.jobs import TrainerJob
from sandbox.protocol.messages import SNAPSHOT_PIECE_BYTES
from sandbox.protocol.probes import ProbePlan
from sandbox.protocol.seeds import original_seed, reference_seed
from sandbox.recipes.api import RecipeError
from sandbox.recipes.dataset import TrainingData
from sandbox.trainer.methods import is_side_by_side
from sandbox.trainer.snapshot_timer import SnapshotTimer
from sandbox.trainer.snapshots import Snapshots, split_pieces
from sandbox.trainer.step_count import StepCount, steps_per_epoch
from sandbox.trainer.training import train_stacked

SnapshotSink = Callable[[int, bytes, bool], None]
"""Takes a piece of a snapshot: the first reference of the group, the bytes, and whether it is the last."""

_REPORT_SECONDS = 2.0


def train_original(
    data: TrainingData,
    seed: int,
    device: str,
    count: StepCount,
    snapshots: Snapshots | None = None,
) -> dict[str, Tensor]:
    """Train the network that submissions unlearn from, on retain and forget together.

    Raises:
        RecipeError: it diverged.
    """
    both = [data.splits["retain"], data.splits["forget"]]
    (state,) = train_stacked(
        architecture=data.architecture,
        classes=data.classes,
        images=torch.cat([split["image"] for split in both]).to(device),
        labels=torch.cat([split["label"] for split in both]).to(device),
        seeds=[original_seed(seed)],
        preset=data.preset,
        val=_to_device(device, data.splits["val"]),
        count=count,
        snapshots=snapshots,
    )
    if not all(tensor.isfinite().all() for tensor in state.values()):
        raise RecipeError(
            "the original network diverged: its weights are not finite; choose a lower learning rate "
            "(--training) or another seed"
        )
    return state


def original_outputs(
    data: TrainingData, state: Mapping[str, Tensor], device: str, probes: ProbePlan | None = None
) -> Outputs:
    """Return the outputs of the original network."""
    (outputs,) = _outputs(data, [state], device, probes)
    return outputs


def _outputs(
    data: TrainingData, states: Sequence[Mapping[str, Tensor]], device: str, plan: ProbePlan | None
) -> list[Outputs]:
    net = build(data.architecture, data.classes).to(device)
    splits = {name: _to_device(device, split) for name, split in data.splits.items()}
    probes = Probes(plan, splits) if plan is not None else None
    outputs = []
    for state in states:
        net.load_state_dict(state)
        memory_format = memory_format_of(data.architecture)
        outputs.append(outputs_of(net, splits, data.classes, memory_format, probes=probes))
    return outputs


def train_group(
    data: TrainingData,
    seed: int,
    first: int,
    size: int,
    device: str,
    *,
    count: StepCount | None = None,
    snapshots: Snapshots | None = None,
    probes: ProbePlan | None = None,
) -> bytes:
    """Train references ``first`` to ``first + size - 1`` together and return their outputs.

    Returns:
        The logits, float32 [group, forget examples, classes], the counts of correct predictions, int64
        [group, 4, classes], the losses, float32 [group, test examples], and each array of the probes, with
        the group as its first axis, as bytes.
    """
    splits = {name: _to_device(device, split) for name, split in data.splits.items()}
    members = range(first, first + size)
    states = train_stacked(
        architecture=data.architecture,
        classes=data.classes,
        images=splits["retain"]["image"],
        labels=splits["retain"]["label"],
        seeds=[reference_seed(seed, member) for member in members],
        preset=data.preset,
        val=splits["val"],
        count=count,
        snapshots=snapshots,
        side_by_side=is_side_by_side(size, device),
    )
    arrays = zip(*(outputs.arrays for outputs in _outputs(data, states, device, probes)), strict=True)
    return b"".join(torch.stack(array).numpy().tobytes() for array in arrays)


def _to_device(device: str, split: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {name: split[name].to(device) for name in ("image", "label")}


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferenceTraining:
    """The references to train, and how."""

    data: TrainingData
    job: TrainerJob
    group_size: int
    """How many references are trained together; on a GPU it tells the method (`sandbox.trainer.methods`)."""
    previous: Mapping[int, bytes] = field(default_factory=dict)
    """Snapshots of an interrupted build: the last one of each group, by the group's first reference."""
    send_snapshot: SnapshotSink = lambda _first, _piece, _last: None
    """May be called by another thread."""
    probes: ProbePlan | None = None
    """What else is recorded of each reference."""

    def train(self, first: int, count: StepCount, snapshots: Snapshots) -> bytes:
        """Return the outputs of a group."""
        job = self.job
        return train_group(
            self.data,
            job.seed,
            first,
            self.group_size,
            job.device,
            count=count,
            snapshots=snapshots,
            probes=self.probes,
        )

    @property
    def missing(self) -> list[int]:
        """Return the groups that the host does not have, by their first reference."""
        return [
            first
            for first in range(0, self.job.references, self.group_size)
            if first not in self.job.groups_done
        ]

    @property
    def steps(self) -> int:
        """Return the number of steps of all networks in the missing groups."""
        preset, examples = self.data.preset, len(self.data.splits["retain"]["label"])
        return len(self.missing) * self.group_size * preset.epochs * steps_per_epoch(examples, preset)


def train_groups(training: ReferenceTraining, count: StepCount) -> Iterator[tuple[int, bytes]]:
    """Train the groups that the host does not have, and yield each with its first reference."""
    job, missing = training.job, training.missing
    if not missing:
        return
    if job.device == "cpu":
        yield from _train_in_parallel(training, missing, count)
        return
    for first in missing:  # one after another: a GPU cannot be used after a fork
        snapshots = snapshots_of(first, job, training.previous, training.send_snapshot)
        yield first, training.train(first, count, snapshots)


def snapshots_of(
    first: int,
    job: TrainerJob,
    previous: Mapping[int, bytes],
    send_snapshot: SnapshotSink,
    lock: AbstractContextManager[Any] | None = None,
) -> Snapshots:
    """Return the snapshots of a group, or of the original (`sandbox.protocol.jobs.ORIGINAL`).

    A snapshot is taken while ``lock`` is held, so that memory holds one snapshot at a time.
    """

    def write(snapshot: bytes) -> None:
        for piece, last in split_pieces(snapshot, SNAPSHOT_PIECE_BYTES):
            send_snapshot(first, piece, last)

    return Snapshots(
        previous=previous.get(first),
        write=write,
        timer=SnapshotTimer(job.snapshot_seconds),
        lock=lock or contextlib.nullcontext(),
    )


_shared: tuple[ReferenceTraining, StepCount, Connection, Lock] | None = None
"""The training, its count, the pipe for pieces of snapshots, and the snapshot lock: set before processes are
forked."""


def _train_in_process(first: int) -> tuple[int, bytes]:
    assert _shared is not None
    training, count, pieces, lock = _shared
    torch.set_num_threads(1)
    snapshots = snapshots_of(first, training.job, training.previous, lambda *piece: pieces.send(piece), lock)
    return first, training.train(first, count.silent(), snapshots)


def _train_in_parallel(
    training: ReferenceTraining, missing: Sequence[int], count: StepCount
) -> Iterator[tuple[int, bytes]]:
    """Train groups in forked processes, one per core."""
    global _shared  # noqa: PLW0603 - forked processes inherit it, so that the data is not pickled
    fork = multiprocessing.get_context("fork")
    arriving, pieces = fork.Pipe(duplex=False)
    _shared = training, count, pieces, fork.Lock()
    with ProcessPoolExecutor(min(training.job.processes, len(missing)), mp_context=fork) as pool:
        waiting = {pool.submit(_train_in_process, first) for first in missing}
        pieces.close()  # each process has its own copy, and the thread ends with the last of them
        threading.Thread(target=_forward_pieces, args=(arriving, training.send_snapshot), daemon=True).start()
        while waiting:
            ended, waiting = wait(waiting, _REPORT_SECONDS, FIRST_COMPLETED)
            for group in ended:
                yield group.result()
            count.report()


def _forward_pieces(arriving: Connection, send_snapshot: SnapshotSink) -> None:
    # The pipe is closed even if sending fails: no process then blocks on a pipe that nobody reads.
    with arriving, contextlib.suppress(EOFError):
        while True:
            send_snapshot(*arriving.recv())
