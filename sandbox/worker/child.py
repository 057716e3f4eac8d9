"""One run: what happens in the forked child between `fork` and `_exit`.

The child gives up everything first and imports the submission last. Whatever it writes
into its result pipe is untrusted, since the submission runs in the same process: one tag
byte, eight bytes of length, then a checkpoint or an error as JSON.
"""

from __future__ import annotations

import ctypes
import importlib.util
import io
import json
import os
import random
import resource
import signal
import sys
import traceback
import types
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NoReturn

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.data import Dataset

from sandbox.networks.architectures import build, prepare
from sandbox.networks.datasets import loader
from sandbox.protocol.messages import ERROR_BYTES, RESULT_HEAD, TAG_CHECKPOINT, TAG_ERROR
from sandbox.worker import contest_files as contest
from sandbox.worker.checkpoint import checkpoint_bytes
from sandbox.worker.fds import RunEnds, close_all_but
from sandbox.worker.seccomp import install

_PR_SET_NO_NEW_PRIVS: Final = 38
_NICENESS: Final = 5
"""So that the supervisor and the helpers get a core whatever the run does."""
_AS_ENTRIES_EXPECT: Final = {
    # There is no compiler here, and nothing that one makes could be executed: `torch.compile` gives back
    # what it is given, instead of failing at the first batch.
    "TORCHDYNAMO_DISABLE": "1",
    # Whole networks saved in a run can be loaded in it, as in the contest's torch. What is unpickled is the
    # run's own, by a process that has nothing left to lose.
    "TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD": "1",
}
_TRACEBACK_CHARACTERS: Final = 12_000
_MESSAGE_CHARACTERS: Final = 2_000


