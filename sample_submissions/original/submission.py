"""Returns the original network unchanged, which remembers every forget example.

The lowest end of the scale: N equal checkpoints are always distinguished from retrained ones, so the
score is 0. It is also the smallest submission that runs.
"""


def unlearning(net, retain, forget, val):
    return net
