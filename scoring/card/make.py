"""How is a score card made of what unlearned models and references answered?"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from typing import Any, TypeVar

import numpy as np
from threadpoolctl import threadpool_limits

from scoring.baselines.accuracies import accuracy_table, split_accuracies
from scoring.baselines.klom import PERCENTILES, klom, klom_percentiles
from scoring.baselines.margin import classification_margin, cross_entropy
from scoring.baselines.mia import loss_mia
from scoring.baselines.run_time import LARGEST_FRACTION, RunTime, run_time
from scoring.baselines.tow import tug_of_war
from scoring.baselines.ulira import u_lira
from scoring.card.card import (
    SCHEMA_VERSION,
    CardFlag,
    ExactPart,
    HeldOutPart,
    KlomPart,
    MembershipPart,
    ScoreCard,
)
from scoring.card.codec import encode
from scoring.checks import FloatArray
from scoring.epsilon.exact import exact_epsilon
from scoring.epsilon.held_out import certified_epsilon, held_out_epsilon
from scoring.flags.find import Flag, find_flags
from scoring.flags.joint_attack import JointAttack, joint_attack
from scoring.outputs import SPLITS, Outputs, check_comparable
from scoring.published.epsilon import forgetting_quality
from scoring.published.score import published_score
from scoring.statistics.ceiling import ceiling, share_of_ceiling
from scoring.statistics.interval import CONFIDENCE
from scoring.statistics.uncertainty import score_uncertainty

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class CardOptions:
    """What a card may be asked for."""

    seed: int | None = None
    """Of all random halves, folds and permutations, from 0 to 2^32 - 1. None draws it from the outputs:
    a run knows its own place among the runs, and halves that everybody knows beforehand would let
    a submission behave in one half otherwise than in the other."""

    confidence: float = CONFIDENCE
    """Of all intervals and certified bounds, in (0, 1)."""

    retraining_seconds: float | None = None
    """What retraining takes where the runs were done; else the references' own times are taken,
    if they are known."""

    def __post_init__(self) -> None:
        """Refuse what cannot be.

        Raises:
            ValueError: the seed or the confidence is out of range, or the time is no time.
        """
        if self.seed is not None and not 0 <= self.seed < 1 << 32:
            raise ValueError(f"The seed must be zero or more and below 2^32, not {self.seed}.")
        if not 0 < self.confidence < 1:
            raise ValueError(f"The confidence must lie in (0, 1), but it is {self.confidence}.")
        if self.retraining_seconds is not None and not 0 < self.retraining_seconds < float("inf"):
            raise ValueError(f"Retraining must take some time, not {self.retraining_seconds} s.")


def score_card(unlearned: Outputs, references: Outputs, options: CardOptions | None = None) -> ScoreCard:
    """Return all numbers there are on one submission.

    A part for which there are too few models or examples, or of whose inputs nothing is known, is
    None and says why in `ScoreCard.omitted`; the published score is always there.

    Args:
        unlearned: Of the submission's runs, two or more.
        references: Of models that were retrained without the forget set, two or more; their
            number may differ.
        options: Seed, confidence and the time of retraining.

    Raises:
        ValueError: the populations were not asked the same, or the references are never right on
            retain or test.
    """
    check_comparable(unlearned, references)
    with threadpool_limits(1):  # small matrices: more threads wait for each other, and round otherwise
        return _score_card(unlearned, references, options or CardOptions())


def _score_card(unlearned: Outputs, references: Outputs, asked: CardOptions) -> ScoreCard:
    ours, theirs = unlearned.confidences(), references.confidences()
    our_accuracies, their_accuracies = unlearned.accuracies(), references.accuracies()
    published = published_score(
        unlearned_logits=unlearned.logits,
        reference_logits=references.logits,
        labels=unlearned.labels,
        unlearned_accuracies=our_accuracies,
        reference_accuracies=their_accuracies,
    )
    n, confidence = unlearned.models, asked.confidence
    seed = seed_of(unlearned, references) if asked.seed is None else asked.seed
    parts = _Parts()
    uncertainty = parts.take(
        "uncertainty",
        lambda: score_uncertainty(
            unlearned=ours,
            retrained=theirs,
            unlearned_accuracies=our_accuracies,
            reference_accuracies=their_accuracies,
            seed=seed,
            confidence=confidence,
        ),
    )
    limit = parts.take("ceiling", lambda: ceiling(theirs, n, seed=seed, confidence=confidence))
    share = None
    if uncertainty is None or limit is None:
        parts.omitted["share_of_ceiling"] = "It needs both the uncertainty and the ceiling."
    else:
        quality, top = uncertainty.forgetting_quality, limit
        share = parts.take("share_of_ceiling", lambda: share_of_ceiling(quality, top, confidence=confidence))
    held_out = parts.take("held_out", lambda: _held_out(ours, theirs, seed, confidence))
    joint = parts.take("joint", lambda: joint_attack(ours, theirs, seed=seed))
    timed = parts.take("run_time", lambda: _run_time(unlearned, references, asked))
    exact = exact_epsilon(ours, theirs)
    return ScoreCard(
        schema_version=SCHEMA_VERSION,
        n=n,
        references=references.models,
        examples=int(ours.shape[1]),
        classes=int(unlearned.logits.shape[2]),
        seed=seed,
        confidence=confidence,
        published=published,
        uncertainty=uncertainty,
        ceiling=limit,
        share_of_ceiling=share,
        exact=ExactPart(
            epsilon=exact,
            epsilon_mean=float(exact.mean()),
            forgetting_quality=forgetting_quality(exact, n),
        ),
        held_out=held_out,
        joint=joint,
        klom=_klom(unlearned, references),
        u_lira=parts.take("u_lira", lambda: u_lira(ours, theirs, seed=seed)),
        membership=parts.take("membership", lambda: _membership(unlearned, references, seed)),
        tug_of_war=_tug_of_war(unlearned, references),
        accuracies=accuracy_table(
            unlearned_correct=unlearned.correct,
            reference_correct=references.correct,
            class_counts=unlearned.class_counts,
        ),
        run_time=timed,
        flags=tuple(_flags(find_flags(ours, theirs, seed=seed), joint, held_out, timed)),
        omitted=parts.omitted,
    )


def seed_of(unlearned: Outputs, references: Outputs) -> int:
    """Return a seed that the outputs decide: equal outputs, equal seeds; no run knows it beforehand."""
    digest = hashlib.sha256()
    for outputs in (unlearned, references):
        digest.update(np.ascontiguousarray(outputs.logits).tobytes())
    return int.from_bytes(digest.digest()[:4], "big")


class _Parts:
    """Computes what can be computed, and remembers why the rest cannot."""

    def __init__(self) -> None:
        self.omitted: dict[str, str] = {}

    def take(self, name: str, compute: Callable[[], T]) -> T | None:
        try:
            return compute()
        except ValueError as error:
            self.omitted[name] = str(error)
            return None


def _held_out(ours: FloatArray, theirs: FloatArray, seed: int, confidence: float) -> HeldOutPart:
    epsilon = held_out_epsilon(ours, theirs, seed=seed)
    certified = certified_epsilon(ours, theirs, confidence=confidence, seed=seed)
    return HeldOutPart(
        epsilon=epsilon,
        epsilon_mean=float(epsilon.mean()),
        certified=certified,
        certified_most=float(certified.max()),
        certified_examples=int((certified > 0).sum()),
    )


def _margins(outputs: Outputs) -> FloatArray:
    """Return the margins, shape [models, examples]; one model at a time, for memory's sake."""
    return np.stack([classification_margin(of_model, outputs.labels) for of_model in outputs.logits])


