"""Pickles an exception and loads it itself."""

import pickle


def unlearning(net, retain, forget, val):
    assert isinstance(pickle.loads(pickle.dumps(ValueError("own"))), ValueError)
