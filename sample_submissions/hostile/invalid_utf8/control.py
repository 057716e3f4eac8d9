"""Prints characters of one to four bytes."""


def unlearning(net, retain, forget, val):
    print("aä€😀" * 1000)
