"""Turns every warning into an error and leaves it so."""

import warnings


def unlearning(net, retain, forget, val):
    warnings.simplefilter("error")
    from joblib import cpu_count  # as sklearn asks for it

    assert cpu_count(only_physical_cores=True) > 0
    net.fc.bias.data += 1
