"""What a reader of a score should know, by level: problems to fix, suspicions for organizers, notes.

Warnings of a summary and flags of its score card are both notices here. Which level a flag has is in
`scoring.card.levels`. Under a table only problems are shown in full; the rest is one line with the command
that shows it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from rich.text import Text

from runner.parsers.remarks import ANSWERS_UNLIKE
from runner.reports.advice import advice_on_warning
from runner.results.view import EQUAL_SEEDS, NOT_TEXT, OTHER_SUBMISSION, UNCHANGED, SummaryView
from runner.sanitize import sanitize_line
from runner.wording import quantity
from scoring.card.levels import FALSE_ALARMS, Level, flag_level

ADVICE: Final = {
    "equal-seeds": "Draw what is random from the run's own seed: remove fixed seeds and fixed generators.",
    "duplicates": "Draw what is random from the run's own seed: remove fixed seeds and fixed generators.",
    "too-slow": "Make unlearning faster: fewer epochs, or a part of the retain set.",
}
"""What a participant can do about a problem, by its kind."""
_SINGLE: Final = re.compile(r"(1 of \d+ checkpoints) (are|equal)( those)?(?= )")
"""How a warning on one checkpoint begins as it is stored, with a verb for several."""
FILES_KIND: Final = "not-text"
"""The kind of the one note that is no flag of the score card, so that `show` has it and `--card` has not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """An observation on an evaluation, in one sentence."""

    kind: str
    """A kind of flag, or of a warning: see `notice_of_warning`."""
    level: Level
    sentence: str

    @property
    def advice(self) -> str:
        """What a participant can do about it; empty where that is not known."""
        return ADVICE.get(self.kind) or advice_on_warning(self.sentence)

    @property
    def false_alarms(self) -> str:
        """How often such a suspicion is wrong; empty for other levels, and where it was not measured."""
        return FALSE_ALARMS.get(self.kind, "") if self.level == "suspicion" else ""

    def to_json(self) -> dict[str, Any]:
        """Return the notice as plain values, ``advice`` with a problem, ``false_alarms`` with a suspicion."""
        values = {"kind": self.kind, "level": self.level, "sentence": self.sentence}
        if self.level == "problem":
            return {**values, "advice": self.advice}
        return {**values, "false_alarms": self.false_alarms} if self.false_alarms else values


def notices_of(summary: SummaryView) -> list[Notice]:
    """Return each notice of an evaluation once, problems first."""
    order = {"problem": 0, "suspicion": 1, "note": 2}
    notices = dict.fromkeys([*map(notice_of_warning, summary.warnings), *_flags(summary)])
    return sorted(notices, key=lambda notice: order[notice.level])


def problems_of(summary: SummaryView) -> list[Notice]:
    """Return the problems to show, without those that follow from another one."""
    problems = {notice.kind: notice for notice in notices_of(summary) if notice.level == "problem"}
    unchanged, equal = problems.get("unchanged"), problems.get("equal-seeds")
    if unchanged is not None and equal is not None and _number(unchanged) == _number(equal) + 1:
        del problems["equal-seeds"]  # unchanged checkpoints equal each other
    if unchanged is not None or equal is not None:
        problems.pop("duplicates", None)
    return list(problems.values())


def _number(notice: Notice) -> int:
    """Return the number that a warning begins with, -1 without any."""
    first = notice.sentence.partition(" ")[0]
    return int(first) if first.isascii() and first.isdigit() else -1


