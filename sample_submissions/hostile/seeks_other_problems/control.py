"""Finds the one problem that it is given: three splits and a network, among all objects."""

import gc


def unlearning(net, retain, forget, val):
    sizes = [len(split.dataset) for split in (retain, forget, val)]
    assert min(sizes) > 0
    gc.unfreeze()
    assert sum(one is split.dataset for one in gc.get_objects() for split in (retain, forget, val)) == 3
