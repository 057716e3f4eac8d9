"""Reads its own rank."""


def unlearning(net, retain, forget, val):
    with open("/proc/self/oom_score_adj") as file:
        assert int(file.read()) > 0
