"""A submission that does much better on its challenge than on control problems is flagged, and no other."""

from __future__ import annotations

import numpy as np
import pytest

from scoring.card.flags import card_flags
from scoring.card.levels import NOT_UNLEARNING, flag_level
from scoring.checks import FloatArray
from scoring.controls.comparison import (
    MIN_EXAMPLES,
    MIN_REFERENCES,
    MIN_RUNS,
    ProblemFigures,
    advantage_limit,
    compare_with_controls,
    judge,
)

EXAMPLES = 30


def problem(
    seed: int, shift: float, runs: int = 16, references: int = 64, examples: int = EXAMPLES
) -> tuple[FloatArray, FloatArray]:
    """Return confidences of runs that are shifted from the references by so many standard deviations."""
    rng = np.random.default_rng(seed)
    return rng.normal(shift, 1, (runs, examples)), rng.normal(0, 1, (references, examples))


def figures(share: float) -> ProblemFigures:
    return ProblemFigures(epsilon=1.0, forgetting_quality=share / 5, share=share)


@pytest.mark.parametrize("shift", [0.0, 0.7, 1.5, 4.0])
@pytest.mark.parametrize("controls", [1, 3])
def test_a_method_that_does_as_well_everywhere_is_not_flagged(shift: float, controls: int) -> None:
    """However well or badly that is; sizes of the problems may differ."""
    others = [problem(10 + number, shift, 16 + number) for number in range(controls)]
    result = compare_with_controls(problem(1, shift, 64, 80), others, seed=5)
    assert not result.flagged
    assert (result.runs, result.references, len(result.controls)) == (16, 64, controls)


@pytest.mark.parametrize("fallback", [1.5, 4.0])
@pytest.mark.parametrize("controls", [1, 3])
def test_a_memorised_challenge_is_flagged(fallback: float, controls: int) -> None:
    """Retrained networks where the forget set is known, and another method or none elsewhere."""
    others = [problem(10 + number, fallback) for number in range(controls)]
    result = compare_with_controls(problem(1, 0.0, 64), others, seed=5)
    assert result.flagged
    assert result.challenge.share == pytest.approx(1, abs=0.2)
    assert result.challenge.epsilon < min(control.epsilon for control in result.controls)
    (flag,) = card_flags((), None, None, None, controls=result)
    assert (flag.kind, flag_level(flag.kind, flag.sentence)) == (NOT_UNLEARNING, "suspicion")
    assert "fewer than 1 in 100 honest submissions" in flag.sentence
    assert flag.figures["controls"][0]["share"] == result.controls[0].share


def test_doing_better_on_control_problems_is_no_suspicion() -> None:
    """The challenge may be the harder one."""
    assert not compare_with_controls(problem(1, 4.0, 64), [problem(2, 0.0)], seed=5).flagged


def test_the_comparison_is_at_equal_sizes() -> None:
    """More runs on the challenge, or more references, are no advantage: the same problem twice gives none."""
    unlearned, retrained = problem(1, 1.0, 16, 64)
    same = compare_with_controls((unlearned, retrained), [(unlearned, retrained)], seed=5)
    assert same.advantage == 0
    more = compare_with_controls(problem(3, 1.0, 512, 256), [problem(4, 1.0)], seed=5)
    assert abs(more.advantage) < 0.2


def test_the_same_seed_gives_the_same_comparison() -> None:
    """And another one another, but not by much."""
    pair, other = problem(1, 0.5, 64), [problem(2, 0.5)]
    first, again, another = (compare_with_controls(pair, other, seed=seed) for seed in (5, 5, 2**32 - 1))
    assert first == again
    assert first.advantage != another.advantage
    assert first.advantage == pytest.approx(another.advantage, abs=0.1)


@pytest.mark.parametrize(
    ("controls", "samples", "limit"),
    [(1, 4, 0.414), (2, 4, 0.340), (4, 4, 0.296), (10**9, 4, 0.245), (1, 1, 0.471)],
)
def test_the_limit_falls_with_the_number_of_problems_and_of_runs(
    controls: int, samples: int, limit: float
) -> None:
    """Solved by hand: 2.6 times the root of 0.08² (1 + 1 / K) + 0.1² (1 / samples + 1 / K)."""
    assert advantage_limit(controls, samples) == pytest.approx(limit, abs=5e-4)


def test_few_runs_on_the_challenge_raise_the_limit() -> None:
    """With as many as on a control problem its share is as noisy."""
    limits = [
        compare_with_controls(problem(1, 0.0, runs), [problem(2, 0.0)], seed=5).limit
        for runs in (16, 31, 32, 64, 128)
    ]
    assert limits == [advantage_limit(1, samples) for samples in (1, 1, 2, 4, 4)]


@pytest.mark.parametrize(("share", "flagged"), [(0.8401, True), (0.8399, False), (0.0, False)])
def test_the_limit_is_exact(share: float, flagged: bool) -> None:
    """The advantage is over the mean of the control problems, not over each."""
    result = judge([figures(share), figures(0.2), figures(0.8)], runs=16, references=64, ceiling=0.2)
    assert result.advantage == pytest.approx(share - 0.5)
    assert result.flagged is flagged


@pytest.mark.parametrize(("runs", "references"), [(MIN_RUNS - 1, 64), (16, MIN_REFERENCES - 1), (2, 2)])
def test_too_few_models_are_refused(runs: int, references: int) -> None:
    """Whichever problem has them; and so is a comparison with nothing."""
    with pytest.raises(ValueError, match="needs 8 runs and 8 references"):
        compare_with_controls(problem(1, 0.0), [problem(2, 0.0, runs, references)], seed=5)
    with pytest.raises(ValueError, match="no control problems"):
        compare_with_controls(problem(1, 0.0), [], seed=5)


@pytest.mark.parametrize("examples", [1, 5, MIN_EXAMPLES - 1])
def test_few_forget_examples_are_refused(examples: int) -> None:
    """On the challenge or on a control problem: F of a few examples differs too much by chance."""
    few, enough = problem(1, 0.0, examples=examples), problem(2, 0.0, examples=MIN_EXAMPLES)
    for challenge, control in ((few, enough), (enough, few)):
        with pytest.raises(ValueError, match=f"too few forget examples .*: {examples}, .* needs 20"):
            compare_with_controls(challenge, [enough, control], seed=5)
    assert not compare_with_controls(enough, [enough], seed=5).flagged


def test_false_alarms_of_retraining_are_rare() -> None:
    """Retraining is as good as it gets, and its F is as noisy as any: no false alarm in 6 submissions."""
    alarms = [
        compare_with_controls(
            problem(100 + number, 0.0, 32),
            [problem(500 + number, 0.0), problem(900 + number, 0.0)],
            seed=number,
        ).flagged
        for number in range(6)
    ]
    assert not any(alarms)
