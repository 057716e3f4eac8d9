"""Probes of a network: outputs on samples and on noisy forget examples, projected features.

The same code serves checkpoints and references. On one thread, probes depend on the network, the data and
the plan alone, byte for byte. All values are finite and at most `MAX_VALUE`. Infinities and NaN count against
the network: a forget example as recognized with certainty, an example of a sample as wrong with certainty,
features as far away. So no network hides from a probe by an answer that cannot be used.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from sandbox.networks.forward import Forward, batch_size
from sandbox.protocol.probes import FEATURES, MAX_VALUE, PERTURBED, RELEARNED, SAMPLES, ProbePlan

Splits = Mapping[str, Mapping[str, Tensor]]


class Probes:
    """Records the probes of the networks of one challenge; threads may share it."""

    def __init__(self, plan: ProbePlan, splits: Splits) -> None:
        """Draw samples and noise.

        Args:
            plan: Which probes are recorded, and how.
            splits: By name and column, ``image`` and ``label``, on the device of the networks.
        """
        self.plan = plan
        images = splits["forget"]["image"]
        self._images, self._labels, device = images, splits["forget"]["label"], images.device
        self._samples = {
            split: torch.tensor(plan.sample(split, len(splits[split]["label"])), device=device)
            for kind, split in SAMPLES.items()
            if kind in plan.kinds
        }
        self._sample_labels = {split: splits[split]["label"][rows] for split, rows in self._samples.items()}
        if PERTURBED in plan.kinds:
            self._signs = _signs(plan.seed_for("noise"), plan.copies, *images.shape).to(device)
            self._norms = torch.tensor(plan.norms, device=device)
            self._sizes = images.flatten(1).square().mean(dim=1).sqrt()
            """Root mean square of each image: a step so large in each pixel has the image's own norm."""
        self._projections: dict[int, Tensor] = {}

    def of_sample(self, split: str, logits: Tensor) -> Tensor | None:
        """Return the logits of a split's sample, None if that is not recorded.

        Args:
            split: Name of the split.
            logits: On all of its examples. Shape [examples, classes].
        """
        rows = self._samples.get(split)
        if rows is None:
            return None
        return bounded(logits[rows], self._sample_labels[split], as_recognized=False)

    def project(self, features: Tensor | None, images: int) -> Tensor:
        """Return the features of a batch, projected. Float32 [images, numbers].

        Args:
            features: Shape [images, features], or None if the network has shown none.
            images: Number of images in the batch.
        """
        numbers = self.plan.feature_numbers
        if features is None or len(features) != images:
            return torch.full((images, numbers), MAX_VALUE, device=self._images.device)
        width = features.shape[1]
        if width not in self._projections:
            signs = _signs(self.plan.seed_for(f"projection {width}"), width, numbers)
            self._projections[width] = (signs / numbers**0.5).to(features.device)
        projected = features @ self._projections[width]
        largest = projected.abs().amax(dim=1, keepdim=True)
        limited = projected * _factors(largest)
        return torch.where(largest.isfinite(), limited, torch.full_like(projected, MAX_VALUE))

    def perturbed(self, forward: Forward) -> Tensor:
        """Return the logits on noisy copies of the forget examples.

        A copy's noise has the same direction at each norm, and one absolute size in all pixels.

        Returns:
            Float32 [norms, copies, examples, classes].
        """
        norms, copies, examples = len(self.plan.norms), self.plan.copies, len(self._labels)
        parts = []
        for rows in torch.arange(norms * copies * examples, device=self._labels.device).split(
            batch_size(self._images)
        ):
            example, copy, norm = rows % examples, rows // examples % copies, rows // (examples * copies)
            steps = (self._norms[norm] * self._sizes[example]).view(-1, *[1] * (self._images.ndim - 1))
            parts.append(forward(self._images[example] + steps * self._signs[copy, example]))
        logits = bounded(torch.cat(parts), self._labels.repeat(norms * copies), as_recognized=True)
        return logits.view(norms, copies, examples, -1)

    def in_order(self, recorded: Mapping[str, Tensor]) -> tuple[Tensor, ...]:
        """Return the arrays as they follow one another in a frame, on the CPU."""
        return tuple(recorded[kind].cpu().contiguous() for kind in self.plan.kinds)

    @property
    def has_features(self) -> bool:
        """Return whether features are recorded."""
        return FEATURES in self.plan.kinds

    @property
    def has_perturbed(self) -> bool:
        """Return whether outputs on noisy forget examples are recorded."""
        return PERTURBED in self.plan.kinds

    @property
    def has_relearned(self) -> bool:
        """Return whether outputs after fine-tuning are recorded."""
        return RELEARNED in self.plan.kinds


def noisy_copies(images: Tensor, norm: float, seed: int) -> Tensor:
    """Return a copy of each image with noise of one absolute size in all pixels.

    Args:
        images: Shape [images, ...].
        norm: Euclidean norm of the noise, as a fraction of the image's own.
        seed: Of the signs.
    """
    signs = _signs(seed, *images.shape).to(images.device)
    sizes = images.flatten(1).square().mean(dim=1).sqrt()
    copies: Tensor = images + (norm * sizes).view(-1, *[1] * (images.ndim - 1)) * signs
    return copies


def bounded(logits: Tensor, labels: Tensor, *, as_recognized: bool) -> Tensor:
    """Return logits of which none is infinite, NaN or larger than `MAX_VALUE`.

    A row that is too large is scaled, which keeps its order. A row that is not finite is replaced by
    certainty: for its label, or against it.

    Args:
        logits: Shape [examples, classes].
        labels: True classes. Shape [examples].
        as_recognized: Whether a row that is not finite counts as recognized.
    """
    largest = logits.abs().amax(dim=1, keepdim=True)
    sign = 1 if as_recognized else -1
    certain = torch.full_like(logits, -sign * MAX_VALUE)
    certain.scatter_(1, labels[:, None], sign * MAX_VALUE)
    return torch.where(largest.isfinite(), logits * _factors(largest), certain)


def _factors(largest: Tensor) -> Tensor:
    """Return 1 for what is small enough, and otherwise the factor that makes it so."""
    return torch.where(largest > MAX_VALUE, MAX_VALUE / largest, torch.ones_like(largest))


def _signs(seed: int, *shape: int) -> Tensor:
    """Return random signs, the same on every machine: floats of torch's generators may differ. Int8."""
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(2, shape, generator=generator, dtype=torch.int8) * 2 - 1
