"""Raises nothing, and says so."""


def unlearning(net, retain, forget, val):
    print("nothing to report")
