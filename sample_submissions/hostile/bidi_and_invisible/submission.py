"""Prints text that displays differently from its content; the display must reveal it."""

import sys


def unlearning(net, retain, forget, val):
    odd = [
        *range(0x200B, 0x2010),
        *range(0x2028, 0x202F),
        *range(0x2060, 0x2070),
        0xFEFF,
        0xAD,
        0xE0001,
        0xE0041,
        0,
    ]
    for number in odd:
        print(f"before {chr(number)} after")
    sys.stdout.flush()
    sys.stdout.buffer.write("\ud800\udfff".encode("utf-8", "surrogatepass") + b"\n")
