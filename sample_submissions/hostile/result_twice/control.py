"""Leaves the sending to the harness."""


def unlearning(net, retain, forget, val):
    return net
