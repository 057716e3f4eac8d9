"""Ends as any run; its output must not hold what the run before it printed at exit."""


def unlearning(net, retain, forget, val):
    print("an honest line")
