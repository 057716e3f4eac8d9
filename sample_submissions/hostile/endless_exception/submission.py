"""Raises an exception whose causes do not end; printing it may cost the run, nobody else."""


def unlearning(net, retain, forget, val):
    last = ValueError("first")
    for index in range(100_000):
        following = ValueError(f"number {index}")
        following.__cause__ = last
        last = following
    raise last