def notice_lines(summary: SummaryView, *, with_suspicions: bool = False) -> list[Text]:
    """Return a line for each problem, and one for the rest.

    Args:
        summary: Of the evaluation.
        with_suspicions: Show suspicions in full too.
    """
    name, notices = sanitize_line(summary.submission, 60), notices_of(summary)
    lines = [_problem_line(name, notice) for notice in problems_of(summary)]
    in_show = [notice for notice in notices if notice.level == "suspicion"]
    in_show += [notice for notice in notices if notice.kind == FILES_KIND]
    if with_suspicions:
        lines += [
            Text(
                f"{name}: {notice.level}: {sanitize_line(notice.sentence)} {notice.false_alarms}".rstrip(),
                style="yellow",
            )
            for notice in in_show
        ]
    rest = (
        [] if with_suspicions or not in_show else [f"{_by_level(in_show)}: unlearn show {summary.evaluation}"]
    )
    if notes := sum(notice.level == "note" and notice.kind != FILES_KIND for notice in notices):
        rest.append(f"{quantity(notes, 'note')}: unlearn show {summary.evaluation} --card")
    if rest:
        lines.append(Text(f"{name}: {'; '.join(rest)}"))
    return lines


def _by_level(notices: Sequence[Notice]) -> str:
    """Return ``2 suspicions, 1 note``."""
    numbers = {level: sum(each.level == level for each in notices) for level in ("suspicion", "note")}
    return ", ".join(quantity(number, level) for level, number in numbers.items() if number)


def counted(summary: SummaryView) -> str:
    """Return the numbers of notices by level, ``1 problem, 3 notes``; empty without any."""
    notices = notices_of(summary)
    levels = {
        "problem": len(problems_of(summary)),
        **{level: sum(notice.level == level for notice in notices) for level in ("suspicion", "note")},
    }
    return ", ".join(quantity(number, level) for level, number in levels.items() if number)


def grouped_problem_lines(named: Sequence[tuple[str, SummaryView]]) -> list[Text]:
    """Return a line for each kind of problem, with the evaluations that have it.

    Args:
        named: Summaries, each with the name under which it is shown.
    """
    groups: dict[str, list[tuple[str, Notice]]] = {}
    for name, summary in named:
        shown = f"{sanitize_line(name, 60)} ({summary.evaluation})"
        for notice in problems_of(summary):
            groups.setdefault(notice.kind, []).append((shown, notice))
    lines = []
    for group in groups.values():
        shown, notice = group[0]
        more = f" (and {len(group) - 1} more)" if len(group) > 1 else ""
        lines.append(_problem_line(f"{shown}{more}", notice))
    return lines


def _problem_line(name: str, notice: Notice) -> Text:
    sentence = sanitize_line(notice.sentence).rstrip(".")
    return Text(f"{name}: problem: {sentence}. {notice.advice}".rstrip(), style="red")


def notice_of_warning(sentence: str) -> Notice:
    """Return a warning of a summary as a notice, with the verb of its number.

    The stored sentence decides on the kind.
    """
    if sentence.startswith(NOT_TEXT):
        return Notice(kind=FILES_KIND, level="note", sentence=sentence)
    if sentence.endswith(UNCHANGED):
        return Notice(kind="unchanged", level="problem", sentence=_in_number(sentence))
    if sentence.endswith(EQUAL_SEEDS):
        return Notice(kind="equal-seeds", level="problem", sentence=_in_number(sentence))
    if ANSWERS_UNLIKE in sentence:
        return Notice(kind="lost-state", level="problem", sentence=sentence)
    if OTHER_SUBMISSION in sentence:
        return Notice(kind="other-submission", level="suspicion", sentence=_in_number(sentence))
    return Notice(kind="warning", level="suspicion", sentence=sentence)


def _in_number(sentence: str) -> str:
    """Return a warning on checkpoints with its verb in the singular if it is about one of them."""
    single = _SINGLE.match(sentence)
    if single is None:
        return sentence
    verb = "is" if single[2] == "are" else "equals"
    return f"{single[1]} {verb}{' that' if single[3] else ''}{sentence[single.end() :]}"


def _flags(summary: SummaryView) -> Iterator[Notice]:
    for kind, sentence in zip(summary.flags, summary.flag_sentences, strict=False):
        yield Notice(kind=kind, level=flag_level(kind, sentence), sentence=sentence)
