"""Small real networks on scikit-learn's digits, in NumPy alone: many at once, in a second, with all probes.

Each has one hidden layer. They serve to test the scorer on models that were really trained, retrained and
unlearned, where a container with torch would take minutes.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from sklearn.datasets import load_digits

from scoring.checks import CountArray, FloatArray
from scoring.outputs import Outputs
from scoring.probes.arrays import Probes

CLASSES = 10
HIDDEN = 96
NORMS = (0.03, 0.1, 0.3)
COPIES = 3
PROJECTED = 16
RELEARNING_EPOCHS = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """The digits, divided for one forget set."""

    images: FloatArray
    """In [0, 1]. Shape [examples, 64]."""

    labels: CountArray
    """As they are trained on. Shape [examples]."""

    retain: CountArray
    forget: CountArray
    unseen: CountArray
    """Rows of each split; unseen examples are test and validation examples in one."""

    mislabelled: np.ndarray
    """Whether each forget example has a wrong label. Shape [forget]."""

    def swapped(self) -> Problem:
        """Return the problem with forget and unseen examples in each other's place."""
        marks = np.zeros(self.unseen.size, dtype=bool)
        return replace(self, forget=self.unseen, unseen=self.forget, mislabelled=marks)


@dataclass(frozen=True, slots=True, kw_only=True)
class Networks:
    """Weights of many networks with one hidden layer."""

    first: FloatArray
    """Shape [models, 65, hidden]; the last row is the bias."""

    last: FloatArray
    """Shape [models, hidden + 1, classes]; the last row is the bias."""

    def features(self, images: FloatArray) -> FloatArray:
        """Return the hidden layer of each network. Shape [models, examples, hidden]."""
        return np.maximum(_with_one(images) @ self.first, 0)

    def logits(self, images: FloatArray) -> FloatArray:
        """Return the logits. Shape [models, examples, classes]."""
        return _with_one(self.features(images)) @ self.last


def problem(*, seed: int, forget: int, unseen: int, wrong: float = 0.0, classes: int = CLASSES) -> Problem:
    """Return a problem whose forget set is drawn at random from the first classes.

    Args:
        seed: Of the division.
        forget: Number of forget examples.
        unseen: Number of unseen examples.
        wrong: Share of the forget examples that get a wrong label.
        classes: Number of classes that forget examples come from.
    """
    rng = np.random.default_rng(seed)
    digits = load_digits()
    labels = digits.target.astype(np.intp)
    order = rng.permutation(len(labels))
    eligible = order[labels[order] < classes]
    rows, rest = eligible[:forget], np.setdiff1d(order, eligible[:forget])
    rest = rng.permutation(rest)
    marks = np.arange(forget) < round(wrong * forget)
    labels[rows[marks]] = (labels[rows[marks]] + rng.integers(1, CLASSES, size=int(marks.sum()))) % CLASSES
    return Problem(
        images=digits.data / 16,
        labels=labels,
        retain=rest[unseen:],
        forget=rows,
        unseen=rest[:unseen],
        mislabelled=marks,
    )


def untrained(models: int, seed: int) -> Networks:
    """Return networks with random weights."""
    rng = np.random.default_rng([seed, 1])
    first = rng.normal(size=(models, 65, HIDDEN)) * np.sqrt(2 / 64)
    last = rng.normal(size=(models, HIDDEN + 1, CLASSES)) * np.sqrt(1 / HIDDEN)
    first[:, -1], last[:, -1] = 0, 0
    return Networks(first=first.astype(np.float32), last=last.astype(np.float32))


def copies(networks: Networks, models: int) -> Networks:
    """Return this many copies of the first network."""
    return Networks(
        first=np.repeat(networks.first[:1], models, axis=0), last=np.repeat(networks.last[:1], models, axis=0)
    )


