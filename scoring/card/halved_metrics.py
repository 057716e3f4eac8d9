"""Entries of a card on random halves of the models, from which the interval of any difference follows.

`scoring.statistics.halves` does so for the score; here it is every entry that a final may be decided by. The
halves are the same: of one seed, all submissions with as many models are halved alike.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from threadpoolctl import threadpool_limits

from scoring.baselines.accuracies import split_accuracies
from scoring.baselines.klom import klom
from scoring.baselines.tow import tug_of_war
from scoring.card.baseline_parts import margins_of
from scoring.checks import CountArray, FloatArray
from scoring.epsilon.exact import exact_epsilon
from scoring.epsilon.held_out import held_out_epsilon
from scoring.outputs import SPLITS, Outputs, check_comparable
from scoring.published.epsilon import forgetting_quality
from scoring.published.score import Accuracies, PublishedScore, score_of_confidences
from scoring.statistics.comparison import HALVINGS, MIN_MODELS, random_halves
from scoring.statistics.halves import HalvedScore


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Models:
    """What entries of a card are computed from, of some of the models; the first axis is theirs."""

    confidences: FloatArray
    margins: FloatArray | None
    """None where the entry needs none."""
    accuracies: FloatArray
    """By split. Shape [models, 4]."""

    def rows(self, rows: CountArray) -> _Models:
        """Return the models at these positions."""
        return _Models(
            confidences=self.confidences[rows],
            margins=None if self.margins is None else self.margins[rows],
            accuracies=self.accuracies[rows],
        )

    def of(self, split: str) -> FloatArray:
        """Return the accuracies on a split. Shape [models]."""
        return self.accuracies[:, SPLITS.index(split)]


_Entry = Callable[[_Models, _Models, int], float]
"""Returns an entry of a card from unlearned models, references and a seed."""


def _published(unlearned: _Models, references: _Models) -> PublishedScore:
    return score_of_confidences(
        unlearned.confidences,
        references.confidences,
        unlearned_accuracies=Accuracies(retain=unlearned.of("retain"), test=unlearned.of("test")),
        reference_accuracies=Accuracies(retain=references.of("retain"), test=references.of("test")),
    )


def _of_published(name: str) -> _Entry:
    return lambda unlearned, references, _seed: float(getattr(_published(unlearned, references), name))


def _exact_epsilon_mean(unlearned: _Models, references: _Models, _seed: int) -> float:
    return float(exact_epsilon(unlearned.confidences, references.confidences).mean())


def _exact_quality(unlearned: _Models, references: _Models, _seed: int) -> float:
    epsilon = exact_epsilon(unlearned.confidences, references.confidences)
    return forgetting_quality(epsilon, len(unlearned.confidences))


def _held_out_epsilon_mean(unlearned: _Models, references: _Models, seed: int) -> float:
    return float(held_out_epsilon(unlearned.confidences, references.confidences, seed=seed).mean())


def _klom_mean(unlearned: _Models, references: _Models, _seed: int) -> float:
    assert unlearned.margins is not None
    assert references.margins is not None
    return float(klom(unlearned.margins, references.margins).mean())


def _tug_of_war(unlearned: _Models, references: _Models, _seed: int) -> float:
    return tug_of_war(
        unlearned_forget=unlearned.of("forget"),
        unlearned_retain=unlearned.of("retain"),
        unlearned_test=unlearned.of("test"),
        reference_forget=references.of("forget"),
        reference_retain=references.of("retain"),
        reference_test=references.of("test"),
    )


_ENTRIES: Final[Mapping[str, _Entry]] = {
    **{
        f"published.{name}": _of_published(name)
        for name in (
            *("score", "score_clipped", "forgetting_quality", "epsilon_mean"),
            *("retain_ratio", "retain_ratio_clipped", "test_ratio", "test_ratio_clipped"),
        )
    },
    "share_of_ceiling.estimate": _of_published("forgetting_quality"),
    "exact.forgetting_quality": _exact_quality,
    "exact.epsilon_mean": _exact_epsilon_mean,
    "held_out.epsilon_mean": _held_out_epsilon_mean,
    "klom.mean": _klom_mean,
    "tug_of_war": _tug_of_war,
}
"""By the fields of the card, with dots between."""

HALVED: Final = frozenset(_ENTRIES)
"""The entries that can be computed on halves, by the fields of the card with dots between."""


def halved_metric(
    path: str, value: float, unlearned: Outputs, references: Outputs, *, seed: int, halvings: int = HALVINGS
) -> HalvedScore:
    """Return an entry of a card on the halves that a comparison draws.

    The share of the ceiling has the ceiling of all models on both sides: it is the same for all submissions
    with the same references, so its noise orders nobody.

    Args:
        path: Fields of the card with dots between, one of `HALVED`.
        value: The entry on the card, from all models.
        unlearned: Outputs of the submission's runs, 16 models or more.
        references: Outputs of the references, 16 models or more.
        seed: Of the random halves; values are comparable only under the same seed.
        halvings: Number of halvings, 2 or more.

    Raises:
        ValueError: there are too few models, they were not evaluated on the same examples, or the entry
            cannot be computed on a half.
    """
    check_comparable(unlearned, references)
    if min(unlearned.models, references.models) < MIN_MODELS:
        raise ValueError(f"There must be {MIN_MODELS} or more models on each side.")
    with threadpool_limits(1):  # small matrices: more threads wait for each other and round differently
        compute, needs_margins = _ENTRIES[path], path == "klom.mean"
        own, other = (_models(outputs, needs_margins=needs_margins) for outputs in (unlearned, references))
        halves = np.array(
            [
                [compute(own.rows(runs), other.rows(retrainings), seed) for runs, retrainings in rows]
                for rows in random_halves(unlearned.models, references.models, seed=seed, halvings=halvings)
            ]
        )
        if path == "share_of_ceiling.estimate":
            whole = compute(own, other, seed)
            if whole == 0:
                raise ValueError("A forgetting quality of zero is zero on no scale, so halves have none.")
            halves *= value / whole
    return HalvedScore(value=value, halves=halves)


def _models(outputs: Outputs, *, needs_margins: bool) -> _Models:
    return _Models(
        confidences=outputs.confidences(),
        margins=margins_of(outputs) if needs_margins else None,
        accuracies=split_accuracies(outputs.correct, outputs.class_counts),
    )
