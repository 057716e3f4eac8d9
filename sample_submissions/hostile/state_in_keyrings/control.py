"""Stores a secret in its own memory, the permitted place."""


def unlearning(net, retain, forget, val):
    assert bytearray(b"a note")
