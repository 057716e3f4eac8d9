"""Outputs of a network for scoring: forget logits, losses on unseen examples, counts of correct predictions.

The same function serves checkpoints and references, so that both are computed alike. On one thread, outputs
depend on the network and the examples alone, byte for byte: a batch never mixes splits or networks, and its
size depends on the examples.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from sandbox.protocol.splits import SPLITS

MAX_LOSS = 1e4
_MAX_BATCH = 4096
_BATCH_BYTES = 3 << 19
"""On a CPU. Larger batches of images do not fit its caches: see benchmarks/README.md."""
_GPU_BATCH_BYTES = 64 << 20
"""On a GPU: the activations between a network's layers take a multiple of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outputs:
    """What the evaluator computes from one network."""

    logits: Tensor
    """On the forget examples, in their order. Float32 [examples, classes]."""

    correct: Tensor
    """Correct predictions by split (in the order of `sandbox.protocol.splits.SPLITS`) and true class.
    Int64 [4, classes]."""

    unseen_losses: Tensor
    """Cross-entropy of each test example, which no network was trained on; at most
    `MAX_LOSS`, also where the logits are infinite. Float32 [test examples]."""

    def to_bytes(self) -> bytes:
        """Return logits, counts and losses, all little-endian and row by row."""
        return b"".join(part.numpy().tobytes() for part in (self.logits, self.correct, self.unseen_losses))


def split_batches(images: Tensor, memory_format: torch.memory_format) -> Iterator[Tensor]:
    """Yield images [examples, ...] in batches of the size that their device is fastest with."""
    if images.device.type != "cpu":
        yield from images.split(_batch_size(images, _GPU_BATCH_BYTES))
        return
    size = _batch_size(images, _BATCH_BYTES)
    for batch in images.split(size):
        yield batch.contiguous(memory_format=memory_format)


def _batch_size(images: Tensor, max_bytes: int) -> int:
    return max(1, min(_MAX_BATCH, max_bytes // (images[0].numel() * images.element_size())))


@torch.inference_mode()
def outputs_of(
    net: nn.Module,
    splits: Mapping[str, Mapping[str, Tensor]],
    classes: int,
    memory_format: torch.memory_format = torch.channels_last,
    on_batch: Callable[[], None] = lambda: None,
) -> Outputs:
    """Return the outputs of a network on all four splits, whether it is in train or eval mode.

    Args:
        net: On the device of the splits.
        splits: By name and column, ``image`` and ``label``.
        classes: Number of classes of the head.
        memory_format: Of the images (`sandbox.networks.architectures.memory_format_of`); used on a CPU only.
        on_batch: Called before each batch is computed.

    Raises:
        ValueError: its logits are not [images, classes].
    """
    net.eval()
    if next(net.parameters()).device.type == "cpu":  # 10 % faster on a CPU, equal or slower on a GPU
        net.to(memory_format=memory_format)
    correct = torch.zeros(len(SPLITS), classes, dtype=torch.int64)
    forget_logits: Tensor | None = None
    test_losses: Tensor | None = None
    for row, split in enumerate(SPLITS):
        labels = splits[split]["label"]
        parts = []
        for batch in split_batches(splits[split]["image"], memory_format):
            on_batch()
            answer = net(batch)
            if answer.shape != (len(batch), classes):
                raise ValueError(
                    f"logits are {[*answer.shape]} for {len(batch)} images and {classes} classes"
                )
            parts.append(answer.float())
        logits = torch.cat(parts)
        correct_labels = labels[logits.argmax(dim=1) == labels]
        correct[row] = torch.bincount(correct_labels, minlength=classes).cpu()
        if split == "forget":
            forget_logits = logits.cpu()
        if split == "test":
            losses = nn.functional.cross_entropy(logits, labels, reduction="none")
            test_losses = losses.nan_to_num(nan=MAX_LOSS).clamp(0, MAX_LOSS).cpu()
    assert forget_logits is not None
    assert test_losses is not None
    return Outputs(logits=forget_logits.contiguous(), correct=correct, unseen_losses=test_losses.contiguous())
