"""Outputs of a network for scoring: forget logits, unseen losses, counts of correct predictions, and probes.

The same function serves checkpoints and references, so that both are computed alike. On one thread, outputs
depend on the network and the examples alone, byte for byte: a batch never mixes splits or networks, and its
size depends on the examples.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from sandbox.networks.forward import Forward, batches
from sandbox.networks.last_layer import LastLayer
from sandbox.networks.probes import Probes
from sandbox.networks.relearning import relearned_logits
from sandbox.protocol.probes import FEATURES, PERTURBED, RELEARNED, SAMPLES
from sandbox.protocol.splits import SPLITS

MAX_LOSS = 1e4
_KIND_OF_SAMPLE = {split: kind for kind, split in SAMPLES.items()}


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

    probes: tuple[Tensor, ...] = ()
    """In the order of `sandbox.protocol.probes.KINDS`, float32; empty if none are recorded."""

    @property
    def arrays(self) -> tuple[Tensor, ...]:
        """Return all arrays as they follow one another in a frame."""
        return (self.logits, self.correct, self.unseen_losses, *self.probes)

    def to_bytes(self) -> bytes:
        """Return logits, counts, losses and probes, all little-endian and row by row."""
        return b"".join(array.numpy().tobytes() for array in self.arrays)


def outputs_of(
    net: nn.Module,
    splits: Mapping[str, Mapping[str, Tensor]],
    classes: int,
    memory_format: torch.memory_format = torch.channels_last,
    on_batch: Callable[[], None] = lambda: None,
    *,
    probes: Probes | None = None,
) -> Outputs:
    """Return the outputs of a network on all four splits, whether it is in train or eval mode.

    Args:
        net: On the device of the splits.
        splits: By name and column, ``image`` and ``label``.
        classes: Number of classes of the head.
        memory_format: Of the images (`sandbox.networks.architectures.memory_format_of`); used on a CPU only.
        on_batch: Called before each batch is computed.
        probes: What else is recorded.

    Raises:
        ValueError: its logits are not [images, classes].
    """
    with torch.inference_mode():
        net.eval()
        if next(net.parameters()).device.type == "cpu":  # 10 % faster on a CPU, equal or slower on a GPU
            net.to(memory_format=memory_format)
        outputs, recorded = _inferred(Forward(net, classes, memory_format, on_batch), splits, probes)
    if probes is None:
        return outputs
    if probes.has_relearned:
        recorded[RELEARNED] = relearned_logits(
            net, splits, probes.plan, classes, memory_format, on_batch=on_batch
        )
    return replace(outputs, probes=probes.in_order(recorded))


def _inferred(
    forward: Forward, splits: Mapping[str, Mapping[str, Tensor]], probes: Probes | None
) -> tuple[Outputs, dict[str, Tensor]]:
    """Return all outputs, and the probes that need no training, by kind."""
    classes = forward.classes
    correct = torch.zeros(len(SPLITS), classes, dtype=torch.int64)
    forget_logits: Tensor | None = None
    test_losses: Tensor | None = None
    recorded: dict[str, Tensor] = {}
    for row, split in enumerate(SPLITS):
        images, labels = splits[split]["image"], splits[split]["label"]
        if split == "forget" and probes is not None and probes.has_features:
            logits, recorded[FEATURES] = _with_features(forward, images, probes)
        else:
            logits = torch.cat([forward(batch) for batch in batches(images)])
        correct_labels = labels[logits.argmax(dim=1) == labels]
        correct[row] = torch.bincount(correct_labels, minlength=classes).cpu()
        if probes is not None and (sample := probes.of_sample(split, logits)) is not None:
            recorded[_KIND_OF_SAMPLE[split]] = sample
        if split == "forget":
            forget_logits = logits.cpu()
        if split == "test":
            losses = nn.functional.cross_entropy(logits, labels, reduction="none")
            test_losses = losses.nan_to_num(nan=MAX_LOSS).clamp(0, MAX_LOSS).cpu()
    if probes is not None and probes.has_perturbed:
        recorded[PERTURBED] = probes.perturbed(forward)
    assert forget_logits is not None
    assert test_losses is not None
    outputs = Outputs(
        logits=forget_logits.contiguous(), correct=correct, unseen_losses=test_losses.contiguous()
    )
    return outputs, recorded


def _with_features(forward: Forward, images: Tensor, probes: Probes) -> tuple[Tensor, Tensor]:
    """Return the logits on all images, and their projected features."""
    logits, features = [], []
    with LastLayer(forward.net, forward.classes) as layer:
        for batch in batches(images):
            logits.append(forward(batch))
            features.append(probes.project(layer.take(), len(batch)))
    return torch.cat(logits), torch.cat(features)
