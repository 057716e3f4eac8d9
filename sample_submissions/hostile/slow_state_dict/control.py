"""Wraps state_dict() in a short delay."""

import time


def unlearning(net, retain, forget, val):
    whole = net.state_dict

    def slow(*args, **kwargs):
        time.sleep(0.3)
        return whole(*args, **kwargs)

    net.state_dict = slow
