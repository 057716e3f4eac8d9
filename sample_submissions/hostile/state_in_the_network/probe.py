"""Looks at the network that it was given, and for that of the run before; must find the original one alone."""

import ctypes
import random
import struct
import sys

import torch
from torch import nn


class Escaped(Exception):
    """Something of another run is here."""


def mark():
    """Return the 32 bytes that the attack writes over every weight."""
    generator = random.Random("the network of another run")
    return struct.pack("8f", *(generator.random() for _ in range(8)))


def inputs():
    """Return what the harness holds for all runs."""
    frame = sys._getframe()
    while frame is not None:
        if "inputs" in frame.f_locals and hasattr(frame.f_locals["inputs"], "network"):
            return frame.f_locals["inputs"]
        frame = frame.f_back
    raise AssertionError("the harness's inputs are not where they were")


def require_untouched(net, shared):
    """Weights, buffers, modules and classes are those that the zygote has loaded."""
    if shared.network is not net or "unlearn_hostile" in {**shared.original, **shared.digests}:
        raise Escaped("the harness's own objects were changed")
    state = net.state_dict()
    if state.keys() != shared.original.keys() or state.keys() != shared.dtypes.keys():
        raise Escaped(f"other names: {sorted(state)}")
    for name, tensor in state.items():
        if tensor.data_ptr() != shared.original[name].data_ptr():
            raise Escaped(f"{name} is not the original's memory")
        if tensor.is_shared() or mark() in tensor.numpy().tobytes():
            raise Escaped(f"{name} was written by another run")
        assert tensor.isfinite().all()
    if nn.modules.module._global_forward_hooks or nn.modules.module._global_forward_pre_hooks:
        raise Escaped("a hook for all modules is left")
    for module in net.modules():
        if hasattr(module, "unlearn_hostile") or module._forward_hooks or not module.training:
            raise Escaped("a module was changed")
    if not all(parameter.requires_grad and parameter.grad is None for parameter in net.parameters()):
        raise Escaped("gradients of another run")


def require_trained(net, val):
    """It answers as a network that was trained does, and not as another run had it answer."""
    net.eval()
    right = total = 0
    with torch.no_grad():
        for item in val:
            images, labels = (item["image"], item["age_group"]) if isinstance(item, dict) else item
            right += int((net(images).argmax(dim=1) == labels).sum())
            total += len(labels)
    net.train()
    if right < total / 2:
        raise Escaped(f"only {right} of {total} answers are right")


def search_memory():
    """Look for weights of the run before in all memory that can be written, in a row as they were written."""
    libc = ctypes.CDLL(None)
    libc.memmem.restype = ctypes.c_void_p
    libc.memmem.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_char_p, ctypes.c_size_t)
    needle, searched = mark(), 0
    with open("/proc/self/maps") as file:
        lines = file.read().splitlines()
    for line in lines:
        columns = line.split()
        if not columns[1].startswith("rw") or columns[-1].startswith("[v"):
            continue
        low, high = (int(value, 16) for value in columns[0].split("-"))
        searched += high - low
        while place := libc.memmem(low, high - low, needle, len(needle)):
            low = place + len(needle)
            if ctypes.string_at(low, min(len(needle), high - low)) == needle:
                raise Escaped(f"weights of another run at {place:x}")
    assert searched > 1 << 20, "it could not read its own memory"


def unlearning(net, retain, forget, val):
    require_untouched(net, inputs())
    require_trained(net, val)
    search_memory()
    written = mark() * 3  # the search's own control
    try:
        search_memory()
    except Escaped:
        return
    raise AssertionError(f"the search does not find {len(written)} bytes of its own")
