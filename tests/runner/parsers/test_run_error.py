"""A run's report of its exception is read, whatever its content."""

from __future__ import annotations

import json

import pytest

from runner.parsers.run_error import parse_run_error, place_in_stack
from runner.verdict import Observation, RunError, judge

SAID = {"stage": "call", "type": "ValueError", "message": "no", "traceback": "Traceback …"}
NOTHING = RunError(stage="", type="", message="", traceback="")


def test_read() -> None:
    """The child's fields are read; other fields are ignored."""
    assert parse_run_error(json.dumps(SAID | {"score": 1.0}).encode()) == RunError(**SAID, cause="no")


@pytest.mark.parametrize("value", [None, 1, True, 1e999, [["x"]], {"a": "b"}], ids=str)
def test_what_is_no_text_counts_as_empty(value: object) -> None:
    """A field of another type counts as empty and is not converted to text."""
    assert parse_run_error(json.dumps(dict.fromkeys(SAID, value)).encode()) == NOTHING


@pytest.mark.parametrize(
    "payload",
    [b"", b"null", b"[]", b"\xff\xfe\xfd", b"{", b'"text"', b"1" * 5000, b"[" * 60_000, b'{"a":' * 10_000],
    ids=lambda payload: repr(payload[:5]),
)
def test_malformed(payload: bytes) -> None:
    """What is no object counts as empty: too deep, too long a number, no JSON at all."""
    assert parse_run_error(payload) == NOTHING


def test_nesting_of_every_depth() -> None:
    """A field at any depth is either read or counts as empty."""
    for depth in range(900, 1100):
        for inner in ("[" * depth + "]" * depth, '{"a":' * depth + "1" + "}" * depth):
            assert parse_run_error(f'{{"message": {inner}}}'.encode()) == NOTHING


def raised(kind: str, message: str, *frames: str) -> RunError:
    lines = ["Traceback (most recent call last):", *frames, f"{kind}: {message}"]
    report = {"stage": "call", "type": kind, "message": message, "traceback": "\n".join(lines)}
    return parse_run_error(json.dumps(report).encode())


def frame(file: str, line: int, source: str = "x = 1") -> str:
    return f'  File "{file}", line {line}, in f\n    {source}'


OWN = "/scratch/0/run-0/.submission"
OURS = frame("/opt/unlearn/sandbox/worker/child.py", 112)
TORCH = frame("/opt/venv/lib/python3.11/site-packages/torch/nn/functional.py", 3000)
IN_A_WORKER = f"""Caught {{kind}} in DataLoader worker process 0.
Original Traceback (most recent call last):
{TORCH}
{frame(f"{OWN}/data/items.py", 6)}
{{inner}}
"""


@pytest.mark.parametrize(
    ("frames", "place"),
    [
        ([OURS, frame(f"{OWN}/submission.py", 3)], "submission.py, line 3"),
        (
            [OURS, frame(f"{OWN}/submission.py", 3), frame(f"{OWN}/utils/a b.py", 12), TORCH],
            "utils/a b.py, line 12",
        ),
        ([OURS, TORCH], ""),
        ([OURS, frame("/scratch/0/run-0/submission.py", 3)], ""),
        ([], ""),
    ],
)
def test_the_place_is_the_last_line_of_the_submissions_own_files(frames: list[str], place: str) -> None:
    """Not one of a library below it, or of this project above it."""
    assert raised("NameError", "name 'nett' is not defined", *frames).place == place


@pytest.mark.parametrize(
    ("kind", "inner", "cause"),
    [
        (
            "RuntimeError",
            "RuntimeError: unable to allocate shared memory(shm)",
            "unable to allocate shared memory(shm)",
        ),
        ("KeyError", "KeyError: 'image'\n", "'image'"),
        ("OutOfMemoryError", "torch.OutOfMemoryError: CUDA out of memory", "CUDA out of memory"),
        ("ProcessRaisedException", "ValueError: no\nmore", "ValueError: no"),
    ],
)
def test_the_cause_of_an_error_in_a_process_of_a_loader(kind: str, inner: str, cause: str) -> None:
    """Cause and place are those of the traceback in the message."""
    message = IN_A_WORKER.format(kind=kind, inner=inner)
    error = raised(kind, message, OURS, frame(f"{OWN}/submission.py", 9), TORCH)
    assert (error.cause, error.place) == (cause, "data/items.py, line 6")
    assert error.message == message