@dataclass(frozen=True, slots=True, kw_only=True)
class RunInputs:
    """What every run is given, loaded once by the zygote and shared by `fork`."""

    architecture: str
    architecture_source: str | None
    """An organizer's own module. It is imported by each run, with as few rights as the submission."""
    classes: int
    batch_size: int
    device: str
    threads: int
    processes: int
    original: Mapping[str, Tensor]
    retain: Dataset[Any]
    forget: Dataset[Any]
    val: Dataset[Any]
    groups: tuple[int, ...]
    """What every run needs beside the group of its slot."""
    class_weights: str | None
    """What the contest's file says, where items have the form of its scored phase."""
    syscall_filter: bytes
    """The second seccomp filter (`sandbox.worker.seccomp.program`)."""
    submission: bytes
    """A zip archive. Only the child, with nothing left to lose, looks into it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunIdentity:
    """Where and as whom one run happens."""

    uid: int
    slot_gid: int
    scratch: Path
    """A folder that the child makes for itself inside its slot."""
    ends: RunEnds


class _NoFunctionError(Exception):
    """There is no callable ``unlearning`` to be had."""


def run(material: RunInputs, seat: RunIdentity) -> NoReturn:
    """Do one run in this, freshly forked, process and never return."""
    stage = "start"
    try:
        seed = int.from_bytes(os.read(seat.ends.seed, 8), "big")
        result_fd = _drop_privileges(material, seat)
        torch.set_num_threads(material.threads)
        if material.class_weights is not None:
            contest.lay_out(seat.scratch, material.class_weights)
        if material.architecture_source is not None:
            prepare(material.architecture, material.architecture_source)
        net = build(material.architecture, material.classes)
        net.load_state_dict(material.original)
        net.to(material.device)
        loaders = [
            loader(items, material.batch_size) for items in (material.retain, material.forget, material.val)
        ]
        dtypes = {name: tensor.dtype for name, tensor in material.original.items()}
        stage = "import"
        unlearning = _import_submission(material.submission)
        stage = "call"
        _seed_everything(seed)
        returned = unlearning(net, *loaders)
        stage = "checkpoint"
        unlearned = returned if isinstance(returned, nn.Module) else net
        _send(result_fd, TAG_CHECKPOINT, checkpoint_bytes(unlearned, dtypes))
        os._exit(0)
    except BaseException as error:  # noqa: BLE001 - also SystemExit and KeyboardInterrupt: a result
        if stage == "start":
            traceback.print_exc()
        else:
            _send(result_fd, TAG_ERROR, _describe(error, stage))
    finally:
        os._exit(1)  # whatever else is raised on the way: no child ever goes on as its parent


def _drop_privileges(material: RunInputs, seat: RunIdentity) -> int:
    """Drop files, identity and privileges; return the fd of the result pipe."""
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    # The run cannot take it back: it is not dumpable from here on (`sandbox.worker.unreadable`).
    Path("/proc/self/oom_score_adj").write_text("1000")
    os.nice(_NICENESS)
    # Opened anew: an open file that runs share keeps its locks and flags from one to the next.
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(seat.ends.out, 1)
    os.dup2(seat.ends.err, 2)
    result_fd = 3
    os.dup2(seat.ends.result, result_fd)
    close_all_but(result_fd)
    os.set_inheritable(result_fd, False)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_NPROC, (material.processes, material.processes))
    os.setgroups([seat.slot_gid, *material.groups])
    os.setresgid(seat.uid, seat.uid, seat.uid)
    os.setresuid(seat.uid, seat.uid, seat.uid)
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "no_new_privs was refused")
    install(material.syscall_filter)
    os.umask(0o077)
    seat.scratch.mkdir(mode=0o700)
    os.chdir(seat.scratch)
    own = str(seat.scratch)
    os.environ.update(
        HOME=own, TMPDIR=own, TORCHINDUCTOR_CACHE_DIR=f"{own}/.inductor", TRITON_CACHE_DIR=f"{own}/.triton"
    )
    os.environ.update(_AS_ENTRIES_EXPECT)
    os.setsid()
    return result_fd


def _import_submission(archive: bytes) -> Callable[..., object]:
    """Unpack into the scratch folder, import, and return the function."""
    sys.dont_write_bytecode = True
    folder = Path.cwd() / ".submission"
    with zipfile.ZipFile(io.BytesIO(archive)) as packed:
        packed.extractall(folder)
    file = folder / "submission.py"
    if not file.is_file():
        raise _NoFunctionError("there is no submission.py")
    sys.path.insert(0, str(folder))
    spec = importlib.util.spec_from_file_location("submission", file)
    assert spec is not None
    assert spec.loader is not None
    module: types.ModuleType = importlib.util.module_from_spec(spec)
    sys.modules["submission"] = module
    spec.loader.exec_module(module)
    function = getattr(module, "unlearning", None)
    if not callable(function):
        raise _NoFunctionError("submission.py defines no function called unlearning")
    found: Callable[..., object] = function
    return found


def _seed_everything(seed: int) -> None:
    """Seed every generator a submission may draw from; after the import, so that it has the last word."""
    random.seed(seed)
    np.random.seed(seed % 2**32)
    torch.manual_seed(seed)


def _describe(error: BaseException, stage: str) -> bytes:
    """Return an exception as JSON within `ERROR_BYTES`."""
    try:
        message = _plain(str(error), _MESSAGE_CHARACTERS)
        trace = _plain("".join(traceback.format_exception(error))[-_TRACEBACK_CHARACTERS:], None)
    except BaseException:  # noqa: BLE001 - an exception's own __str__ is the submission's code
        message, trace = "(the exception could not be printed)", ""
    name = _plain(type(error).__name__, 200)
    body = {"stage": stage, "type": name, "message": message, "traceback": trace}
    data = json.dumps(body).encode()
    if len(data) > ERROR_BYTES:
        data = json.dumps({**body, "message": message[:200], "traceback": ""}).encode()
    return data[:ERROR_BYTES]


def _plain(text: str, limit: int | None) -> str:
    """Return an ordinary string: a submission's may be of a class of its own."""
    return "".join(str.__getitem__(text, slice(limit)))


def _send(fd: int, tag: bytes, payload: bytes) -> None:
    view = memoryview(RESULT_HEAD.pack(tag, len(payload)) + payload)
    while view:
        view = view[os.write(fd, view) :]
