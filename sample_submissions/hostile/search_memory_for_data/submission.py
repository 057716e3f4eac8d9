"""Counts the safetensors headers in its memory; must find those of its four files and no test set."""

import ctypes
import json
import re


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
    given = {len(loader.dataset) for loader in (retain, forget, val)}
    header = re.compile(rb'\{"im' + rb'age":\{[^\0]{1,600}?\}\}|\{"[a-z_]+":\{"dtype":"[^\0]{1,600}?\}\}')
    for data in memory():
        for found in header.finditer(data):
            try:
                columns = json.loads(found.group())
            except ValueError:
                continue
            if "image" in columns and columns["image"]["shape"][0] not in given:
                raise Escaped(f"a split that was not given: {columns}")
