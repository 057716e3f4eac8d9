"""Turns every warning into an error and leaves it so."""

import warnings


def unlearning(net, retain, forget, val):
    warnings.simplefilter("error")
    net.fc.bias.data += 1
