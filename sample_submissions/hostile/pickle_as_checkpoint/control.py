"""Pickles its network and loads it itself."""

import pickle


def unlearning(net, retain, forget, val):
    return pickle.loads(pickle.dumps(net))
