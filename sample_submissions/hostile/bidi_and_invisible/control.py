"""Prints in scripts that are written from right to left."""


def unlearning(net, retain, forget, val):
    print("שלום مرحبا")
