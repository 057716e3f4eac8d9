"""Prints and raises one enormous line each; both must be cut in every display."""


def unlearning(net, retain, forget, val):
    print("long" * (50 << 20), end="")
    raise ValueError("long" * (25 << 20))
