"""The honest run after an attack: trains a step on real data and needs its time, memory and disk.

Raises an exception if an earlier run has left files, processes or names.
"""

import os
import tempfile
import threading

import torch
from torch import nn

MARK = "unlearn-hostile"


def foreign_processes():
    """Return the processes of the container that are neither its helper processes nor this run."""
    found = []
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{name}/status", "rb") as file:
                fields = dict(line.split(b":\t", 1) for line in file.read().splitlines() if b":\t" in line)
        except OSError:
            continue
        uids = {int(uid) for uid in fields.get(b"Uid", b"").split()}
        if uids and min(uids) >= 10_000 and os.getuid() not in uids and b"Z" not in fields[b"State"]:
            found.append((name, sorted(uids), fields.get(b"Name", b"")))
    # A helper that ends runs has the run's uid as well as its own, which is 60 000 or more.
    return [one for one in found if max(one[1]) < 60_000]


def unlearning(net, retain, forget, val):
    for folder in ("/tmp", "/dev/shm", ".", os.environ["HOME"], tempfile.gettempdir()):
        left = [name for name in os.listdir(folder) if MARK in name]
        assert not left, f"left in {folder}: {left}"
        with open(f"{folder}/probe", "wb") as file:
            file.write(bytes(1 << 20))
        os.unlink(f"{folder}/probe")
    assert not foreign_processes(), f"left running: {foreign_processes()}"
    with open("/proc/net/unix") as file:
        assert MARK not in file.read(), "a socket's name was left"
    for name in os.environ:
        assert MARK not in name, f"left in the environment: {name}"

    children = []
    for _ in range(2):
        child = os.fork()
        if child == 0:
            os._exit(0)
        children.append(child)
    for child in children:
        assert os.waitpid(child, 0)[1] == 0
    threads = [threading.Thread(target=len, args=("",)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(bytes(100 << 20)) == 100 << 20

    item = next(iter(retain))
    images, labels = (item["image"], item["age_group"]) if isinstance(item, dict) else item
    nn.functional.cross_entropy(net(images), labels).backward()
    with torch.no_grad():
        for weight in net.parameters():
            weight -= 0.01 * weight.grad