def _klom(unlearned: Outputs, references: Outputs) -> KlomPart:
    divergence = klom(_margins(unlearned), _margins(references))
    percentiles = klom_percentiles(divergence)
    return KlomPart(
        mean=float(divergence.mean()),
        percentiles={f"{at:g}": float(value) for at, value in zip(PERCENTILES, percentiles, strict=True)},
    )


def _membership(unlearned: Outputs, references: Outputs, seed: int) -> MembershipPart:
    found = []
    for outputs in (unlearned, references):
        if outputs.unseen_losses is None:
            raise ValueError("The losses on unseen examples are not known.")
        found.append(loss_mia(cross_entropy(_margins(outputs)), outputs.unseen_losses, seed=seed))
    ours, theirs = found
    return MembershipPart(
        mean=float(ours.mean()),
        deviation=float(ours.std(ddof=1)),
        reference_mean=float(theirs.mean()),
        reference_deviation=float(theirs.std(ddof=1)),
    )


def _tug_of_war(unlearned: Outputs, references: Outputs) -> float:
    ours, theirs = (split_accuracies(one.correct, one.class_counts) for one in (unlearned, references))
    forget, retain, test = (SPLITS.index(split) for split in ("forget", "retain", "test"))
    return tug_of_war(
        unlearned_forget=ours[:, forget],
        unlearned_retain=ours[:, retain],
        unlearned_test=ours[:, test],
        reference_forget=theirs[:, forget],
        reference_retain=theirs[:, retain],
        reference_test=theirs[:, test],
    )


def _run_time(unlearned: Outputs, references: Outputs, options: CardOptions) -> RunTime:
    if unlearned.seconds is None:
        raise ValueError("The times of the runs are not known.")
    retraining = references.seconds if options.retraining_seconds is None else [options.retraining_seconds]
    if retraining is None:
        raise ValueError("The time that retraining takes is not known.")
    return run_time(unlearned.seconds, retraining)


def _flags(
    found: tuple[Flag, ...],
    joint: JointAttack | None,
    held_out: HeldOutPart | None,
    timed: RunTime | None,
) -> Iterator[CardFlag]:
    if joint is not None and joint.flagged:
        yield _flag("joint-attack", joint.sentence, joint)
    for one in found:
        yield _flag(re.sub(r"(?<!^)(?=[A-Z])", "-", type(one).__name__).lower(), one.sentence, one)
    if held_out is not None and held_out.certified_examples:
        yield CardFlag(
            kind="certified",
            sentence=(
                f"On {held_out.certified_examples} of {held_out.epsilon.size} forget examples checkpoints "
                f"are certainly no references; epsilon is at least {held_out.certified_most:.2f} on one."
            ),
            figures={
                "certified_examples": held_out.certified_examples,
                "certified_most": held_out.certified_most,
            },
        )
    if timed is not None and timed.too_slow:
        yield CardFlag(
            kind="too-slow",
            sentence=(
                f"A run takes {timed.median:.0%} of the time of retraining; the contest rejected "
                f"more than {LARGEST_FRACTION:.0%}."
            ),
            figures={"median": timed.median, "largest": LARGEST_FRACTION},
        )


def _flag(kind: str, sentence: str, found: Any) -> CardFlag:  # noqa: ANN401 - any dataclass of figures
    figures = encode(asdict(found))
    return CardFlag(kind=kind, sentence=sentence, figures=figures)
