"""Adds a module of its own to `sys.modules`."""

import sys
import types


def unlearning(net, retain, forget, val):
    sys.modules["own_module"] = types.ModuleType("own_module")
    import own_module

    assert own_module
