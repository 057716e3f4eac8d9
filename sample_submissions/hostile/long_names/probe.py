"""Finds the folders empty."""

import os


def unlearning(net, retain, forget, val):
    assert os.listdir("/tmp") == []
    assert os.listdir("/dev/shm") == []
    assert set(os.listdir(".")) <= {".submission", ".kaggle-input"}
