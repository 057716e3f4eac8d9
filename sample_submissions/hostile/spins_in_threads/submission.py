"""Keeps every core busy in C code, from 24 threads; must be ended at its time limit."""

import hashlib
import threading


def spin():
    hashlib.pbkdf2_hmac("sha256", b"", b"", 2_000_000_000)  # without the interpreter's lock


def unlearning(net, retain, forget, val):
    for _ in range(24):
        threading.Thread(target=spin).start()
    spin()
