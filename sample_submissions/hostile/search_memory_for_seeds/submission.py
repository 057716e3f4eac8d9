"""Searches its inherited memory for the orders of other runs; must find no seed but its own."""

import ctypes
import re

import torch


class Escaped(Exception):
    """A forbidden action succeeded."""


def memory():
    """Yield the writable memory of this process, one mapping at a time."""
    with open("/proc/self/maps") as maps:
        lines = maps.read().splitlines()
    for line in lines:
        columns = line.split()
        if "rw" not in columns[1] or columns[-1].startswith("[v"):
            continue
        at, end = (int(value, 16) for value in columns[0].split("-"))
        yield ctypes.string_at(at, end - at)


def unlearning(net, retain, forget, val):
    own = torch.initial_seed()
    wanted = re.compile(b'"in' + rb'dex": ?(\d+), ?"se' + rb'ed": ?(\d+)')
    others = {
        found.group() for data in memory() for found in wanted.finditer(data) if int(found.group(2)) != own
    }
    if others:
        raise Escaped(f"orders to other runs: {sorted(others)[:5]}")
