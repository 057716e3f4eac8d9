"""Lists what there is."""

import os


def unlearning(net, retain, forget, val):
    assert "null" in os.listdir("/dev")
