"""A view of an evaluation as Markdown, for an issue or the summary of a CI job.

Text that a submission or a person chose stands in code alone: there it can make no link, HTML, image, heading
or mention, in CommonMark as in the dialects of GitHub and GitLab. A fence is longer than any row of backticks
in what it encloses. All words outside of code are this project's.

Source:
    CommonMark Spec 0.31, sections 4.5 (fenced code blocks) and 6.1 (code spans); GitHub Flavored Markdown
    Spec 0.29, section 4.10: a bar splits a cell of a table even in code, unless a backslash precedes it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from runner.reports.cells import percent
from runner.reports.views.headline import STATUS_WORDS, worth_sentence
from runner.reports.views.model import EvaluationView, FailureView, NoticeView
from runner.sanitize import sanitize, sanitize_line
from runner.units import MIB
from runner.wording import quantity

_BACKTICKS: Final = re.compile("`+")
_NAME: Final = 100
_LINE: Final = 1000
_BLOCK: Final = 8000


def markdown_text(view: EvaluationView) -> str:
    """Return a view as Markdown.

    Args:
        view: Filtered already, if a participant reads it.
    """
    return "\n".join(_lines(view)) + "\n"


def code_span(text: str, limit: int = _LINE, *, in_table: bool = False) -> str:
    """Return untrusted text as one code span.

    Args:
        text: Any text; line ends and tabs become spaces.
        limit: Number of characters that are shown.
        in_table: Whether it stands in a cell.
    """
    line = sanitize_line(text, limit) or "(empty)"
    if in_table:  # a backslash of the text's own before a bar would end the escape
        line = line.replace("\\|", "\\ |").replace("|", "\\|")
    fence = "`" * (_longest_row(line) + 1)
    pad = " " if line[0] == "`" or line[-1] == "`" else ""
    return f"{fence}{pad}{line}{pad}{fence}"


def code_block(text: str, limit: int = _BLOCK) -> str:
    """Return the end of untrusted text as a fenced code block."""
    shown = sanitize(text[-limit:]).strip("\n")
    fence = "`" * max(3, _longest_row(shown) + 1)
    return f"{fence}text\n{shown}\n{fence}"


def _lines(view: EvaluationView) -> Iterator[str]:
    yield f"### Machine unlearning: {code_span(view.submission, _NAME)}, {STATUS_WORDS[view.status]}"
    yield ""
    if sentence := worth_sentence(view):
        yield sentence
        yield ""
    if view.reason and view.failure is None:
        yield code_span(view.reason)
        yield ""
    yield from _table(view)
    if view.failure is not None:
        yield from _failure(view.failure)
    for level, heading in (("problem", "Problems"), ("suspicion", "Suspicions"), ("note", "Notes")):
        notices = [notice for notice in view.notices if notice.level == level]
        if notices:
            yield from ("", f"**{heading}**", "", *map(_notice, notices))
    if view.feedback == "verdict-only":
        yield from ("", "The challenge shows participants verdicts only.")


def _table(view: EvaluationView) -> Iterator[str]:
    rows = [("challenge", code_span(view.challenge, _NAME, in_table=True))]
    if view.evaluation is not None:
        rows.append(("evaluation", code_span(view.evaluation, in_table=True)))
    rows.append(("runs", _runs(view)))
    if view.score is not None:
        score = view.score
        interval = (
            "" if score.low is None or score.high is None else f" ({score.low:.4f} to {score.high:.4f})"
        )
        rows.append(("score", f"**{score.value:.4f}**{interval}"))
        if score.share_of_ceiling is not None:
            rows.append(("of the ceiling", percent(score.share_of_ceiling)))
        for name, value in (("retain", score.retain_ratio), ("test", score.test_ratio)):
            if value is not None:
                rows.append((f"accuracy on {name}", f"{percent(value, 1)} of the references'"))
    if view.time is not None:
        limit = "" if view.time.limit_seconds is None else f" of {view.time.limit_seconds:g} s"
        rows.append(("time of a run", f"{view.time.run_seconds:.3g} s{limit}"))
        if view.time.processor_seconds is not None:
            rows.append(("processor time", f"{view.time.processor_seconds:.3g} s"))
    if view.memory is not None:
        limit = "" if view.memory.limit_bytes is None else f" of {view.memory.limit_bytes / MIB:.0f} MiB"
        rows.append(("most memory seen", f"{view.memory.peak_bytes / MIB:.0f} MiB{limit}"))
    yield from ("| | |", "|---|---|", *(f"| {name} | {value} |" for name, value in rows))


def _runs(view: EvaluationView) -> str:
    counts = ", ".join(
        f"{count} {code_span(verdict, in_table=True)}" for verdict, count in view.verdicts.items()
    )
    ended = sum(view.verdicts.values())
    return f"{ended} of {quantity(view.n, 'run')} executed" + (f": {counts}" if counts else "")


def _failure(failure: FailureView) -> Iterator[str]:
    yield ""
    place = f" at {code_span(f'{failure.file}:{failure.line}')}" if failure.file is not None else ""
    yield f"**Run {failure.run} ended as** {code_span(failure.verdict)}{place}"
    if failure.message:
        yield from ("", code_block(failure.message))
    if failure.advice:
        yield from ("", failure.advice)
    if failure.traceback:
        yield from ("", "<details><summary>What the run printed and raised</summary>", "")
        yield from (code_block(failure.traceback), "", "</details>")


def _notice(notice: NoticeView) -> str:
    more = "".join(f" {text}" for text in (notice.advice, notice.false_alarms) if text)
    return f"- {code_span(notice.kind)}: {code_span(notice.sentence)}{more}"


def _longest_row(text: str) -> int:
    return max(map(len, _BACKTICKS.findall(text)), default=0)
