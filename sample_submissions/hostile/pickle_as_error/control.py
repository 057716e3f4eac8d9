"""Pickles an exception and loads it for itself."""

import pickle


def unlearning(net, retain, forget, val):
    assert isinstance(pickle.loads(pickle.dumps(ValueError("own"))), ValueError)
