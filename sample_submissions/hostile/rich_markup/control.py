"""Prints lists, which contain brackets."""


def unlearning(net, retain, forget, val):
    print([1, [2, 3]], ["bold"])
