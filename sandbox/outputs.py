"""What is kept of a network: logits on the forget examples, losses on unseen ones, right answers of all.

The same function serves checkpoints and references, so that both are computed alike.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from sandbox.jobs import SPLITS

LARGEST_LOSS = 1e4
_BATCH = 4096


@dataclass(frozen=True, slots=True, kw_only=True)
class Outputs:
    """What the evaluator computes from one network."""

    logits: Tensor
    """On the forget examples, in their order. Float32 [examples, classes]."""

    correct: Tensor
    """Right answers by split (in the order of `sandbox.jobs.SPLITS`) and true class.
    Int64 [4, classes]."""

    unseen_losses: Tensor
    """Cross-entropy of each test example, which no network was trained on; at most
    `LARGEST_LOSS`, also where the network answers with infinities. Float32 [test examples]."""

    def to_bytes(self) -> bytes:
        """Return logits, counts and losses, all little-endian and row by row."""
        return b"".join(part.numpy().tobytes() for part in (self.logits, self.correct, self.unseen_losses))


@torch.inference_mode()
def outputs_of(net: nn.Module, splits: Mapping[str, Mapping[str, Tensor]], classes: int) -> Outputs:
    """Return the outputs of a network on all four splits, whatever mode it came in."""
    net.eval()
    correct = torch.zeros(len(SPLITS), classes, dtype=torch.int64)
    kept: Tensor | None = None
    losses: Tensor | None = None
    for row, split in enumerate(SPLITS):
        labels = splits[split]["label"]
        logits = torch.cat([net(batch).float() for batch in splits[split]["image"].split(_BATCH)])
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
