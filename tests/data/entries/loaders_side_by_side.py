"""Walks through two loaders at once, and draws from one by hand until it ends."""

from itertools import cycle


def unlearning(net, retain, forget, val):
    steps = 0
    for kept, gone in zip(retain, cycle(forget)):
        assert kept["image"].shape[1:] == gone["image"].shape[1:]
        steps += 1
    assert steps == len(retain)
    drawn = iter(val)
    try:
        while True:
            next(drawn)
    except StopIteration:
        net.fc.bias.data += 1
