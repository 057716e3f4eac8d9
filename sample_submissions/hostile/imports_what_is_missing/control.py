"""Imports what the image has."""

import numpy


def unlearning(net, retain, forget, val):
    return net if numpy else None
