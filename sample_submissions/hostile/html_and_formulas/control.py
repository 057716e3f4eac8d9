"""Prints special characters that have no meaning here."""


def unlearning(net, retain, forget, val):
    print("1 < 2 & 3 > 2, =, +, -, @")
