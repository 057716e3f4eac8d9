"""Catches an exception with an unusual text."""


def unlearning(net, retain, forget, val):
    try:
        raise ValueError("\ud800\u202e\0" * 1000)
    except ValueError as error:
        assert len(str(error)) == 3000
