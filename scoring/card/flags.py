"""The flags of a score card, from the parts of the card that can raise one."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from scoring.baselines.run_time import (
    MAX_FRACTION,
    SHORT_RETRAINING_SECONDS,
    RunTime,
)
from scoring.card.card import CardFlag, HeldOutPart
from scoring.card.codec import encode
from scoring.card.levels import NOT_UNLEARNING, SHORT_RETRAINING
from scoring.controls.comparison import ControlComparison
from scoring.flags.decided_by_one import DecidedByOne
from scoring.flags.find import Flag
from scoring.flags.joint_attack import JointAttack


def card_flags(
    flags: tuple[Flag, ...],
    joint: JointAttack | None,
    held_out: HeldOutPart | None,
    run_times: RunTime | None,
    retraining_seconds: float | None = None,
    *,
    controls: ControlComparison | None = None,
) -> Iterator[CardFlag]:
    """Yield the flags of a card, the comparison with control problems and the joint attack first.

    A checkpoint that alone decides examples is no flag where their epsilon rounds to 50 without it too.

    Args:
        flags: Flags of the confidences.
        joint: Result of the joint attack, a flag if it is significant.
        held_out: Certified epsilons, a flag if one is above 0.
        run_times: Run times, a flag if the runs are too slow.
        retraining_seconds: What retraining takes, if that is known.
        controls: The comparison with control problems, a flag if the challenge is much easier.
    """
    if controls is not None and controls.flagged:
        yield _flag(NOT_UNLEARNING, controls.sentence, controls)
    if joint is not None and joint.flagged:
        yield _flag("joint-attack", joint.sentence, joint)
    for flag in flags:
        if isinstance(flag, DecidedByOne) and not flag.is_decisive:
            continue
        yield _flag(re.sub(r"(?<!^)(?=[A-Z])", "-", type(flag).__name__).lower(), flag.sentence, flag)
    if held_out is not None and held_out.certified_examples:
        yield CardFlag(
            kind="certified",
            sentence=(
                f"On {held_out.certified_examples} of {held_out.epsilon.size} forget examples the "
                "checkpoints are provably distinguishable from references (largest certified epsilon: "
                f"{held_out.certified_most:.2f})."
            ),
            figures={
                "certified_examples": held_out.certified_examples,
                "certified_most": held_out.certified_most,
            },
        )
    if run_times is not None and run_times.too_slow:
        sentence = (
            f"The median run takes {run_times.median:.0%} of the retraining time; the contest rejected "
            f"entries above {MAX_FRACTION:.0%}"
        )
        if retraining_seconds is not None and retraining_seconds < SHORT_RETRAINING_SECONDS:
            sentence += f", but {retraining_seconds:.2g} s of retraining {SHORT_RETRAINING}"
        yield CardFlag(
            kind="too-slow",
            sentence=f"{sentence}.",
            figures={"median": run_times.median, "largest": MAX_FRACTION},
        )


def _flag(kind: str, sentence: str, flag: Any) -> CardFlag:  # noqa: ANN401 - any dataclass of figures
    return CardFlag(kind=kind, sentence=sentence, figures=encode(asdict(flag)))