def trained(
    networks: Networks,
    images: FloatArray,
    labels: CountArray,
    *,
    epochs: int,
    seed: int,
    rate: float = 0.2,
    batch: int = 64,
    decay: float = 1e-4,
) -> Networks:
    """Return the networks after training with momentum, each in an order of its own."""
    rng = np.random.default_rng([seed, 2])
    images, one_hot = _with_one(images).astype(np.float32), np.eye(CLASSES, dtype=np.float32)[labels]
    weights = [networks.first.copy(), networks.last.copy()]
    speed = [np.zeros_like(each) for each in weights]
    steps = epochs * (len(images) // batch)
    step = 0
    for _ in range(epochs):
        orders = rng.random((len(weights[0]), len(images))).argsort(axis=1)
        for start in range(0, len(images) - batch + 1, batch):
            rows = orders[:, start : start + batch]
            inputs = images[rows]
            hidden = inputs @ weights[0]
            active = _with_one(np.maximum(hidden, 0))
            scores = active @ weights[1]
            scores = np.exp(scores - scores.max(axis=2, keepdims=True))
            error = (scores / scores.sum(axis=2, keepdims=True) - one_hot[rows]) / batch
            back = (error @ weights[1][:, :-1].transpose(0, 2, 1)) * (hidden > 0)
            gradients = inputs.transpose(0, 2, 1) @ back, active.transpose(0, 2, 1) @ error
            now = rate * (0.05 + 0.95 * (1 + np.cos(np.pi * step / steps)) / 2)
            for at, gradient in enumerate(gradients):
                speed[at] = np.float32(0.9) * speed[at] + gradient + np.float32(decay) * weights[at]
                weights[at] -= np.float32(now) * speed[at]
            step += 1
    return Networks(first=weights[0], last=weights[1])


def retrained(task: Problem, models: int, *, seed: int, epochs: int = 20, forget: bool = False) -> Networks:
    """Return networks trained from scratch on retain, or on retain and forget."""
    rows = np.concatenate([task.retain, task.forget]) if forget else task.retain
    return trained(untrained(models, seed), task.images[rows], task.labels[rows], epochs=epochs, seed=seed)


def outputs(task: Problem, networks: Networks, original: Networks | None = None) -> Outputs:
    """Return what an evaluator records of the networks, with all probes."""
    logits = networks.logits(task.images)
    right = (logits.argmax(axis=2) == task.labels)[:, :, np.newaxis] * np.eye(CLASSES)[task.labels]
    splits = [task.retain, task.forget, task.unseen, task.unseen]
    unseen = logits[:, task.unseen].astype(np.float64)
    margin = unseen.max(axis=2, keepdims=True)
    log_sums = np.log(np.exp(unseen - margin).sum(axis=2)) + margin[:, :, 0]
    retain, test = task.retain[:200], task.unseen[:200]
    noise = np.random.default_rng(7).normal(size=(len(NORMS), COPIES, task.forget.size, 64))
    images = task.images[task.forget]
    size = np.linalg.norm(images, axis=1, keepdims=True) * np.reshape(NORMS, (-1, 1, 1, 1))
    changed = images + size * noise / np.linalg.norm(noise, axis=3, keepdims=True)
    projection = np.random.default_rng(8).normal(size=(HIDDEN, PROJECTED)) / np.sqrt(PROJECTED)
    relearned = trained(
        networks,
        task.images[task.retain],
        task.labels[task.retain],
        epochs=RELEARNING_EPOCHS,
        rate=0.05,
        seed=9,
    )
    return Outputs(
        logits=logits[:, task.forget].astype(np.float32),
        labels=task.labels[task.forget],
        correct=np.stack([right[:, rows].sum(axis=1) for rows in splits], axis=1).astype(np.intp),
        class_counts=np.stack([np.bincount(task.labels[rows], minlength=CLASSES) for rows in splits]),
        unseen_losses=np.maximum(
            log_sums - np.take_along_axis(unseen, task.labels[task.unseen][None, :, None], 2)[..., 0], 0
        ),
        original_logits=None if original is None else original.logits(images)[0].astype(np.float32),
        mislabelled=task.mislabelled,
        probes=Probes(
            retain_logits=logits[:, retain].astype(np.float32),
            retain_labels=task.labels[retain],
            test_logits=logits[:, test].astype(np.float32),
            test_labels=task.labels[test],
            perturbed_logits=networks.logits(changed.reshape(-1, 64))
            .reshape(len(logits), len(NORMS), COPIES, task.forget.size, CLASSES)
            .astype(np.float32),
            norms=np.array(NORMS),
            features=(networks.features(images) @ projection).astype(np.float32),
            relearned_logits=relearned.logits(images).astype(np.float32),
        ),
    )


def _with_one(values: FloatArray) -> FloatArray:
    """Return the values with a column of ones, which the bias is multiplied with."""
    return np.concatenate([values, np.ones_like(values[..., :1])], axis=-1)
