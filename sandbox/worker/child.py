"""One run: the forked child, from `fork` to `_exit`.

The child drops its privileges first and imports the submission last. Everything that it writes
into its result pipe is untrusted, since the submission runs in the same process: one tag byte,
eight bytes of length, then a checkpoint or an error as JSON. Only the very first byte is not: it is sent
before any code of the submission runs, and without it, whatever happened is not the submission's doing.
"""

from __future__ import annotations

import ctypes
import faulthandler
import json
import os
import random
import resource
import signal
import time
import traceback
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NoReturn

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.data import Dataset

from sandbox.networks.architectures import build, prepare
from sandbox.networks.datasets import loader
from sandbox.protocol.messages import ERROR_BYTES, RESULT_HEAD, STARTED, TAG_CHECKPOINT, TAG_ERROR
from sandbox.seccomp import install
from sandbox.worker.checkpoint import checkpoint_bytes
from sandbox.worker.core_dumps import no_core_bytes
from sandbox.worker.entry.contest_files import write_class_weights
from sandbox.worker.entry.importing import import_submission
from sandbox.worker.fds import PipeEnds, close_all_but
from sandbox.worker.same_network import digests_of, with_remarks

_PR_SET_DUMPABLE: Final = 4
_PR_SET_NO_NEW_PRIVS: Final = 38
_NICENESS: Final = 5
"""Lower priority, so that the supervisor and the helpers get a core whatever the run does."""
_ENTRY_ENVIRONMENT: Final = {
    # The image has no compiler, and a run could not execute its output: `torch.compile` returns its argument
    # unchanged instead of failing at the first batch.
    "TORCHDYNAMO_DISABLE": "1",
    # A run can load whole networks that it saved, as with the contest's torch. The run unpickles its own
    # data, in a process that has no privileges left.
    "TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD": "1",
}
_STACK_MARGIN_SECONDS: Final = 1.0
_STACK_SHARE: Final = 0.9
"""The stack is dumped this long before the time limit, or at this share of it, whichever is later."""
_TRACEBACK_CHARACTERS: Final = 12_000
_MESSAGE_CHARACTERS: Final = 2_000


