"""Checks that the builtins are intact."""

import json
import os
import struct


def unlearning(net, retain, forget, val):
    assert not isinstance(1, str)
    assert len([1, 2]) == 2
    assert json.dumps([1]) == "[1]"
    assert struct.pack is not None
    assert type(os.write).__name__ == "builtin_function_or_method"
    with open(os.devnull):
        pass
