"""Prints every byte, overlong forms and split characters; the log must be valid text."""

import os
import time


def unlearning(net, retain, forget, val):
    os.write(1, bytes(range(256)) * 16)
    os.write(1, b"\xc0\x80\xe0\x80\x80\xf0\x80\x80\x80\xf8\x88\x80\x80\x80\xed\xa0\x80\xf4\x90\x80\x80\n")
    for byte in "ä€😀".encode() * 10:
        os.write(1, bytes([byte]))
        time.sleep(0.001)
    os.write(1, b"\xf0\x9f\x98")
