"""Allocates 150 MiB and frees them."""


def unlearning(net, retain, forget, val):
    kept = [b"x" * (15 << 20) for _ in range(10)]
    del kept
