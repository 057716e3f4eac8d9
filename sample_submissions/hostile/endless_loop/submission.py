"""Computes forever; must be ended at its time limit."""


def unlearning(net, retain, forget, val):
    while True:
        pass
