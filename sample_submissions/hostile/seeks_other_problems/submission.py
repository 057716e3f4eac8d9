"""Searches for any other problem than its own, with which it could tell whether its run counts; must find none."""

import ctypes
import gc
import os
import re


class Escaped(Exception):
    """A forbidden action succeeded."""


def data_sets(splits):
    """Search all objects for data sets, the zygote's too."""
    gc.unfreeze()
    own = {id(split.dataset) for split in splits}
    kinds = {type(split.dataset) for split in splits}
    for one in gc.get_objects():
        if type(one) in kinds and id(one) not in own:
            raise Escaped(f"another data set of {len(one)} examples")


def files():
    """Search all folders for files of a challenge or of an evaluation."""
    pattern = re.compile(r"challenge\.toml|references\.npz|controls?|(retain|forget|val|test)\.safetensors")
    for folder, folders, names in os.walk("/"):
        if folder == "/":
            folders[:] = [name for name in folders if name not in ("proc", "sys", "usr", "opt")]
        for name in (*folders, *names):
            if pattern.fullmatch(name):
                raise Escaped(f"{folder}/{name}")


def memory():
    """Search its own memory for paths of control problems and for names of the organizer's folders."""
    pattern = re.compile(rb"private/control[s]|private/test\.safetensor[s]|challenge_sha25[6]")  # none itself
    searched = 0
    with open("/proc/self/maps") as maps:
        lines = maps.read().splitlines()
    for line in lines:
        columns = line.split()
        if columns[1].startswith("rw") and (len(columns) == 5 or columns[5] in ("[heap]", "[stack]")):
            at, end = (int(value, 16) for value in columns[0].split("-"))
            if end - at > 16 << 20:  # tensors, and there is little time
                continue
            if match := pattern.search((ctypes.c_char * (end - at)).from_address(at)):
                raise Escaped(f"{match.group()!r} at {at:x}")
            searched += end - at
    assert searched > 1 << 20, "it could not read its own memory"


def unlearning(net, retain, forget, val):
    data_sets((retain, forget, val))
    files()
    memory()
