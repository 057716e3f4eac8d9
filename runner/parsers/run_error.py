"""The exception that a run reports, and the stack that it logs: untrusted, both may be forged.

From their text come two things that a reader wants first: the cause in one line, and the line of the
submission at which it happened.
"""

from __future__ import annotations

import json
import re
from typing import Final

from runner.verdict import RunError

_FIELDS: Final = ("stage", "type", "message", "traceback")
_TRACEBACK: Final = "Traceback (most recent call last):"
_FRAME: Final = re.compile(
    r'^[ |]*File "[^"\n]{0,300}/\.submission/([^"\n]{1,200})", line (\d{1,7})\b.*(?:\n(.*))?', re.MULTILINE
)
"""A line of a traceback that names a file of the submission, which a run unpacks into a folder of this name
(`sandbox.worker.entry.importing`): the file, the number of the line, and the line itself."""
_SOURCE_CHARACTERS: Final = 80
_STACK: Final = b"Stack (most recent call first):\n"
_STACK_FRAME: Final = re.compile(
    r'^  File "[^"\n]{0,300}/\.submission/([^"\n]{1,200})", line (\d{1,7}) in ', re.MULTILINE
)
"""As `faulthandler` writes it."""
_STACK_BYTES: Final = 1 << 16


def parse_run_error(payload: bytes) -> RunError:
    """Read the child's description of an exception; what is malformed or not text counts as empty."""
    try:
        report = json.loads(payload)
    except (ValueError, RecursionError):
        report = None
    if not isinstance(report, dict):
        report = {}
    error = RunError(**{name: _text(report.get(name)) for name in _FIELDS})
    cause, place = _cause(error), ""
    frames = _FRAME.findall(error.traceback)
    if frames:
        file, line, source = frames[-1]
        place = f"{file}, line {line}"
        if error.message.endswith(f"({file.rpartition('/')[2]}, line {line})"):  # a syntax error
            cause, place = f"{cause}: {source.strip()[:_SOURCE_CHARACTERS]}", ""
    return RunError(**{name: getattr(error, name) for name in _FIELDS}, cause=cause, place=place)


def place_in_stack(log: bytes) -> str:
    """Return the line of the submission's own files where a late run was, from its log; empty if unknown.

    A run writes its stack, the innermost frame first, shortly before its time is over.
    """
    _before, is_written, stack = log[-_STACK_BYTES:].rpartition(_STACK)
    frame = _STACK_FRAME.search(stack.decode(errors="replace")) if is_written else None
    return f"{frame[1]}, line {frame[2]}" if frame is not None else ""


def source_lines(log: str) -> dict[tuple[str, int], str]:
    """Return the lines of the submission's own files that the tracebacks at the end of a log show.

    By file and number. A line that is shown twice is that of the later traceback. The stack of a late run
    shows no lines: what follows a frame there is the next frame.
    """
    frames = _FRAME.findall(log[-_STACK_BYTES:])
    return {
        (file, int(number)): source.strip(" |")[:_SOURCE_CHARACTERS]
        for file, number, source in frames
        if not source.lstrip(" |").startswith('File "')
    }


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _cause(error: RunError) -> str:
    """Return what an exception says in one line.

    What a process of a loader raised comes as an exception whose message is a traceback.
    """
    if _TRACEBACK in error.message:  # which may be cut; the end of the traceback has the whole of it
        whole = error.traceback if _TRACEBACK in error.traceback else error.message
        inner = whole.rpartition(_TRACEBACK)[2]
        raised = next((line for line in inner.splitlines() if line.strip() and line[0] not in " |+"), "")
        if raised:
            name, _colon, text = raised.partition(": ")
            return text if name.rpartition(".")[2] == error.type and text else raised
    lines = [line.strip() for line in error.message.splitlines() if line.strip()]
    return " ".join(lines[: 2 if lines and lines[0].endswith(":") else 1])
