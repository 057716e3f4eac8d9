"""Reads its own digits."""


def unlearning(net, retain, forget, val):
    assert sum(len(loader.dataset) for loader in (retain, forget, val)) > 100
