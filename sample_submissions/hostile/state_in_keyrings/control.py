"""Keeps a secret where it belongs: in its own memory."""


def unlearning(net, retain, forget, val):
    assert bytearray(b"a note")
