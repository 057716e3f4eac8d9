"""Checks that no process of another run exists."""

import os


def unlearning(net, retain, forget, val):
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{name}/status") as file:
                owner = next(line.split()[1] for line in file if line.startswith("Uid:"))
        except OSError:
            continue
        another_run = 10_000 <= int(owner) <= 60_000 and int(owner) != os.getuid()
        assert not another_run, f"process {name} of user {owner}"
