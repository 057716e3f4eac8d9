"""Sends one of several malformed reports, a different one each time; each must be `crashed`."""

import json
import os
import struct
import time

REPORTS = (
    b"[" * 65_000,
    b'{"message":' + b"[" * 900 + b"]" * 900 + b"}",
    b'{"type":' + b'{"a":' * 960 + b"1" + b"}" * 960 + b"}",
    b"\xff\xfe\x00",
    b'["stage", "call"]',
    b'{"stage": {"a": 1}, "type": ["x"], "message": 1e999, "traceback": null}',
    b'{"message": "\\ud800\\udfff\\u202e\\u0000", "type": "\\ud800", "stage": "\\ud800"}',
    b'{"stage": ' + b"9" * 60_000 + b"}",
    b'{"type": "", "type": "twice", "stage": "call"}',
    b"",
    b'{"type": "' + b"\\u0000" * 10_000 + b'"}',
    json.dumps({"stage": "call", "type": "x" * 60_000, "message": "", "traceback": ""}).encode(),
)


def send(tag, payload, announced=None):
    """Write a forged result to the harness's result pipe, file 3."""
    data = struct.pack(">cQ", tag, len(payload) if announced is None else announced) + payload
    while data:
        data = data[os.write(3, data) :]


def unlearning(net, retain, forget, val):
    send(b"E", REPORTS[time.monotonic_ns() // 1_000_000 % len(REPORTS)])
    os._exit(0)
