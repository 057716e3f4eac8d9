"""Cleans up in `__del__`."""


class Quiet:
    def __del__(self):
        print("cleaned up")


def unlearning(net, retain, forget, val):
    Quiet()
