"""Levels of flags: each kind has one, and only what an author should fix is a problem."""

from pathlib import Path

import numpy as np
import pytest

from scoring.baselines.run_time import run_time
from scoring.card import flags as flags_module
from scoring.card.flags import card_flags
from scoring.card.levels import FALSE_ALARMS, LEVELS, flag_level
from scoring.flags.decided_by_one import DecidedByOne
from scoring.flags.duplicates import find_duplicates


def test_every_kind_has_a_level():
    """The table holds the kinds that the card's documentation names, and no other."""
    text = (Path(flags_module.__file__).parent / "card.py").read_text(encoding="utf-8")
    documented = (
        text[text.index("    kind: str") : text.index("    sentence: str")].replace("``", "'").split("'")
    )
    assert set(documented[1::2]) == set(LEVELS)
    assert flag_level("a later kind", "") == "note"


def test_every_suspicion_says_how_often_it_is_wrong():
    """And nothing else does."""
    assert set(FALSE_ALARMS) == {kind for kind, level in LEVELS.items() if level == "suspicion"}


@pytest.mark.parametrize(
    ("copies", "noise", "level"), [(2, 0.0, "problem"), (2, 1e-4, "note"), (4, 0.0, "problem")]
)
def test_exact_duplicates_are_a_problem_and_near_copies_are_a_note(copies, noise, level):
    """The sentence tells them apart, mixed ones too."""
    rng = np.random.default_rng(0)
    unlearned, retrained = rng.normal(size=(30, 12)), rng.normal(size=(40, 12))
    unlearned[1:copies] = unlearned[0] + noise * rng.normal(size=12)
    unlearned[10] = unlearned[11] + 1e-4
    (flag,) = find_duplicates(unlearned, retrained)
    assert flag_level("duplicates", flag.sentence) == level


@pytest.mark.parametrize(
    ("without", "count"), [((50.0,), 0), ((50.0, 49.4), 0), ((49.6,), 0), ((49.4,), 1), ((50.0, 3.0), 1)]
)
def test_a_checkpoint_that_changes_nothing_is_no_flag(without, count):
    """The epsilon is 50 with it; if it rounds to 50 without it too, it decides nothing."""
    flag = DecidedByOne(
        side="retrained", checkpoint=25, examples=tuple(range(len(without))), epsilon_without=without
    )
    assert len(list(card_flags((flag,), None, None, None))) == count


@pytest.mark.parametrize(
    ("runs", "retraining", "levels"),
    [
        ([19.0, 19.0, 99.0], 100.0, {}),
        ([21.0], 100.0, {"too-slow": "problem"}),
        ([1.01], 5.0, {"too-slow": "problem"}),
        ([1.01], 4.99, {"too-slow": "note"}),
        ([0.31], 0.57, {"too-slow": "note"}),  # three epochs of the twelve of `digits`
        ([0.01, 0.6, 0.6], 0.57, {"too-slow": "note"}),
        ([100.0], 100.0, {"too-slow": "problem"}),
        ([0.11], 0.57, {}),
    ],
)
def test_slow_runs_are_a_problem_unless_retraining_is_short(runs, retraining, levels):
    """A fifth of 5 s is the least that a time limit comes to; the median run decides."""
    flags = list(card_flags((), None, None, run_time(runs, [retraining]), retraining))
    assert {flag.kind: flag_level(flag.kind, flag.sentence) for flag in flags} == levels
    assert all(flag.sentence.endswith(".") for flag in flags)


@pytest.mark.parametrize(
    ("clock", "processor", "retraining", "level"),
    [
        (0.9, 0.46, 0.6, None),  # an honest run on `digits`
        (9.0, 0.46, 0.6, None),  # the same beside other work
        (0.9, 0.91, 0.6, "problem"),  # ten epochs of the twelve
        (0.1, 1.04, 600.0, "problem"),  # on many cores
        (0.9, 0.1, 600.0, "note"),  # it sleeps
        (0.6, 0.6, 600.0, None),
        (0.61, None, 600.0, "problem"),
        (0.61, None, 0.6, "note"),
    ],
)
def test_a_stated_fraction_is_of_processor_time(clock, processor, retraining, level):
    """Retraining is a problem however short it is; what other work on the machine adds is none."""
    run_times = run_time(
        [clock * retraining],
        [retraining],
        allowed=0.6,
        processor_seconds=None if processor is None else [processor * retraining],
        retraining_processor_seconds=retraining,
    )
    flags = list(card_flags((), None, None, run_times, retraining))
    assert [flag_level(flag.kind, flag.sentence) for flag in flags] == ([level] if level else [])
    assert all(flag.sentence.endswith(".") and "60%" in flag.sentence for flag in flags)


def test_the_sentence_names_what_decides():
    """Processor time where it decides, and both where they disagree."""
    run_times = run_time(
        [1.0], [10.0], allowed=0.6, processor_seconds=[10.4], retraining_processor_seconds=10.0
    )
    (flag,) = card_flags((), None, None, run_times, 10.0)
    assert flag.sentence == (
        "A quarter of the runs use at least 104% of the processor time that retraining takes; the challenge "
        "allows 60%."
    )
    assert flag.figures == {"median": 0.1, "largest": 0.6, "processor_third_quartile": pytest.approx(1.04)}
    run_times = run_time([9.0], [10.0], allowed=0.6, processor_seconds=[1], retraining_processor_seconds=10.0)
    (flag,) = card_flags((), None, None, run_times, 10.0)
    assert flag.sentence == (
        "The median run takes 90% of the retraining time; the challenge allows 60%, but it uses 10% of the "
        "processor time, so the runs waited."
    )


def test_a_card_without_the_seconds_of_retraining_has_the_contests_rule():
    """As cards of earlier versions have it: their sentence names no seconds."""
    (flag,) = card_flags((), None, None, run_time([0.3], [1.0]))
    assert flag.sentence == (
        "The median run takes 30% of the retraining time; the contest rejected entries above 20%."
    )
    assert flag_level(flag.kind, flag.sentence) == "problem"
