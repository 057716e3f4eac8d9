"""Takes memory until there is none; the kernel ends the run and nothing else."""


def unlearning(net, retain, forget, val):
    kept = []
    while True:
        kept.append(b"x" * (16 << 20))
