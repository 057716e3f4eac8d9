"""Prints 5 MB: lines, one enormous line, and the whole net."""

import sys


def unlearning(net, retain, forget, val):
    print("the head", net)
    for step in range(50_000):
        print(f"step {step}: loss {step / 7:.3f} acc {step / 11:.3f}")
    print("x" * 2_000_000)
    sys.stderr.write("warning\n" * 100_000)
    net.fc.bias.data += 1
    print("the tail")
