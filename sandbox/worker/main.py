"""The worker: a submission in, checkpoints out.

    host ── job, data (original, retain, forget, val), submission ──>   <── ready ── container
    host ── run i seed ──>                              <── log i ..., finished i ──

The order in which things happen here is the design. The janitor is forked first, so that it
stays small. Then the zygote, which imports torch once, starts no thread, touches no device and
is what runs are forked from. This process stays between them and the host, and imports neither.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import importlib
import os
import re
import shutil
import signal
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

from sandbox.protocol.jobs import READERS_GID, WorkerJob
from sandbox.protocol.messages import TO_WORKER
from sandbox.stdio import Stdio
from sandbox.worker.janitor import Janitor
from sandbox.worker.scratch import SCRATCH, hand_over
from sandbox.worker.supervisor import Supervisor
from sandbox.worker.unreadable import is_executable_unread
from sandbox.worker.zygote import UnreadyError, Zygote

if TYPE_CHECKING:
    from sandbox.worker.child import RunInputs


DATA: Final = ("original", "retain", "forget", "val")
_PRELOADED: Final = ("torch", "torch._dynamo")
"""The first step of any torch optimiser imports the second, which takes a second or more."""
_PRELOADABLE: Final = ("torchvision", "sklearn", "pandas", "scipy", "tqdm")
"""Imported here if their name stands in the submission or the architecture, to spare each run the time."""

_TERMINALS: Final = Path("/dev/pts/ptmx")
_UNFIT: Final = "no process in a container may end another, so no run could be ended"

_MADV_HUGEPAGE: Final = 14
_MADV_COLLAPSE: Final = 25
_HUGE_PAGE: Final = 2 << 20
_RUNS_WORTH_SETTLING: Final = 48


def main() -> None:
    """Serve until the host says stop or goes away."""
    begun = time.monotonic()
    stdio = Stdio(TO_WORKER)
    job: WorkerJob | None = None
    received: dict[str, bytes] = {}
    janitor: Janitor | None = None
    for frame in stdio.frames():
        if frame.kind == "job":
            job = WorkerJob.from_json(frame.payload)
            slots = range(job.concurrency)
            hand_over({SCRATCH / str(slot): job.first_slot_gid + slot for slot in slots})
            _close_terminals()
            janitor = Janitor(helpers=job.concurrency)
        elif frame.kind in ("data", "submission"):
            name = "submission" if frame.kind == "submission" else frame.text("name")
            received[name] = frame.payload
        else:
            return
        if job is not None and janitor is not None and received.keys() >= {*DATA, "submission"}:
            break
    else:
        return
    _serve(job, received, stdio, janitor, begun)


def _close_terminals() -> None:
    """Let no run open a terminal: all containers of a host share a number of them, and runs need none."""
    with contextlib.suppress(OSError):  # gVisor has terminals of its own
        _TERMINALS.chmod(0o600)


def _can_end_another() -> bool:
    """Return whether a process here may end another, without which no run can be ended or cleared away.

    Where the runtime has an AppArmor profile of its own (crun in Debian 13), a container that gets no new
    privileges has a label made of two, and Docker's profile takes no signal from that for one of its own.
    """
    waiting, release = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(release)
        os.read(waiting, 1)
        os._exit(0)
    os.close(waiting)
    try:
        os.kill(child, signal.SIGKILL)
    except PermissionError:
        return False
    finally:
        os.close(release)
        os.waitpid(child, 0)
    return True


def _serve(job: WorkerJob, received: dict[str, bytes], stdio: Stdio, janitor: Janitor, begun: float) -> None:
    if not _can_end_another():
        stdio.send("unfit", reason=_UNFIT)
        return
    zygote = Zygote(lambda: _load(job, received))
    received.clear()
    supervisor = Supervisor(job, stdio, janitor, zygote)
    try:
        zygote.await_ready()
    except UnreadyError as error:
        stdio.send("unready", reason=str(error))
        return
    stdio.send("ready", seconds=time.monotonic() - begun)
    supervisor.serve()


def _load(job: WorkerJob, received: dict[str, bytes]) -> RunInputs:
    """Import torch and lay out what every run is given, in the zygote."""
    groups = () if is_executable_unread() else (READERS_GID,)  # forks, so while this process is small
    submission = received["submission"]
    texts = submission + (job.architecture_source or "").encode()
    named = [word for word in _PRELOADABLE if re.search(rb"\b%s\b" % word.encode(), texts)]
    for module in (*_PRELOADED, *named):
        importlib.import_module(module)
    # Imported late: they import torch, which the supervisor never does.
    import torch  # noqa: PLC0415

    from sandbox.networks.architectures import check, prepare  # noqa: PLC0415
    from sandbox.networks.datasets import dataset, read_split  # noqa: PLC0415
    from sandbox.worker import contest_files as contest  # noqa: PLC0415
    from sandbox.worker.child import RunInputs  # noqa: PLC0415
    from sandbox.worker.seccomp import program  # noqa: PLC0415 - loads libseccomp

    torch.set_num_threads(1)
    prepare(job.architecture)
    original = read_split(received["original"])
    if job.architecture_source is None:  # an organizer's own is imported by runs alone
        try:
            check(job.architecture, job.classes, original)
        except ValueError as error:
            raise UnreadyError(str(error)) from error
    columns = {  # popped: large data would lie here twice for as long as there are runs
        split: read_split(received.pop(split)) for split in ("retain", "forget", "val")
    }
    items = {split: dataset(rows, job.item_format) for split, rows in columns.items()}
    labels = [label for split in ("retain", "forget") for label in columns[split]["label"].tolist()]
    weights = contest.class_weights(labels, job.classes) if job.item_format == "dict" else None
    del columns, labels
    material = RunInputs(
        architecture=job.architecture,
        architecture_source=job.architecture_source,
        classes=job.classes,
        batch_size=job.batch_size,
        device=job.device,
        threads=job.threads,
        processes=job.processes,
        original=original,
        retain=items["retain"],
        forget=items["forget"],
        val=items["val"],
        groups=groups,
        class_weights=weights,
        syscall_filter=program(),
        submission=submission,
    )
    _clear_temporary_files()
    gc.collect()
    gc.freeze()
    if job.runs >= _RUNS_WORTH_SETTLING:
        _settle_memory()
    return material


def _clear_temporary_files() -> None:
    """Remove what importing has left in /tmp, before there is a run to find it."""
    for entry in Path(tempfile.gettempdir()).iterdir():
        shutil.rmtree(entry, ignore_errors=True)


def _settle_memory() -> None:
    """Gather this process's memory into huge pages, where the kernel can (Linux 6.1).

    Forking copies one entry a page: after `import torch` that is 90 000 small pages and
    takes three to four times as long as it does afterwards. Kernels that refuse lose nothing.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    libc.madvise.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int)
    for line in Path("/proc/self/maps").read_text().splitlines():
        columns = line.split()
        anonymous = len(columns) == 5 or columns[5] == "[heap]"
        if not anonymous or not columns[1].startswith("rw-p"):
            continue
        low, high = (int(value, 16) for value in columns[0].split("-"))
        first = -(-low // _HUGE_PAGE) * _HUGE_PAGE
        for page in range(first, high - _HUGE_PAGE + 1, _HUGE_PAGE):
            if libc.madvise(page, _HUGE_PAGE, _MADV_HUGEPAGE) == 0:
                libc.madvise(page, _HUGE_PAGE, _MADV_COLLAPSE)
