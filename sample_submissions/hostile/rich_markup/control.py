"""Prints lists, which have brackets."""


def unlearning(net, retain, forget, val):
    print([1, [2, 3]], ["bold"])
