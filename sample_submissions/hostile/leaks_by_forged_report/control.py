"""Raises nothing, and prints that."""


def unlearning(net, retain, forget, val):
    print("nothing to report")
