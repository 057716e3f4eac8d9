"""Problems are shown with what to do; suspicions and notes are counted, with the command that shows them."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from runner.reports.notices import (
    ADVICE,
    counted,
    grouped_problem_lines,
    notice_lines,
    notices_of,
    problems_of,
)
from runner.reports.scores import score_remarks, summary_json
from runner.reports.views.make import _notices
from runner.reports.views.markdown import _notice
from runner.results.summary import Summary
from runner.results.view import NOT_TEXT
from scoring.card.levels import FALSE_ALARMS, LEVELS
from tests.support.records import summary_of

UNCHANGED = "16 of 16 checkpoints are the original network, unchanged"
EQUAL = "15 of 16 checkpoints equal that of another seed"
OTHER = "4 of 4 checkpoints equal those of another submission: mac (evaluation 0123456789ab)"
EXACT = "16 checkpoints are exact copies of another checkpoint (for example 0 and 1)."
NEAR = "63 checkpoints are near-copies of another checkpoint (for example 0 and 1)."
HONEST = {"joint-attack": "They differ.", "duplicates": NEAR, "certified": "On 63 of 63."}
"""What a fine-tuning baseline has at n = 64."""


def summary(warnings: tuple[str, ...] = (), flags: Mapping[str, str] | None = None) -> Summary:
    """Return the summary of a scored evaluation with warnings, and flags by kind."""
    flags = flags or {}
    return summary_of(n=64, score=0.1, warnings=[*warnings], flags=[*flags], flag_sentences=[*flags.values()])


def test_an_honest_baseline_has_no_alarm() -> None:
    """One line, without a style, counts the notes and names the command with the real name."""
    (line,) = score_remarks([summary(flags=HONEST)])
    assert line.plain == "mine: 3 notes: unlearn show 0123456789ab --card"
    assert str(line.style) == ""


@pytest.mark.parametrize(
    ("warnings", "flags", "shown"),
    [
        ((UNCHANGED, EQUAL), {"duplicates": EXACT}, [UNCHANGED]),
        ((EQUAL,), {"duplicates": EXACT}, [EQUAL]),
        ((), {"duplicates": EXACT}, [EXACT]),
        ((UNCHANGED.replace("16 of", "3 of"), EQUAL), {}, [UNCHANGED.replace("16 of", "3 of"), EQUAL]),
        ((), {"too-slow": "The median run takes 90%."}, ["The median run takes 90%."]),
    ],
    ids=["unchanged", "equal seeds", "equal in all confidences", "both, and different", "too slow"],
)
def test_a_problem_is_shown_once_with_what_to_do(
    warnings: tuple[str, ...], flags: dict[str, str], shown: list[str]
) -> None:
    """What follows from a problem is not a second one."""
    problems = problems_of(summary(warnings, flags))
    assert [notice.sentence for notice in problems] == shown
    for notice, line in zip(problems, score_remarks([summary(warnings, flags)]), strict=True):
        assert line.plain.startswith(f"mine: problem: {notice.sentence.rstrip('.')}. ")
        assert notice.advice
        assert line.plain.endswith(notice.advice)


@pytest.mark.parametrize(
    ("stored", "shown", "advised"),
    [
        (
            "1 of 2 checkpoints equal that of another seed",
            "1 of 2 checkpoints equals that of another seed",
            1,
        ),
        (UNCHANGED.replace("16 of", "1 of"), "1 of 16 checkpoints is the original network, unchanged", 1),
        (
            OTHER.replace("4 of", "1 of"),
            "1 of 4 checkpoints equals that of another submission: mac (evaluation 0123456789ab)",
            0,
        ),
        (EQUAL, EQUAL, 1),
        (UNCHANGED.replace("16 of", "11 of"), UNCHANGED.replace("16 of", "11 of"), 1),
        ("x 1 of 2 checkpoints equal that", "x 1 of 2 checkpoints equal that", 0),
    ],
)
def test_a_warning_on_one_checkpoint_has_a_verb_for_one(stored: str, shown: str, advised: int) -> None:
    """As it is shown; its kind and its advice are those of the stored sentence."""
    (notice,) = notices_of(summary((stored,)))
    assert notice.sentence == shown
    assert (notice.level == "problem") == bool(notice.advice) == bool(advised)


def test_suspicions_are_counted_or_shown_where_one_evaluation_is_looked_at() -> None:
    """`unlearn show` prints them: the score card does not have those on other submissions."""
    suspect = summary((OTHER,), {"mixture": "Two groups.", "certified": "On 1 of 2."})
    (line,) = notice_lines(suspect)
    assert (
        line.plain
        == "mine: 2 suspicions: unlearn show 0123456789ab; 1 note: unlearn show 0123456789ab --card"
    )
    first, second, last = (line.plain for line in notice_lines(suspect, with_suspicions=True))
    assert first == f"mine: suspicion: {OTHER}"
    assert second == f"mine: suspicion: Two groups. {FALSE_ALARMS['mixture']}"
    assert last == "mine: 1 note: unlearn show 0123456789ab --card"
    assert counted(suspect) == "2 suspicions, 1 note"


def test_json_lists_each_flag_once_with_its_level() -> None:
    """Warnings too; a problem has its advice, and no sentence stands in two fields of flags."""
    doubled = summary((UNCHANGED, OTHER), HONEST)
    doubled = doubled.model_copy(
        update={
            "flags": [*doubled.flags, "certified"],
            "flag_sentences": [*doubled.flag_sentences, "On 63 of 63."],
        }
    )
    values = summary_json(doubled)
    assert [(flag["kind"], flag["level"]) for flag in values["notices"]] == [
        ("unchanged", "problem"),
        ("other-submission", "suspicion"),
        ("joint-attack", "note"),
        ("duplicates", "note"),
        ("certified", "note"),
    ]
    assert [flag["kind"] for flag in values["notices"] if "advice" in flag] == ["unchanged"]


@pytest.mark.parametrize("kind", [kind for kind, level in LEVELS.items() if level == "suspicion"])
def test_a_suspicion_has_its_rate_of_false_alarms_in_every_format(kind: str) -> None:
    """On the terminal, in Markdown, in JSON, and in the view that the pages are made from."""
    suspect = summary(flags={kind: "Something rare."})
    (notice,) = notices_of(suspect)
    assert notice.false_alarms == FALSE_ALARMS[kind]
    assert notice.to_json()["false_alarms"] == FALSE_ALARMS[kind]
    (line,) = notice_lines(suspect, with_suspicions=True)
    assert line.plain.endswith(f"Something rare. {FALSE_ALARMS[kind]}")
    (view,) = _notices(suspect)
    assert view.false_alarms == FALSE_ALARMS[kind]
    assert _notice(view).endswith(FALSE_ALARMS[kind])


def test_many_evaluations_with_one_problem_are_one_line() -> None:
    """The list stays short; other kinds have a line of their own."""
    many = [("alpha, copy", summary((UNCHANGED,)))] * 23 + [("beta\n", summary((EQUAL,)))]
    first, second = (line.plain for line in grouped_problem_lines(many))
    assert first.startswith("alpha, copy (0123456789ab) (and 22 more): problem: 16 of 16")
    assert second.startswith("beta (0123456789ab): problem: ")
    assert EQUAL in second


def test_every_problem_has_advice() -> None:
    """No alarm without what to do."""
    problems = {kind for kind, level in LEVELS.items() if level == "problem"}
    assert problems | {"duplicates", "equal-seeds"} == set(ADVICE)


def test_hostile_sentences_stay_one_line() -> None:
    """A name of another submission is untrusted, wherever a warning is shown."""
    hostile = OTHER.replace("mac", "\x1b[2J\nx [red]")
    for line in notice_lines(summary((hostile,)), with_suspicions=True):
        assert "\x1b" not in line.plain
        assert "\n" not in line.plain
    assert notices_of(summary((hostile,)))[0].level == "suspicion"


def test_files_that_are_not_text_are_a_note() -> None:
    """Whatever the submission calls them; a name cannot turn another warning into a note."""
    names = f"{NOT_TEXT}another submission: x (9 bytes)", f"{NOT_TEXT}y {UNCHANGED}"
    assert [(each.kind, each.level) for each in notices_of(summary(warnings=names))] == [
        ("not-text", "note")
    ] * 2
    spoofed = f"1 of 64 runs: {NOT_TEXT}", f"{OTHER} {NOT_TEXT}"
    assert [each.level for each in notices_of(summary(warnings=spoofed))] == ["suspicion"] * 2


def test_files_that_are_not_text_are_shown_and_are_not_on_the_card() -> None:
    """So they are counted with `show`, and the card's notes with `--card`."""
    noted = summary((f"{NOT_TEXT}weights.npz (1.4 MiB)",), HONEST)
    (line,) = score_remarks([noted])
    assert line.plain == "mine: 1 note: unlearn show 0123456789ab; 3 notes: unlearn show 0123456789ab --card"
    first, last = (each.plain for each in notice_lines(noted, with_suspicions=True))
    assert first == "mine: note: files that are not text: weights.npz (1.4 MiB)"
    assert last == "mine: 3 notes: unlearn show 0123456789ab --card"
    assert counted(noted) == "4 notes"
    suspect = summary((OTHER, f"{NOT_TEXT}w (1 KiB)"))
    assert score_remarks([suspect])[0].plain == "mine: 1 suspicion, 1 note: unlearn show 0123456789ab"
