"""Raises an exception with an endless chain of causes; printing it may fail this run only."""


def unlearning(net, retain, forget, val):
    last = ValueError("first")
    for index in range(100_000):
        following = ValueError(f"number {index}")
        following.__cause__ = last
        last = following
    raise last
