"""Shadows builtins in its own module only."""


def isinstance(*_):
    return True


def unlearning(net, retain, forget, val):
    assert isinstance(1, str)
