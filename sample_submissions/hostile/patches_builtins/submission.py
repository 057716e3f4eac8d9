"""Breaks the builtins that the harness uses; its own run may end in any way, the next must be unaffected."""

import builtins
import io
import json
import os
import struct


def unlearning(net, retain, forget, val):
    write = os.write
    os.write = lambda fd, data: write(fd, bytes(data)[::-1])
    builtins.isinstance = lambda *_: True
    builtins.len = lambda _what: 7
    builtins.open = io.open = None
    json.dumps = lambda *_, **__: "{}"
    struct.pack = None
