"""Overwrites the shared network by every way that reaches its memory or its class, and that of the zygote.

Each run is forked from a process that holds the network. What a run changes must be its own copy alone.
"""

import ctypes
import mmap
import os
import random
import struct
import sys
import time

import torch
from torch import nn

MREMAP_MAYMOVE, MADV_REMOVE = 1, 9
PAGE = mmap.PAGESIZE

libc = ctypes.CDLL(None, use_errno=True)
libc.mremap.restype = ctypes.c_void_p
libc.mremap.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_size_t, ctypes.c_int, ctypes.c_void_p)
libc.madvise.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int)


class Escaped(Exception):
    """A forbidden action succeeded."""


class Place(ctypes.Structure):
    """`struct iovec`."""

    _fields_ = (("start", ctypes.c_void_p), ("length", ctypes.c_size_t))


def mark():
    """Return 32 bytes that are eight weights between 0 and 1; the next run computes them, too."""
    generator = random.Random("the network of another run")
    return struct.pack("8f", *(generator.random() for _ in range(8)))


def inputs():
    """Return what the harness holds for all runs: the network, its weights, their digests."""
    frame = sys._getframe()
    while frame is not None:
        if "inputs" in frame.f_locals and hasattr(frame.f_locals["inputs"], "network"):
            return frame.f_locals["inputs"]
        frame = frame.f_back
    raise AssertionError("the harness's inputs are not where they were")


def tensors(net, shared):
    """Return every tensor of the network once, as parts of memory without gradients."""
    ours, theirs = net.state_dict(keep_vars=True), shared.network.state_dict(keep_vars=True)
    found = [*net.parameters(), *net.buffers(), *ours.values(), *theirs.values(), *shared.original.values()]
    return list({one.data_ptr(): one.detach() for one in found if one.numel()}.values())


def require_private(addresses):
    """No memory of the network may be shared with another process."""
    with open("/proc/self/maps") as file:
        lines = [line.split() for line in file]
    for columns in lines:
        low, high = (int(value, 16) for value in columns[0].split("-"))
        if any(low <= address < high for address in addresses) and "s" in columns[1]:
            raise Escaped(f"weights are in a shared mapping: {columns}")


def write_to_the_zygote(address):
    """The zygote has the network at the same place."""
    text = ctypes.create_string_buffer(mark())
    here, there = Place(ctypes.addressof(text), 32), Place(address, 32)
    for process in {os.getppid(), 1, *(int(name) for name in os.listdir("/proc") if name.isdigit())}:
        if process == os.getpid():
            continue
        if libc.process_vm_writev(process, ctypes.byref(here), 1, ctypes.byref(there), 1, 0) > 0:
            raise Escaped(f"process {process} was written to")
        for path in (f"/proc/{process}/mem", f"/proc/{process}/task/{process}/mem"):
            try:
                fd = os.open(path, os.O_RDWR)
            except OSError:
                continue
            try:
                os.pwrite(fd, mark(), address)
            except OSError:
                continue
            raise Escaped(f"{path} was written to")


def write_to_itself(address):
    """By a file and not by an instruction: the kernel writes even where the process may only read."""
    for path in ("/proc/self/mem", "/proc/thread-self/mem"):
        try:
            fd = os.open(path, os.O_RDWR)
        except OSError:
            continue  # a run may not open its own memory either
        os.pwrite(fd, mark(), address)
        os.close(fd)


def remap(address):
    """Write through a second mapping of the same memory, which gVisor makes, and take its pages away."""
    page = address - address % PAGE
    second = libc.mremap(page, 0, PAGE, MREMAP_MAYMOVE, None)
    if second not in (None, ctypes.c_void_p(-1).value):
        ctypes.memmove(second, mark() * (PAGE // 32), PAGE)
    libc.madvise(page, PAGE, MADV_REMOVE)


def change_storages(all_tensors):
    """Move the memory to where other processes could map it, and take it away."""
    for tensor in all_tensors:
        for change in (tensor.untyped_storage().share_memory_, lambda: tensor.untyped_storage().resize_(0)):
            try:
                change()
            except RuntimeError:
                continue  # such a storage cannot be changed


def change_classes(net, shared):
    """What a class, a module, a hook or the harness holds is memory like the weights."""
    for kind in {*type(net).__mro__, *(type(module) for module in net.modules())} - {object}:
        kind.forward = lambda self, images: images.new_full((len(images), 10), 0.5)
        kind.unlearn_hostile = mark()
    nn.Module.__call__ = lambda self, images: images.new_zeros((len(images), 10))
    for hooks in (nn.modules.module._global_forward_hooks, nn.modules.module._global_forward_pre_hooks):
        hooks[0] = lambda *_: None
    for module in net.modules():
        module._buffers["unlearn_hostile"] = torch.zeros(8)
        module._forward_hooks[0] = lambda *_: None
        module.__dict__["unlearn_hostile"] = mark()
        module.__dict__["training"] = False
    for mapping in (shared.original, shared.digests):
        mapping["unlearn_hostile"] = mark()
    object.__setattr__(shared, "network", None)


class Answer(nn.Module):
    """What is returned: the network as it was, of which the other objects are of no use any more."""

    def __init__(self, saved):
        super().__init__()
        self.saved = saved

    def state_dict(self):
        return self.saved


def unlearning(net, retain, forget, val):
    answer = Answer({name: tensor.detach().clone() for name, tensor in net.state_dict().items()})
    shared = inputs()
    assert shared.network is net, "the run has another network than the zygote"
    all_tensors = tensors(net, shared)
    addresses = [tensor.data_ptr() for tensor in all_tensors]
    assert len(addresses) > 10
    require_private(addresses)
    for tensor in all_tensors:
        size = tensor.numel() * tensor.element_size()
        ctypes.memmove(tensor.data_ptr(), (mark() * (size // 32 + 1))[:size], size)
    for address in addresses:
        write_to_the_zygote(address)
        write_to_itself(address)
        remap(address)
    if os.fork() == 0:  # it holds the network for whoever comes next
        os.setsid()
        time.sleep(1000)
    change_storages(all_tensors)
    change_classes(net, shared)
    return answer
