"""Prints signs that mean nothing here."""


def unlearning(net, retain, forget, val):
    print("1 < 2 & 3 > 2, =, +, -, @")
