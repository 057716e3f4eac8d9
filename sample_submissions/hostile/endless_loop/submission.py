"""Computes for ever; ended at its time limit."""


def unlearning(net, retain, forget, val):
    while True:
        pass
