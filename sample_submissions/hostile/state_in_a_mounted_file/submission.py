"""Reads files of the host for the first time when the clock says so; later runs must not learn when."""

import os
import time

FILES = ("/etc/hostname", "/etc/hosts", "/etc/resolv.conf")
MOMENT, PERIOD = 0.618, 2.0


def unlearning(net, retain, forget, val):
    time.sleep((MOMENT - time.time()) % PERIOD)
    for name in FILES:
        try:
            with open(name, "rb") as file:
                print(name, file.read(1), time.time(), os.stat(name).st_atime)
        except OSError as error:
            print(error)
