"""Recurses until Python refuses."""


def deeper(level):
    return deeper(level + 1)


def unlearning(net, retain, forget, val):
    try:
        deeper(0)
    except RecursionError:
        return net
    raise AssertionError("no end of it")
