"""What is kept of a network: logits on the forget examples, losses on unseen ones, right answers of all.

The same function serves checkpoints and references, so that both are computed alike. On one thread they
depend on the network and the examples alone, byte for byte: batches are cut from one split and one
network, and are of a size that depends on the examples.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from sandbox.protocol.splits import SPLITS

LARGEST_LOSS = 1e4
_BATCH = 4096
_BATCH_BYTES = 3 << 19
"""On a CPU. More images of that size at a time do not fit its caches: see benchmarks/README.md."""
_GPU_BATCH_BYTES = 64 << 20
"""On a GPU: what lies between a network's layers is a multiple of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outputs:
    """What the evaluator computes from one network."""

    logits: Tensor
    """On the forget examples, in their order. Float32 [examples, classes]."""

    correct: Tensor
    """Right answers by split (in the order of `sandbox.protocol.splits.SPLITS`) and true class.
    Int64 [4, classes]."""

    unseen_losses: Tensor
    """Cross-entropy of each test example, which no network was trained on; at most
    `LARGEST_LOSS`, also where the network answers with infinities. Float32 [test examples]."""

    def to_bytes(self) -> bytes:
        """Return logits, counts and losses, all little-endian and row by row."""
        return b"".join(part.numpy().tobytes() for part in (self.logits, self.correct, self.unseen_losses))


def batches_of(images: Tensor, layout: torch.memory_format) -> Iterator[Tensor]:
    """Yield images [examples, ...] in the portions that their device is fastest with."""
    if images.device.type != "cpu":
        yield from images.split(_size(images, _GPU_BATCH_BYTES))
        return
    size = _size(images, _BATCH_BYTES)
    for batch in images.split(size):
        yield batch.contiguous(memory_format=layout)


def _size(images: Tensor, most_bytes: int) -> int:
    return max(1, min(_BATCH, most_bytes // (images[0].numel() * images.element_size())))


@torch.inference_mode()
def outputs_of(
    net: nn.Module,
    splits: Mapping[str, Mapping[str, Tensor]],
    classes: int,
    layout: torch.memory_format = torch.channels_last,
    on_batch: Callable[[], None] = lambda: None,
) -> Outputs:
    """Return the outputs of a network on all four splits, whatever mode it came in.

    Args:
        net: On the device of the splits.
        splits: By name and column, ``image`` and ``label``.
        classes: How many the head tells apart.
        layout: What the network takes (`sandbox.networks.architectures.layout_of`); a CPU uses it.
        on_batch: Told of each batch before it is computed.

    Raises:
        ValueError: its logits are not [images, classes].
    """
    net.eval()
    if next(net.parameters()).device.type == "cpu":  # a tenth faster there, the same or slower on a GPU
        net.to(memory_format=layout)  # type: ignore[call-overload]
    correct = torch.zeros(len(SPLITS), classes, dtype=torch.int64)
    kept: Tensor | None = None
    losses: Tensor | None = None
    for row, split in enumerate(SPLITS):
        labels = splits[split]["label"]
        parts = []
        for batch in batches_of(splits[split]["image"], layout):
            on_batch()
            answer = net(batch)
            if answer.shape != (len(batch), classes):
                raise ValueError(f"{len(batch)} images and {classes} classes, and logits {[*answer.shape]}")
            parts.append(answer.float())
        logits = torch.cat(parts)
        right = labels[logits.argmax(dim=1) == labels]
        correct[row] = torch.bincount(right, minlength=classes).cpu()
        if split == "forget":
            kept = logits.cpu()
        if split == "test":
            found = nn.functional.cross_entropy(logits, labels, reduction="none")
            losses = found.nan_to_num(nan=LARGEST_LOSS).clamp(0, LARGEST_LOSS).cpu()
    assert kept is not None
    assert losses is not None
    return Outputs(logits=kept.contiguous(), correct=correct, unseen_losses=losses.contiguous())
