"""Lists the visible devices."""

import os


def unlearning(net, retain, forget, val):
    assert "null" in os.listdir("/dev")
