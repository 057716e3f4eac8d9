"""Reads the digits that it was given."""


def unlearning(net, retain, forget, val):
    assert sum(len(loader.dataset) for loader in (retain, forget, val)) > 100
