"""A view of an evaluation as annotations of GitHub Actions: workflow commands on stdout.

A failure is an error at its file and line, a problem a warning. Text of a submission cannot begin another
command: the format's own escapes replace line ends and separators, and other text is printed while commands
are stopped.

Source:
    "Workflow commands for GitHub Actions", GitHub Docs: ``::error file=…,line=…,title=…::message``.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import PurePosixPath
from typing import Final

from runner.reports.views.model import EvaluationView

_DATA: Final = {"%": "%25", "\r": "%0D", "\n": "%0A"}
_PROPERTY: Final = _DATA | {":": "%3A", ",": "%2C"}


def annotation_lines(view: EvaluationView, *, entry_file: str | None = None) -> Iterator[str]:
    """Yield the annotations of a view; none if there is nothing to fix.

    Args:
        view: Filtered already.
        entry_file: The submission's file that is named where no line is known; a folder shows no annotation.
    """
    if view.failure is not None and not view.is_fault_of_host:
        failure = view.failure
        message = f"{failure.message}\n{failure.advice}".strip() or failure.verdict
        yield _command(
            "error",
            file=_file(view, failure.file) if failure.file is not None else entry_file,
            line=failure.line,
            title=failure.verdict,
            message=message,
        )
    elif view.is_failure or view.is_fault_of_host:
        yield _command(
            "error", file=entry_file, line=None, title=view.status, message=view.reason or view.status
        )
    for problem in view.problems:
        message = f"{problem.full_sentence}\n{problem.advice}".strip()
        yield _command("warning", file=entry_file, line=None, title=problem.kind, message=message)


def without_commands(lines: Sequence[str], *, token: str) -> list[str]:
    """Return lines in which a runner looks for no commands.

    Args:
        lines: Text for people, in which untrusted text may look like a command.
        token: Ends the stop: random, so that no line can contain it.
    """
    return [f"::stop-commands::{token}", *lines, f"::{token}::"]


def _file(view: EvaluationView, file: str) -> str | None:
    """Return a file of the repository: a file inside a zip is none, but the zip is."""
    return view.path if ".zip: " in file else file


def _command(kind: str, *, file: str | None, line: int | None, title: str, message: str) -> str:
    if file is not None:
        file = str(PurePosixPath(file))  # ./submission.py would match no file of a change
    properties = {"file": file, "line": None if line is None else str(line), "title": title}
    listed = ",".join(
        f"{name}={_escaped(value, _PROPERTY)}" for name, value in properties.items() if value is not None
    )
    return f"::{kind} {listed}::{_escaped(message, _DATA)}"


def _escaped(text: str, table: dict[str, str]) -> str:
    return "".join(table.get(character, character) for character in text)
