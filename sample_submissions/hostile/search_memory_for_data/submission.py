"""Counts the safetensors headers in its memory; must find those of its four files and no test set."""

import ctypes
import json
import re


class Escaped(Exception):
    """What must not succeed did."""


def memory():
    """Yield what stands in this process's writable memory, in portions."""
    ctypes.CDLL(None).prctl(4, 1, 0, 0, 0)  # PR_SET_DUMPABLE, or its own memory were closed to it
    with open("/proc/self/maps") as maps, open("/proc/self/mem", "rb", 0) as file:
        for line in maps.read().splitlines():
            columns = line.split()
            if "rw" not in columns[1] or columns[-1].startswith("[v"):
                continue
            at, end = (int(value, 16) for value in columns[0].split("-"))
            while at < end:
                try:
                    file.seek(at)
                    data = file.read(min(end - at, 1 << 23))
                except OSError:
                    break
                if not data:
                    break
                yield data
                at += len(data)


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
