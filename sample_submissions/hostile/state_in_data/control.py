"""Changes a batch in place, which is its own copy, or at worst its own run's."""


def unlearning(net, retain, forget, val):
    next(iter(retain))["image"].zero_()
