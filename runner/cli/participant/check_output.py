"""What `unlearn check` writes: text or JSON for each submission as it ends, then the JUnit file."""

from __future__ import annotations

import secrets
import shlex
from collections.abc import Sequence
from pathlib import Path

from runner.cli.console import print_json, stdout_console
from runner.cli.participant.stored_view import NamedEvaluation
from runner.evaluation.check import SMOKE_RUNS, Checked, Checker
from runner.files import write_atomic
from runner.reports.participant import filtered_seconds, filtered_view
from runner.reports.views.annotations import annotation_lines, without_commands
from runner.reports.views.junit import junit_xml
from runner.reports.views.make import refused_view
from runner.reports.views.model import BaselineView, EvaluationView
from runner.reports.views.terminal import counts_text, view_lines
from runner.store.entries.records import Outcome
from runner.submission.load import entry_path
from runner.submission.pack import display_path


class CheckOutput:
    """Shows checks in the requested forms."""

    def __init__(
        self, *, as_json: bool, github: bool, junit: Path | None, challenge: Path | None = None
    ) -> None:
        """Prepare.

        Args:
            as_json: Print JSON instead of text.
            github: Print annotations too.
            junit: File for JUnit; None for none.
            challenge: Its folder, as it was typed; it is part of the next command.
        """
        self._as_json, self._github, self._junit = as_json, github, junit
        self._challenge = challenge
        self._views: list[EvaluationView] = []
        self._seconds: list[float] = []

    def show(self, checker: Checker, path: Path, checked: Checked) -> None:
        """Show how a check ended, as the challenge's feedback policy allows."""
        policy = checker.challenge.description.feedback
        view = filtered_view(view_of_check(checker, checked), policy)
        printed = policy == "full" and _has_output(checker, view)
        view = view.model_copy(update={"next": self.next_steps(path, view, printed=printed)})
        self._views.append(view)
        self._seconds.append(filtered_seconds(checked.seconds, policy))
        self.print_view(view)

    def print_view(self, view: EvaluationView) -> None:
        """Print a view that is filtered already, in the requested forms."""
        if self._as_json:
            print_json(view.model_dump(mode="json"))
            return
        out = stdout_console()
        token = secrets.token_hex(16)
        if self._github:
            before, *_, after = without_commands([""], token=token)
            out.print(before, markup=False, soft_wrap=True)
        for line in view_lines(view):
            out.print(line, soft_wrap=True)
        if self._github:
            for text in (after, *annotation_lines(view, entry_file=_entry_file(view.path))):
                out.print(text, markup=False, soft_wrap=True)

    def finish(self) -> None:
        """Print the counts of several, write the requested JUnit file, and forget what was shown."""
        if len(self._views) > 1 and not self._as_json:
            stdout_console().print(counts_text(self._views), markup=False, soft_wrap=True)
        if self._junit is not None:
            write_atomic(self._junit, junit_xml(self._views, seconds=self._seconds))
        self._views, self._seconds = [], []

    def write_unjudged(self, paths: Sequence[Path], reason: str) -> None:
        """Write the JUnit file of a command that ends early: what was not judged is an error of this host."""
        if self._junit is None:
            return
        rest = [
            refused_view(name=path.name, path=display_path(path), challenge="", n=0, reason=reason, held=True)
            for path in paths[len(self._views) :]
        ]
        views = [*self._views, *rest]
        write_atomic(self._junit, junit_xml(views, seconds=[*self._seconds, *(0.0 for _ in rest)]))

    def next_steps(self, path: Path, view: EvaluationView, *, printed: bool = False) -> list[str]:
        """Return the commands that go on from a view.

        Args:
            path: Of the submission, as it was typed.
            view: Of its check.
            printed: Whether its runs printed anything that the participant may see.
        """
        if view.evaluation is None or view.is_fault_of_host:
            return []
        if view.status == "failed":
            return [f"unlearn show {view.evaluation} --logs"]
        if view.score is not None:
            return [f"unlearn show {view.evaluation} --card"]
        if view.problems or view.status == "judged":
            return []
        on = f" -c {shlex.quote(display_path(self._challenge))}" if self._challenge is not None else ""
        score = f"unlearn check {shlex.quote(display_path(path))}{on} --score"
        return [score, *([f"unlearn show {view.evaluation} --logs"] if printed else [])]


def _entry_file(path: str | None) -> str | None:
    """Return the file of a submission that annotations name where no line is known; None without any."""
    file = entry_path(Path(path)) if path is not None else None
    return str(file) if file is not None else None


def _has_output(checker: Checker, view: EvaluationView) -> bool:
    """Return whether the runs of a check that has ended printed anything."""
    if view.evaluation is None:
        return False
    named = NamedEvaluation(store=checker.store, folder=checker.folder, name=view.evaluation)
    return any(named.log(index).strip() for index in range(view.n)) if view.n <= SMOKE_RUNS else False


def view_of_check(checker: Checker, checked: Checked) -> EvaluationView:
    """Return the view of a check, unfiltered."""
    result = checked.result.results[0]
    entry = result.entry
    if result.outcome in (Outcome.REFUSED, Outcome.HELD):
        return refused_view(
            name=entry.name,
            path=entry.path or entry.name,
            challenge=entry.challenge,
            n=checked.n,
            reason=result.summary.reason or "",
            held=result.outcome is Outcome.HELD,
            evaluation=entry.evaluation,
        )
    assert entry.evaluation is not None, "only a refused entry has none"
    named = NamedEvaluation(store=checker.store, folder=checker.folder, name=entry.evaluation)
    view = named.view(entry, memory_limit_bytes=checker.challenge.description.limits.memory_bytes)
    known = checked.baseline
    if known is None:
        return view
    baseline = BaselineView(name=known.name, score=known.score, runs_to_tell_apart=known.runs_to_tell_apart)
    return view.model_copy(update={"baseline": baseline})
