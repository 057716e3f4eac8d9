"""Counts for a while at import."""

for _ in range(1000):
    pass


def unlearning(net, retain, forget, val):
    return net