def test_a_long_message_of_a_process_of_a_loader_is_read_to_its_end() -> None:
    """The run cuts its message; the traceback has the last line, which is the cause."""
    message = IN_A_WORKER.format(kind="ValueError", inner="ValueError: here")
    report = {"stage": "call", "type": "ValueError", "message": message[:150], "traceback": f"…\n{message}"}
    assert parse_run_error(json.dumps(report).encode()).cause == "here"


@pytest.mark.parametrize(
    ("message", "cause"),
    [
        ("Found no NVIDIA driver on your system.\nSee http://x", "Found no NVIDIA driver on your system."),
        ("\n\n  odd  \nrest", "odd"),
        (
            "Error(s) in loading state_dict for Net:\n\tMissing key(s): fc",
            "Error(s) in loading state_dict for Net: Missing key(s): fc",
        ),
        ("", ""),
        ("Traceback (most recent call last):", "Traceback (most recent call last):"),
    ],
)
def test_the_cause_is_the_first_line(message: str, cause: str) -> None:
    """With the next one if it only announces that."""
    assert raised("RuntimeError", message).cause == cause


def test_a_syntax_error_shows_the_line() -> None:
    """Its message names the place already; a text that a submission parses is no line of its files."""
    line = f'  File "{OWN}/submission.py", line 1\n    %load_ext autoreload\n    ^'
    error = raised("SyntaxError", "invalid syntax (submission.py, line 1)", OURS, line)
    assert (error.cause, error.place) == ("invalid syntax (submission.py, line 1): %load_ext autoreload", "")
    other = raised(
        "SyntaxError", "invalid syntax (<unknown>, line 1)", OURS, frame(f"{OWN}/submission.py", 1)
    )
    assert other.place == "submission.py, line 1"


STACK = f"""Stack (most recent call first):
  File "/opt/venv/lib/python3.11/site-packages/torch/nn/functional.py", line 3000 in relu
  File "{OWN}/utils/layers.py", line 8 in forward
  File "{OWN}/submission.py", line 30 in unlearning
  File "/opt/unlearn/sandbox/worker/child.py", line 116 in run
"""


@pytest.mark.parametrize(
    ("log", "place"),
    [
        (f"epoch 1\n{STACK}", "utils/layers.py, line 8"),
        (
            f'{STACK}epoch 2\nStack (most recent call first):\n  File "{OWN}/a.py", line 2 in f\n',
            "a.py, line 2",
        ),
        (f"x\n{STACK}".replace("/.submission/", "/other/"), ""),
        (STACK.replace("Stack", "stack"), ""),
        ("", ""),
    ],
)
def test_the_place_of_a_late_run_is_the_innermost_line_of_its_own_files(log: str, place: str) -> None:
    """By the last stack in its log, which may hold anything; the detail names it."""
    assert place_in_stack(log.encode()) == place
    assert place_in_stack(b"\xff" * 100_000 + log.encode() + b"\xfe") == place
    seen = Observation(host_seconds=9.0, wall_limit_seconds=2.0, ended_by="time", place=place)
    assert judge(seen).detail == f"not finished within 2 s{f' ({place})' if place else ''}"


def test_the_detail_names_cause_and_place() -> None:
    """As a participant sees it."""
    error = raised("NameError", "name 'nett' is not defined\nmore", frame(f"{OWN}/submission.py", 3))
    seen = Observation(host_seconds=1.0, wall_limit_seconds=2.0, exit_code=1, result="error", error=error)
    assert judge(seen).detail == "NameError: name 'nett' is not defined (submission.py, line 3)"


TRACEBACK = f'''Traceback (most recent call last):
  File "/opt/unlearn/sandbox/worker/child.py", line 119, in run
    unlearned = _network_in(unlearning(net, *loaders), net)
  File "{OWN}/submission.py", line 3, in unlearning
    return nett
           ^^^^
NameError: name 'nett' is not defined
'''
