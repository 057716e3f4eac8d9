"""The networks of a challenge: the original, and the references in groups.

All are trained in the same way; the original on retain and forget, the references on retain alone.
Where classes are balanced, each counts them in what it is trained on.
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

from sandbox.networks.architectures import build, layout_of
from sandbox.networks.outputs import outputs_of
from sandbox.protocol.jobs import TrainerJob
from sandbox.protocol.messages import SNAPSHOT_PIECE_BYTES
from sandbox.protocol.seeds import original_seed, reference_seed
from sandbox.recipes.api import RecipeError
from sandbox.recipes.dataset import Recipe
from sandbox.trainer.pace import Pace
from sandbox.trainer.snapshots import Snapshots, in_pieces
from sandbox.trainer.training import train_stacked

SnapshotSink = Callable[[int, bytes, bool], None]
"""Takes a piece of a snapshot: the first reference of the group, the bytes, and whether it is the last."""

_SIGN_OF_LIFE_SECONDS = 60.0


def train_original(
    recipe: Recipe,
    seed: int,
    device: str,
    on_epoch: Callable[[int], None],
    snapshots: Snapshots | None = None,
) -> dict[str, Tensor]:
    """Train on retain and forget together, as the network that is to be unlearned was.

    Raises:
        RecipeError: it diverged.
    """
    both = [recipe.splits["retain"], recipe.splits["forget"]]
    (state,) = train_stacked(
        architecture=recipe.architecture,
        classes=recipe.classes,
        images=torch.cat([split["image"] for split in both]).to(device),
        labels=torch.cat([split["label"] for split in both]).to(device),
        seeds=[original_seed(seed)],
        preset=recipe.preset,
        val=_on(device, recipe.splits["val"]),
        on_epoch=on_epoch,
        snapshots=snapshots,
    )
    if not all(tensor.isfinite().all() for tensor in state.values()):
        raise RecipeError(
            "the original network diverged: its weights are not finite; choose a lower learning rate "
            "(--training) or another seed"
        )
    return state


def train_group(
    recipe: Recipe,
    seed: int,
    first: int,
    size: int,
    device: str,
    *,
    on_epoch: Callable[[int], None] = lambda _epoch: None,
    snapshots: Snapshots | None = None,
) -> bytes:
    """Train the ``size`` references that begin with ``first`` as one network and return their outputs.

    Returns:
        The logits, float32 [group, forget examples, classes], the right answers, int64
        [group, 4, classes], and the losses, float32 [group, test examples], as bytes.
    """
    splits = {name: _on(device, split) for name, split in recipe.splits.items()}
    members = range(first, first + size)
    states = train_stacked(
        architecture=recipe.architecture,
        classes=recipe.classes,
        images=splits["retain"]["image"],
        labels=splits["retain"]["label"],
        seeds=[reference_seed(seed, member) for member in members],
        preset=recipe.preset,
        val=splits["val"],
        on_epoch=on_epoch,
        snapshots=snapshots,
    )
    net = build(recipe.architecture, recipe.classes).to(device)
    found = []
    for state in states:
        net.load_state_dict(state)
        found.append(outputs_of(net, splits, recipe.classes, layout_of(recipe.architecture)))
    parts = zip(*((one.logits, one.correct, one.unseen_losses) for one in found), strict=True)
    return b"".join(torch.stack(part).numpy().tobytes() for part in parts)


def _on(device: str, split: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {name: split[name].to(device) for name in ("image", "label")}


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferenceTraining:
    """What is to be trained, and how."""

    recipe: Recipe
    job: TrainerJob
    group: int
    """How many are trained as one."""
    earlier: Mapping[int, bytes] = field(default_factory=dict)
    """The snapshot that an interrupted build wrote of a group, by its first reference."""
    keep: SnapshotSink = lambda _first, _piece, _last: None
    """May be called by another thread."""

    def train(self, first: int, on_epoch: Callable[[int], None], snapshots: Snapshots) -> bytes:
        """Return the outputs of a group."""
        job = self.job
        return train_group(
            self.recipe, job.seed, first, self.group, job.device, on_epoch=on_epoch, snapshots=snapshots
        )


def groups(wanted: ReferenceTraining, sign_of_life: Callable[[], None]) -> Iterator[tuple[int, bytes]]:
    """Train the groups that the host does not have, and yield each with its first reference."""
    job = wanted.job
    missing = [first for first in range(0, job.references, wanted.group) if first not in job.groups_done]
    if not missing:
        return
    if job.device == "cpu":
        yield from _side_by_side(wanted, missing, sign_of_life)
        return
    for first in missing:  # a forked process could not use the device any more
        snapshots = snapshots_of(first, job, wanted.earlier, wanted.keep)
        yield first, wanted.train(first, lambda _epoch: sign_of_life(), snapshots)


def snapshots_of(
    first: int,
    job: TrainerJob,
    earlier: Mapping[int, bytes],
    keep: SnapshotSink,
    alone: AbstractContextManager[Any] | None = None,
) -> Snapshots:
    """Return by what a training goes on: that of a group, or of `sandbox.protocol.jobs.ORIGINAL`.

    Who holds ``alone`` makes a snapshot, so that memory has to hold one of them.
    """

    def write(snapshot: bytes) -> None:
        for piece, last in in_pieces(snapshot, SNAPSHOT_PIECE_BYTES):
            keep(first, piece, last)

    return Snapshots(
        earlier=earlier.get(first),
        write=write,
        pace=Pace(job.snapshot_seconds),
        alone=alone or contextlib.nullcontext(),
    )


_shared: tuple[ReferenceTraining, Connection, Lock] | None = None
"""What is wanted, where pieces of snapshots go, and who may make one: set before the processes are forked."""


def _group_in_a_process(first: int) -> tuple[int, bytes]:
    assert _shared is not None
    wanted, pieces, alone = _shared
    torch.set_num_threads(1)
    snapshots = snapshots_of(first, wanted.job, wanted.earlier, lambda *piece: pieces.send(piece), alone)
    return first, wanted.train(first, lambda _epoch: None, snapshots)


def _side_by_side(
    wanted: ReferenceTraining, missing: Sequence[int], sign_of_life: Callable[[], None]
) -> Iterator[tuple[int, bytes]]:
    """Train groups in forked processes, a core each."""
    global _shared  # noqa: PLW0603 - how forked processes come to share it
    fork = multiprocessing.get_context("fork")
    arriving, pieces = fork.Pipe(duplex=False)
    _shared = wanted, pieces, fork.Lock()
    with ProcessPoolExecutor(min(wanted.job.processes, len(missing)), mp_context=fork) as pool:
        waiting = {pool.submit(_group_in_a_process, first) for first in missing}
        pieces.close()  # the processes have theirs, and the thread ends with the last of them
        threading.Thread(target=_hand_on, args=(arriving, wanted.keep), daemon=True).start()
        while waiting:
            ended, waiting = wait(waiting, _SIGN_OF_LIFE_SECONDS, FIRST_COMPLETED)
            for group in ended:
                yield group.result()
            if not ended:
                sign_of_life()


def _hand_on(arriving: Connection, keep: SnapshotSink) -> None:
    with (
        arriving,
        contextlib.suppress(EOFError),
    ):  # closed also if keeping fails: nobody waits to be read then
        while True:
            keep(*arriving.recv())