@dataclass(frozen=True, slots=True, kw_only=True)
class RunInputs:
    """The inputs that every run receives: loaded once by the zygote and shared through `fork`."""

    architecture: str
    architecture_source: str | None
    """An organizer's own module. Each run imports it, with as few privileges as the submission."""
    classes: int
    batch_size: int
    device: str
    threads: int
    processes: int
    wall_seconds: float
    network: nn.Module | None
    """The original network with its weights; None where only runs import its source, and build it."""
    original: Mapping[str, Tensor]
    """The weights, of which ``network`` uses the same memory."""
    dtypes: Mapping[str, torch.dtype]
    """Of ``original``, whatever a run changes."""
    digests: Mapping[str, str]
    """Of the attributes of ``network`` (`sandbox.worker.same_network`); empty without one."""
    retain: Dataset[Any]
    forget: Dataset[Any]
    val: Dataset[Any]
    groups: tuple[int, ...]
    """The groups that every run needs in addition to the group of its slot."""
    class_weights: str | None
    """The text of the contest's file, if items have the form of the contest's scored phase."""
    syscall_filter: bytes
    """The second seccomp filter (`sandbox.seccomp.program`)."""
    submission: bytes
    """A zip archive. Only the child opens it, after it has dropped its privileges."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunIdentity:
    """The uid, group, folder and pipes of one run."""

    uid: int
    slot_gid: int
    scratch: Path
    """A folder that the child creates for itself inside its slot."""
    pipe_ends: PipeEnds


def run(inputs: RunInputs, identity: RunIdentity) -> NoReturn:
    """Execute one run in this freshly forked process, and never return."""
    stage, started_at = "start", time.monotonic()
    try:
        seed = int.from_bytes(os.read(identity.pipe_ends.seed, 8), "big")
        result_fd = _drop_privileges(inputs, identity)
        if inputs.device == "cpu":
            _dump_stack_at(inputs.wall_seconds)
        torch.set_num_threads(inputs.threads)
        if inputs.class_weights is not None:
            write_class_weights(identity.scratch, inputs.class_weights)
        net, digests = inputs.network, inputs.digests
        if net is None:
            net = _network_of_an_organizer(inputs)
            digests = digests_of(net)
        net.to(inputs.device)
        loaders = [loader(items, inputs.batch_size) for items in (inputs.retain, inputs.forget, inputs.val)]
        if inputs.device != "cpu":  # its time begins with the byte that is sent next
            torch.cuda.synchronize()
            started_at = time.monotonic()
            _dump_stack_at(inputs.wall_seconds)
        _write(result_fd, STARTED)
        stage = "import"
        unlearning = import_submission(inputs.submission)
        stage = "call"
        seed_everything(seed)
        unlearned = _network_in(unlearning(net, *loaders), net)
        stage = "checkpoint"
        checkpoint = checkpoint_bytes(unlearned, inputs.dtypes)
        checkpoint = with_remarks(checkpoint, unlearned, inputs, digests=digests, started_at=started_at)
        _send(result_fd, TAG_CHECKPOINT, checkpoint)
        os._exit(0)
    except BaseException as error:  # noqa: BLE001 - also SystemExit and KeyboardInterrupt: they are results
        if stage == "start":
            traceback.print_exc()
        else:
            _send(result_fd, TAG_ERROR, _describe(error, stage))
    finally:
        os._exit(1)  # whatever else is raised: no child may continue as its parent


def _network_of_an_organizer(inputs: RunInputs) -> nn.Module:
    """Import the organizer's own architecture and return its network with the original's weights."""
    prepare(inputs.architecture, inputs.architecture_source)
    net = build(inputs.architecture, inputs.classes)
    net.load_state_dict(inputs.original)
    return net


def _drop_privileges(inputs: RunInputs, identity: RunIdentity) -> int:
    """Drop open files, identity and privileges; return the fd of the result pipe."""
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    # The run cannot take it back: it is not dumpable from here on (`sandbox.worker.unreadable`).
    Path("/proc/self/oom_score_adj").write_text("1000")
    os.nice(_NICENESS)
    # Opened again: a file description that runs share would carry locks and flags from one run to the next.
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(identity.pipe_ends.out, 1)
    os.dup2(identity.pipe_ends.err, 2)
    result_fd = 3
    os.dup2(identity.pipe_ends.result, result_fd)
    close_all_but(result_fd)
    os.set_inheritable(result_fd, False)
    resource.setrlimit(resource.RLIMIT_CORE, 2 * (no_core_bytes(),))
    resource.setrlimit(resource.RLIMIT_NPROC, (inputs.processes, inputs.processes))
    os.setgroups([identity.slot_gid, *inputs.groups])
    os.setresgid(identity.uid, identity.uid, identity.uid)
    os.setresuid(identity.uid, identity.uid, identity.uid)
    libc = ctypes.CDLL(None, use_errno=True)
    # As by the change of the uid, unless the host's fs.suid_dumpable says otherwise.
    if libc.prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "not to be dumped was refused")
    if libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "no_new_privs was refused")
    install(inputs.syscall_filter)
    os.umask(0o077)
    identity.scratch.mkdir(mode=0o700)
    os.chdir(identity.scratch)
    home = str(identity.scratch)
    os.environ.update(
        HOME=home,
        USER="run",
        LOGNAME="run",  # there is no account of this uid, and getpass.getuser() asks for one of these
        TMPDIR=home,
        MPLCONFIGDIR=f"{home}/.matplotlib",
        TORCHINDUCTOR_CACHE_DIR=f"{home}/.inductor",
        TRITON_CACHE_DIR=f"{home}/.triton",
    )
    os.environ.update(_ENTRY_ENVIRONMENT)
    os.setsid()
    return result_fd


def _dump_stack_at(seconds: float) -> None:
    """Have the stack written to the log shortly before the supervisor ends the run, to show where it hangs.

    The kernel sends the signal, and the handler is C code that calls nothing of Python. A submission may use
    the signal for itself; then nothing is written. Processes that it forks have no such timer.
    """
    faulthandler.register(signal.SIGALRM, file=2, all_threads=False)
    signal.setitimer(signal.ITIMER_REAL, max(seconds - _STACK_MARGIN_SECONDS, seconds * _STACK_SHARE))


def _network_in(returned: object, net: nn.Module) -> nn.Module:
    """Return the network that was returned; else the one that was passed in, which may have been changed.

    Raises:
        TypeError: another network was returned inside something, where it would be overlooked.
    """
    if isinstance(returned, nn.Module):
        return returned
    parts: Iterable[object] = ()
    if isinstance(returned, dict):
        parts = returned.values()
    elif isinstance(returned, tuple | list):
        parts = returned
    if any(isinstance(part, nn.Module) and part is not net for part in parts):
        kind = type(returned).__name__
        raise TypeError(f"unlearning returned a {kind} with another network in it; return the network itself")
    return net


def seed_everything(seed: int) -> None:
    """Seed every generator that a submission may use; after the import, so that these seeds take effect."""
    random.seed(seed)
    np.random.seed(seed % 2**32)
    torch.manual_seed(seed)


def _describe(error: BaseException, stage: str) -> bytes:
    """Return an exception as JSON within `ERROR_BYTES`."""
    try:
        message = _plain(str(error), _MESSAGE_CHARACTERS)
        trace = _plain("".join(traceback.format_exception(error))[-_TRACEBACK_CHARACTERS:], None)
    except BaseException:  # noqa: BLE001 - an exception's __str__ may be the submission's code
        message, trace = "(the exception could not be printed)", ""
    name = _plain(type(error).__name__, 200)
    body = {"stage": stage, "type": name, "message": message, "traceback": trace}
    data = json.dumps(body).encode()
    if len(data) > ERROR_BYTES:
        data = json.dumps({**body, "message": message[:200], "traceback": ""}).encode()
    return data[:ERROR_BYTES]


def _plain(text: str, limit: int | None) -> str:
    """Return an ordinary string: a submission's string may be of its own subclass."""
    return "".join(str.__getitem__(text, slice(limit)))


def _send(fd: int, tag: bytes, payload: bytes) -> None:
    _write(fd, RESULT_HEAD.pack(tag, len(payload)) + payload)


def _write(fd: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(fd, view) :]
