"""Relearning: what a network's features know of noisy forget examples, before or after fine-tuning on retain.

What a network only suppresses comes back in a few steps; what it never learned does not. The fine-tuning is
stochastic gradient descent with momentum, in eval mode: no dropout and no change of the statistics of
batch normalization, so that nothing is random but the batches, which are the same for all networks. The
network itself is not changed.

Steps of an absolute size are blind to scaled weights: a network whose first layer is multiplied by 1000 and
whose next one is divided by 1000 answers as before, but hardly moves, so that it would hide what it knows. So
the fine-tuning is done twice. Once, steps are relative to the size that each weight had at first: no scale of
a layer or a unit plays a part, but weights that were made tiny or zero stay so, and what they knew does not
come back. And once they are relative to the norm of each whole tensor: such weights grow again, but a single
unit that is scaled up makes the steps of all others too long, and the network loses all that it knows.

Steps so small do not undo a last layer that was made to answer as a retrained network would, nor what
recognises single forget examples. So the last layer is fitted anew, to the features of the retain examples of
the steps, and asked about copies of the forget examples with a little noise.

Of these two and the network before any step, the one that knows most counts: units that cancel each other, or
whatever else makes the steps do harm, hide nothing. What hides from both ways of taking steps at once, such
as tiny weights beside scaled units, is not found.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, Literal

import torch
from torch import Tensor, nn
from torch.func import functional_call

from sandbox.networks.forward import Forward, batches
from sandbox.networks.last_layer import LastLayer
from sandbox.networks.last_layer_anew import fit_last_layer
from sandbox.networks.probes import bounded, noisy_copies
from sandbox.protocol.probes import ProbePlan

NORM: Final = 0.1
"""Euclidean norm of the noise on the copies of the forget examples, as a fraction of the example's own."""
COPIES: Final = 8
"""Of each forget example; the answer is the mean over them."""
_MOMENTUM: Final = 0.9
_LARGEST_CONFIDENCE: Final = 20.0
"""In nats; as the score card limits them, so that one example does not outweigh the others."""


def relearned_logits(
    net: nn.Module,
    splits: Mapping[str, Mapping[str, Tensor]],
    plan: ProbePlan,
    classes: int,
    memory_format: torch.memory_format,
    *,
    on_batch: Callable[[], None] = lambda: None,
) -> Tensor:
    """Return the mean logits on copies of the forget examples, before or after fine-tuning of either kind.

    Float32 [examples, classes]. Of the three, those in which the labels are most certain.

    Rows that are not finite, perhaps because the fine-tuning diverged, count as recognized. Where no last
    linear layer is observed, the network answers itself.

    Args:
        net: In eval mode, on the device of the splits.
        splits: By name and column, ``image`` and ``label``.
        plan: Steps, learning rate, batch size and seed.
        classes: Number of classes.
        memory_format: Of the images.
        on_batch: Called before each step and each batch.
    """
    tuned = [
        fine_tuned(net, splits, plan, classes, memory_format, kind=kind, on_batch=on_batch)
        for kind in ("weight", "tensor")
    ]
    retain, forget = splits["retain"], splits["forget"]
    rows = torch.cat(_rows(plan, len(retain["label"]))).unique().to(retain["label"].device)
    looks = []
    with torch.no_grad(), LastLayer(net, classes) as layer:
        for asked_net in (net, *tuned):
            forward = Forward(asked_net, classes, memory_format, on_batch)
            known, _answers = _features(forward, layer, retain["image"][rows])
            anew = None if known is None else fit_last_layer(known, retain["label"][rows], classes)
            total = torch.zeros(len(forget["label"]), classes, device=forget["label"].device)
            for copy in range(COPIES):
                copies = noisy_copies(forget["image"], NORM, plan.seed_for(f"relearning noise {copy}"))
                asked, answers = _features(forward, layer, copies)
                if anew is not None and asked is not None:
                    answers = anew(asked).to(answers.device)
                total += answers / COPIES
            looks.append(bounded(total, forget["label"], as_recognized=True))
    return max(looks, key=lambda logits: _mean_confidence(logits, forget["label"]))


def _mean_confidence(logits: Tensor, labels: Tensor) -> float:
    """Return the mean of the label's logit less the logsumexp of all others, within bounds, in nats."""
    own = nn.functional.one_hot(labels, logits.shape[1]).bool()
    values = logits.double()
    confidence = values[own] - values.masked_fill(own, -torch.inf).logsumexp(dim=1)
    return float(confidence.clamp(-_LARGEST_CONFIDENCE, _LARGEST_CONFIDENCE).mean())


