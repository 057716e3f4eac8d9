"""A new last layer, fitted to a network's features in one step: what the features tell of the classes.

It is ridge regression on the classes (1 for an example's own, 0 for others), each feature divided by its
standard deviation. So neither the weights of the network's own last layer nor the scale of any unit before it
plays a part, and nothing is random. All arithmetic is on the CPU in double precision.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor

_PENALTY: Final = 0.01
"""Added to the variance of each feature, which is 1."""
_CONSTANT: Final = 1e-9
"""A feature whose standard deviation is so small a part of its largest value is constant, and left out: no
other feature is a measure, because a network may hold what it knows in small ones."""
_SCALE: Final = 16.0
"""Of the answers: so sure, in nats, is a regression of the class of an example that it fits exactly."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewLastLayer:
    """A linear layer after a shift and a scale of each feature."""

    mean: Tensor
    """Shape [features]."""
    factor: Tensor
    """Shape [features]."""
    weight: Tensor
    """Shape [features, classes]."""
    share: Tensor
    """Of each class among the examples that it was fitted to. Shape [classes]."""

    def __call__(self, features: Tensor) -> Tensor:
        """Return logits. Float32 [examples, classes]; NaN where a feature is, or in the fitted ones.

        Args:
            features: Of any examples. Shape [examples, features].
        """
        scaled = (features.double().cpu() - self.mean) * self.factor
        logits: Tensor = _SCALE * (scaled @ self.weight + self.share)
        return logits.float()


def fit_last_layer(features: Tensor, labels: Tensor, classes: int) -> NewLastLayer:
    """Return the layer that fits the labels best.

    Args:
        features: Of the examples that it is fitted to. Shape [examples, features].
        labels: Their classes. Shape [examples].
        classes: Number of classes.
    """
    values = features.double().cpu()
    one_hot = torch.nn.functional.one_hot(labels.cpu(), classes).double()
    share = one_hot.mean(dim=0)
    mean, deviation = values.mean(dim=0), values.std(dim=0, correction=0)
    varies = deviation > _CONSTANT * values.abs().amax(dim=0)
    factor = torch.where(varies, 1 / deviation.where(varies, torch.ones_like(deviation)), 0)
    scaled = (values - mean) * factor
    products = scaled.T @ scaled / len(scaled)
    products.diagonal().add_(_PENALTY)
    if products.isfinite().all():
        weight = torch.linalg.solve(products, scaled.T @ (one_hot - share) / len(scaled))
    else:
        weight = torch.full((values.shape[1], classes), torch.nan, dtype=values.dtype)
    return NewLastLayer(mean=mean, factor=factor, weight=weight, share=share)
