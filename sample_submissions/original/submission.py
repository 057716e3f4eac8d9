"""Does nothing: the original network, which remembers every forget example.

The floor of the scale: N equal checkpoints are told apart from retrained ones without fail,
so the score is 0. It also shows the smallest submission that runs.
"""


def unlearning(net, retain, forget, val):
    return net