def fine_tuned(
    net: nn.Module,
    splits: Mapping[str, Mapping[str, Tensor]],
    plan: ProbePlan,
    classes: int,
    memory_format: torch.memory_format,
    *,
    kind: Literal["weight", "tensor"],
    on_batch: Callable[[], None] = lambda: None,
) -> nn.Module:
    """Return the network after the steps on retain; it runs the modules of the network, which stays.

    Args:
        net: As in `relearned_logits`, like all others.
        splits: With ``retain``.
        plan: Steps, learning rate, batch size and seed.
        classes: Number of classes.
        memory_format: Of the images.
        kind: To what the steps are relative: to each weight, or to each whole tensor.
        on_batch: Called before each step.
    """
    assert plan.relearning_rate is not None
    tuned = _Tuned(net)
    forward = Forward(tuned, classes, memory_format, on_batch)
    images, labels = splits["retain"]["image"], splits["retain"]["label"]
    momenta = [torch.zeros_like(weight) for weight in tuned.weights]
    sizes = [_size(weight.detach().double(), kind) for weight in tuned.weights]
    for rows in _rows(plan, len(labels)):
        chosen = rows.to(labels.device)
        with torch.enable_grad():
            loss = nn.functional.cross_entropy(forward(images[chosen]), labels[chosen])
            gradients = torch.autograd.grad(loss, tuned.weights, allow_unused=True)
        for weight, gradient, momentum, size in zip(tuned.weights, gradients, momenta, sizes, strict=True):
            if gradient is not None:
                momentum.mul_(_MOMENTUM).add_(_relative(gradient, size))
                weight.data.sub_(momentum, alpha=plan.relearning_rate)
    return tuned


def _features(forward: Forward, layer: LastLayer, images: Tensor) -> tuple[Tensor | None, Tensor]:
    """Return the inputs of the last layer, None if any are not observed, and the logits."""
    logits, features = [], []
    for batch in batches(images):
        logits.append(forward(batch))
        observed = layer.take()
        if observed is not None and len(observed) == len(batch):
            features.append(observed)
    complete = len(features) == len(logits)
    return torch.cat(features) if complete else None, torch.cat(logits)


def _size(weight: Tensor, kind: Literal["weight", "tensor"]) -> Tensor:
    """Return the size of each weight of a tensor, before fine-tuning; in double precision.

    Relative to the whole tensor, it is the root mean square of all. A tensor that is all zero, as biases at
    first, has no scale: its sizes are such that its step is the gradient.
    """
    if kind == "weight":
        return weight.abs()
    root = weight.square().mean().sqrt()
    return torch.where(root > 0, root, weight.numel() ** -0.5).expand_as(weight)


def _relative(gradient: Tensor, size: Tensor) -> Tensor:
    """Return the step of a weight tensor, at a learning rate of 1: of its norm, or shorter near a minimum.

    It is the gradient with respect to each weight divided by its size, with a norm of at most 1, in units
    of the weights' sizes. Where all are of one size, it has the gradient's direction. A weight whose size is
    zero stays.

    Args:
        gradient: Of the tensor.
        size: Of each weight (`_size`). Double precision, since scaled weights have large squares.
    """
    scale = size * size.numel() ** 0.5
    relative = scale * gradient.double()
    step: Tensor = (scale * relative / torch.linalg.vector_norm(relative).clamp(min=1)).to(gradient.dtype)
    return step


class _Tuned(nn.Module):
    """A network with other weights: copies, which can be changed while the network stays."""

    def __init__(self, net: nn.Module) -> None:
        super().__init__()
        self._net = [net]  # in a list, so that its weights are not also this module's
        self._copies = {
            name: weight.detach().clone().requires_grad_()
            for name, weight in net.named_parameters()
            if weight.is_floating_point()
        }
        self.weights = list(self._copies.values())

    def forward(self, images: Tensor) -> Tensor:
        """Return what the network answers with these weights."""
        answer: Tensor = functional_call(self._net[0], self._copies, (images,))
        return answer


def _rows(plan: ProbePlan, examples: int) -> list[Tensor]:
    """Return the rows of each step's batch: one random order after another, without incomplete batches."""
    assert plan.relearning_steps is not None
    assert plan.relearning_batch is not None
    generator = torch.Generator().manual_seed(plan.seed_for("relearning"))
    size = min(plan.relearning_batch, examples)
    rows: list[Tensor] = []
    while len(rows) < plan.relearning_steps:
        order = torch.randperm(examples, generator=generator)
        rows += order[: len(order) // size * size].split(size)
    return rows[: plan.relearning_steps]
