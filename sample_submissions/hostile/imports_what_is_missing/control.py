"""Imports a library of the image."""

import numpy


def unlearning(net, retain, forget, val):
    return net if numpy else None
