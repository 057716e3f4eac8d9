"""Reads its own score, which is as high as it can be."""


def unlearning(net, retain, forget, val):
    with open("/proc/self/oom_score_adj") as file:
        assert int(file.read()) == 1000
