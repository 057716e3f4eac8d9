"""Pickles its network and loads it for itself."""

import pickle


def unlearning(net, retain, forget, val):
    return pickle.loads(pickle.dumps(net))
