"""Reads its own score, which is the maximum."""


def unlearning(net, retain, forget, val):
    with open("/proc/self/oom_score_adj") as file:
        assert int(file.read()) == 1000
