"""Nests twenty folders."""

import os


def unlearning(net, retain, forget, val):
    os.makedirs("/".join(["own"] * 20))
