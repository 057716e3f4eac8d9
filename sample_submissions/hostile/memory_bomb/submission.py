"""Allocates memory until none is left; the kernel must end the run and nothing else."""


def unlearning(net, retain, forget, val):
    kept = []
    while True:
        kept.append(b"x" * (16 << 20))
