"""What is kept of a network: logits on the forget examples, right answers per class elsewhere.

The same function serves checkpoints and references, so that both are computed alike.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from sandbox.jobs import SPLITS

_BATCH = 4096


@dataclass(frozen=True, slots=True, kw_only=True)
class Outputs:
    """What the evaluator computes from one network."""

    logits: Tensor
    """On the forget examples, in their order. Float32 [examples, classes]."""

    correct: Tensor
    """Right answers by split (in the order of `sandbox.jobs.SPLITS`) and true class.
    Int64 [4, classes]."""

    def to_bytes(self) -> bytes:
        """Return the logits, then the counts, both little-endian and row by row."""
        return self.logits.numpy().tobytes() + self.correct.numpy().tobytes()


@torch.inference_mode()
def outputs_of(net: nn.Module, splits: Mapping[str, Mapping[str, Tensor]], classes: int) -> Outputs:
    """Return the outputs of a network on all four splits, whatever mode it came in."""
    net.eval()
    correct = torch.zeros(len(SPLITS), classes, dtype=torch.int64)
    kept: Tensor | None = None
    for row, split in enumerate(SPLITS):
        labels = splits[split]["label"]
        logits = torch.cat([net(batch).float() for batch in splits[split]["image"].split(_BATCH)])
        right = labels[logits.argmax(dim=1) == labels]
        correct[row] = torch.bincount(right, minlength=classes).cpu()
        if split == "forget":
            kept = logits.cpu()
    assert kept is not None
    return Outputs(logits=kept.contiguous(), correct=correct)
