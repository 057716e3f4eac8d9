"""Changes its working folder."""

import os


def unlearning(net, retain, forget, val):
    os.mkdir("deeper")
    os.chdir("deeper")
    assert os.getcwd().endswith("deeper")
