"""Catches an exception during its import."""

try:
    raise ValueError("no luck")
except ValueError:
    pass


def unlearning(net, retain, forget, val):
    return net
