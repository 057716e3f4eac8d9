"""Rows of a score card that come from probes, and values beside what retraining gets in their place."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from scoring.card.card import ScoreCard
    from scoring.probes.contrast import Contrast

NOT_RECORDED: Final = "The challenge has no "
"""Beginning of the reason for a part whose probe the challenge does not have."""

Row = tuple[str, str, str]
"""Name, value, and how to read it."""


def probe_rows(card: ScoreCard) -> Iterator[Row]:
    """Yield a row for each number that the card has; docs/metrics.md defines them."""
    if card.relearning is not None:
        relearning = card.relearning
        yield _row("relearned accuracy", relearning.accuracy, "gain on forget by training on retain alone")
        yield _row("relearned confidence", relearning.confidence, "the same in nats")
        yield _row("accuracy, relearned", relearning.accuracy_after, "on forget, after that training")
        yield _row("confidence, relearned", relearning.confidence_after, "the same in nats")
    for residual in card.residual_knowledge or ():
        at = f"copies changed by {residual.norm:g}"
        yield _row(f"recognised, {residual.norm:g}", residual.recognised, at)
        yield _row(f"again, {residual.norm:g}", residual.again, f"{at}, of examples that are misclassified")
    if card.features is not None:
        yield _row("feature distance", card.features.distance, "of the forget examples, 1 - CKA")
        if card.features.separation is not None:
            yield _row("feature separation", card.features.separation, "of classes, share of variance")
    if card.over_unlearning is not None:
        yield _row("KLoM, retain", card.over_unlearning.retain, "over-unlearning; nats", level=True)
        yield _row("KLoM, test", card.over_unlearning.test, "over-unlearning; nats", level=True)
    if card.strata is not None:
        strata = card.strata.epsilon
        read = f"held-out epsilon of the most exposed tenth; by tenths {strata[0]:.2f} to {strata[-1]:.2f}"
        yield _row("most exposed, epsilon", card.strata.most_exposed, read, level=True)
    if card.mislabelled is not None:
        count = f"of {card.mislabelled.examples} mislabelled forget examples"
        yield _row("wrong labels recalled", card.mislabelled.recalled, f"share {count}")
        yield _row("mislabelled, epsilon", card.mislabelled.epsilon, f"held-out, {count}", level=True)


def null_rows(card: ScoreCard) -> Iterator[Row]:
    """Yield entries that the card also has elsewhere, beside their nulls."""
    if card.nulls is not None:
        half = "on half of the models"
        yield _row("exact epsilon, half", card.nulls.exact_epsilon, half, level=True)
        yield _row("held-out epsilon, half", card.nulls.held_out_epsilon, half, level=True)
        yield _row("KLoM, half", card.nulls.klom, half, level=True)
        yield _row("U-LiRA AUC, half", card.nulls.u_lira, half, level=True)
        yield _row("ToW, half", card.nulls.tug_of_war, half, level=True)
    if card.membership_gap is not None:
        yield _row("loss MIA, difference", card.membership_gap, "of accuracy, to references")


def _row(name: str, contrast: Contrast, read: str, *, level: bool = False) -> Row:
    """Return a row; a difference has a sign, a level has none."""
    value, null = contrast.value, contrast.null
    sign = "" if level else "+"
    text = f"{value.estimate:{sign}.3f}  [{value.low:{sign}.3f}, {value.high:{sign}.3f}]"
    return name, text, f"{read}; retraining {null.low:{sign}.3f} to {null.high:{sign}.3f}"
