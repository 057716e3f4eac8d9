"""The flags of a score card, from the parts of the card that can raise one."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from scoring.baselines.run_time import SHORT_RETRAINING_SECONDS, RunTime
from scoring.card.card import CardFlag, HeldOutPart
from scoring.card.codec import encode
from scoring.card.levels import NOT_UNLEARNING, SHORT_RETRAINING, SLOW_BY_THE_CLOCK
from scoring.controls.comparison import ControlComparison
from scoring.flags.decided_by_one import DecidedByOne
from scoring.flags.find import Flag
from scoring.flags.joint_attack import JointAttack
from scoring.flags.too_close import TooClose


def card_flags(
    flags: tuple[Flag | TooClose | None, ...],
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
        flags: Flags of the confidences; None is no flag.
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
        if flag is None or (isinstance(flag, DecidedByOne) and not flag.is_decisive):
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
    if run_times is not None and (sentence := _slowness(run_times, retraining_seconds)):
        figures = {"median": run_times.median, "largest": run_times.largest}
        if run_times.processor is not None:
            figures["processor_third_quartile"] = run_times.processor.third_quartile
        yield CardFlag(kind="too-slow", sentence=f"{sentence}.", figures=figures)


def _slowness(run_times: RunTime, retraining_seconds: float | None) -> str:
    """Return why runs are too slow, without the full stop; empty if they are not.

    Processor time decides where the challenge states a fraction: other work on the machine does not add to
    it, nor do more threads take anything off. The clock decides otherwise, and is noted where it disagrees;
    not where retraining is so short that the machine's other work decides what runs take by it.
    """
    is_short = retraining_seconds is not None and retraining_seconds < SHORT_RETRAINING_SECONDS
    by_the_clock = f"The median run takes {run_times.median:.0%} of the retraining time"
    rule = "the contest rejected entries above" if run_times.allowed is None else "the challenge allows"
    rule += f" {run_times.largest:.0%}"
    if run_times.allowed is not None and run_times.processor is not None:
        if run_times.too_slow:
            used = f"{run_times.processor.third_quartile:.0%} of the processor time that retraining takes"
            return f"A quarter of the runs use at least {used}; {rule}"
        if run_times.median > run_times.largest and not is_short:
            used = f"{run_times.processor.median:.0%} of the processor time"
            return f"{by_the_clock}; {rule}, but it uses {used}, {SLOW_BY_THE_CLOCK}"
        return ""
    if not run_times.too_slow:
        return ""
    short = f", but {retraining_seconds:.2g} s of retraining {SHORT_RETRAINING}" if is_short else ""
    return f"{by_the_clock}; {rule}{short}"


def _flag(kind: str, sentence: str, flag: Any) -> CardFlag:  # noqa: ANN401 - any dataclass of figures
    return CardFlag(kind=kind, sentence=sentence, figures=encode(asdict(flag)))
