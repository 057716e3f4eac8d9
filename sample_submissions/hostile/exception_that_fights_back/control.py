"""Prints an exception of its own class."""


class Own(Exception):
    def __str__(self):
        return "own words"


def unlearning(net, retain, forget, val):
    assert str(Own()) == "own words"
