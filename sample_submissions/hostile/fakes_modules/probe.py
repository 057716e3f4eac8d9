"""Checks that the modules of the harness are intact."""

import sys


def unlearning(net, retain, forget, val):
    assert callable(sys.modules["sandbox.worker.child"]._drop_privileges)
    assert sys.modules["sandbox.protocol.messages"].TAG_CHECKPOINT == b"C"
    assert sys.modules["sandbox.worker.child"].seed_everything is not print
