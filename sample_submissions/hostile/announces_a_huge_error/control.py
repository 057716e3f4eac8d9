"""Raises and catches an error with a long text."""


def unlearning(net, retain, forget, val):
    try:
        raise ValueError("x" * 1_000_000)
    except ValueError:
        return net
