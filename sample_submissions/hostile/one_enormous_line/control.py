"""Prints a long line."""


def unlearning(net, retain, forget, val):
    print("long" * 1000)
