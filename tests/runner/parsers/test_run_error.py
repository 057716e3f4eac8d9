"""A run's report of its exception is read, whatever its content."""

from __future__ import annotations

import json

import pytest

from runner.parsers.run_error import parse_run_error
from runner.verdict import RunError

SAID = {"stage": "call", "type": "ValueError", "message": "no", "traceback": "Traceback …"}
NOTHING = RunError(stage="", type="", message="", traceback="")


def test_read() -> None:
    """The child's fields are read; other fields are ignored."""
    assert parse_run_error(json.dumps(SAID | {"score": 1.0}).encode()) == RunError(**SAID)


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
